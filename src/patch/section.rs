//! One file's section of a diff: git's extended headers, or the two plain header lines that patch(1) knows.

use crate::git::objects::Mode;
use crate::names::{RelPath, visible};
use crate::patch::diff::{Body, Dialect, DiffError, DiffProblem, FilePatch, Kind, Reader, strip_folders};

/// What the lines below `diff --git` said.
#[derive(Default)]
struct Headers<'a> {
    old_mode: Option<Mode>,
    new_mode: Option<Mode>,
    created: Option<Mode>,
    deleted: Option<Mode>,
    index_mode: Option<Mode>,
    rename: (Option<&'a [u8]>, Option<&'a [u8]>),
    copy: (Option<&'a [u8]>, Option<&'a [u8]>),
    minus: Option<&'a [u8]>,
    plus: Option<&'a [u8]>,
    ids: Option<(&'a [u8], &'a [u8])>,
}

/// Reads the section whose `diff --git` is at `at`. Returns where the next thing begins.
pub(crate) fn git(reader: &mut Reader<'_>, at: usize) -> Result<(FilePatch, usize), DiffError> {
    let (headers, next) = headers(reader, at)?;
    let (body, next) = body(reader, &headers, at, next)?;
    let file = resolve(reader, at, &headers, body)?;
    Ok((file, next))
}

fn headers<'a>(reader: &Reader<'a>, at: usize) -> Result<(Headers<'a>, usize), DiffError> {
    let mut headers = Headers::default();
    reader.header_line(at)?;
    let mut i = at + 1;
    while i < reader.lines.len() {
        let raw = reader.lines[i];
        let after =
            |word: &str| -> Option<&'a [u8]> { raw.strip_prefix(word.as_bytes()).map(|l| l.strip_suffix(b"\n").unwrap_or(l)) };
        let text_slot = |slot: &mut Option<&'a [u8]>, value| set(slot, value).map_err(|p| reader.fail(i, p));
        let mode_slot = |slot: &mut Option<Mode>, value| set(slot, mode(value)?).map_err(|p| p);
        let is_header = if let Some(v) = after("old mode ") {
            mode_slot(&mut headers.old_mode, v).map_err(|p| reader.fail(i, p)).map(|()| true)?
        } else if let Some(v) = after("new mode ") {
            mode_slot(&mut headers.new_mode, v).map_err(|p| reader.fail(i, p)).map(|()| true)?
        } else if let Some(v) = after("new file mode ") {
            mode_slot(&mut headers.created, v).map_err(|p| reader.fail(i, p)).map(|()| true)?
        } else if let Some(v) = after("deleted file mode ") {
            mode_slot(&mut headers.deleted, v).map_err(|p| reader.fail(i, p)).map(|()| true)?
        } else if let Some(v) = after("rename from ").or_else(|| after("rename old ")) {
            text_slot(&mut headers.rename.0, v).map(|()| true)?
        } else if let Some(v) = after("rename to ").or_else(|| after("rename new ")) {
            text_slot(&mut headers.rename.1, v).map(|()| true)?
        } else if let Some(v) = after("copy from ") {
            text_slot(&mut headers.copy.0, v).map(|()| true)?
        } else if let Some(v) = after("copy to ") {
            text_slot(&mut headers.copy.1, v).map(|()| true)?
        } else if let Some(v) = after("index ") {
            index(&mut headers, v).map_err(|p| reader.fail(i, p)).map(|()| true)?
        } else if after("similarity index ").is_some() || after("dissimilarity index ").is_some() {
            true
        } else if let Some(v) = after("--- ") {
            // Only as a pair: what follows a mode change may be a mail's next line.
            let Some(plus) = reader.lines.get(i + 1).and_then(|l| l.strip_prefix(b"+++ ")) else { break };
            reader.header_line(i)?;
            reader.header_line(i + 1)?;
            headers.minus = Some(v);
            headers.plus = Some(plus.strip_suffix(b"\n").unwrap_or(plus));
            i += 2;
            break;
        } else {
            false
        };
        if !is_header {
            break;
        }
        reader.header_line(i)?;
        i += 1;
    }
    Ok((headers, i))
}

fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), DiffProblem> {
    if slot.replace(value).is_some() { Err(DiffProblem::Header) } else { Ok(()) }
}

fn mode(text: &[u8]) -> Result<Mode, DiffProblem> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    let known = (text.len() == 6).then(|| i32::from_str_radix(text, 8).ok()).flatten().and_then(Mode::from_bits);
    match known {
        Some(Mode::Submodule) => Err(DiffProblem::Submodule),
        Some(mode) => Ok(mode),
        None => Err(DiffProblem::Mode(visible(text))),
    }
}

