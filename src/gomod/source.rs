//! What a Go file says at its top level: its package, whether it has `func main`, what it imports, and whether it is compiled
//! at all. Read by syntax, so that no module has to be fetched and no toolchain of the right version to be there.

use std::collections::BTreeSet;

use tree_sitter::Node;

use crate::go_syntax;
use crate::names::Target;

/// A Go file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct GoSource {
    /// The name in its package clause.
    pub package: String,
    /// True where it declares `func main`.
    pub has_main: bool,
    /// The import paths.
    pub imports: BTreeSet<String>,
    /// True where its `//go:build` line excludes it for the target, without any build tag.
    pub excluded: bool,
}

impl GoSource {
    /// Reads a file; `None` where it has no package clause.
    pub(super) fn read(text: &[u8], target: &Target) -> Option<Self> {
        let tree = go_syntax::parse(text, None)?;
        let mut source = Self::default();
        let words = |node: &Node<'_>| String::from_utf8_lossy(&text[node.byte_range()]).into_owned();
        let root = tree.root_node();
        for node in root.children(&mut root.walk()) {
            match node.kind() {
                // Only above the package clause (https://pkg.go.dev/cmd/go#hdr-Build_constraints).
                "comment" if source.package.is_empty() => {
                    if let Some(constraint) = words(&node).strip_prefix("//go:build ") {
                        source.excluded = !holds(constraint, target);
                    }
                }
                "package_clause" => source.package = node.named_child(0).map(|name| words(&name)).unwrap_or_default(),
                "import_declaration" => imports(&node, &words, &mut source.imports),
                "function_declaration" => {
                    source.has_main |= node.child_by_field_name("name").is_some_and(|name| words(&name) == "main");
                }
                _ => {}
            }
        }
        (!source.package.is_empty()).then_some(source)
    }
}

fn imports(node: &Node<'_>, words: &dyn Fn(&Node<'_>) -> String, found: &mut BTreeSet<String>) {
    for child in node.named_children(&mut node.walk()) {
        match child.kind() {
            "import_spec" => {
                let path = child.child_by_field_name("path").map(|path| words(&path)).unwrap_or_default();
                found.insert(path.trim_matches(['"', '`']).to_owned());
            }
            "import_spec_list" => imports(&child, words, found),
            _ => {}
        }
    }
}

/// Whether a constraint holds where no build tag is set. What cannot be read does: go will tell.
fn holds(constraint: &str, target: &Target) -> bool {
    let spaced =
        ["(", ")", "!", "&&", "||"].iter().fold(constraint.to_owned(), |text, sign| text.replace(sign, &format!(" {sign} ")));
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    let value = any(&mut rest, target);
    value.filter(|_| rest.is_empty()).unwrap_or(true)
}

fn any(rest: &mut &[&str], target: &Target) -> Option<bool> {
    let mut value = all(rest, target)?;
    while let ["||", after @ ..] = rest {
        *rest = after;
        value |= all(rest, target)?;
    }
    Some(value)
}

fn all(rest: &mut &[&str], target: &Target) -> Option<bool> {
    let mut value = one(rest, target, 0)?;
    while let ["&&", after @ ..] = rest {
        *rest = after;
        value &= one(rest, target, 0)?;
    }
    Some(value)
}

fn one(rest: &mut &[&str], target: &Target, depth: usize) -> Option<bool> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    match *first {
        // A line of brackets must not use up the stack.
        "!" if depth < 50 => one(rest, target, depth + 1).map(|value| !value),
        "(" if rest.len() < 200 => {
            let value = any(rest, target)?;
            let [")", after @ ..] = rest else { return None };
            *rest = after;
            Some(value)
        }
        "!" | "(" | ")" | "&&" | "||" => None,
        word => Some(is_set(word, target)),
    }
}

/// The words that are true without `-tags`: platform, compiler, and every language version, since the right Go builds it.
fn is_set(word: &str, target: &Target) -> bool {
    let unix = !matches!(target.os(), "windows" | "plan9" | "js" | "wasip1");
    word == target.os() || word == target.arch() || word == "gc" || word == "unix" && unix || word.starts_with("go1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> GoSource {
        GoSource::read(text.as_bytes(), &Target::new("linux/amd64").unwrap()).unwrap()
    }

    #[test]
    fn the_top_level_is_read_and_nothing_that_looks_like_it() {
        let text = "// package other\n\n/* func main() {} */\npackage main // x\n\nimport \"C\"\nimport (\n\t\"fmt\"\n\tx `a/b`\n)\n\n\
                    const s = `\nfunc main() {}\n`\n\nfunc (t T) main() {}\n\nfunc init() { _ = func() {} }\n";
        let source = read(text);
        assert_eq!((source.package.as_str(), source.has_main, source.excluded), ("main", false, false));
        assert_eq!(source.imports.iter().map(String::as_str).collect::<Vec<_>>(), ["C", "a/b", "fmt"]);
        assert!(read("package main\nfunc main() {\n").has_main, "a mistake further down hides nothing");
        assert!(GoSource::read(b"\xff\xfe", &Target::host()).is_none());
    }

    #[test]
    fn constraints_exclude_what_go_would_leave_out() {
        for (constraint, excluded) in [
            ("ignore", true),
            ("linux", false),
            ("!linux", true),
            ("windows || (unix && !ignore)", false),
            ("tools && linux", true),
            ("go1.21", false),
            ("(linux", false),
        ] {
            assert_eq!(read(&format!("//go:build {constraint}\n\npackage main\n")).excluded, excluded, "{constraint}");
        }
        assert!(!read("package main\n\n//go:build ignore\n").excluded);
        let deep = format!("//go:build {}linux\n\npackage main\n", "(!".repeat(50_000));
        assert!(!read(&deep).excluded);
    }
}
