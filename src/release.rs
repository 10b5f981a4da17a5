//! Releases and ranges, in one spelling everywhere: tags that are versions, their order, and the requirements that pick
//! among them.
//!
//! A tag is read as semantic versioning 2.0.0 (<https://semver.org>) with an optional leading `v`. Build metadata orders too,
//! unlike in the standard: k0s publishes `v1.36.3+k0s.0`, `+k0s.1`, `+k0s.2` one after another.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::{CommitId, NameError, Revision};

/// A tag that is a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct Release {
    tag: Revision,
    version: semver::Version,
}

impl Release {
    /// Reads a tag; `None` where it is not a version.
    pub fn parse(tag: &Revision) -> Option<Self> {
        let text = tag.as_str();
        let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
        Some(Self { tag: tag.clone(), version })
    }
    /// The tag as the upstream wrote it.
    pub fn tag(&self) -> &Revision {
        &self.tag
    }
    /// The version without a leading `v`.
    pub fn bare(&self) -> &str {
        let text = self.tag.as_str();
        text.strip_prefix('v').unwrap_or(text)
    }
    /// First number.
    pub fn major(&self) -> u64 {
        self.version.major
    }
    /// Second number.
    pub fn minor(&self) -> u64 {
        self.version.minor
    }
    /// Third number.
    pub fn patch(&self) -> u64 {
        self.version.patch
    }
    /// True for `-rc.1` and the like.
    pub fn is_pre_release(&self) -> bool {
        !self.version.pre.is_empty()
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Self) -> Ordering {
        // semver orders build metadata as the last criterion, numerically where it is numeric.
        self.version.cmp(&other.version).then_with(|| self.tag.cmp(&other.tag))
    }
}
impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag.as_str())
    }
}
impl From<Release> for String {
    fn from(release: Release) -> String {
        release.tag.into()
    }
}

/// A requirement that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a range of releases: {reason}")]
pub struct ReqError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A range of releases: comparators joined by `,` (and) and `||` (or).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Req {
    text: String,
    any_of: Vec<Vec<Comparator>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparator {
    op: Op,
    major: u64,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: semver::Prerelease,
    build: semver::BuildMetadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Any,
    Exact,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Tilde,
    Caret,
}

impl Req {
    /// Reads a range. `1.36` alone means every release that begins so, as on the command line in `k0s@1.36`; `^` and `~`
    /// mean what they mean to Cargo.
    pub fn parse(text: &str) -> Result<Self, ReqError> {
        let fail = |reason: &str| ReqError { text: text.chars().take(200).collect(), reason: reason.to_owned() };
        if text.trim().is_empty() {
            return Err(fail("it is empty"));
        }
        if text.len() > 1000 {
            return Err(fail("it is longer than 1000 characters"));
        }
        let mut any_of = Vec::new();
        for alternative in text.split("||") {
            let mut all_of = Vec::new();
            for part in alternative.split(',') {
                all_of.push(comparator(part.trim()).map_err(|reason| fail(&reason))?);
            }
            any_of.push(all_of);
        }
        Ok(Self { text: text.trim().to_owned(), any_of })
    }

    /// `*`: every version, pre-releases too.
    pub fn any() -> Self {
        Self::parse("*").expect("`*` is a range")
    }

    /// The range as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True where the release is in the range. A pre-release matches only where a bound with the same X.Y.Z names one, or
    /// under `*`.
    pub fn matches(&self, release: &Release) -> bool {
        let v = &release.version;
        let names_pre = |c: &Comparator| {
            c.op == Op::Any || !c.pre.is_empty() && c.major == v.major && c.minor == Some(v.minor) && c.patch == Some(v.patch)
        };
        self.any_of.iter().any(|all_of| (v.pre.is_empty() || all_of.iter().any(names_pre)) && all_of.iter().all(|c| c.matches(v)))
    }