/// `index OLD..NEW[ MODE]`.
fn index<'a>(headers: &mut Headers<'a>, value: &'a [u8]) -> Result<(), DiffProblem> {
    let (ids, rest) = match value.iter().position(|b| *b == b' ') {
        Some(space) => (&value[..space], Some(&value[space + 1..])),
        None => (value, None),
    };
    if let Some(rest) = rest {
        set(&mut headers.index_mode, mode(rest)?)?;
    }
    let dots = ids.windows(2).position(|w| w == b"..").ok_or(DiffProblem::Header)?;
    set(&mut headers.ids, (&ids[..dots], &ids[dots + 2..]))
}

fn body(reader: &mut Reader<'_>, headers: &Headers<'_>, at: usize, next: usize) -> Result<(Body, usize), DiffError> {
    let line = reader.lines.get(next).copied().unwrap_or_default();
    if line.starts_with(b"Binary files ") {
        return Err(reader.fail(next, DiffProblem::NoBinaryContent));
    }
    if line.trim_ascii_end() == b"GIT binary patch" {
        if reader.dialect == Dialect::Quilt {
            return Err(reader.fail(next, DiffProblem::BinaryInQuilt));
        }
        let (old, new) = headers.ids.ok_or_else(|| reader.fail(at, DiffProblem::ShortIds))?;
        let (old, new) = whole_id(old).zip(whole_id(new)).ok_or_else(|| reader.fail(at, DiffProblem::ShortIds))?;
        let (block, next) = reader.binary(next + 1)?;
        return Ok((Body::Binary { block, old, new }, next));
    }
    if headers.minus.is_none() {
        return match line.starts_with(b"@@ -") {
            true => Err(reader.fail(next, DiffProblem::Header)),
            false => Ok((Body::Empty, next)),
        };
    }
    let (hunks, next) = reader.hunks(next)?;
    if hunks.is_empty() {
        return Err(reader.fail(at, DiffProblem::Nothing));
    }
    Ok((Body::Hunks(hunks), next))
}

/// A whole id, where all zeros stand for no file. `None` for an abbreviated one.
fn whole_id(id: &[u8]) -> Option<Option<String>> {
    if id.len() != 40 || !id.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    Some(id.iter().any(|b| *b != b'0').then(|| String::from_utf8_lossy(id).into_owned()))
}

fn resolve(reader: &Reader<'_>, at: usize, headers: &Headers<'_>, body: Body) -> Result<FilePatch, DiffError> {
    let fail = |problem| Err(reader.fail(at, problem));
    let dev_null = |name: Option<&[u8]>| name.is_some_and(|n| name_part(n) == b"/dev/null");
    let loose = reader.dialect == Dialect::Quilt;
    let created = headers.created.is_some() || loose && dev_null(headers.minus);
    let deleted = headers.deleted.is_some() || loose && dev_null(headers.plus);
    let kind = match (created, deleted, headers.rename, headers.copy) {
        (false, false, (None, None), (None, None)) => Kind::Modify,
        (true, false, (None, None), (None, None)) => Kind::Create,
        (false, true, (None, None), (None, None)) => Kind::Delete,
        (false, false, (Some(_), Some(_)), (None, None)) => Kind::Rename,
        (false, false, (None, None), (Some(_), Some(_))) => Kind::Copy,
        _ => return fail(DiffProblem::Header),
    };
    let both = |from: Option<&[u8]>, to: Option<&[u8]>| -> Result<(RelPath, RelPath), DiffError> {
        // These two lines have no `a/` and `b/`; git strips one folder less.
        let strip = reader.strip.saturating_sub(1);
        Ok((reader.path(at, from.unwrap_or_default(), strip)?, reader.path(at, to.unwrap_or_default(), strip)?))
    };
    let named = |name: Option<&[u8]>| name.map(|n| reader.path(at, name_part(n), reader.strip)).transpose();
    let (old, new) = match kind {
        Kind::Rename => both(headers.rename.0, headers.rename.1)?,
        Kind::Copy => both(headers.copy.0, headers.copy.1)?,
        Kind::Create | Kind::Delete | Kind::Modify => {
            let name = match kind {
                Kind::Create => named(headers.plus)?,
                Kind::Delete | Kind::Modify | Kind::Rename | Kind::Copy => named(headers.minus)?,
            };
            let name = match name {
                Some(name) => name,
                None => diff_git_name(reader, at)?,
            };
            (name.clone(), name)
        }
    };
    // Every name that the section repeats must agree with the others.
    let agree = |name: Option<&[u8]>, path: &RelPath, absent: bool| -> Result<(), DiffError> {
        let Some(name) = name else { return Ok(()) };
        let found = if dev_null(Some(name)) { None } else { named(Some(name))? };
        let expected = (!absent).then_some(path);
        if found.as_ref() == expected {
            return Ok(());
        }
        let shown = |path: Option<&RelPath>| path.map_or("/dev/null", RelPath::as_str).to_owned();
        Err(reader.fail(at, DiffProblem::Names(shown(expected), shown(found.as_ref()))))
    };
    agree(headers.minus, &old, kind == Kind::Create)?;
    agree(headers.plus, &new, kind == Kind::Delete)?;
    if old == new && matches!(kind, Kind::Rename | Kind::Copy) {
        return fail(DiffProblem::Names(old.to_string(), new.to_string()));
    }
    let old_mode = headers.old_mode.or(headers.deleted);
    let new_mode = headers.new_mode.or(headers.created).or((kind == Kind::Create).then_some(Mode::File));
    if headers.old_mode.is_some() != headers.new_mode.is_some() || headers.old_mode.is_some() && (created || deleted) {
        return fail(DiffProblem::Header);
    }
    if headers.old_mode.zip(headers.new_mode).is_some_and(|(a, b)| (a == Mode::Symlink) != (b == Mode::Symlink)) {
        return fail(DiffProblem::TypeChange);
    }
    if kind == Kind::Modify && body == Body::Empty && headers.new_mode.is_none() {
        return fail(DiffProblem::Nothing);
    }
    if let Body::Binary { old, new, .. } = &body
        && (old.is_none() != (kind == Kind::Create) || new.is_none() != (kind == Kind::Delete))
    {
        return fail(DiffProblem::Header);
    }
    let line = reader.first + at;
    let index_mode = headers.index_mode;
    let file = FilePatch { line, kind, old, new, old_mode, index_mode, new_mode, may_create: false, may_delete: false, body };
    check_sides(reader, at, &file)?;
    Ok(file)
}

