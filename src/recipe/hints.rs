//! What a Makefile, or the file of a release tool, says about `go build`, found by reading: nothing of it runs. Only what has one
//! reading is taken; the rest is listed, for a person.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use regex::Regex;

use crate::names::Revision;
use crate::release::Release;

/// What upstream's own build says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Variables that the linker sets, `package.Name`, each with its value in the words of a recipe (`{version}`).
    pub stamps: BTreeMap<String, String>,
    /// Those whose value, or name, has more than one reading, as they are written.
    pub unclear: Vec<String>,
    /// `-s -w`, where the linker leaves out symbols and debug information; the order changes the binary.
    pub strip: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// CGO on or off.
    pub cgo: Option<bool>,
    /// True where there is a `go build` line.
    pub builds: bool,
}

/// What is known besides the files.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The module's path.
    pub module: &'a str,
    /// What the repository is called.
    pub name: &'a str,
    /// The release that was looked at.
    pub release: &'a Revision,
}

/// How deep variables of variables are followed.
const DEEPEST: usize = 10;

/// How many variables are filled in at most: variables of variables may multiply.
const MOST: usize = 10_000;

/// Reads the files.
pub fn read(texts: &[String], known: Known<'_>) -> Hints {
    let lines: Vec<String> = texts.iter().flat_map(|text| logical_lines(text)).collect();
    let reader = Reader { known, variables: variables(&lines), left: Cell::new(MOST) };
    let mut hints = Hints { builds: lines.iter().any(|line| is_build(line)), ..Hints::default() };
    let mut stamps: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (symbol, value) in lines.iter().flat_map(|line| settings(line)) {
        let written = format!("{symbol}={value}");
        match (reader.symbol(&symbol), reader.value(&value)) {
            (Some(symbol), Some(value)) => {
                stamps.entry(symbol).or_default().insert(value);
            }
            _ if !hints.unclear.contains(&written) => hints.unclear.push(written),
            _ => {}
        }
    }
    for (symbol, values) in stamps {
        match values.len() {
            1 => hints.stamps.extend(values.into_iter().map(|value| (symbol.clone(), value))),
            _ => hints.unclear.push(format!("{symbol}={}", values.into_iter().collect::<Vec<_>>().join(" or "))),
        }
    }
    let has = |words: &str| lines.iter().any(|line| line.contains(words));
    let strip = [["-s", "-w"], ["-w", "-s"]].into_iter().find(|words| has(&words.join(" ")));
    hints.strip = strip.into_iter().flatten().map(str::to_owned).collect();
    let tags: BTreeSet<Vec<String>> = lines.iter().filter(|line| !is_check(line)).filter_map(|line| reader.tags(line)).collect();
    hints.tags = tags.into_iter().reduce(|_, _| Vec::new()).unwrap_or_default();
    let cgo: BTreeSet<bool> = lines.iter().filter(|line| !is_check(line)).filter_map(|line| cgo(line)).collect();
    hints.cgo = cgo.first().copied().filter(|_| cgo.len() == 1);
    hints
}

/// Lines with what is continued by `\` put together, without comments.
fn logical_lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace("\\\n", " ");
    text.lines().filter(|line| !line.trim_start().starts_with('#')).map(str::to_owned).collect()
}

fn pattern(cell: &'static OnceLock<Regex>, text: &str) -> &'static Regex {
    cell.get_or_init(|| Regex::new(text).expect("a regular expression of this file"))
}

fn is_build(line: &str) -> bool {
    static BUILD: OnceLock<Regex> = OnceLock::new();
    pattern(&BUILD, r"(^|[\s@(])(go|\$[({]GO[)}]) (build|install)\s|^\s*builds:").is_match(line)
}

/// True for lines about tests, linters and generators, whose flags are not those of the program.
fn is_check(line: &str) -> bool {
    static CHECK: OnceLock<Regex> = OnceLock::new();
    pattern(&CHECK, r"(?i)\b(test|vet|lint|golangci-lint|run|generate)\b").is_match(line) && !is_build(line)
}

/// Every `NAME = VALUE`; a name that is set twice has two values.
fn variables(lines: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    static SET: OnceLock<Regex> = OnceLock::new();
    let set = pattern(&SET, r"^\s*(?:export\s+|override\s+)*([A-Za-z_][A-Za-z0-9_.-]*)\s*(\+|\?|::?:?|!)?=\s*(.*?)\s*$");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        if let Some(parts) = set.captures(line) {
            found.entry(parts[1].to_owned()).or_default().insert(parts[3].to_owned());
        }
    }
    found
}

