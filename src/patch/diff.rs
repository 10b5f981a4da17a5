//! Diffs as they are written: which files a patch changes and how. Nothing is applied here.
//!
//! The reading is that of `git apply` (apply.c in git), and of patch(1) for quilt's headers without `diff --git`; but what
//! these two skip in silence (text between hunks, lines after a hunk whose counts are too small) is an error. diffy's
//! parser was not enough: it skips the same things and does not know the lines of the patch file, which every message
//! here names.

use serde::Serialize;

use crate::git::objects::Mode;
use crate::names::{NameError, RelPath, visible};
use crate::patch::binary::{BUDGET, BinaryError, Block};
use crate::patch::hunk::{self, Hunk};
use crate::patch::plain;
use crate::patch::section;

/// Which program's reading a patch follows where `git` and `patch` differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `git am --keep-cr`.
    Git,
    /// `quilt push --fuzz=0`, which is patch(1).
    Quilt,
}

/// What a section does to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Makes a file that must not be there.
    Create,
    /// Removes a file; its content must be what the section says.
    Delete,
    /// Changes content or mode.
    Modify,
    /// Moves a file, perhaps with changes.
    Rename,
    /// Makes a copy of a file, perhaps with changes.
    Copy,
}

/// A section's change of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// Text.
    Hunks(Vec<Hunk>),
    /// A git binary patch. The ids are whole: git demands it, and checks both.
    Binary {
        /// The new content.
        block: Block,
        /// Id of the old content; `None` where there was no file.
        old: Option<String>,
        /// Id of the new content; `None` where there is no file.
        new: Option<String>,
    },
}

/// One file's part of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// Line of its first header in the patch file.
    pub line: usize,
    /// What it does.
    pub kind: Kind,
    /// The file that is read; equals `new` but for renames and copies.
    pub old: RelPath,
    /// The file that is written.
    pub new: RelPath,
    /// The mode that the patch says the file has (`old mode`, `deleted file mode`).
    pub old_mode: Option<Mode>,
    /// The mode that the index line mentions: only its type counts, as in git.
    pub index_mode: Option<Mode>,
    /// The mode that the file gets.
    pub new_mode: Option<Mode>,
    /// A header without git's words cannot say whether an empty old side is a missing file: it makes the file if needed.
    pub may_create: bool,
    /// Likewise: the file goes away where nothing is left of it.
    pub may_delete: bool,
    /// The change of content.
    pub body: Body,
}

impl FilePatch {
    /// The text hunks.
    pub fn hunks(&self) -> &[Hunk] {
        match &self.body {
            Body::Hunks(hunks) => hunks,
            Body::Empty | Body::Binary { .. } => &[],
        }
    }

    /// The paths that this section names, each once.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        std::iter::once(&self.new).chain((self.old != self.new).then_some(&self.old))
    }
}

/// A diff that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DiffError {
    /// The line of the patch file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: DiffProblem,
}

