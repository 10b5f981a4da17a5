//! What a recipe or an upstream may not put into a build: flags and variables that forge sets itself, and those that name
//! programs to run, which need `allow = ["-extld"]` in the same `[[build]]`.
//!
//! It guards against surprise, not against malice: `prepare` and the upstream's own code run as the user anyway. But nobody
//! should find a program hidden between linker flags.

use crate::names::EnvName;

/// A flag or a variable that may not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// forge sets it, or it makes no sense in a build.
    #[error("{what} cannot be set here")]
    Never {
        /// The flag or variable.
        what: String,
        /// What to do instead.
        help: &'static str,
    },
    /// It names programs.
    #[error("{what} can run programs")]
    NeedsAllow {
        /// The flag or variable.
        what: String,
    },
}

impl Refused {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Never { help, .. } => (*help).to_owned(),
            Self::NeedsAllow { what } => format!("if that is meant, add allow = [{what:?}] to the same [[build]]"),
        })
    }
}

/// Flags of `go build` and of the linker, and variables, that name programs or files which decide what runs.
const OPT_IN: [&str; 22] = [
    "-toolexec",
    "-exec",
    "-vettool",
    "-overlay",
    "-modfile",
    "-mod",
    "-pkgdir",
    "-compiler",
    "-gccgoflags",
    "-extld",
    "-extldflags",
    "-extar",
    "CC",
    "CXX",
    "FC",
    "AR",
    "PKG_CONFIG",
    "GCCGO",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "CGO_CFLAGS",
    "CGO_LDFLAGS",
];

/// Flags of `go build` that have a key of their own, or belong to forge.
const OWN_FLAGS: [(&str, &str); 11] = [
    ("-tags", "write tags = [...]"),
    ("-ldflags", "write ldflags = [...]"),
    ("-buildvcs", "write vcs = true"),
    ("-o", "forge says where the binary goes"),
    ("-C", "forge runs go in the patched tree"),
    ("-n", "it would build nothing"),
    ("-i", "it would install packages"),
    ("-json", "it changes what forge reads"),
    ("-x", "use forge's -v"),
    ("-work", "the tree of a failed build is kept as it is"),
    ("-h", "it would build nothing"),
];

/// Flags of the linker that write files or belong to `go build`.
const OWN_LINKER_FLAGS: [(&str, &str); 9] = [
    ("-o", "forge says where the binary goes"),
    ("-importcfg", "go build sets it"),
    ("-tmpdir", "go build sets it"),
    ("-capturehostobjs", "it writes files outside the build"),
    ("-cpuprofile", "it writes files outside the build"),
    ("-memprofile", "it writes files outside the build"),
    ("-mutexprofile", "it writes files outside the build"),
    ("-blockprofile", "it writes files outside the build"),
    ("-benchmarkprofile", "it writes files outside the build"),
];

/// Variables of Go that change what is built and nothing else; every other GO... is forge's.
const GO_VARIABLES: [&str; 12] = [
    "GOEXPERIMENT",
    "GOAMD64",
    "GOARM",
    "GOARM64",
    "GO386",
    "GOMIPS",
    "GOMIPS64",
    "GOPPC64",
    "GORISCV64",
    "GOWASM",
    "GOFIPS140",
    "GODEBUG",
];

const OWN_VARIABLES: [&str; 20] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SHELL",
    "PWD",
    "ENV",
    "IFS",
    "CDPATH",
    "NETRC",
    "GLIBC_TUNABLES",
    "MFLAGS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "FTP_PROXY",
    "PKG_CONFIG_PATH",
    "PERL5OPT",
];

const OWN_PREFIXES: [&str; 11] =
    ["LD_", "DYLD_", "GIT_", "FORGE_", "XDG_", "SSL_CERT_", "SSH_", "BASH_", "MAKE", "DOCKER_", "PYTHON"];

/// The words that `allow` takes.
pub fn opt_in() -> impl Iterator<Item = &'static str> {
    OPT_IN.into_iter()
}

fn opted(what: &str, allow: &[String]) -> Result<(), Refused> {
    if OPT_IN.contains(&what) && !allow.iter().any(|word| word == what) {
        return Err(Refused::NeedsAllow { what: what.to_owned() });
    }
    Ok(())
}

/// The name of a flag as Go's flag package reads it: `-x`, `--x`, `-x=value` are all `-x`; `None` for anything else.
fn flag_name(word: &str) -> Option<String> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    Some(format!("-{}", name.split('=').next().unwrap_or(name)))
}

/// Checks one flag of `go build`.
pub fn check_flag(flag: &str, allow: &[String]) -> Result<(), Refused> {
    let Some(name) = flag_name(flag) else { return Ok(()) };
    if let Some((what, help)) = OWN_FLAGS.iter().find(|(own, _)| *own == name) {
        return Err(Refused::Never { what: (*what).to_owned(), help });
    }
    opted(&name, allow)
}

