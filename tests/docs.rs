//! The documentation says what the program does: examples load, commands parse, links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use forge::files::Files;
use forge::names::{RecipeName, SeriesName, UpstreamName};
use forge::patch::Series;
use forge::plan::Lock;
use forge::recipe::load::{RecipeRef, load};

/// A document: its path from the root of the repository, and its text.
struct Document {
    path: String,
    text: String,
}

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    /// Where it begins, for messages.
    at: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<Document> {
    let mut paths = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        paths.push(format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    paths.retain(|path| path.ends_with(".md"));
    paths.sort();
    paths.into_iter().map(|path| Document { text: fs::read_to_string(root().join(&path)).unwrap(), path }).collect()
}

fn blocks(document: &Document) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in document.text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { language, at: format!("{}:{}", document.path, number + 1), text: String::new() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a fence is not closed", document.path);
    blocks
}

/// The text between single backticks, outside of fenced blocks.
fn inline_code(text: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let prose = prose.collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(|code| code.replace("\\|", "|").replace('\n', " ")).collect()
}

fn write(folder: &Path, path: &str, text: &str) -> PathBuf {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

const PATCH: &str = "From: A <a@example.org>\nSubject: [PATCH] x\n\n---\ndiff --git a/NEW b/NEW\nnew file mode 100644\n\
                     --- /dev/null\n+++ b/NEW\n@@ -0,0 +1 @@\n+x\n-- \n2\n";

#[test]
fn every_example_is_read_without_a_mistake() {
    for document in documents() {
        let project = tempfile::tempdir().unwrap();
        let mut examples = Vec::new();
        for block in blocks(&document).into_iter().filter(|block| block.language == "toml") {
            let (marker, rest) = block.text.split_once('\n').unwrap();
            let path = marker.strip_prefix("# ").unwrap_or_else(|| panic!("{}: begin with `# recipes/NAME.toml`", block.at));
            if let Ok(real) = fs::read_to_string(root().join(path)) {
                // A document may stop where a part of the file ends.
                let begins = real.strip_prefix(rest).is_some_and(|more| more.starts_with("\n#"));
                assert!(begins || rest == real, "{}: {path} says something else:\n{real}", block.at);
            }
            write(project.path(), path, &block.text);
            examples.push((block.at, path.to_owned(), block.text.clone()));
        }
        for (at, path, text) in examples {
            check(project.path(), &path, &text, &at);
        }
    }
}

fn check(project: &Path, path: &str, text: &str, at: &str) {
    let files = Files::new(Some(project.to_owned()));
    let recipe = |name: &str| {
        let loaded = load(&files, &RecipeRef::Name(RecipeName::new(name).unwrap())).unwrap_or_else(|e| {
            let problems: Vec<_> = e.problems().iter().map(|p| p.plain()).collect();
            panic!("{at}: {e}\n{}", problems.join("\n"))
        });
        assert!(loaded.warnings.is_empty(), "{at}: {}", loaded.warnings[0].plain());
        assert!(!loaded.recipe.origin.is_built_in(), "{at}: the built-in recipe was read");
    };
    let stem = |name: &str| name.strip_suffix(".toml").map(str::to_owned);
    match path.split('/').collect::<Vec<_>>()[..] {
        ["recipes", name] if name.ends_with(".lock") => {
            let lock = Lock::parse(path, text).unwrap_or_else(|e| panic!("{at}: {e}"));
            assert!(!lock.entries().is_empty(), "{at}: no entries");
        }
        ["recipes", name] => recipe(&stem(name).unwrap()),
        ["recipes", "upstreams", name] => {
            let name = stem(name).unwrap();
            write(project, "recipes/probe.toml", &format!("[component.x]\nupstream = {name:?}\nversion = \"v1.0.0\"\n"));
            recipe("probe");
        }
        ["patches", upstream, series, "series.toml"] => {
            for file in text.split('"').filter(|word| word.ends_with(".patch")) {
                write(project, &format!("patches/{upstream}/{series}/{file}"), PATCH);
            }
            let series = Series::load(&files, &UpstreamName::new(upstream).unwrap(), &SeriesName::new(series).unwrap());
            assert!(!series.unwrap_or_else(|e| panic!("{at}: {e}")).patches().is_empty(), "{at}: no patches");
        }
        ["patches", upstream, series, edit] if edit.ends_with(".edit.toml") => {
            write(project, &format!("patches/{upstream}/{series}/series.toml"), &format!("[[patch]]\nfile = {edit:?}\n"));
            let series = Series::load(&files, &UpstreamName::new(upstream).unwrap(), &SeriesName::new(series).unwrap());
            series.unwrap_or_else(|e| panic!("{at}: {e}\n{:?}", e.errors));
        }
        _ => panic!("{at}: {path:?} is no file that forge reads"),
    }
}

/// The arguments after `forge`, where a line calls it.
fn forge_arguments(line: &str) -> Option<Vec<String>> {
    let words = shlex::split(line)?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["forge", _, ..] => Some(words[1..].to_vec()),
        ["cargo", "run", "--release", "--", ..] => Some(words[4..].to_vec()),
        _ => None,
    }
}

#[test]
fn every_command_line_parses() {
    let mut seen = 0;
    for document in documents() {
        let mut lines = inline_code(&document.text);
        for block in blocks(&document).iter().filter(|block| block.language == "console") {
            lines.extend(block.text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned));
        }
        for line in lines {
            let Some(arguments) = forge_arguments(&line) else { continue };
            let words = ["forge".to_owned()].into_iter().chain(arguments);
            if let Err(error) = forge::cli::command().try_get_matches_from(words) {
                // Help and version are answers, not mistakes; of a command alone its arguments may be missing.
                let only_named =
                    !line.contains(" -") && line.split_whitespace().count() <= if line.contains(" patch ") { 3 } else { 2 };
                let known = !error.use_stderr() || only_named && error.kind() == ErrorKind::MissingRequiredArgument;
                assert!(known, "{}: {line}\n{error}", document.path);
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} command lines were found");
}

/// Every subcommand's long options, and those of all commands.
fn options() -> BTreeSet<String> {
    fn collect(command: &clap::Command, options: &mut BTreeSet<String>) {
        options.extend(command.get_arguments().filter_map(|a| a.get_long().map(str::to_owned)));
        command.get_subcommands().for_each(|sub| collect(sub, options));
    }
    let mut options = BTreeSet::new();
    collect(&forge::cli::command(), &mut options);
    options
}

#[test]
fn the_command_page_has_every_command_and_option_and_no_other() {
    let command = forge::cli::command();
    let page = fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for sub in command.get_subcommands() {
        let name = format!("| `forge {}", sub.get_name());
        assert!(page.contains(&name), "docs/commands.md has no row {name}");
        assert!(readme.contains(&name), "README.md has no row {name}");
    }
    let written: BTreeSet<String> = inline_code(&page)
        .iter()
        .flat_map(|code| code.split([' ', ',']).filter_map(|word| word.strip_prefix("--")).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let known = options();
    assert_eq!(written, known, "left: docs/commands.md, right: forge --help");
}

#[test]
fn exit_codes_are_the_same_everywhere() {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = squeezed(&forge::cli::command().render_help().to_string());
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let readme = squeezed(&fs::read_to_string(root().join("README.md")).unwrap());
    assert!(readme.contains(codes), "README.md should say: {codes}");
    let page = squeezed(&fs::read_to_string(root().join("docs/exit-codes.md")).unwrap());
    for code in codes.trim_end_matches('.').split("; ").filter(|code| !code.starts_with("130")) {
        let (number, words) = code.split_once(' ').unwrap();
        let words = words.split(" (").next().unwrap();
        assert!(page.contains(&format!("| {number} | {words}")), "docs/exit-codes.md should say: {code}");
    }
}

/// The anchor that a heading gets: lower case, spaces become `-`, and only letters, digits, `-` and `_` stay.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter_map(|c| if c == ' ' { Some('-') } else { (c.is_alphanumeric() || "-_".contains(c)).then_some(c) })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let folder = root().join(&document.path).parent().unwrap().to_owned();
        for link in document.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&document.path) } else { folder.join(file) };
            let text = fs::read_to_string(&target).unwrap_or_else(|e| panic!("{}: {link}: {e}", document.path));
            let found = heading.is_empty() || text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(found, "{}: {link}: no such heading", document.path);
        }
    }
}

/// Messages must not send anybody to a command that is not there.
#[test]
fn messages_name_commands_that_exist() {
    let command = forge::cli::command();
    let known: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let mut folders = vec![root().join("src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("`forge ").skip(1) {
                let word = rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
                assert!(word.is_empty() || known.contains(word), "{}: `forge {word}` does not exist", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} were found");
}