/// What follows each `-X` of a line: the name, and the value as it is written.
fn settings(line: &str) -> Vec<(String, String)> {
    static FLAG: OnceLock<Regex> = OnceLock::new();
    let flag = pattern(&FLAG, r#"(?:^|[\s"'=])-X[\s=]+"#);
    flag.find_iter(line)
        .filter_map(|found| word(&line[found.end()..]).split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())))
        .collect()
}

/// The first word of a line of a Makefile: to the end of its quotes, or to a blank or quote outside of `$(...)` and `{{...}}`.
fn word(text: &str) -> String {
    let bare = text.trim_start_matches('\\');
    let quote = bare.chars().next().filter(|c| matches!(c, '"' | '\''));
    let rest = if quote.is_some() { &bare[1..] } else { bare };
    let mut depth = 0_usize;
    let mut out = String::new();
    for c in rest.chars() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            '"' | '\'' if depth == 0 && quote.is_none_or(|quote| quote == c) => break,
            c if c.is_whitespace() && depth == 0 && quote.is_none() => break,
            _ => {}
        }
        out.push(c);
    }
    out.trim_end_matches('\\').to_owned()
}

fn cgo(line: &str) -> Option<bool> {
    static CGO: OnceLock<Regex> = OnceLock::new();
    let found = pattern(&CGO, r#"CGO_ENABLED\s*[?:]*[=:]\s*["']?([01])\b"#).captures(line)?;
    Some(&found[1] == "1")
}

struct Reader<'a> {
    known: Known<'a>,
    variables: BTreeMap<String, BTreeSet<String>>,
    /// How many variables may still be filled in.
    left: Cell<usize>,
}

/// `$(NAME)` or `${NAME}`, and nothing else.
fn reference(text: &str) -> Option<&str> {
    static NAME: OnceLock<Regex> = OnceLock::new();
    let name = pattern(&NAME, r"^(?:\$\(([A-Za-z0-9_.-]+)\)|\$\{([A-Za-z0-9_.-]+)\})$").captures(text)?;
    name.get(1).or(name.get(2)).map(|name| name.as_str())
}

