//! Wrong files with what is said about them, and right ones with what they mean.

mod mistakes;
mod rules;

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::recipe::model::{Expect, GoRule, Replace, Source, Want};
use crate::recipe::vars::Variables;

/// The recipe of formats.md.
const RECIPE: &str = r#"
description = "k0s and k0sctl for hosts whose /etc/systemd/system is read-only"
targets     = ["linux/amd64", "linux/arm64"]

[component.k0s]
lines    = ["~1.36", "~1.35"]
series   = ["systemd-unit-path"]
replace  = ["service"]
holds    = ">=1.24"
mod      = "tidy"
require  = ["a/b@v1.2.3"]
go       = "1.26.5"

[component.service]
series   = ["systemd-unit-path"]

[[component.k0s.expect]]
run    = ["install", "controller", "--help"]
stdout = { contains = "--systemd-unit-path" }
files  = { "a.yaml" = "a/b.yaml" }
[[component.k0s.expect]]
has    = ["github.com/kardianos/service.(*systemd).enableUnit"]
"#;

/// The upstream of formats.md.
const UPSTREAM: &str = r#"
git      = "https://github.com/k0sproject/k0s.git"
releases = { tags = "v*", versions = ">=1.24" }
go       = { file = "embedded-bins/Makefile.variables", line = "go_version = {}" }

[[build]]
versions   = ">=1.31"
driver     = "go"
flags_from = "make"
[[build]]
driver = "make"
goal   = "k0s"
args   = ["VERSION={version}", "SOURCE_DATE_EPOCH={commit_time}", "DOCKER=", "EMBEDDED_BINS_BUILDMODE=none"]
touch  = ["go.sum"]
output = "k0s"
"#;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.write("recipes/upstreams/k0s.toml", UPSTREAM);
        project.write("recipes/upstreams/service.toml", "module = \"github.com/kardianos/service\"");
        project.write("patches/k0s/systemd-unit-path/series.toml", "");
        project.write("patches/service/systemd-unit-path/series.toml", "");
        project.write("patches/service/only-here/series.toml", "");
        project.write("a/b.yaml", "content");
        project
    }
    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fn files(&self) -> Files {
        Files::new(Some(self.folder.path().to_owned()))
    }
    fn load(&self, recipe: impl AsRef<[u8]>) -> Result<Loaded, RecipeErrors> {
        self.write("recipes/x.toml", recipe);
        load(&self.files(), &RecipeRef::parse("x").unwrap())
    }
    /// What is wrong with a recipe, a line each, files by their path in the project.
    fn wrong(&self, recipe: impl AsRef<[u8]>) -> Vec<String> {
        let root = format!("{}/", self.folder.path().display());
        let error = self.load(recipe).unwrap_err();
        error.problems().iter().map(|problem| problem.plain().replace(&root, "")).collect()
    }
}

/// A recipe of one component `k0s` with these lines in it; they begin in line 3.
fn k0s(lines: &str) -> String {
    format!("[component.k0s]\nversion = \"main\"\n{lines}\n")
}

/// An upstream with one build block with these lines in it; they begin in line 3.
fn block(lines: &str) -> String {
    format!("git = \"https://h/x\"\n[[build]]\n{lines}\n")
}

