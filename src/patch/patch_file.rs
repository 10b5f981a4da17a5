//! One `*.patch` file, read.

use crate::names::Sha256;
use crate::patch::diff::{self, Dialect, DiffError, FilePatch};
use crate::patch::mail::{self, Mail, MailError};

/// The largest patch file.
pub const PATCH_LIMIT: u64 = 16 * 1024 * 1024;

/// A patch file: what it says about itself and what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchFile {
    /// Author, date and message.
    pub mail: Mail,
    /// True for a mail, false for a bare diff (with or without DEP-3 header).
    pub is_mail: bool,
    /// The changes, in order. Empty only in quilt folders, where quilt takes an empty patch.
    pub files: Vec<FilePatch>,
    /// Which program's rules it follows.
    pub dialect: Dialect,
    /// Of the bytes.
    pub sha256: Sha256,
}

/// A patch file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchFileError {
    /// It is not one mail.
    #[error("{0}")]
    Mail(MailError),
    /// Its diff is malformed.
    #[error("{0}")]
    Diff(DiffError),
    /// It changes nothing.
    #[error("it holds no diff")]
    NoDiff,
    /// patch(1) does not decode mails.
    #[error("its body is encoded (base64 or quoted-printable), which quilt cannot read")]
    EncodedInQuilt,
    /// It is too large.
    #[error("it has more than {PATCH_LIMIT} bytes")]
    TooLarge,
}

impl PatchFileError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Mail(problem) => problem.help(),
            Self::Diff(error) => error.problem.help(),
            Self::NoDiff => "export it again with `git format-patch`, or take it out of the series",
            Self::EncodedInQuilt => "list the patch in a series.toml instead of a quilt `series`",
            Self::TooLarge => "a patch of that size is refused; is it the right file?",
        }
    }
}

impl PatchFile {
    /// Reads a patch; `strip` is the N of `-pN`. Any bytes are a patch or an error.
    pub fn parse(bytes: &[u8], strip: usize, dialect: Dialect) -> Result<Self, PatchFileError> {
        if bytes.len() as u64 > PATCH_LIMIT {
            return Err(PatchFileError::TooLarge);
        }
        let split = mail::split(bytes).map_err(PatchFileError::Mail)?;
        if split.encoded && dialect == Dialect::Quilt {
            return Err(PatchFileError::EncodedInQuilt);
        }
        let (text, first_line) = match dialect {
            Dialect::Git => (&*split.diff, split.first_line),
            // patch(1) does not know where a message ends.
            Dialect::Quilt => (bytes, 1),
        };
        let files = diff::parse(text, strip, dialect, first_line).map_err(PatchFileError::Diff)?;
        if files.is_empty() && dialect == Dialect::Git {
            return Err(PatchFileError::NoDiff);
        }
        Ok(Self { mail: split.mail, is_mail: split.is_mail, files, dialect, sha256: sha256(bytes) })
    }
}

/// The SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    use sha2::Digest;
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for byte in sha2::Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    Sha256::new(hex).expect("64 hex digits were written")
}
