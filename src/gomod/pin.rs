//! The version of one module in many go.mod files. The go command is the authority on their grammar, but takes 10 ms for each:
//! here only what cannot be misread is read, and the rest is left to it.

use crate::names::ModulePath;

/// What a go.mod says about a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// This version is required, and nothing replaces it.
    Required(String),
    /// It is not named at all.
    Absent,
    /// It is named in a way that only `go mod edit -json` should read.
    AskGo,
}

/// Looks for the requirement of `module` in the text of a go.mod (<https://go.dev/ref/mod#go-mod-file-grammar>).
pub fn scan_pin(text: &[u8], module: &ModulePath) -> Pin {
    let Ok(text) = std::str::from_utf8(text) else { return Pin::AskGo };
    if text.contains("/*") || text.contains('`') || text.contains('"') {
        return Pin::AskGo;
    }
    let mut block: Option<&str> = None;
    let mut pin = Pin::Absent;
    for line in text.lines() {
        let line = line.split_once("//").map_or(line, |(code, _)| code);
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, rest) = match (block, words.as_slice()) {
            (_, []) => continue,
            (Some(_), [")"]) => {
                block = None;
                continue;
            }
            (Some(verb), rest) => (verb, rest),
            (None, [verb, "("]) => {
                block = Some(verb);
                continue;
            }
            (None, [verb, rest @ ..]) => (*verb, rest),
        };
        if !rest.contains(&module.as_str()) {
            continue;
        }
        match (verb, rest) {
            ("require", [_, version]) if pin == Pin::Absent => pin = Pin::Required((*version).to_owned()),
            ("exclude" | "retract" | "module", _) => {}
            _ => return Pin::AskGo,
        }
    }
    pin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Pin {
        scan_pin(text.as_bytes(), &ModulePath::new("a.b/c").unwrap())
    }

    #[test]
    fn requirements_are_found_in_lines_and_blocks() {
        let required = |version: &str| Pin::Required(version.to_owned());
        assert_eq!(scan("module x\n\nrequire a.b/c v1.2.3\n"), required("v1.2.3"));
        assert_eq!(scan("module x\nrequire (\n\ta.b/cd v1.0.0\n\ta.b/c v1.2.4 // indirect\n)\n"), required("v1.2.4"));
        assert_eq!(scan("require (\n\ta.b/cd v1.0.0\n)\n// a.b/c v9.9.9\n"), Pin::Absent);
        assert_eq!(scan("module a.b/c\nrequire x v1\nexclude a.b/c v1.0.0\n"), Pin::Absent);
    }

    #[test]
    fn what_could_be_misread_is_left_to_go() {
        assert_eq!(scan("require a.b/c v1.2.3\nreplace a.b/c => ../c\n"), Pin::AskGo);
        assert_eq!(scan("require \"a.b/c\" v1.2.3\n"), Pin::AskGo);
        assert_eq!(scan("require a.b/c v1.2.3\nrequire a.b/c v1.2.4\n"), Pin::AskGo);
        assert_eq!(scan("require a.b/c\n"), Pin::AskGo);
        assert_eq!(scan("replace (\n\td/e => a.b/c v1.0.0\n)\n"), Pin::AskGo);
    }
}
