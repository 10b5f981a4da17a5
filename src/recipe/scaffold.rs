//! The text of new recipes and upstream files: what was found out about a repository, with a word on what a person may change.

use std::fmt::Write as _;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::names::{ComponentName, GitUrl, ModulePath, RecipeName, Revision, Target, UpstreamName};
use crate::recipe::vars::escape_braces;
use crate::release::Release;

/// Where an upstream's sources come from.
#[derive(Debug, Clone)]
pub enum NewSource {
    /// A repository, without a login in its address; with a glob for the tags of its releases.
    Git(GitUrl, Option<&'static str>),
    /// A library, through the module proxy.
    Module(ModulePath),
}

/// How a program is built.
#[derive(Debug, Clone, Default)]
pub struct NewBuild {
    /// What `go build` takes.
    pub package: String,
    /// The other programs of the repository.
    pub others: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// Linker flags, in the words of a recipe.
    pub ldflags: Vec<String>,
    /// CGO on.
    pub cgo: bool,
    /// The program looks for its version in its build info.
    pub vcs: bool,
    /// What upstream's own build sets besides, as it is written there.
    pub unclear: Vec<String>,
    /// The file with upstream's own `go build` line, where it is a Makefile.
    pub makefile: Option<String>,
}

/// Which release a component is made of.
#[derive(Debug, Clone)]
pub enum NewPick {
    /// The newest release of the line of this one.
    Line(Release),
    /// This pre-release, since there is nothing else.
    PreRelease(Release),
    /// A branch, since there are no releases.
    Branch(Revision),
    /// The version that this component requires.
    Pinned {
        /// The component.
        by: ComponentName,
    },
}

/// A component of a recipe. Its upstream has its name.
#[derive(Debug, Clone)]
pub struct NewComponent {
    /// Its name.
    pub name: ComponentName,
    /// What it is made of.
    pub pick: NewPick,
    /// What go.mod says of Go, where that is too old for `go build` as forge calls it, or nothing.
    pub old_go: Option<String>,
}

/// The Go that builds what asks for an older one: the last that takes any `go` line as it is.
const OLD_GO: &str = "1.20.14";

/// How many unclear settings are listed.
const MOST_UNCLEAR: usize = 6;

/// How many other programs are named.
const MOST_LISTED: usize = 6;

/// The longest list on one line.
const WIDEST: usize = 100;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list<'t>(words: impl IntoIterator<Item = &'t String>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| quoted(word)).collect();
    let text = format!("[{}]", words.join(", "));
    if text.len() <= WIDEST { text } else { format!("[\n  {},\n]", words.join(",\n  ")) }
}

/// A line with a comment behind it, where there is one, at the same column as in recipes.
fn line(out: &mut String, text: &str, comment: &str) {
    let _ = match comment {
        "" => writeln!(out, "{text}"),
        _ => writeln!(out, "{text:<40} # {comment}"),
    };
}

/// The text on one line of a comment: nothing of an upstream may end it.
fn commented(text: &str) -> String {
    crate::names::visible(&text.replace(['\n', '\r'], " "))
}