fn check_sides(reader: &Reader<'_>, at: usize, file: &FilePatch) -> Result<(), DiffError> {
    let hunks = file.hunks();
    match file.kind {
        Kind::Create if hunks.len() > 1 || hunks.iter().any(|h| h.old_len > 0) => {
            Err(reader.fail(at, DiffProblem::CreateWithOld))
        }
        Kind::Delete if hunks.iter().any(|h| h.new_len > 0) => Err(reader.fail(at, DiffProblem::DeleteWithNew)),
        _ => Ok(()),
    }
}

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
fn name_part(raw: &[u8]) -> &[u8] {
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

/// The name in `diff --git a/NAME b/NAME`, which is written twice there.
fn diff_git_name(reader: &Reader<'_>, at: usize) -> Result<RelPath, DiffError> {
    let rest = &reader.header_line(at)?[b"diff --git ".len()..];
    let no_name = || reader.fail(at, DiffProblem::NoName);
    if rest.contains(&b'"') {
        let (first, second) = if rest.starts_with(b"\"") {
            let (_, tail) = unquote(rest).ok_or_else(no_name)?;
            let first = &rest[..rest.len() - tail.len()];
            (first, tail.strip_prefix(b" ").ok_or_else(no_name)?)
        } else {
            let space = rest.windows(2).position(|w| w == b" \"").ok_or_else(no_name)?;
            (&rest[..space], &rest[space + 1..])
        };
        let (a, b) = (reader.path(at, first, reader.strip)?, reader.path(at, second, reader.strip)?);
        return if a == b { Ok(a) } else { Err(reader.fail(at, DiffProblem::Names(a.to_string(), b.to_string()))) };
    }
    let rest = std::str::from_utf8(rest).map_err(|_| no_name())?;
    let mut same = rest.match_indices(' ').filter_map(|(space, _)| {
        let (a, b) = (strip_folders(&rest[..space], reader.strip)?, strip_folders(&rest[space + 1..], reader.strip)?);
        (a == b).then_some(a)
    });
    match (same.next(), same.next()) {
        (Some(name), None) => RelPath::new(name).map_err(|e| reader.fail(at, DiffProblem::Path(e))),
        _ => Err(no_name()),
    }
}

/// Undoes git's C-style quoting (quote.c). `text` begins with `"`; returns the bytes and what follows the closing quote.
pub(crate) fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut out = Vec::new();
    loop {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some((out, rest)),
            b'\\' => {
                let (&escape, tail) = rest.split_first()?;
                rest = tail;
                out.push(match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'"' => escape,
                    b'0'..=b'3' => {
                        let (digits, tail) = rest.split_at_checked(2)?;
                        rest = tail;
                        let mut value = escape - b'0';
                        for digit in digits {
                            value = value << 3 | digit.checked_sub(b'0').filter(|d| *d < 8)?;
                        }
                        value
                    }
                    _ => return None,
                });
            }
            byte => out.push(byte),
        }
    }
}
