//! Finds the one `go build` line in what `make -n` prints and takes it apart: environment, flags, packages.

use std::collections::BTreeMap;

use crate::names::EnvName;
use crate::plan::args::{ArgsError, GoArgs};

/// Why the output of `make -n` gives no argument list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum MakeLineError {
    /// There is none.
    #[error("`make -n` printed no `go build` line")]
    #[diagnostic(help("check `goal` and `args` of the make block; or give packages, tags and ldflags instead of flags_from"))]
    None,
    /// There are several.
    #[error("`make -n` printed {0} `go build` lines, and one is expected")]
    #[diagnostic(help("choose a narrower goal in the make block"))]
    Several(usize),
    /// It uses shell syntax beyond words and quotes.
    #[error("the `go build` line cannot be read without a shell: {0}")]
    #[diagnostic(help("give packages, tags and ldflags in the upstream's build block instead of flags_from"))]
    Shell(String),
    /// A flag is wrong.
    #[error("the `go build` line of make: {0}")]
    Args(#[from] ArgsError),
}

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeLine {
    /// Assignments in front, without the variables that forge sets itself (GOOS, GOARCH, CGO_ENABLED ...).
    pub env: BTreeMap<EnvName, String>,
    /// CGO_ENABLED, where it was given.
    pub cgo: Option<bool>,
    /// The arguments.
    pub args: GoArgs,
}

/// Variables that the pinned environment owns.
const OWNED: [&str; 9] = ["GOOS", "GOARCH", "GOFLAGS", "GOENV", "GOWORK", "GOTOOLCHAIN", "GO111MODULE", "GOCACHE", "GOMODCACHE"];

/// Reads the output of `make -n`.
pub fn go_build_line(output: &str) -> Result<MakeLine, MakeLineError> {
    let joined = output.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        // A word split fails on the half of a multi-line shell script; such a line is no simple command.
        let Some(words) = shlex::split(line) else {
            if line.contains("go build") {
                found.push(Err(MakeLineError::Shell(crate::names::visible(line))));
            }
            continue;
        };
        if let Some(at) = words.windows(2).position(|pair| is_go(&pair[0]) && pair[1] == "build") {
            found.push(read(line, &words, at));
        }
    }
    match found.len() {
        0 => Err(MakeLineError::None),
        1 => found.remove(0),
        n => Err(MakeLineError::Several(n)),
    }
}

fn is_go(word: &str) -> bool {
    word == "go" || word.ends_with("/go")
}

fn read(line: &str, words: &[String], at: usize) -> Result<MakeLine, MakeLineError> {
    let shell = || MakeLineError::Shell(crate::names::visible(line));
    let mut out = MakeLine { env: BTreeMap::new(), cgo: None, args: GoArgs::default() };
    for word in &words[..at] {
        let Some((name, value)) = word.split_once('=') else {
            if word == "env" {
                continue;
            }
            return Err(shell());
        };
        let name = EnvName::new(name).map_err(|_| shell())?;
        match name.as_str() {
            "CGO_ENABLED" => out.cgo = Some(value == "1"),
            owned if OWNED.contains(&owned) => {}
            _ => {
                out.env.insert(name, value.to_owned());
            }
        }
    }
    let rest = &words[at + 2..];
    if rest.iter().any(|w| matches!(w.as_str(), "&&" | "||" | ";" | "|" | ">" | "<" | "&") || w.ends_with(';'))
        || has_expansion(line)
    {
        return Err(shell());
    }
    out.args = GoArgs::parse(rest)?;
    Ok(out)
}

/// True where a shell would expand something: `$` or a backquote outside single quotes.
fn has_expansion(line: &str) -> bool {
    let (mut single, mut double, mut escaped) = (false, false, false);
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '$' | '`' if !single => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let out = "touch x\nCGO_ENABLED=0 CGO_CFLAGS='-O2 -g' GOOS=linux go build \\\n  -tags=osusergo -ldflags='-w -X a.B=c' -o k0s.code main.go\nmv a b\n";
        let line = go_build_line(out).unwrap();
        assert_eq!(line.cgo, Some(false));
        assert_eq!(line.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), [("CGO_CFLAGS", "-O2 -g")]);
        assert_eq!(line.args.flags, ["-tags=osusergo", "-ldflags=-w -X a.B=c"]);
        assert_eq!(line.args.packages, ["main.go"]);
    }

    #[test]
    fn none_several_and_shell_are_told_apart() {
        assert_eq!(go_build_line("echo hi\n"), Err(MakeLineError::None));
        assert_eq!(go_build_line("go build a\ngo build b\n"), Err(MakeLineError::Several(2)));
        for line in ["go build -o x . && mv x y", "go build -ldflags=\"$(date)\" .", "cd a; go build .", "go build `x`"] {
            assert!(matches!(go_build_line(line), Err(MakeLineError::Shell(_))), "{line}");
        }
    }
}