/// Programs in a sentence, and how many more there are.
pub fn listed(packages: &[String]) -> String {
    let more = packages.len().saturating_sub(MOST_LISTED);
    let first = packages[..packages.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

/// `recipes/upstreams/NAME.toml`
pub fn upstream(source: &NewSource, build: Option<&NewBuild>) -> String {
    let mut out = String::new();
    match source {
        NewSource::Git(url, tags) => {
            line(&mut out, &format!("git      = {}", quoted(url.expose())), "");
            if let Some(tags) = tags {
                line(
                    &mut out,
                    &format!("releases = {{ tags = {} }}", quoted(tags)),
                    "versions = \">=1.2\" in it leaves older ones out",
                );
            }
        }
        NewSource::Module(module) => {
            out.push_str("# A library: a program that requires it has it in `replace`.\n");
            line(&mut out, &format!("module = {}", quoted(module.as_str())), "");
        }
    }
    let Some(build) = build else { return out };
    out.push_str("\n[[build]]\n");
    line(&mut out, "driver   = \"go\"", "");
    let others = match build.others[..] {
        [] => String::new(),
        _ => format!("there are also {}", commented(&listed(&build.others))),
    };
    line(&mut out, &format!("packages = {}", list([&escape_braces(&build.package)])), &others);
    if !build.tags.is_empty() {
        line(&mut out, &format!("tags     = {}", list(&build.tags)), "as upstream builds it");
    }
    if !build.ldflags.is_empty() {
        line(&mut out, &format!("ldflags  = {}", list(&build.ldflags)), "");
    }
    line(&mut out, "flags    = [\"-trimpath\"]", "");
    if build.cgo {
        line(&mut out, "cgo      = true", "needs a C compiler for each target");
    }
    if build.vcs {
        line(&mut out, "vcs      = true", "it looks at its build info, which has the version then");
    }
    if !build.unclear.is_empty() {
        out.push_str("# Upstream's build also sets what reading it does not tell:\n");
        for text in build.unclear.iter().take(MOST_UNCLEAR) {
            let _ = writeln!(out, "#   -X {}", commented(text));
        }
        if let more @ 1.. = build.unclear.len().saturating_sub(MOST_UNCLEAR) {
            let _ = writeln!(out, "#   and {more} more");
        }
    }
    if let Some(makefile) = &build.makefile {
        out.push_str("# Instead of packages, tags and ldflags: flags_from = \"make\" takes those of the go build line of\n");
        let _ = writeln!(out, "# {makefile}; its goal and arguments go to a [[build]] with driver = \"make\".");
    }
    out
}

/// A recipe with one component.
pub fn recipe(component: &NewComponent, from: &str, target: &Target) -> String {
    let mut out = format!("description = {}\n", quoted(&format!("{} from {from}", component.name)));
    line(
        &mut out,
        &format!("targets     = [{}]", quoted(&target.to_string())),
        "OS/ARCH as Go spells them, such as \"linux/arm64\"",
    );
    out.push('\n');
    out.push_str(&component_table(component));
    out
}

/// Every comment stands above or beside something: what follows the last key of a table would belong to the next one.
fn component_table(component: &NewComponent) -> String {
    let NewComponent { name, pick, old_go } = component;
    let mut out =
        format!("# series = [\"NAME\"] adds the patches in patches/{name}/NAME; an empty series.toml there begins it.\n");
    if let NewPick::Pinned { by } = pick {
        let _ = writeln!(out, "# No version: the one that the release of {by} requires.");
    }
    let _ = writeln!(out, "[component.{}]", key(name.as_str()));
    match pick {
        NewPick::Line(release) => {
            let range = format!("~{}.{}", release.major(), release.minor());
            let fixed = format!("its newest release; version = {} instead pins one", quoted(release.tag().as_str()));
            line(&mut out, &format!("lines = [{}]", quoted(&range)), &fixed);
        }
        NewPick::PreRelease(release) => {
            let text = format!("version = {}", quoted(release.tag().as_str()));
            line(&mut out, &text, "there are only pre-releases; lines = [\"~1.2\"] takes releases");
        }
        NewPick::Branch(branch) => {
            let text = format!("version = {}", quoted(branch.as_str()));
            line(&mut out, &text, "there are no releases; as = \"v0.1.0\" gives it a version");
        }
        NewPick::Pinned { .. } => {}
    }
    if let Some(said) = old_go {
        line(
            &mut out,
            &format!("go    = {}", quoted(OLD_GO)),
            &format!("go.mod {}; 1.18 is the oldest that works", commented(said)),
        );
        line(&mut out, "mod   = \"tidy\"", "go.mod and go.sum as that Go wants them");
    }
    out
}

/// A bare key, else a quoted one: a dot in a name would begin another table.
fn key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

/// Why a component cannot be added to a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It is no TOML.
    #[error("{0}")]
    Toml(String),
    /// There is one already.
    #[error("it has a component {0} already")]
    Taken(ComponentName),
    /// Its tables are not written as `[component.NAME]`.
    #[error("its components are not tables of their own, [component.NAME]")]
    Inline,
}

/// The text of a recipe with one component more, behind the others. One that is pinned is named in the `replace` of the
/// component that requires it. All else stays as it is, byte for byte.
pub fn add(text: &str, component: &NewComponent) -> Result<String, AddError> {
    let wrong = |e: toml_edit::TomlError| AddError::Toml(e.to_string());
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    let name = &component.name;
    let mut new: DocumentMut = component_table(component).parse().map_err(wrong)?;
    let table = new.get_mut("component").and_then(Item::as_table_mut).and_then(|all| all.remove(name.as_str()));
    let Some(Item::Table(mut table)) = table else { return Err(AddError::Inline) };
    table.set_position(None);
    let above = table.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
    table.decor_mut().set_prefix(format!("\n{above}"));
    let mut all = Table::new();
    all.set_implicit(true);
    let components = document.entry("component").or_insert(Item::Table(all)).as_table_mut().ok_or(AddError::Inline)?;
    if components.contains_key(name.as_str()) {
        return Err(AddError::Taken(name.clone()));
    }
    if let NewPick::Pinned { by } = &component.pick {
        let user = components.get_mut(by.as_str()).and_then(Item::as_table_mut).ok_or(AddError::Inline)?;
        let replace = user.entry("replace").or_insert(Item::Value(Value::Array(Array::new())));
        replace.as_array_mut().ok_or(AddError::Inline)?.push(name.as_str());
    }
    components.insert(name.as_str(), Item::Table(table));
    Ok(document.to_string())
}

/// What a new recipe is called where nobody says: as its component.
pub fn recipe_name(component: &ComponentName) -> RecipeName {
    RecipeName::new(component.as_str()).expect("both are of one grammar")
}

/// The upstream file of a new component.
pub fn upstream_name(component: &ComponentName) -> UpstreamName {
    UpstreamName::new(component.as_str()).expect("both are of one grammar")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str) -> ComponentName {
        ComponentName::new(name).unwrap()
    }

    fn new(name: &str, tag: &str) -> NewComponent {
        let pick = NewPick::Line(Release::parse(&Revision::new(tag).unwrap()).unwrap());
        NewComponent { name: component(name), pick, old_go: None }
    }

    #[test]
    fn a_component_goes_behind_the_others_and_nothing_else_changes() {
        let text = "# top\ndescription = 'x'   # why\n\n[component.a]  # first\nlines = [ \"~1\" ]\n\n# about facts\n[[component.a.expect]]\n\
                    run = []\n\n[[kit]]\nname = \"a\"\n# end\n";
        let added = add(text, &new("b", "v2.3.4")).unwrap();
        let block = "\n# series = [\"NAME\"] adds the patches in patches/b/NAME; an empty series.toml there begins it.\n[component.b]\n\
                   lines = [\"~2.3\"]                         # its newest release; version = \"v2.3.4\" instead pins one\n";
        assert_eq!(added, text.replacen("\n\n[[kit]]", &format!("\n{block}\n[[kit]]"), 1), "{added}");
        assert_eq!(add(&added, &new("b", "v1.0.0")), Err(AddError::Taken(component("b"))));
        assert_eq!(add("component = { a = {} }", &new("b", "v1.0.0")), Err(AddError::Inline));
    }

    #[test]
    fn a_library_is_replaced_in_its_user() {
        let text = "[component.a]\nlines = [\"~1\"]\nreplace = [\"x\"]  # why\n";
        let pinned = |name: &str| NewComponent { pick: NewPick::Pinned { by: component("a") }, ..new(name, "v1.0.0") };
        let added = add(text, &pinned("b.c")).unwrap();
        assert!(added.starts_with("[component.a]\nlines = [\"~1\"]\nreplace = [\"x\", \"b.c\"]  # why\n"), "{added}");
        assert!(added.ends_with("# No version: the one that the release of a requires.\n[component.\"b.c\"]\n"), "{added}");
        let added = add("[component.a]\nlines = [\"~1\"]\n", &pinned("b")).unwrap();
        assert!(added.contains("replace = [\"b\"]\n"), "{added}");
    }

    #[test]
    fn many_programs_are_counted() {
        let programs: Vec<String> = (1..9).map(|n| format!("./{n}")).collect();
        assert_eq!(listed(&programs), "./1, ./2, ./3, ./4, ./5, ./6 and 2 more");
        assert_eq!(listed(&programs[..2]), "./1, ./2");
    }

    #[test]
    fn nothing_of_an_upstream_leaves_its_place() {
        let url = GitUrl::new("https://h/a\"b").unwrap();
        let build = NewBuild {
            package: "./cmd/{x}".into(),
            others: vec!["./a\nb".into()],
            ldflags: vec!["-X main.v=\"\n[[build]]".into()],
            unclear: vec!["a=$(shell\nx)".into(); 8],
            ..NewBuild::default()
        };
        let text = upstream(&NewSource::Git(url, Some("v*")), Some(&build));
        let document: DocumentMut = text.parse().unwrap();
        assert_eq!(document["git"].as_str(), Some("https://h/a\"b"));
        assert_eq!(document["build"].as_array_of_tables().unwrap().len(), 1);
        assert_eq!(document["build"][0]["packages"][0].as_str(), Some("./cmd/{{x}}"));
        assert!(text.contains("#   and 2 more\n"), "{text}");
    }
}
