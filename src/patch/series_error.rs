//! Everything that can be wrong with a series' folder, with the place in the file where there is one.

use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::files::{FilesError, Origin};
use crate::names::{NameError, PatchName, SeriesName, UpstreamName};
use crate::patch::edit::EditError;
use crate::patch::patch_file::PatchFileError;
use crate::release::ReqError;

/// All errors of a series.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{}", self.title())]
pub struct SeriesErrors {
    /// Each of them; never empty.
    #[related]
    pub errors: Vec<SeriesError>,
}

impl SeriesErrors {
    fn title(&self) -> String {
        match &self.errors[..] {
            [one] => one.to_string(),
            errors => format!("the series has {} errors", errors.len()),
        }
    }
}

/// One error of a series.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum SeriesError {
    /// There is no such folder.
    #[error("there is no series {name} for {upstream}: patches/{upstream}/{name} is missing")]
    #[diagnostic(help("{}", suggestion(nearest.as_deref(), known)))]
    NotFound {
        /// The upstream.
        upstream: UpstreamName,
        /// What was asked for.
        name: SeriesName,
        /// What was perhaps meant.
        nearest: Option<String>,
        /// The series that there are.
        known: Vec<String>,
    },
    /// The folder holds no patches.
    #[error("{folder} holds no patches")]
    #[diagnostic(help(
        "put `*.patch` files there, as `git format-patch` writes them, or an empty series.toml, and begin with `forge patch start`"
    ))]
    Empty {
        /// The folder.
        folder: Origin,
    },
    /// Reading failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Files(#[from] FilesError),
    /// A file name that is none.
    #[error("{problem}")]
    #[diagnostic(help("rename the file"))]
    Path {
        /// Why.
        problem: NameError,
    },
    /// Something in the list is wrong.
    #[error("{}: {problem}", src.name())]
    #[diagnostic(help("{}", problem.help()))]
    List {
        /// What.
        problem: ListProblem,
        /// The list.
        #[source_code]
        src: NamedSource<Arc<str>>,
        /// Where.
        #[label("here")]
        span: SourceSpan,
    },
    /// A patch without a line in the list.
    #[error("{file} is in {folder}, but not listed")]
    #[diagnostic(help("list it, or move it elsewhere: a patch that is forgotten is worse than one that fails"))]
    Unlisted {
        /// The file.
        file: String,
        /// The folder.
        folder: Origin,
    },
    /// A file was there when the folder was read and is not any more.
    #[error("{file} has just gone from {folder}")]
    #[diagnostic(help("try again"))]
    Vanished {
        /// The file.
        file: PatchName,
        /// The folder.
        folder: Origin,
    },
    /// A patch cannot be read.
    #[error("{origin}: {problem}")]
    #[diagnostic(help("{}", problem.advice()))]
    Patch {
        /// The file.
        origin: Origin,
        /// Why.
        problem: PatchFileError,
    },
}

fn suggestion(nearest: Option<&str>, known: &[String]) -> String {
    match (nearest, known) {
        (Some(nearest), _) => format!("did you mean {nearest}?"),
        (None, []) => "`forge list` shows what there is".to_owned(),
        (None, known) => format!("there are: {}", known.join(", ")),
    }
}

/// What is wrong with a line of a list or of a structural edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// Not TOML; the parser's words.
    #[error("{0}")]
    Syntax(String),
    /// Not UTF-8.
    #[error("the file is not UTF-8")]
    NotText,
    /// A key that the format does not have.
    #[error("{key:?} is not a key of {place}")]
    UnknownKey {
        /// What was written.
        key: String,
        /// Where: `series.toml`, `[[patch]]`, `one_of`.
        place: &'static str,
        /// What was perhaps meant.
        nearest: Option<&'static str>,
        /// What there is.
        known: &'static [&'static str],
    },
    /// A value of another type.
    #[error("{key} should be {expected}, and is {found}")]
    Type {
        /// The key.
        key: &'static str,
        /// What it should be, with its article.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Neither `file` nor `one_of`.
    #[error("this patch has neither `file` nor `one_of`")]
    NoFile,
    /// Both, or `base` beside `one_of`.
    #[error("{0} does not go with `one_of`")]
    WithOneOf(&'static str),
    /// `one_of = []`.
    #[error("`one_of` is empty")]
    NoForms,
    /// A file name that is none.
    #[error("{0}")]
    Name(NameError),
    /// A range that is none.
    #[error("{0}")]
    Req(ReqError),
    /// A file that is not in the folder.
    #[error("{file} is not in the folder")]
    NoSuchFile {
        /// The name.
        file: PatchName,
        /// What was perhaps meant.
        nearest: Option<String>,
    },
    /// A file that is listed twice.
    #[error("{0} is listed twice")]
    Twice(PatchName),
    /// A mistake in a structural edit.
    #[error("{0}")]
    Edit(EditError),
    /// A structural edit among the patches of a quilt folder.
    #[error("quilt knows no structural edits")]
    EditInQuilt,
    /// `-R` in a quilt series.
    #[error("a patch that is applied in reverse (-R) is not supported")]
    Reverse,
    /// An option of patch(1) that forge does not take.
    #[error("{0:?} is not an option that forge knows")]
    Option(String),
    /// Fuzz in a quilt series.
    #[error("{0:?} asks for fuzz, which forge never allows")]
    Fuzz(String),
}

impl ListProblem {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Syntax(_) => "see <https://toml.io>; a text with `\"` or `\\` goes into 'single' quotes".to_owned(),
            Self::NotText => "save it as UTF-8".to_owned(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::UnknownKey { known, .. } => format!("the keys are: {}", known.join(", ")),
            Self::Type { expected, .. } => format!("write {expected}"),
            Self::NoFile => "add `file = \"NAME.patch\"`".to_owned(),
            Self::WithOneOf(_) => "put it into the forms of `one_of`".to_owned(),
            Self::NoForms => "list the forms: one_of = [{ file = \"A.patch\" }, { file = \"B.patch\" }]".to_owned(),
            Self::Name(_) => "rename the file".to_owned(),
            Self::Req(_) => "ranges look like \">=1.31.1\", \"~1.36\" or \">=1.24, <1.31\"".to_owned(),
            Self::NoSuchFile { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::NoSuchFile { nearest: None, .. } => "add the file, or take the line out".to_owned(),
            Self::Twice(_) => "take one of the two out".to_owned(),
            Self::Edit(problem) => problem.help(),
            Self::EditInQuilt => "list the patches in a series.toml instead of a quilt `series`".to_owned(),
            Self::Reverse => "store the patch reversed: `interdiff -q FILE /dev/null`".to_owned(),
            Self::Option(_) => "`-pN` is the only option".to_owned(),
            Self::Fuzz(_) => "refresh the patch: `quilt push -f NAME && quilt refresh`".to_owned(),
        }
    }
}