/// What is wrong with a line of a diff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffProblem {
    /// Not `@@ -A,B +C,D @@`.
    #[error("this is not a hunk header; `@@ -LINE,COUNT +LINE,COUNT @@` is expected")]
    HunkHeader,
    /// A hunk ends before its counts are reached.
    #[error("the hunk has fewer lines than its header counts")]
    HunkShort,
    /// More lines follow than the header counts.
    #[error("the hunk has more lines than its header (line {counted_at}) counts")]
    HunkLong {
        /// The header's line.
        counted_at: usize,
    },
    /// One side has more lines than the header says, or goes on after its end.
    #[error("the hunk's lines contradict the counts in its header")]
    HunkCounts,
    /// Nothing but context.
    #[error("the hunk changes nothing")]
    HunkEmpty,
    /// `\ No newline at end of file` where it says nothing.
    #[error("`\\ No newline at end of file` does not belong here")]
    Marker,
    /// The last line has no newline.
    #[error("the patch ends in the middle of a line")]
    CutOff,
    /// An indented, context or normal diff, which patch(1) would apply.
    #[error("patch(1) may take this for a diff of another format; forge reads unified diffs that are not indented")]
    Foreign,
    /// A hunk that belongs to no file.
    #[error("this hunk has no file header before it")]
    Orphan,
    /// A header line with CR LF.
    #[error("this header line ends in CR LF: the patch file was converted on its way")]
    Converted,
    /// `diff --cc`, `diff --combined`, `@@@`.
    #[error("this is a combined diff of a merge; a diff against one parent is needed")]
    Combined,
    /// `Binary files a and b differ`.
    #[error("a binary file changes, but the patch does not have its content")]
    NoBinaryContent,
    /// A binary part is unusable.
    #[error("the binary part is broken: {0}")]
    Binary(BinaryError),
    /// A binary part without whole object ids.
    #[error("a binary patch needs whole object ids in its index line")]
    ShortIds,
    /// A binary part in a quilt folder.
    #[error("patch(1), and so quilt, cannot apply git's binary patches")]
    BinaryInQuilt,
    /// A submodule.
    #[error("a submodule changes; forge patches files only")]
    Submodule,
    /// A mode that is none.
    #[error("{0:?} is not a file mode that git knows")]
    Mode(String),
    /// A regular file becomes a symbolic link or the other way round, in one section.
    #[error("a file cannot turn into a symbolic link (or back) in one section; git writes a deletion and a creation")]
    TypeChange,
    /// The names of a section contradict each other.
    #[error("the names in this file header contradict each other: {0:?} and {1:?}")]
    Names(String, String),
    /// The names of a section cannot be told apart.
    #[error("the file name cannot be read from this header")]
    NoName,
    /// Removing leading folders leaves nothing.
    #[error("{name:?} has fewer than {strip} leading folders to strip")]
    Strip {
        /// The name as written.
        name: String,
        /// How many were to go.
        strip: usize,
    },
    /// A quoted name that is not closed, or with unknown escapes.
    #[error("the quoted file name {0:?} is malformed")]
    Quoting(String),
    /// A path that leaves the tree.
    #[error("{0}")]
    Path(NameError),
    /// `rename from` without `rename to` and the like, or two of one kind.
    #[error("this file header is incomplete or contradicts itself")]
    Header,
    /// A file header and nothing after it.
    #[error("this file header has no change after it")]
    Nothing,
    /// A creation with old lines or several hunks.
    #[error("a new file cannot have old lines")]
    CreateWithOld,
    /// A deletion with new lines or several hunks.
    #[error("a deleted file cannot have new lines")]
    DeleteWithNew,
}

impl DiffProblem {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoBinaryContent | Self::ShortIds => "export it again with `git format-patch --binary`",
            Self::Binary(_) | Self::Converted | Self::CutOff => {
                "export the patch again with `git format-patch`, or take the original file: mail programs change patches"
            }
            Self::HunkShort | Self::HunkLong { .. } | Self::HunkCounts | Self::HunkHeader | Self::HunkEmpty | Self::Marker => {
                "a patch edited by hand needs new counts: `rediff`, or apply it and export it again"
            }
            Self::Path(_) => "a patch may name files inside the tree only",
            Self::Strip { .. } | Self::NoName | Self::Names(..) => {
                "names like `a/FILE` and `b/FILE` are expected (or -pN in quilt's `series`)"
            }
            Self::Combined => "use `git format-patch`, which leaves merges out, or `git diff PARENT MERGE`",
            Self::BinaryInQuilt => "list the patch in a series.toml instead of a quilt `series`",
            Self::Foreign => "make it a unified diff (`diff -u`), or change the text if it is only that",
            Self::Orphan | Self::Nothing | Self::Header | Self::CreateWithOld | Self::DeleteWithNew | Self::Quoting(_) => {
                "export the patch again with `git format-patch`"
            }
            Self::Submodule => "take the submodule's change out of the patch",
            Self::Mode(_) | Self::TypeChange => "export the patch again with `git format-patch`",
        }
    }
}