    /// True where the release is between the bounds, be it a pre-release or not: for the range of an upstream, which says how
    /// far back its releases go and leaves it to the requirement whether pre-releases are wanted.
    pub fn spans(&self, release: &Release) -> bool {
        self.any_of.iter().any(|all_of| all_of.iter().all(|c| c.matches(&release.version)))
    }
}

impl fmt::Display for Req {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
impl FromStr for Req {
    type Err = ReqError;
    fn from_str(text: &str) -> Result<Self, ReqError> {
        Self::parse(text)
    }
}
impl TryFrom<String> for Req {
    type Error = ReqError;
    fn try_from(text: String) -> Result<Self, ReqError> {
        Self::parse(&text)
    }
}
impl From<Req> for String {
    fn from(req: Req) -> String {
        req.text
    }
}

fn comparator(text: &str) -> Result<Comparator, String> {
    if text == "*" {
        let (pre, build) = (semver::Prerelease::EMPTY, semver::BuildMetadata::EMPTY);
        return Ok(Comparator { op: Op::Any, major: 0, minor: None, patch: None, pre, build });
    }
    let ops = [
        (">=", Op::GreaterEq),
        ("<=", Op::LessEq),
        (">", Op::Greater),
        ("<", Op::Less),
        ("=", Op::Exact),
        ("~", Op::Tilde),
        ("^", Op::Caret),
    ];
    let (op, rest) = ops
        .iter()
        .find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (*op, rest.trim_start())))
        .unwrap_or((Op::Tilde, text));
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let (rest, build) = match rest.split_once('+') {
        Some((rest, build)) => (rest, semver::BuildMetadata::new(build).map_err(|e| format!("{build:?}: {e}"))?),
        None => (rest, semver::BuildMetadata::EMPTY),
    };
    let (rest, pre) = match rest.split_once('-') {
        Some((rest, pre)) => (rest, semver::Prerelease::new(pre).map_err(|e| format!("{pre:?}: {e}"))?),
        None => (rest, semver::Prerelease::EMPTY),
    };
    let mut numbers = Vec::new();
    for part in rest.split('.') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) || part.len() > 1 && part.starts_with('0') {
            return Err(format!("{text:?} should be a comparator such as >=1.24, ~1.36 or =1.36.3"));
        }
        numbers.push(part.parse::<u64>().map_err(|_| format!("{part:?} is too large"))?);
    }
    let [major, minor, patch] = match numbers[..] {
        [a] => [Some(a), None, None],
        [a, b] => [Some(a), Some(b), None],
        [a, b, c] => [Some(a), Some(b), Some(c)],
        _ => return Err(format!("{text:?} has more than three numbers")),
    };
    if patch.is_none() && (!pre.is_empty() || !build.is_empty()) {
        return Err(format!("{text:?} needs three numbers before a pre-release or build"));
    }
    // A bare full version is that version, not the minor that it begins.
    let op = if op == Op::Tilde && !text.starts_with('~') && patch.is_some() { Op::Exact } else { op };
    Ok(Comparator { op, major: major.unwrap_or_default(), minor, patch, pre, build })
}

impl Comparator {
    fn matches(&self, v: &semver::Version) -> bool {
        match self.op {
            Op::Any => true,
            Op::Exact => self.compare(v) == Ordering::Equal,
            Op::Less => self.compare(v) == Ordering::Less,
            Op::LessEq => self.compare(v) != Ordering::Greater,
            Op::Greater => self.compare(v) == Ordering::Greater,
            Op::GreaterEq => self.compare(v) != Ordering::Less,
            Op::Tilde => {
                self.compare(v) != Ordering::Less && v.major == self.major && self.minor.is_none_or(|minor| v.minor == minor)
            }
            Op::Caret => {
                let same = match (self.major, self.minor, self.patch) {
                    (0, Some(0), Some(patch)) => v.major == 0 && v.minor == 0 && v.patch == patch,
                    (0, Some(minor), _) => v.major == 0 && v.minor == minor,
                    (major, _, _) => v.major == major,
                };
                same && self.compare(v) != Ordering::Less
            }
        }
    }

    /// How the version stands to the bound; parts that the bound does not name are equal.
    fn compare(&self, v: &semver::Version) -> Ordering {
        let order = v.major.cmp(&self.major);
        let Some(minor) = self.minor else { return order };
        let order = order.then(v.minor.cmp(&minor));
        let Some(patch) = self.patch else { return order };
        let order = order.then(v.patch.cmp(&patch)).then(v.pre.cmp(&self.pre));
        if self.build.is_empty() { order } else { order.then(v.build.cmp(&self.build)) }
    }
}

/// What `COMPONENT@REQ` and `version = "..."` can say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Wanted {
    /// The newest release in a range.
    Range(Req),
    /// A tag or a branch; a tag wins.
    Revision(Revision),
    /// A commit.
    Commit(CommitId),
}

