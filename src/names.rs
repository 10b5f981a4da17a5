//! Checked names: every word that comes from a recipe, a patch, an upstream or the command line becomes one of
//! these types before anything is done with it. Fields are private; what exists has passed its grammar.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of the kind that was asked for. Reads as the end of "… is not a …: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {reason}")]
pub struct NameError {
    /// The kind of name, such as "recipe name".
    pub kind: &'static str,
    /// What was given; control characters are escaped when shown, userinfo of URLs is removed.
    pub text: String,
    /// What the grammar expects.
    pub reason: &'static str,
}

fn refuse(kind: &'static str, text: &str, reason: &'static str) -> NameError {
    NameError { kind, text: text.chars().take(200).collect(), reason }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text against the grammar of this type.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(&text)?;
                Ok(Self(text))
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// The one grammar of names that become file names: letters, digits, `.`, `_`, `-`; starts with a letter or digit.
fn word(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(refuse(kind, text, "it is empty"));
    }
    if text.len() > 100 {
        return Err(refuse(kind, text, "it is longer than 100 characters"));
    }
    if !text.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(refuse(kind, text, "it must start with a letter or a digit"));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return Err(refuse(kind, text, "only letters, digits, `.`, `_` and `-` are allowed"));
    }
    if text.ends_with('.') || text.contains("..") {
        return Err(refuse(kind, text, "it must not end in `.` or contain `..`"));
    }
    Ok(())
}

fn hex(kind: &'static str, text: &str, len: usize, reason: &'static str) -> Result<(), NameError> {
    if text.len() != len || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(refuse(kind, text, reason));
    }
    Ok(())
}

text_type!(/// Name of a recipe: `recipes/NAME.toml`.
    RecipeName, |t| word("recipe name", t));
text_type!(/// Name of an upstream: `recipes/upstreams/NAME.toml`.
    UpstreamName, |t| word("upstream name", t));
text_type!(/// Name of a component of a recipe.
    ComponentName, |t| word("component name", t));
text_type!(/// Name of a series: the folder `patches/UPSTREAM/SERIES`.
    SeriesName, |t| word("series name", t));
text_type!(/// File name of a patch inside its series.
    PatchName, |t| word("patch name", t));

text_type!(/// A git commit id: 40 lower-case hex digits. Abbreviated ids are refused.
    CommitId, |t| hex("commit id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A git tree id.
    TreeId, |t| hex("tree id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A git blob id.
    BlobId, |t| hex("blob id", t, 40, "40 lower-case hex digits are expected"));
text_type!(/// A SHA-256 in lower-case hex, as `sha256sum` prints it.
    Sha256, |t| hex("sha256", t, 64, "64 lower-case hex digits are expected"));

text_type!(/// A git revision by name: a tag or a branch, without `refs/...` in front. Follows git-check-ref-format(1);
    /// a leading `-` is refused so that it can never be read as an option.
    Revision, check_revision);

fn check_revision(text: &str) -> Result<(), NameError> {
    const KIND: &str = "tag or branch";
    if text.is_empty() || text.len() > 250 {
        return Err(refuse(KIND, text, "1 to 250 characters are expected"));
    }
    if text.starts_with('-') {
        return Err(refuse(KIND, text, "a leading `-` would be read as an option"));
    }
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    if text.chars().any(bad) || text.contains("..") || text.contains("@{") || text == "@" {
        return Err(refuse(KIND, text, "git does not allow this in a ref name (see git-check-ref-format)"));
    }
    if text.split('/').any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock") || part.ends_with('.')) {
        return Err(refuse(KIND, text, "git does not allow this in a ref name (see git-check-ref-format)"));
    }
    Ok(())
}

text_type!(/// A Go module path, such as `github.com/kardianos/service`. Grammar: <https://go.dev/ref/mod#go-mod-file-ident>.
    ModulePath, check_module_path);

fn check_module_path(text: &str) -> Result<(), NameError> {
    const KIND: &str = "Go module path";
    if text.is_empty() || text.len() > 250 {
        return Err(refuse(KIND, text, "1 to 250 characters are expected"));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/')) {
        return Err(refuse(KIND, text, "only letters, digits, `-._~` and `/` are allowed"));
    }
    if text.split('/').any(|p| p.is_empty() || p.starts_with(['.', '-']) || p.ends_with('.')) {
        return Err(refuse(KIND, text, "an element must not be empty, start with `.` or `-`, or end in `.`"));
    }
    Ok(())
}

text_type!(/// A Go module version or version query: `v1.2.4`, a pseudo-version, a branch name, `latest`.
ModuleQuery, |t| {
    if t.contains('@') { return Err(refuse("module version", t, "`@` is not allowed")); }
    check_revision(t).map_err(|e| NameError { kind: "module version", ..e })
});

text_type!(/// An exact Go release without the `go` in front: `1.26.5`, `1.27rc1`.
GoVersion, |t| {
    let ok = t.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && t.len() <= 20
        && t.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b.is_ascii_lowercase());
    if ok { Ok(()) } else { Err(refuse("Go version", t, "something like 1.26.5 is expected")) }
});