/// Reads every section of a diff. `strip` is the N of `-pN`; `first` is the line number of the first line of `text` in the
/// patch file.
pub(crate) fn parse(text: &[u8], strip: usize, dialect: Dialect, first: usize) -> Result<Vec<FilePatch>, DiffError> {
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    let mut reader = Reader { lines: &lines, first, strip, dialect, budget: BUDGET };
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        let fail = |problem| DiffError { line: first + at, problem };
        if line.starts_with(b"diff --git ") {
            let (file, next) = section::git(&mut reader, at)?;
            files.push(file);
            at = next;
        } else if reader.is_plain_header(at) {
            let (file, next) = plain::plain(&mut reader, at)?;
            files.push(file);
            at = next;
        } else if [&b"diff --cc "[..], b"diff --combined ", b"@@@ -"].iter().any(|p| line.starts_with(p)) {
            return Err(fail(DiffProblem::Combined));
        } else if hunk::header(line).is_some() {
            return Err(fail(DiffProblem::Orphan));
        } else if line.starts_with(b"Binary files ") && line.trim_ascii_end().ends_with(b" differ") && !files.is_empty() {
            return Err(fail(DiffProblem::NoBinaryContent));
        } else {
            // A mail's diffstat, a description, `Index: ...`: for people.
            reader.check_text(at)?;
            at += 1;
        }
    }
    Ok(files)
}

