//! Everything that can be wrong with a recipe or an upstream file: the message, and what to do about it.

use super::policy::Refused;
use super::targets::TargetError;
use super::vars::VarError;
use super::words::WordsError;
use crate::names::{NameError, visible};
use crate::release::ReqError;

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// Not TOML.
    #[error("{}", visible(.0))]
    Syntax(String),
    /// Not UTF-8.
    #[error("byte {offset} of the file is not UTF-8 text")]
    NotUtf8 {
        /// Counted from 0.
        offset: usize,
    },
    /// A key that such a table does not have.
    #[error("{table} has no key `{key}`")]
    UnknownKey {
        /// What was written.
        key: String,
        /// The table it stands in.
        table: String,
        /// The key that was probably meant.
        near: Option<&'static str>,
        /// The keys that the table may have.
        known: Vec<&'static str>,
    },
    /// A value of another type.
    #[error("`{key}` must be {expected}, found {found}")]
    Type {
        /// The key.
        key: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was written.
        found: &'static str,
        /// The value as TOML, where it is short.
        written: Option<String>,
    },
    /// A number outside its range.
    #[error("`{key}` must be {expected}, found {found}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was written.
        found: String,
    },
    /// One of a few words is expected.
    #[error("`{key}` cannot be {found:?}: {expected}")]
    Choice {
        /// The key.
        key: &'static str,
        /// What was written.
        found: String,
        /// The words it takes.
        expected: &'static str,
        /// The word that was probably meant.
        near: Option<&'static str>,
    },
    /// A text that its place cannot take.
    #[error("`{key}` cannot hold {text:?}: {reason}")]
    Text {
        /// The key.
        key: &'static str,
        /// What was written.
        text: String,
        /// Why.
        reason: &'static str,
    },
    /// A character that nothing outside TOML can carry.
    #[error("`{key}` must not contain the character U+0000")]
    Nul {
        /// The key.
        key: &'static str,
    },
    /// A key that has to be there.
    #[error("{table} needs `{key}`")]
    Missing {
        /// The table.
        table: String,
        /// The key, or a choice of keys.
        key: &'static str,
        /// What to write.
        help: &'static str,
    },
    /// A list, table or text without anything in it.
    #[error("`{key}` is empty")]
    Empty {
        /// The key.
        key: &'static str,
        /// What to write instead.
        help: &'static str,
    },
    /// Keys that exclude each other.
    #[error("`{first}` and `{second}` exclude each other")]
    Both {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// How to choose.
        help: &'static str,
    },
    /// A key that has no meaning without another.
    #[error("`{key}` has no meaning without {needs}")]
    Alone {
        /// The key.
        key: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// The same thing again in one list.
    #[error("{what} {text} is listed twice")]
    Twice {
        /// What the list holds.
        what: &'static str,
        /// The second one.
        text: String,
    },
    /// A name that its grammar refuses.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A target that Go does not know.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A range that cannot be read.
    #[error(transparent)]
    Req(#[from] ReqError),
    /// A replacement or requirement that cannot be read.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// A variable that does not exist, or a stray brace.
    #[error(transparent)]
    Variable(#[from] VarError),
    /// A flag or an environment variable that recipes may not set.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Not a regular expression.
    #[error("this is not a regular expression: {}", visible(.0))]
    Regex(String),
    /// Not a glob.
    #[error("this is not a glob: {}", visible(.0))]
    Glob(String),
    /// `version` holds a range.
    #[error("{text:?} is a range, and `version` names one tag, branch or commit")]
    RangeAsVersion {
        /// What was written.
        text: String,
    },
    /// `version` is none of the three.
    #[error("`version`: {0}")]
    Version(String),
    /// `as` for something that has a version.
    #[error("{version} is a version already: `as` is for a branch or a commit")]
    NamedTag {
        /// The tag.
        version: String,
    },
    /// `as` is not a version.
    #[error("{text:?} is not a version")]
    AsNotVersion {
        /// What was written.
        text: String,
    },
    /// A URL with a password or a token.
    #[error("the URL {shown} carries a login or a token")]
    Userinfo {
        /// The URL without it.
        shown: String,
    },
    /// A recipe without components.
    #[error("the recipe has no components")]
    NoComponents,
    /// More components than any recipe needs.
    #[error("the recipe has more than {limit} components")]
    TooManyComponents {
        /// The limit.
        limit: usize,
    },
    /// More of something than any recipe needs.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Neither a version nor a user that has one.
    #[error("component {name} has no version and no component uses it")]
    Unused {
        /// The component.
        name: String,
    },
    /// `replace` with a component that does not exist.
    #[error("the recipe has no component {name}")]
    NoComponent {
        /// What was written.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// A component inside itself.
    #[error("component {name} cannot replace a module with itself")]
    Itself {
        /// The component.
        name: String,
    },
    /// Components that contain each other.
    #[error("the components contain each other: {}", path.join(" uses "))]
    Cycle {
        /// The way round; the last is the first.
        path: Vec<String>,
    },
    /// An upstream that does not exist.
    #[error("there is no upstream {name}")]
    NoUpstream {
        /// What was meant.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// An upstream file that is wrong itself, or cannot be read.
    #[error("upstream {name} cannot be used: {reason}")]
    BadUpstream {
        /// The upstream.
        name: String,
        /// Why.
        reason: String,
    },
    /// A series that does not exist.
    #[error("there is no series {series}: no folder patches/{upstream}/{series}")]
    NoSeries {
        /// The upstream of the component.
        upstream: String,
        /// What was written.
        series: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// All that this upstream has.
        known: Vec<String>,
        /// An upstream that has a series of this name.
        elsewhere: Option<String>,
    },
    /// A file that a check needs.
    #[error("{path} cannot be read: {reason}")]
    NoFile {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// More bytes of files for checks than a recipe may have.
    #[error("the files of this recipe's checks have more than {limit} bytes together")]
    FilesTooLarge {
        /// The limit.
        limit: u64,
    },
    /// Facts about a binary that does not exist.
    #[error("component {name} is not a program: its upstream has no [[build]]")]
    NotProgram {
        /// The component.
        name: String,
    },
    /// A key of another driver.
    #[error("`{key}` has no meaning for driver {driver:?}")]
    OtherDriver {
        /// The key.
        key: &'static str,
        /// The driver of the block.
        driver: String,
        /// Whose key it is.
        belongs: &'static str,
    },
    /// `go.line` without exactly one `{}`.
    #[error("`line` must hold `{{}}` once, where the version stands; found {found} of them")]
    GoLine {
        /// How many there are.
        found: usize,
    },
    /// A promise without anything that is promised.
    #[error("`holds` promises nothing: component {name} has no series, and neither has what it uses")]
    EmptyPromise {
        /// The component.
        name: String,
    },
}

impl Wrong {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownKey { known, .. } => format!("it may have: {}", known.join(", ")),
            Self::Type { key, expected, written: Some(written), .. } if expected.starts_with("a list of strings") => {
                format!("write {key} = [{written}]")
            }
            Self::Choice { near: Some(near), .. } => format!("did you mean {near:?}?"),
            Self::Missing { help, .. } | Self::Empty { help, .. } | Self::Both { help, .. } => (*help).to_owned(),
            Self::Variable(error) => return error.help(),
            Self::Words(error) => return error.help(),
            Self::Target(error) => return error.help(),
            Self::Refused(refused) => return refused.help(),
            Self::RangeAsVersion { text } => format!("for the newest release of a range write lines = [{text:?}]"),
            Self::NamedTag { .. } => "leave `as` out".into(),
            Self::AsNotVersion { .. } => "write something like as = \"v1.36.3-mine.1\"".into(),
            Self::Userinfo { .. } => {
                "files are shared: leave it out, and let git's credential helper or an ssh agent supply it".into()
            }
            Self::NoComponents => "write [component.NAME], for example [component.k0s]".into(),
            Self::Unused { .. } => {
                "give it `version` or `lines`, or name it in the `replace` of the component that it is for".into()
            }
            Self::NoComponent { near: Some(near), .. } | Self::NoUpstream { near: Some(near), .. } => {
                format!("did you mean {near}?")
            }
            Self::NoComponent { known, .. } => {
                format!("it has {}; another module is written \"OLD => NEW@VERSION\"", known.join(", "))
            }
            Self::NoUpstream { known, .. } if known.is_empty() => NEW_UPSTREAM.into(),
            Self::NoUpstream { known, .. } => format!("there are {}; {NEW_UPSTREAM}", known.join(", ")),
            Self::NoSeries { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::NoSeries { series, elsewhere: Some(other), .. } => {
                format!("patches/{other}/{series} exists: is it meant for a component of upstream {other}?")
            }
            Self::NoSeries { upstream, known, .. } if known.is_empty() => {
                format!("upstream {upstream} has no series yet: an empty file series.toml in that folder begins it")
            }
            Self::NoSeries { upstream, known, .. } => format!("upstream {upstream} has {}", known.join(", ")),
            Self::NotProgram { .. } => "`expect` belongs to the component whose binary has it".into(),
            Self::OtherDriver { belongs, .. } => format!("it belongs to driver {belongs}; a block of its own can carry it"),
            Self::GoLine { .. } => "for example line = \"go_version = {}\"".into(),
            Self::Cycle { .. } => "a module cannot be inside what it contains: take one `replace` out".into(),
            Self::NotUtf8 { .. } => "TOML is UTF-8: save the file in that encoding".into(),
            Self::BadUpstream { .. } | Self::NoFile { .. } => return None,
            Self::EmptyPromise { .. } => "leave `holds` out, or name the series".into(),
            Self::Syntax(_)
            | Self::Type { .. }
            | Self::Range { .. }
            | Self::Choice { .. }
            | Self::Text { .. }
            | Self::Glob(_)
            | Self::Nul { .. }
            | Self::Alone { .. }
            | Self::Twice { .. }
            | Self::Name(_)
            | Self::Req(_)
            | Self::Regex(_)
            | Self::Version(_)
            | Self::TooManyComponents { .. }
            | Self::TooMany { .. }
            | Self::FilesTooLarge { .. }
            | Self::Itself { .. } => return None,
        })
    }

    /// A few words right at the place.
    pub(crate) fn label(&self) -> Option<String> {
        match self {
            Self::Type { expected, .. } => Some(format!("{expected} is expected")),
            Self::Twice { .. } => Some("again here".into()),
            _ => None,
        }
    }
}

const NEW_UPSTREAM: &str = "a new one is a file recipes/upstreams/NAME.toml, or `git`, `module` or `path` in the component";

/// A piece of a file for a message: harmless for a terminal, and not endless.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    visible(&short).replace('\n', "\\n")
}
