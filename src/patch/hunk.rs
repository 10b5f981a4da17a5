//! A hunk as the patch says it, and reading one.

use crate::patch::diff::{DiffError, DiffProblem};

/// What a line of a hunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// In the old and the new text.
    Context,
    /// In the old text only.
    Delete,
    /// In the new text only.
    Insert,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it does.
    pub kind: LineKind,
    /// The text with its newline, where it has one.
    pub text: Box<[u8]>,
}

/// One hunk of a text patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Line of its `@@` in the patch file.
    pub line: usize,
    /// First line in the old file, from 1; 0 where the old side is empty at the top.
    pub old_start: usize,
    /// Number of old lines.
    pub old_len: usize,
    /// First line in the new file.
    pub new_start: usize,
    /// Number of new lines.
    pub new_len: usize,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Hunk {
    /// The old text: context and deletions.
    pub fn old_text(&self) -> Vec<u8> {
        self.text(LineKind::Insert)
    }

    /// The new text: context and insertions.
    pub fn new_text(&self) -> Vec<u8> {
        self.text(LineKind::Delete)
    }

    fn text(&self, without: LineKind) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.lines.iter().map(|l| l.text.len()).sum());
        for line in self.lines.iter().filter(|l| l.kind != without) {
            out.extend_from_slice(&line.text);
        }
        out
    }

    /// Context lines before the first and after the last change.
    pub fn context(&self) -> (usize, usize) {
        let is_context = |l: &&Line| l.kind == LineKind::Context;
        let leading = self.lines.iter().take_while(is_context).count();
        let trailing = self.lines.iter().rev().take_while(is_context).count();
        (leading, trailing)
    }

    /// The hunk that takes this one back.
    pub(crate) fn reversed(&self) -> Self {
        let flip = |kind| match kind {
            LineKind::Context => LineKind::Context,
            LineKind::Delete => LineKind::Insert,
            LineKind::Insert => LineKind::Delete,
        };
        Self {
            line: self.line,
            old_start: self.new_start,
            old_len: self.new_len,
            new_start: self.old_start,
            new_len: self.old_len,
            lines: self.lines.iter().map(|l| Line { kind: flip(l.kind), text: l.text.clone() }).collect(),
        }
    }
}

/// `@@ -A[,B] +C[,D] @@...`: A, B, C, D.
pub(crate) fn header(line: &[u8]) -> Option<[usize; 4]> {
    let rest = line.strip_prefix(b"@@ -")?;
    let end = rest.windows(3).position(|w| w == b" @@")?;
    let ranges = std::str::from_utf8(&rest[..end]).ok()?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| {
        let (start, len) = text.split_once(',').unwrap_or((text, "1"));
        let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok()).flatten();
        Some([number(start)? as usize, number(len)? as usize])
    };
    let ([a, b], [c, d]) = (range(old)?, range(new)?);
    Some([a, b, c, d])
}

/// Reads the hunk whose `@@` is `lines[at]`; `first` is the line number of `lines[0]`. Returns what follows, too.
///
/// The counts of the header decide, as in git: a line `-- ` inside them deletes `- `, after them it is a mail's signature.
/// Where the lines contradict the counts, git drops lines silently; here it is an error.
pub(crate) fn read(lines: &[&[u8]], at: usize, first: usize) -> Result<(Hunk, usize), DiffError> {
    let fail = |index: usize, problem| DiffError { line: first + index, problem };
    let [old_start, old_len, new_start, new_len] = header(lines[at]).ok_or_else(|| fail(at, DiffProblem::HunkHeader))?;
    let mut hunk = Hunk { line: first + at, old_start, old_len, new_start, new_len, lines: Vec::new() };
    let (mut old, mut new) = (old_len, new_len);
    let mut i = at + 1;
    // Whether the old and the new side have said that they end without a newline.
    let mut ended = (false, false);
    loop {
        let Some(&line) = lines.get(i) else {
            if (old, new) == (0, 0) {
                break;
            }
            return Err(fail(at, DiffProblem::HunkShort));
        };
        let kind = match line[0] {
            b'\\' => {
                end_without_newline(&mut hunk, &mut ended, line).map_err(|problem| fail(i, problem))?;
                i += 1;
                continue;
            }
            _ if (old, new) == (0, 0) => break,
            b' ' | b'\n' => LineKind::Context,
            b'-' => LineKind::Delete,
            b'+' => LineKind::Insert,
            _ => return Err(fail(i, DiffProblem::HunkShort)),
        };
        let (in_old, in_new) = (kind != LineKind::Insert, kind != LineKind::Delete);
        if in_old && old == 0 || in_new && new == 0 || in_old && ended.0 || in_new && ended.1 {
            return Err(fail(i, DiffProblem::HunkCounts));
        }
        old -= usize::from(in_old);
        new -= usize::from(in_new);
        if line.last() != Some(&b'\n') {
            return Err(fail(i, DiffProblem::CutOff));
        }
        // GNU diff may leave out the space of an empty context line.
        let text = if line[0] == b'\n' { line } else { &line[1..] };
        hunk.lines.push(Line { kind, text: text.into() });
        i += 1;
    }
    if let Some(&line) = lines.get(i) {
        let signature = matches!(line, b"-- \n" | b"--\n" | b"-- " | b"--" | b"-- \r\n");
        let next_file = line.starts_with(b"--- ") && lines.get(i + 1).is_some_and(|l| l.starts_with(b"+++ "));
        if matches!(line[0], b'+' | b' ') || line[0] == b'-' && !signature && !next_file {
            return Err(fail(i, DiffProblem::HunkLong { counted_at: hunk.line }));
        }
    }
    if hunk.lines.iter().all(|l| l.kind == LineKind::Context) {
        return Err(fail(at, DiffProblem::HunkEmpty));
    }
    Ok((hunk, i))
}

/// `\ No newline at end of file`, in any language: it is about the line before it.
fn end_without_newline(hunk: &mut Hunk, ended: &mut (bool, bool), marker: &[u8]) -> Result<(), DiffProblem> {
    let last = hunk.lines.last_mut().ok_or(DiffProblem::Marker)?;
    if !marker.starts_with(b"\\ ") || last.text.last() != Some(&b'\n') {
        return Err(DiffProblem::Marker);
    }
    last.text = last.text[..last.text.len() - 1].into();
    ended.0 |= last.kind != LineKind::Insert;
    ended.1 |= last.kind != LineKind::Delete;
    Ok(())
}