text_type!(/// An identifier of a file format version or of the environment: `GOOS`, `CGO_CFLAGS`.
EnvName, |t| {
    let mut bytes = t.bytes();
    let ok = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if ok { Ok(()) } else { Err(refuse("environment variable name", t, "letters, digits and `_` are allowed")) }
});

/// Where a git upstream lives. Only `https`, `ssh`, `git` and `file` are allowed (and `user@host:path`, and a local path,
/// which git reads as ssh and file); `ext::` and other transports that run programs are refused.
/// The text shown by `Display` and `Debug` has no password or token; [`GitUrl::expose`] gives the whole to git.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct GitUrl(String);

impl GitUrl {
    /// Checks protocol and form. Userinfo is allowed here (a user may type it); files refuse it with
    /// [`GitUrl::has_userinfo`].
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        const KIND: &str = "git URL";
        let text = text.into();
        let shown = redact(&text);
        if text.is_empty() || text.len() > 2000 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refuse(KIND, &shown, "1 to 2000 characters without spaces are expected"));
        }
        if text.starts_with('-') {
            return Err(refuse(KIND, &shown, "a leading `-` would be read as an option"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if !matches!(scheme, "https" | "http" | "ssh" | "git" | "file") {
                return Err(refuse(KIND, &shown, "only https, ssh, git and file are allowed"));
            }
            if scheme == "http" && !is_loopback(rest) {
                return Err(refuse(KIND, &shown, "plain http is allowed on the loopback only; use https"));
            }
            if rest.is_empty() || rest.starts_with('-') || rest.split('@').nth(1).is_some_and(|h| h.starts_with('-')) {
                return Err(refuse(KIND, &shown, "a host is missing or starts with `-`"));
            }
        } else if text.contains("::") {
            return Err(refuse(KIND, &shown, "remote helpers (`name::...`) can run programs; use https, ssh, git or file"));
        } else if let Some((host, path)) = text.split_once(':')
            && !host.contains('/')
            && (host.is_empty() || path.is_empty() || host.rsplit('@').next().is_none_or(|h| h.is_empty() || h.starts_with('-')))
        {
            return Err(refuse(KIND, &shown, "`user@host:path` is expected"));
        }
        Ok(Self(text))
    }

    /// The URL with everything that the user wrote: for git's command line, never for output.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True where the URL carries a password or a token (`https://TOKEN@host`; `ssh://git@host` is only a login name).
    pub fn has_userinfo(&self) -> bool {
        match self.0.split_once("://") {
            Some((scheme, rest)) => {
                let authority = rest.split('/').next().unwrap_or("");
                authority.rsplit_once('@').is_some_and(|(user, _)| scheme != "ssh" || user.contains(':'))
            }
            None => false,
        }
    }
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|l| host == *l || host.strip_prefix(l).is_some_and(|p| p.starts_with(':')))
}

/// The text with the userinfo of every URL in it replaced by `***`. For anything that came from a tool or a user and is
/// about to be shown or kept.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end =
            tail.find(|c: char| c == '/' || c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ',' | '|')).unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(at) => {
                out.push_str("***@");
                rest = &tail[at + 1..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&redact(&self.0))
    }
}
impl fmt::Debug for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitUrl({self})")
    }
}
impl From<GitUrl> for String {
    fn from(url: GitUrl) -> String {
        url.to_string()
    }
}

/// A path below some folder: `/` between parts, no part empty, `.`, `..` or a spelling of `.git`, nothing absolute.
/// It is the only kind of path that a patch, a recipe or an upstream tree may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// Checks the path. The rules are those of git's `verify_path` with `core.protectNTFS` and `core.protectHFS` on
    /// (read-cache.c): `.git` is refused in upper case, with ignorable Unicode characters, trailing dots or spaces, as
    /// `git~1`, and with NTFS stream suffixes; so is `\`.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        const KIND: &str = "path inside the tree";
        let text = text.into();
        if text.is_empty() || text.len() > 4096 {
            return Err(refuse(KIND, &text, "1 to 4096 characters are expected"));
        }
        if text.starts_with('/') {
            return Err(refuse(KIND, &text, "it is absolute"));
        }
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err(refuse(KIND, &text, "`\\` and control characters are not allowed"));
        }
        for part in text.split('/') {
            match part {
                "" => return Err(refuse(KIND, &text, "it has an empty part")),
                "." | ".." => return Err(refuse(KIND, &text, "`.` and `..` are not allowed")),
                part if is_dot_git(part) => return Err(refuse(KIND, &text, "it leads into `.git`")),
                _ => {}
            }
        }
        Ok(Self(text))
    }
    /// The path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The path as the system spells it.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
    /// This path below `folder`.
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
    /// The parts, first to last.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
    /// The path `self/name`.
    pub fn join(&self, name: &str) -> Result<Self, NameError> {
        Self::new(format!("{}/{name}", self.0))
    }
}
impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl FromStr for RelPath {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl TryFrom<String> for RelPath {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0
    }
}