impl Reader<'_> {
    /// The only value that a variable is given.
    fn only(&self, name: &str) -> Option<&str> {
        let values = self.variables.get(name)?;
        values.first().filter(|_| values.len() == 1).map(String::as_str)
    }

    /// The text with its variables filled in; `None` where one of them is unclear.
    fn expand(&self, text: &str, depth: usize) -> Option<String> {
        static ANY: OnceLock<Regex> = OnceLock::new();
        static MODULE: OnceLock<Regex> = OnceLock::new();
        let module = pattern(&MODULE, r"\$\(shell (?:go|\$\(GO\)) list (?:-m|\.)\s*\)");
        let text = module.replace_all(text, regex::NoExpand(self.known.module));
        let any = pattern(&ANY, r"\$(?:\(([^()]*)\)|\{([^{}]*)\})");
        let mut out = String::new();
        let mut end = 0;
        for found in any.captures_iter(&text) {
            let (whole, name) = (found.get(0)?, found.get(1).or(found.get(2))?);
            self.left.set(self.left.get().checked_sub(1)?);
            let value = self.only(name.as_str()).filter(|_| depth < DEEPEST)?;
            out.push_str(&text[end..whole.start()]);
            out.push_str(&self.expand(value, depth + 1)?);
            end = whole.end();
            // Each level may double the one below.
            if out.len() > 4096 {
                return None;
            }
        }
        out.push_str(&text[end..]);
        (!out.contains(['$', '`'])).then_some(out)
    }

    /// `path/of/package.Name`
    fn symbol(&self, text: &str) -> Option<String> {
        static SYMBOL: OnceLock<Regex> = OnceLock::new();
        let expanded = self.expand(text, 0)?;
        pattern(&SYMBOL, r"^[A-Za-z0-9_./~-]+\.[A-Za-z_][A-Za-z0-9_]*$").is_match(&expanded).then_some(expanded)
    }

    /// A value in the words of a recipe.
    fn value(&self, text: &str) -> Option<String> {
        static TEMPLATE: OnceLock<Regex> = OnceLock::new();
        let (before, rest) = match text.strip_prefix('v') {
            Some(rest) if rest.starts_with(['$', '{']) => ("v", rest),
            _ => ("", text),
        };
        if let Some(name) = pattern(&TEMPLATE, r"^\{\{-?\s*\.(\w+)\s*-?\}\}$").captures(rest) {
            let value = match &name[1] {
                "Version" => "{version_bare}",
                "Tag" if before.is_empty() => "{version}",
                "ShortCommit" if before.is_empty() => "{commit_short}",
                "Commit" | "FullCommit" if before.is_empty() => "{commit}",
                _ => return None,
            };
            return Some(format!("{before}{value}"));
        }
        let value = match reference(rest) {
            Some(name) => self.variable(name, 0)?,
            None if before.is_empty() => self.literal(rest)?,
            None => return None,
        };
        match (before, value.as_str()) {
            ("", _) => Some(value),
            // Whoever puts a `v` before it means the version without one.
            (_, "{version}" | "{version_bare}") => Some("v{version_bare}".to_owned()),
            _ => None,
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Option<String> {
        let by_name = || self.by_name(name);
        let Some(value) = self.only(name) else { return by_name() };
        if let Some(other) = reference(value).filter(|_| depth < DEEPEST) {
            return self.variable(other, depth + 1);
        }
        let asked = |words: &[&str]| words.iter().any(|word| value.contains(word));
        if asked(&["git describe", "git tag"]) {
            // The ways in which Makefiles drop the `v`.
            let bare =
                asked(&["s/^v", "s/v//", "patsubst v%", "subst v,", "cut -c2-", "cut -c 2-", "tr -d v", "tr -d 'v'", "#v}"]);
            return Some(if bare { "{version_bare}" } else { "{version}" }.to_owned());
        }
        if asked(&["git rev-parse --abbrev-ref", "date"]) {
            return None;
        }
        if asked(&["git rev-parse", "git log", "git show"]) && asked(&["HEAD", "%h", "%H"]) {
            return Some(if asked(&["--short", "%h"]) { "{commit_short}" } else { "{commit}" }.to_owned());
        }
        by_name().or_else(|| self.literal(value))
    }

    /// What a variable means that the Makefile does not set, or in a way that only running it would tell.
    fn by_name(&self, name: &str) -> Option<String> {
        const VERSION: [&str; 10] = [
            "VERSION",
            "TAG",
            "TAG_NAME",
            "GIT_TAG",
            "GIT_VERSION",
            "APP_VERSION",
            "BUILD_VERSION",
            "RELEASE",
            "RELEASE_VERSION",
            "PROJECT_VERSION",
        ];
        const COMMIT: [&str; 11] = [
            "COMMIT",
            "GIT_COMMIT",
            "GITCOMMIT",
            "GIT_SHA",
            "SHA",
            "REVISION",
            "GIT_REVISION",
            "COMMIT_SHA",
            "COMMIT_HASH",
            "GIT_HASH",
            "BUILD_COMMIT",
        ];
        let upper = name.to_ascii_uppercase();
        let own = format!("{}_VERSION", self.known.name.to_ascii_uppercase().replace(['-', '.'], "_"));
        if VERSION.contains(&upper.as_str()) || upper == own {
            // A version that is written down is an old one tomorrow; its form tells which one is meant.
            let written = self.only(name).filter(|value| value.starts_with(|c: char| c.is_ascii_digit()));
            return Some(if written.is_some() { "{version_bare}" } else { "{version}" }.to_owned());
        }
        COMMIT.contains(&upper.as_str()).then(|| "{commit}".to_owned())
    }

    /// A value that is written down.
    fn literal(&self, text: &str) -> Option<String> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/+:@-".contains(&b));
        let release = Release::parse(self.known.release);
        match () {
            () if !plain => None,
            () if text == self.known.release.as_str() => Some("{version}".to_owned()),
            () if release.is_some_and(|release| text == release.bare()) => Some("{version_bare}".to_owned()),
            () => Some(text.to_owned()),
        }
    }

    fn tags(&self, line: &str) -> Option<Vec<String>> {
        static TAGS: OnceLock<Regex> = OnceLock::new();
        let found = pattern(&TAGS, r#"(?:^|[\s"'=])-tags[\s=]+"#).find(line)?;
        let list = self.expand(&word(&line[found.end()..]), 0)?;
        let tags: Vec<String> = list.split([',', ' ']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        let good = |tag: &String| tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        (!tags.is_empty() && tags.iter().all(good)).then_some(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(text: &str) -> Hints {
        let release = Revision::new("v1.4.2").unwrap();
        read(&[text.to_owned()], Known { module: "x.example/tool", name: "tool", release: &release })
    }

    fn stamps(text: &str) -> Vec<String> {
        hints(text).stamps.into_iter().map(|(symbol, value)| format!("{symbol}={value}")).collect()
    }

    #[test]
    fn versions_are_told_by_how_they_are_asked_for() {
        for (text, expected) in [
            ("VERSION ?= dev\nb:\n\tgo build -ldflags '-X main.version=$(VERSION)' .\n", "main.version={version}"),
            ("VERSION := $(shell git describe --tags | sed 's/^v//')\nF = -X main.v=${VERSION}", "main.v={version_bare}"),
            ("V=$(shell git describe)\nF=-X \"main.v=$(V)\" -s", "main.v={version}"),
            ("F=-X=main.v=v$(VERSION)", "main.v=v{version_bare}"),
            ("VERSION=1.3.0\nF=-X main.v=$(VERSION)", "main.v={version_bare}"),
            ("TOOL_VERSION=v1.3.0\nF=-X main.v=$(TOOL_VERSION)", "main.v={version}"),
            ("A=$(B)\nB=$(shell git rev-parse --short HEAD)\nF=-X main.c=$(A)", "main.c={commit_short}"),
            ("F=-X main.c=$(GIT_COMMIT)", "main.c={commit}"),
            (
                "PKG=x.example/tool\nVP=$(PKG)/internal/v\nF=-X $(VP).Version=$(TAG)",
                "x.example/tool/internal/v.Version={version}",
            ),
            ("F=-X $(shell go list -m)/v.Version=$(TAG)", "x.example/tool/v.Version={version}"),
            ("F=-X main.env=production", "main.env=production"),
            ("F=-X main.v=1.4.2", "main.v={version_bare}"),
            ("builds:\n  - ldflags:\n      - -s -w -X main.v={{.Version}}\n", "main.v={version_bare}"),
            ("      - -X main.v=v{{ .Version }}\n", "main.v=v{version_bare}"),
            ("F = -X a/b.C=$(VERSION) \\\n  -s", "a/b.C={version}"),
        ] {
            assert_eq!(stamps(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_has_two_readings_is_listed_and_not_taken() {
        for (text, listed) in [
            ("F=-X main.date=$(shell date)", "main.date=$(shell date)"),
            ("D=$(shell date -u)\nF=-X main.date=$(D)", "main.date=$(D)"),
            ("F=-X main.k8s=$(kubernetes_version)", "main.k8s=$(kubernetes_version)"),
            ("E=a\nE=b\nF=-X main.e=$(E)", "main.e=$(E)"),
            ("P=a\nP=b\nF=-X $(P).v=$(VERSION)", "$(P).v=$(VERSION)"),
            ("F=-X main.m=$(word 1,$(subst ., ,$(k)))", "main.m=$(word 1,$(subst ., ,$(k)))"),
            ("A=-X main.v=one\nB=-X main.v=two", "main.v=one or two"),
            ("A=$(A)\nF=-X $(A).v=$(VERSION)", "$(A).v=$(VERSION)"),
        ] {
            let found = hints(text);
            assert!(found.stamps.is_empty(), "{text}: {:?}", found.stamps);
            assert_eq!(found.unclear, [listed], "{text}");
        }
        assert_eq!(hints("# F=-X main.v=$(VERSION)\nX=-Xmx1g\n"), Hints::default());
    }

    #[test]
    fn flags_are_taken_where_all_lines_agree() {
        let found = hints("B=-trimpath -tags \"netgo,osusergo\" -ldflags '-s -w'\nx:\n\tCGO_ENABLED=0 go build $(B) .\n");
        assert_eq!(
            (found.tags.join(" "), found.cgo, found.strip.join(" "), found.builds),
            ("netgo osusergo".into(), Some(false), "-s -w".into(), true)
        );
        let found =
            hints("x:\n\tCGO_ENABLED=0 go build -tags a .\ny:\n\tCGO_ENABLED=1 go build -tags b .\nt:\n\tgo test -tags c\n");
        assert_eq!((found.tags.len(), found.cgo, found.strip.len()), (0, None, 0));
        assert_eq!(hints("T=a b\nx:\n\tgo build -tags='$(T)' .\n\tgo test -tags c ./...\n").tags, ["a", "b"]);
        assert_eq!(hints("env:\n  - CGO_ENABLED=0\n").cgo, Some(false));
    }

    #[test]
    fn variables_that_grow_or_go_in_circles_end() {
        let mut text = String::from("A0=xxxxxxxx\n");
        for n in 1..12 {
            text.push_str(&format!("A{n}=$(A{m})$(A{m})$(A{m})$(A{m})\n", m = n - 1));
        }
        text.push_str("F=-X $(A11).v=$(VERSION)\nC=$(D)\nD=$(C)\nF=-X main.c=$(C)\n");
        assert!(hints(&text).stamps.is_empty());
        let mut text = String::from("A0=\n");
        for n in 1..10 {
            text.push_str(&format!("A{n}={}\n", format!("$(A{})", n - 1).repeat(1000)));
        }
        text.push_str("F=-X a$(A9).v=$(VERSION)\n");
        assert!(hints(&text).stamps.is_empty());
    }
}