impl Wanted {
    /// Reads a REQ: 40 hex digits are a commit; what has an operator or is a part of a version is a range; the rest is a tag
    /// or a branch.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(commit) = CommitId::new(text) {
            return Ok(Self::Commit(commit));
        }
        let looks_like_range = text == "*"
            || text.starts_with(['<', '>', '=', '~', '^'])
            || text.contains(',')
            || text.contains("||")
            || text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.bytes().filter(|b| *b == b'.').count() < 2;
        if looks_like_range {
            return Req::parse(text).map(Self::Range).map_err(|e| e.to_string());
        }
        Revision::new(text).map(Self::Revision).map_err(|e: NameError| e.to_string())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(req) => req.fmt(f),
            Self::Revision(revision) => revision.fmt(f),
            Self::Commit(commit) => commit.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(tag: &str) -> Release {
        Release::parse(&Revision::new(tag).unwrap()).unwrap()
    }
    fn matches(req: &str, tag: &str) -> bool {
        Req::parse(req).unwrap().matches(&release(tag))
    }

    #[test]
    fn k0s_tags_order_as_they_were_published() {
        let order = [
            "v1.35.7+k0s.0",
            "v1.36.3-rc.0+k0s.0",
            "v1.36.3-rc.0+k0s.1",
            "v1.36.3+k0s.0",
            "v1.36.3+k0s.2",
            "v1.36.3+k0s.10",
            "v1.36.10+k0s.0",
        ];
        for pair in order.windows(2) {
            assert!(release(pair[0]) < release(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn ranges_mean_what_the_format_says() {
        for (req, tag, expected) in [
            ("=1.36.3", "v1.36.3+k0s.2", true),
            ("=1.36.3+k0s.1", "v1.36.3+k0s.2", false),
            ("v1.36.3+k0s.2", "v1.36.3+k0s.2", true),
            ("~1.36", "v1.36.9+k0s.0", true),
            ("~1.36", "v1.37.0+k0s.0", false),
            ("1.36", "v1.36.9+k0s.0", true),
            ("1", "v1.36.9+k0s.0", true),
            (">=1.24", "v1.24.0+k0s.0", true),
            (">=1.24", "v1.24.0-rc.1+k0s.0", false),
            (">1.24", "v1.24.6+k0s.0", false),
            (">1.24.6", "v1.24.6+k0s.1", false),
            (">=1.24,<1.31", "v1.30.9+k0s.0", true),
            (">=1.24,<1.31", "v1.31.0+k0s.0", false),
            ("<=1.31", "v1.31.9+k0s.0", true),
            ("~1.24 || ~1.36", "v1.36.0+k0s.0", true),
            ("~1.24 || ~1.36", "v1.30.0+k0s.0", false),
            ("*", "v1.36.3-rc.0+k0s.0", true),
            ("~1.36", "v1.36.3-rc.0+k0s.0", false),
            (">=1.36.3-rc.0", "v1.36.3-rc.1+k0s.0", true),
            (">=1.36.3-rc.0", "v1.36.4-rc.1+k0s.0", false),
            ("^0.32", "v0.32.2", true),
            ("^0.32", "v0.33.0", false),
            ("^1.2", "v1.9.0", true),
        ] {
            assert_eq!(matches(req, tag), expected, "{req} {tag}");
        }
    }

    #[test]
    fn wrong_ranges_say_why() {
        for bad in ["", ">=", "1.x", "~1.2.3.4", ">=1.2-rc", "01.2", "a", ">=1.2,,<2", "1.2||"] {
            assert!(Req::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_wanted_is_a_commit_a_range_or_a_name() {
        assert!(matches!(Wanted::parse(&"a".repeat(40)), Ok(Wanted::Commit(_))));
        for range in ["*", "1.36", "~1.36", ">=1,<2", "=1.36.3"] {
            assert!(matches!(Wanted::parse(range), Ok(Wanted::Range(_))), "{range}");
        }
        for name in ["v1.36.3+k0s.2", "main", "release-1.36", "1.36.3"] {
            assert!(matches!(Wanted::parse(name), Ok(Wanted::Revision(_))), "{name}");
        }
        assert!(Wanted::parse("--upload-pack=x").is_err());
    }
}