/// Checks linker flags as they will stand in `-ldflags`, joined by spaces.
pub fn check_ldflags(joined: &str, allow: &[String]) -> Result<(), Refused> {
    for word in quoted_words(joined) {
        if word.starts_with('@') {
            let help = "a response file hides flags: write them here";
            return Err(Refused::Never { what: super::wrong::shown(word), help });
        }
        let Some(name) = flag_name(word) else { continue };
        if let Some((what, help)) = OWN_LINKER_FLAGS.iter().find(|(own, _)| *own == name) {
            return Err(Refused::Never { what: format!("the linker's {what}"), help });
        }
        opted(&name, allow)?;
    }
    Ok(())
}

/// Checks a variable of the build's environment.
pub fn check_env(name: &EnvName, value: &str, allow: &[String]) -> Result<(), Refused> {
    let text = name.as_str();
    let upper = text.to_ascii_uppercase();
    let never = |help| Err(Refused::Never { what: text.to_owned(), help });
    if text == "CGO_ENABLED" {
        return never("write cgo = true or cgo = false");
    }
    // `GO` and `GO_...` are Makefiles' own, but for two of Go's.
    let of_go = upper.len() > 2 && upper.starts_with("GO") && !upper.contains('_')
        || matches!(upper.as_str(), "GOROOT_FINAL" | "GO_EXTLINK_ENABLED");
    if of_go && !GO_VARIABLES.contains(&text) {
        return never("forge sets Go's variables itself, so that a build is the same everywhere");
    }
    if OWN_VARIABLES.contains(&upper.as_str()) || OWN_PREFIXES.iter().any(|prefix| upper.starts_with(prefix)) {
        return never("it is the user's or forge's: a recipe that sets it would steer programs");
    }
    if text.starts_with("CGO_") && text.ends_with("FLAGS") {
        // The compiler's own ways to load code: plugins, wrappers, specs, another linker, another folder of programs.
        const LOADS: [&str; 9] =
            ["-fplugin", "-wrapper", "-B", "-fuse-ld", "-specs", "--specs", "-Wl,-plugin", "-Wl,--plugin", "@"];
        let loads = quoted_words(value).any(|word| LOADS.iter().any(|prefix| word.starts_with(prefix)));
        let group = if text == "CGO_LDFLAGS" { "CGO_LDFLAGS" } else { "CGO_CFLAGS" };
        return if loads { opted(group, allow) } else { Ok(()) };
    }
    opted(text, allow)
}

/// Splits as the go command does (cmd/internal/quoted): a quote counts at the beginning of a word only.
fn quoted_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let (word, after) = match first {
            '\'' | '"' => {
                let inside = &rest[1..];
                inside.split_once(first).unwrap_or((inside, ""))
            }
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn flags_that_name_programs_need_an_opt_in() {
        for flag in ["-toolexec=x", "--toolexec", "-overlay=a.json", "-modfile=x", "-mod=mod", "-vettool=x", "-exec=x"] {
            assert!(matches!(check_flag(flag, &[]), Err(Refused::NeedsAllow { .. })), "{flag}");
        }
        assert!(check_flag("-mod=vendor", &allow(&["-mod"])).is_ok());
        for flag in ["-o", "-o=x", "-C", "--C=x", "-tags=x", "-ldflags=-extld=x"] {
            assert!(matches!(check_flag(flag, &allow(&["-o", "-C"])), Err(Refused::Never { .. })), "{flag}");
        }
        for flag in ["-a", "-race", "-gcflags=all=-N -l", "-buildmode=pie", "x"] {
            assert!(check_flag(flag, &[]).is_ok(), "{flag}");
        }
    }

    #[test]
    fn linker_flags_are_split_as_go_does() {
        for flags in
            ["-s -w -extld=gcc", "-s '-extldflags=-static x'", "\"--extld\" x", "-s\t-extld x", "-w -o x", "@file", "'@f'"]
        {
            assert!(check_ldflags(flags, &[]).is_err(), "{flags}");
        }
        for flags in ["", "-s -w -X main.v=1", "-X 'main.a=x -extld=y'", "-X \"main.a=@x -o\"", "-linkmode=external", "'"] {
            assert!(check_ldflags(flags, &[]).is_ok(), "{flags}");
        }
        assert!(check_ldflags("'-extldflags=-static x'", &allow(&["-extldflags"])).is_ok());
    }

    #[test]
    fn variables_that_steer_are_refused() {
        let check = |name: &str, value: &str, words: &[&str]| check_env(&EnvName::new(name).unwrap(), value, &allow(words));
        for name in
            ["GOFLAGS", "GOENV", "GOOS", "goproxy", "PATH", "LD_PRELOAD", "CGO_ENABLED", "MAKEFLAGS", "https_proxy", "GIT_SSH"]
        {
            assert!(matches!(check(name, "x", &[]), Err(Refused::Never { .. })), "{name}");
        }
        assert!(matches!(check("CC", "x", &[]), Err(Refused::NeedsAllow { .. })));
        assert!(check("CC", "x", &["CC"]).is_ok());
        assert!(check("CGO_CFLAGS", "-O2 -fplugin=x.so", &[]).is_err());
        assert!(check("CGO_CFLAGS", "-O2 -DX", &[]).is_ok());
        for name in ["GOAMD64", "GOEXPERIMENT", "SOURCE_DATE_EPOCH", "VERSION"] {
            assert!(check(name, "x", &[]).is_ok(), "{name}");
        }
    }
}
