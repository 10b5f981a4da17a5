//! Sections without `diff --git`: the two header lines that diff(1) writes and patch(1) knows. Names may carry timestamps,
//! and one of 1970-01-01 means that there is no such file.

use crate::git::objects::Mode;
use crate::names::RelPath;
use crate::patch::diff::{Body, DiffError, DiffProblem, FilePatch, Kind, Reader};
use crate::patch::section::check_sides;

/// Reads a section that begins with `--- ` and `+++ `.
pub(crate) fn plain(reader: &mut Reader<'_>, at: usize) -> Result<(FilePatch, usize), DiffError> {
    let minus = &reader.header_line(at)?[4..];
    let plus = &reader.header_line(at + 1)?[4..];
    let (hunks, next) = reader.hunks(at + 2)?;
    let gone = |name: &[u8]| name_part(name) == b"/dev/null" || is_epoch(name);
    let (created, deleted) = (gone(minus), gone(plus));
    let name = |at: usize, raw: &[u8]| -> Result<Option<RelPath>, DiffError> {
        let part = name_part(raw);
        if part == b"/dev/null" {
            return Ok(None);
        }
        if part.contains(&b' ') && !raw.contains(&b'\t') && part.first() != Some(&b'"') {
            // git and patch(1) read such a name differently.
            return Err(reader.fail(at, DiffProblem::NoName));
        }
        reader.path(at, part, reader.strip).map(Some)
    };
    let path = match (name(at, minus)?, name(at + 1, plus)?) {
        (Some(a), Some(b)) if a == b => a,
        // `--- FILE.orig`, `+++ FILE`: the shorter name, where the other only adds to it.
        (Some(a), Some(b)) if is_backup(&a, &b) => b,
        (Some(a), Some(b)) if is_backup(&b, &a) => a,
        (Some(a), Some(b)) => return Err(reader.fail(at, DiffProblem::Names(a.to_string(), b.to_string()))),
        (Some(a), None) | (None, Some(a)) => a,
        (None, None) => return Err(reader.fail(at, DiffProblem::NoName)),
    };
    let one = hunks.len() == 1;
    let only_new = one && hunks[0].old_len == 0 && hunks[0].old_start == 0;
    let only_old = one && hunks[0].new_len == 0 && hunks[0].new_start == 0;
    let kind = match (created, deleted) {
        (true, true) => return Err(reader.fail(at, DiffProblem::Header)),
        (true, false) => Kind::Create,
        (false, true) => Kind::Delete,
        (false, false) => Kind::Modify,
    };
    let file = FilePatch {
        line: reader.first + at,
        kind,
        old: path.clone(),
        new: path,
        old_mode: None,
        index_mode: None,
        new_mode: (kind == Kind::Create).then_some(Mode::File),
        may_create: kind == Kind::Modify && only_new,
        may_delete: kind == Kind::Modify && only_old,
        body: Body::Hunks(hunks),
    };
    check_sides(reader, at, &file)?;
    Ok((file, next))
}

fn is_backup(longer: &RelPath, shorter: &RelPath) -> bool {
    let rest = longer.as_str().strip_prefix(shorter.as_str());
    rest.is_some_and(|rest| !rest.contains('/'))
}

/// The name in `NAME<tab>TIMESTAMP`, also where the tab was lost before a timestamp.
pub(crate) fn name_part(raw: &[u8]) -> &[u8] {
    match raw.iter().position(|b| *b == b'\t') {
        Some(tab) => &raw[..tab],
        None => raw[..timestamp(raw).unwrap_or(raw.len())].trim_ascii_end(),
    }
}

/// Where ` YYYY-MM-DD HH:MM` begins.
fn timestamp(raw: &[u8]) -> Option<usize> {
    let shape = b" 0000-00-00 00:00";
    raw.windows(shape.len()).position(|w| w.iter().zip(shape).all(|(b, s)| if *s == b'0' { b.is_ascii_digit() } else { b == s }))
}

/// A timestamp of 1970-01-01 00:00:00 UTC, in whatever zone it is written: patch(1)'s and git's sign of a file that is not there.
fn is_epoch(raw: &[u8]) -> bool {
    let Some(tab) = raw.iter().position(|b| *b == b'\t') else { return false };
    let text = String::from_utf8_lossy(&raw[tab + 1..]);
    let mut words = text.split_ascii_whitespace();
    let (Some(date), Some(time), zone) = (words.next(), words.next(), words.next()) else { return false };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    if !fraction.bytes().all(|b| b == b'0') || words.next().is_some() {
        return false;
    }
    let minutes = |text: &str| -> Option<i32> {
        let (h, m) = (text.get(..2)?.parse::<i32>().ok()?, text.get(text.len().checked_sub(2)?..)?.parse::<i32>().ok()?);
        Some(h * 60 + m)
    };
    let mut parts = clock.splitn(3, ':');
    let (Some(h), Some(m), seconds) = (parts.next(), parts.next(), parts.next()) else { return false };
    if !matches!(seconds, None | Some("00")) {
        return false;
    }
    let Some(local) = minutes(&format!("{h:0>2}{m:0>2}")) else { return false };
    let offset = match zone.unwrap_or("+0000").split_at_checked(1) {
        Some(("+", digits)) => minutes(digits),
        Some(("-", digits)) => minutes(digits).map(|m| -m),
        _ => None,
    };
    let day = match date {
        "1969-12-31" => -24 * 60,
        "1970-01-01" => 0,
        _ => return false,
    };
    offset == Some(day + local)
}