#[test]
fn the_examples_of_the_format_load() {
    let loaded = Project::new().load(RECIPE).unwrap();
    assert!(loaded.warnings.is_empty());
    let recipe = loaded.recipe;
    assert_eq!(recipe.targets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["linux/amd64", "linux/arm64"]);
    let k0s = recipe.component(&"k0s".parse().unwrap()).unwrap();
    assert!(matches!(&k0s.want, Want::Lines(lines) if lines[0].as_str() == "~1.36" && lines.len() == 2));
    assert!(matches!(&k0s.replace[..], [Replace::Component(name)] if name.as_str() == "service"));
    assert!(k0s.tidy && k0s.is_program());
    assert_eq!(k0s.go.as_ref().unwrap().as_str(), "1.26.5");
    let line = GoRule::Line {
        file: "embedded-bins/Makefile.variables".parse().unwrap(),
        before: "go_version = ".into(),
        after: String::new(),
    };
    assert_eq!(k0s.upstream.go, line);
    let Expect::Run { files, exit: 0, within: 10, stdout, .. } = &k0s.expect[0] else { panic!("{:?}", k0s.expect) };
    assert_eq!(files.values().next().unwrap(), b"content");
    assert_eq!(stdout.contains, ["--systemd-unit-path"]);
    let service = recipe.component(&"service".parse().unwrap()).unwrap();
    assert_eq!(service.want, Want::UsersPin);
    assert!(matches!(&service.upstream.source, Source::Module(_)) && !service.is_program());
    assert_eq!(recipe.build_order().iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["service", "k0s"]);
    assert_eq!(recipe.users_of(&service.name).map(|c| c.name.as_str()).collect::<Vec<_>>(), ["k0s"]);
    let error = recipe.component(&"servce".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "recipe x has no component servce; did you mean service?");
}

#[test]
fn all_mistakes_of_all_files_come_together() {
    let project = Project::new();
    project.write("recipes/upstreams/k0s.toml", block("drivr = \"go\"\ncgo = 1"));
    let recipe = "targts = []\n[component.k0s]\nversion = \"main\"\nlines = [\"x\"]\nseries = [\"nothing\"]\n[component.service]\nholds = \"\"\n";
    let wrong = project.wrong(recipe);
    let places: Vec<&str> = wrong.iter().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = [
        "recipes/x.toml:1:1",
        "recipes/x.toml:3:11",
        "recipes/x.toml:4:10",
        "recipes/x.toml:5:11",
        "recipes/x.toml:6:12",
        "recipes/x.toml:7:9",
        "recipes/upstreams/k0s.toml:3:1",
        "recipes/upstreams/k0s.toml:4:7",
    ];
    assert_eq!(places, expected, "{wrong:#?}");
    let error = project.load(recipe).unwrap_err().to_string();
    assert!(error.starts_with("there are 8 errors in ") && error.ends_with("recipes/upstreams/k0s.toml"), "{error}");
}

#[test]
fn syntax_errors_come_with_what_is_certain_beside_them() {
    let project = Project::new();
    let wrong = project
        .wrong("targts = []\n[component.k0s]\nversion = \"main\"\nversion = \"v1\"\nlines = [\n\"a\" \"b\"]\nserise = [1]\n");
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
    assert_eq!(wrong[0], "recipes/x.toml:1:1: the recipe has no key `targts` (did you mean `targets`?)");
    assert_eq!(wrong[1], "recipes/x.toml:4:1: duplicate key");
    assert!(wrong[3].ends_with("did you mean `series`?)"), "{wrong:#?}");
    // Behind a broken header keys land in the wrong table: nothing is said about them.
    let wrong = project.wrong("[component.k0s\nversion = \"main\"\n");
    assert_eq!(wrong, ["recipes/x.toml:1:15: unclosed table, expected `]`"]);
}

#[test]
fn what_is_not_text_says_where() {
    let project = Project::new();
    assert_eq!(
        project.wrong(b"a = 1\nb = \"\xff\xfe\"\n"),
        ["recipes/x.toml:2:6: byte 11 of the file is not UTF-8 text (TOML is UTF-8: save the file in that encoding)"]
    );
    project.write("recipes/upstreams/k0s.toml", b"\xc3");
    assert_eq!(
        project.wrong(k0s("")),
        ["recipes/upstreams/k0s.toml:1:1: byte 0 of the file is not UTF-8 text (TOML is UTF-8: save the file in that encoding)"]
    );
    let error = project.load(vec![b'#'; (1 << 20) + 1]).unwrap_err();
    assert!(matches!(error, RecipeErrors::Files(FilesError::TooLarge { .. })), "{error}");
}