/// The lines of a diff and how to read them.
pub(crate) struct Reader<'a> {
    pub(crate) lines: &'a [&'a [u8]],
    pub(crate) first: usize,
    pub(crate) strip: usize,
    pub(crate) dialect: Dialect,
    budget: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn fail(&self, at: usize, problem: DiffProblem) -> DiffError {
        DiffError { line: self.first + at, problem }
    }

    /// A header line without its newline; CR LF means that somebody converted the patch.
    pub(crate) fn header_line(&self, at: usize) -> Result<&'a [u8], DiffError> {
        let line = self.lines[at];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.ends_with(b"\r") { Err(self.fail(at, DiffProblem::Converted)) } else { Ok(line) }
    }

    /// `--- `, `+++ `, `@@ -` one after another, as git wants them.
    pub(crate) fn is_plain_header(&self, at: usize) -> bool {
        let begins = |i: usize, with: &[u8]| self.lines.get(i).is_some_and(|l| l.starts_with(with));
        begins(at, b"--- ") && begins(at + 1, b"+++ ") && begins(at + 2, b"@@ -")
    }

    /// Text between sections that one of the programs would take for a diff, or that was one before somebody edited it.
    fn check_text(&self, at: usize) -> Result<(), DiffError> {
        let line = |i: usize| self.lines.get(at + i).copied().unwrap_or_default();
        if line(0).starts_with(b"--- ") && line(1).starts_with(b"+++ ") {
            return Err(self.fail(at, DiffProblem::Nothing));
        }
        if self.dialect == Dialect::Git {
            return Ok(());
        }
        // patch(1) also reads indented diffs and older formats.
        let inner = line(0).trim_ascii_start();
        let indented = inner.len() < line(0).len() && (inner.starts_with(b"--- ") || inner.starts_with(b"diff --git "));
        let context = inner.starts_with(b"*** ") && line(1).trim_ascii_start().starts_with(b"--- ");
        let digits = inner.iter().take_while(|b| b.is_ascii_digit() || **b == b',').count();
        let next = line(1).trim_ascii_start();
        let normal = digits > 0
            && inner.get(digits).is_some_and(|b| b"acd".contains(b))
            && (next.starts_with(b"< ") || next.starts_with(b"> "));
        if indented || context || normal { Err(self.fail(at, DiffProblem::Foreign)) } else { Ok(()) }
    }

    pub(crate) fn hunks(&self, mut at: usize) -> Result<(Vec<Hunk>, usize), DiffError> {
        let mut hunks = Vec::new();
        while self.lines.get(at).is_some_and(|l| l.starts_with(b"@@ -")) {
            let (hunk, next) = hunk::read(self.lines, at, self.first)?;
            hunks.push(hunk);
            at = next;
        }
        Ok((hunks, at))
    }

    /// The parts after `GIT binary patch`: forward, and perhaps the way back, which only has to be sound (git then drops the
    /// section and what follows it without an error).
    pub(crate) fn binary(&mut self, at: usize) -> Result<(Block, usize), DiffError> {
        let end = self.binary_end(at).ok_or_else(|| self.fail(at, DiffProblem::Binary(BinaryError::Header)))?;
        let forward = self.binary_part(at, end)?;
        let Some(back) = self.binary_end(end + 1) else { return Ok((forward, end + 1)) };
        self.binary_part(end + 1, back)?;
        Ok((forward, back + 1))
    }

    fn binary_part(&mut self, at: usize, end: usize) -> Result<Block, DiffError> {
        let content = |line: &&'a [u8]| line.strip_suffix(b"\n").unwrap_or(line);
        let data: Vec<&[u8]> = self.lines[at + 1..end].iter().map(content).collect();
        // The empty line at the end has to be there and empty, as for git.
        let block = match self.lines.get(end) {
            Some(_) => Block::read(content(&self.lines[at]), &data, &mut self.budget),
            None => Err(BinaryError::Base85),
        };
        block.map_err(|e| self.fail(at, DiffProblem::Binary(e)))
    }

    /// Where the binary part that begins at `at` ends, if one begins there: at the first empty line.
    fn binary_end(&self, at: usize) -> Option<usize> {
        let header = self.lines.get(at)?;
        if !header.starts_with(b"literal ") && !header.starts_with(b"delta ") {
            return None;
        }
        let len = self.lines[at + 1..].iter().take_while(|l| **l != b"\n").count();
        Some(at + 1 + len)
    }

    /// A path of the patch without its leading folders.
    pub(crate) fn path(&self, at: usize, name: &[u8], strip: usize) -> Result<RelPath, DiffError> {
        let text = self.text(at, name)?;
        let stripped =
            strip_folders(&text, strip).ok_or_else(|| self.fail(at, DiffProblem::Strip { name: visible(&text), strip }))?;
        let stripped = match self.dialect {
            // diff(1) run in a folder writes `./FILE`; git would refuse it.
            Dialect::Quilt => stripped.strip_prefix("./").map(str::to_owned).unwrap_or(stripped),
            Dialect::Git => stripped,
        };
        RelPath::new(stripped).map_err(|e| self.fail(at, DiffProblem::Path(e)))
    }

    /// A name as text; quoted names are unquoted.
    pub(crate) fn text(&self, at: usize, name: &[u8]) -> Result<String, DiffError> {
        let malformed = || self.fail(at, DiffProblem::Quoting(visible(&String::from_utf8_lossy(name))));
        if name.first() != Some(&b'"') {
            return String::from_utf8(name.to_vec()).map_err(|_| malformed());
        }
        match section::unquote(name) {
            Some((bytes, [])) => String::from_utf8(bytes).map_err(|_| malformed()),
            _ => Err(malformed()),
        }
    }
}

/// `a/b/c` without its first `count` parts. Several slashes in a row count as one, as in git.
pub(crate) fn strip_folders(name: &str, count: usize) -> Option<String> {
    let mut rest = name;
    for _ in 0..count {
        rest = rest.split_once('/')?.1.trim_start_matches('/');
    }
    let mut out = String::with_capacity(rest.len());
    for c in rest.chars() {
        if !(c == '/' && out.ends_with('/')) {
            out.push(c);
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
