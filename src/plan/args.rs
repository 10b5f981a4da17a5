//! The argument list of `go build`, in one normal form: `-flag=value` words, then packages.

use serde::{Deserialize, Serialize};

/// Flags of `go build` that take a value (`go help build`, Go 1.26). The others are switches.
const WITH_VALUE: [&str; 24] = [
    "C",
    "o",
    "p",
    "asmflags",
    "buildmode",
    "buildvcs",
    "compiler",
    "covermode",
    "coverpkg",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "overlay",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
    "exec",
    "vettool",
    "count",
    "debug-actiongraph",
];

/// Why words are not an argument list of `go build`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ArgsError {
    /// A flag at the end without its value.
    #[error("the flag {0} has no value")]
    NoValue(String),
    /// A flag that decides where things are, which forge does.
    #[error("the flag {0} is not taken: forge decides the output, the folder and go.mod itself")]
    Refused(String),
}

/// Arguments of one `go mod edit`, every version exact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EditArgs(pub Vec<String>);

/// Flags and packages for `go build`, without `-o`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GoArgs {
    /// `-flag` or `-flag=value`.
    pub flags: Vec<String>,
    /// Packages or files.
    pub packages: Vec<String>,
}

impl GoArgs {
    /// Reads the words after `go build`. `-o X` (the output is forge's), `-a` (it changes no byte and defeats the cache),
    /// `-v` and `-x` are dropped.
    pub fn parse(words: &[String]) -> Result<Self, ArgsError> {
        let mut out = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix('-').filter(|f| !f.is_empty()) else {
                out.packages.push(word.clone());
                continue;
            };
            if flag == "-" {
                out.packages.extend(words.cloned());
                break;
            }
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                // -buildvcs is a boolean flag to the go command: its value never is a word of its own.
                None if WITH_VALUE.contains(&flag) && flag != "buildvcs" => {
                    (flag, Some(words.next().ok_or_else(|| ArgsError::NoValue(word.clone()))?.clone()))
                }
                None => (flag, None),
            };
            match name {
                "o" | "a" | "v" | "x" => {}
                "C" | "modfile" | "overlay" | "pkgdir" | "n" => return Err(ArgsError::Refused(format!("-{name}"))),
                _ => out.flags.push(value.map_or_else(|| format!("-{name}"), |v| format!("-{name}={v}"))),
            }
        }
        if out.packages.is_empty() {
            out.packages.push(".".into());
        }
        Ok(out)
    }

    /// True where a flag of this name is given.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value of the last flag of this name; a switch gives the empty string.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find_map(|flag| {
            let rest = flag.strip_prefix('-')?.strip_prefix(name)?;
            if rest.is_empty() { Some("") } else { rest.strip_prefix('=') }
        })
    }

    /// Sets `-name=value`, in the place of an earlier one, else at the end.
    pub fn set(&mut self, name: &str, value: &str) {
        let new = if value.is_empty() { format!("-{name}") } else { format!("-{name}={value}") };
        let same = |flag: &String| flag == &format!("-{name}") || flag.starts_with(&format!("-{name}="));
        match self.flags.iter().position(same) {
            Some(at) => self.flags[at] = new,
            None => self.flags.push(new),
        }
    }

    /// Flags that decide which files and packages count: what `go list` must be given to see what `go build` sees.
    pub fn selection(&self) -> Vec<String> {
        self.flags.iter().filter(|f| f.starts_with("-tags=")).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        shlex::split(text).unwrap()
    }

    #[test]
    fn both_spellings_of_a_flag_become_one() {
        let args =
            GoArgs::parse(&words("-v -a -tags 'a,b' --trimpath -ldflags='-X a=b' -o out -buildvcs=false main.go")).unwrap();
        assert_eq!(args.flags, ["-tags=a,b", "-trimpath", "-ldflags=-X a=b", "-buildvcs=false"]);
        assert_eq!(args.packages, ["main.go"]);
        assert_eq!(args.selection(), ["-tags=a,b"]);
        assert!(args.has("trimpath") && !args.has("trim"));
        assert_eq!(args.value("ldflags"), Some("-X a=b"));
    }

    #[test]
    fn what_forge_decides_is_refused() {
        assert_eq!(GoArgs::parse(&words("-C dir .")), Err(ArgsError::Refused("-C".into())));
        assert_eq!(GoArgs::parse(&words("-overlay=x .")), Err(ArgsError::Refused("-overlay".into())));
        assert_eq!(GoArgs::parse(&words("-tags")), Err(ArgsError::NoValue("-tags".into())));
    }

    #[test]
    fn a_flag_is_set_in_its_place() {
        let mut args = GoArgs::parse(&words("-buildvcs=false -tags x")).unwrap();
        args.set("buildvcs", "true");
        args.set("trimpath", "");
        assert_eq!(args.flags, ["-buildvcs=true", "-tags=x", "-trimpath"]);
        assert_eq!(args.packages, ["."]);
    }
}