#[test]
fn an_unknown_recipe_says_what_there_is() {
    let project = Project::new();
    project.write("recipes/stock.toml", k0s(""));
    project.write("recipes/nixos.toml", k0s(""));
    let error = load(&project.files(), &RecipeRef::parse("nixso").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "there is no recipe nixso; did you mean nixos?");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("nixos, stock") || help.contains("nixos") && help.contains("stock"), "{help}");
    let names: Vec<String> = known(&project.files()).unwrap().into_iter().map(|(name, _)| name.to_string()).collect();
    assert!(names.contains(&"nixos".to_owned()) && !names.contains(&"k0s".to_owned()), "{names:?}");
}

#[test]
fn a_recipe_file_brings_its_own_project() {
    let project = Project::new();
    project.write("recipes/x.toml", RECIPE);
    let elsewhere = Files::new(None);
    let by_file = |path: &str| load(&elsewhere, &RecipeRef::File(project.folder.path().join(path)));
    let loaded = by_file("recipes/x.toml").unwrap();
    assert_eq!(loaded.files.root(), Some(project.folder.path()));
    project.write("own.toml", "[component.tool]\nversion = \"main\"\ngit = \"https://h/x\"\n[[component.tool.build]]\n");
    let loaded = by_file("own.toml").unwrap();
    assert_eq!(loaded.files.root(), Some(project.folder.path()));
    assert_eq!((loaded.recipe.name.as_str(), loaded.recipe.components.len()), ("own", 1));
    assert!(matches!(by_file(".toml"), Err(RecipeErrors::FileName(_))));
    assert!(matches!(by_file("absent.toml"), Err(RecipeErrors::Files(FilesError::Read { .. }))));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let project = Project::new();
    assert!(project.load(format!("\u{feff}{}", RECIPE.replace('\n', "\r\n"))).is_ok());
    let wrong = project.wrong("\u{feff}a = 1\r\nb = 2\r\n[component.k0s]\r\nversion = \"main\"\r\n");
    assert!(wrong.len() == 2 && wrong[1].starts_with("recipes/x.toml:2:1: "), "{wrong:?}");
}

#[test]
fn a_promise_without_a_series_is_a_warning() {
    let loaded = Project::new().load(k0s("holds = \">=1.24\"")).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(Problem::plain).collect();
    assert!(warnings[0].ends_with("x.toml:3:9: `holds` promises nothing: component k0s has no series, and neither has what it uses (leave `holds` out, or name the series)"), "{warnings:?}");
}

#[test]
fn many_mistakes_end_quickly() {
    let project = Project::new();
    let mut keys = String::from("[component.k0s]\nversion = \"main\"\n");
    for n in 0..50_000 {
        keys.push_str(&format!("k{n} = 1\n"));
    }
    assert_eq!(project.wrong(&keys).len(), 100);
    let components: String = (0..5_000).map(|n| format!("[component.c{n}]\nreplace = [\"d{n}\"]\n")).collect();
    assert_eq!(project.wrong(&components).last().unwrap(), "recipes/x.toml:401:12: the recipe has more than 200 components");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        let project = Project::new();
        if let Err(error) = project.load(&text) {
            error.problems().iter().for_each(|problem| drop(problem.plain()));
        }
        let _ = Variables::check(&text);
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0usize..1200, cut in 0usize..30, add in "[\\[\\]{}=\"',.\\na-z0-9\u{0}\u{202e}ü-]{0,6}", upstream: bool) {
        let project = Project::new();
        let good = if upstream { UPSTREAM } else { RECIPE };
        let (from, to) = (at.min(good.len()), (at + cut).min(good.len()));
        let damaged = format!("{}{add}{}", &good[..from], &good[to..]);
        let result = if upstream {
            project.write("recipes/upstreams/k0s.toml", damaged);
            project.load(RECIPE)
        } else {
            project.load(damaged)
        };
        if let Err(error) = result {
            prop_assert!(!error.to_string().is_empty());
            let mut rendered = String::new();
            let handler = miette::NarratableReportHandler::new();
            prop_assert!(handler.render_report(&mut rendered, &error).is_ok());
        }
    }
}