/// True for every spelling that some file system takes for `.git`.
fn is_dot_git(part: &str) -> bool {
    // HFS+ ignores these code points when it compares names (git: utf8.c, next_hfs_char).
    let ignorable = |c: &char| !matches!(*c as u32, 0x200c..=0x200f | 0x202a..=0x202e | 0x206a..=0x206f | 0xfeff);
    let folded: String = part.chars().filter(ignorable).flat_map(char::to_lowercase).collect();
    // NTFS ends a name at `:` (a stream) and drops trailing dots and spaces.
    let ntfs = folded.split(':').next().unwrap_or("").trim_end_matches([' ', '.']);
    matches!(ntfs, ".git" | "git~1")
}

/// A platform that Go builds for, written `OS/ARCH` as in `go tool dist list`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    os: String,
    arch: String,
}

impl Target {
    /// Reads `OS/ARCH`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let bad = || refuse("target", text, "OS/ARCH is expected, such as linux/amd64");
        let (os, arch) = text.split_once('/').ok_or_else(bad)?;
        let ok = |s: &str| !s.is_empty() && s.len() <= 20 && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok(os) && ok(arch) { Ok(Self { os: os.into(), arch: arch.into() }) } else { Err(bad()) }
    }
    /// The platform that this program was built for.
    pub fn host() -> Self {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        Self { os: os.into(), arch: arch.into() }
    }
    /// GOOS.
    pub fn os(&self) -> &str {
        &self.os
    }
    /// GOARCH.
    pub fn arch(&self) -> &str {
        &self.arch
    }
}
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.os, self.arch))
    }
}
impl FromStr for Target {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}
impl TryFrom<String> for Target {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}
impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

/// The text with control characters (also Unicode's bidirectional ones) made visible, so that nothing that a child, a tag
/// or a subject contains can move the cursor or reorder a line. Tab and newline stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c as u32, 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069) => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// The nearest of `known` to `given`, where one is near enough to be what was meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&given.to_lowercase(), &k.to_lowercase()), k))
        .filter(|(distance, k)| *distance <= 1 + given.len().max(k.len()) / 4 || k.starts_with(given) && !given.is_empty())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/hooks/pre-commit",
            ".git./x",
            ".git /x",
            "git~1/config",
            "GIT~1",
            ".g\u{200c}it/config",
            ".git::$INDEX_ALLOCATION/x",
            "a\\b",
            "a\nb",
            "a\0b",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["a", ".github/x", "a/.gitignore", "git/x", "a b/c+d", ".forge/service", "..a/b..", "~/x"] {
            assert!(RelPath::new(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn urls_that_run_programs_or_look_like_options_are_refused() {
        for bad in [
            "",
            "-u",
            "--upload-pack=x",
            "ext::sh -c id",
            "ext::sh",
            "fd::3",
            "ftp://host/x",
            "https://",
            "ssh://-oProxyCommand=x/y",
            "ssh://user@-oProxyCommand=x/y",
            "-host:path",
            "user@-host:path",
            "http://example.org/x",
            "https://a b/c",
        ] {
            assert!(GitUrl::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in [
            "https://github.com/k0sproject/k0s.git",
            "git@github.com:a/b",
            "ssh://git@h/p",
            "file:///srv/x",
            "/srv/x",
            "../x",
            "http://127.0.0.1:80/x",
        ] {
            assert!(GitUrl::new(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let url = GitUrl::new("https://user:tok@en@host.example/x").unwrap();
        assert_eq!(url.to_string(), "https://***@host.example/x");
        assert_eq!(format!("{url:?}"), "GitUrl(https://***@host.example/x)");
        assert!(url.has_userinfo());
        assert_eq!(String::from(url), "https://***@host.example/x");
        assert_eq!(redact("a https://t@h/x b 'https://u:p@g' c"), "a https://***@h/x b 'https://***@g' c");
        assert!(GitUrl::new("ext+https://tok@h").unwrap_err().to_string().contains("***"));
    }

    #[test]
    fn revisions_follow_git() {
        for bad in ["", "-x", "a..b", "a b", "a^", "a~1", "a:b", "x.lock", "a//b", ".a", "a@{1}", "@", "a\u{7}"] {
            assert!(Revision::new(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["v1.36.3+k0s.2", "release-1.36", "feature/x", "main"] {
            assert!(Revision::new(good).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn what_is_not_printable_becomes_visible() {
        assert_eq!(visible("a\x1b[31mb\r\u{202e}c\n"), "a\\u{1b}[31mb\\u{d}\\u{202e}c\n");
    }

    #[test]
    fn a_typing_error_finds_its_word() {
        assert_eq!(nearest("nixso", ["stock", "nixos", "demo"]), Some("nixos"));
        assert_eq!(nearest("zzzzzz", ["stock", "nixos"]), None);
    }
}
