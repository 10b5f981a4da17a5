//! One file's section of a git diff: `diff --git` and the extended headers below it.

use crate::git::objects::Mode;
use crate::names::{RelPath, visible};
use crate::patch::diff::{Body, Dialect, DiffError, DiffProblem, FilePatch, Kind, Reader, strip_folders};
use crate::patch::plain::name_part;

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
    while let Some(&raw) = reader.lines.get(i) {
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        if let Some(minus) = line.strip_prefix(b"--- ") {
            // Only as a pair: after a section without content this may be anything that a mail says next.
            if reader.lines.get(i + 1).is_some_and(|l| l.starts_with(b"+++ ")) {
                reader.header_line(i)?;
                headers.minus = Some(minus);
                headers.plus = Some(&reader.header_line(i + 1)?[4..]);
                i += 2;
            }
            break;
        }
        if !headers.take(line).map_err(|problem| reader.fail(i, problem))? {
            break;
        }
        reader.header_line(i)?;
        i += 1;
    }
    Ok((headers, i))
}

impl<'a> Headers<'a> {
    /// Takes one of git's extended headers; false for any other line.
    fn take(&mut self, line: &'a [u8]) -> Result<bool, DiffProblem> {
        let words: [(&[u8], Field); 12] = [
            (b"old mode ", Field::OldMode),
            (b"new mode ", Field::NewMode),
            (b"new file mode ", Field::Created),
            (b"deleted file mode ", Field::Deleted),
            (b"rename from ", Field::RenameFrom),
            (b"rename to ", Field::RenameTo),
            (b"rename old ", Field::RenameFrom),
            (b"rename new ", Field::RenameTo),
            (b"copy from ", Field::CopyFrom),
            (b"copy to ", Field::CopyTo),
            (b"index ", Field::Index),
            (b"similarity index ", Field::Ignored),
        ];
        let field = words.iter().find_map(|(word, field)| Some((line.strip_prefix(*word)?, *field)));
        let Some((value, field)) = field else { return Ok(line.starts_with(b"dissimilarity index ")) };
        match field {
            Field::OldMode => set(&mut self.old_mode, mode(value)?),
            Field::NewMode => set(&mut self.new_mode, mode(value)?),
            Field::Created => set(&mut self.created, mode(value)?),
            Field::Deleted => set(&mut self.deleted, mode(value)?),
            Field::RenameFrom => set(&mut self.rename.0, value),
            Field::RenameTo => set(&mut self.rename.1, value),
            Field::CopyFrom => set(&mut self.copy.0, value),
            Field::CopyTo => set(&mut self.copy.1, value),
            Field::Index => index(self, value),
            Field::Ignored => Ok(()),
        }?;
        Ok(true)
    }
}

/// What an extended header is about.
#[derive(Clone, Copy)]
enum Field {
    OldMode,
    NewMode,
    Created,
    Deleted,
    RenameFrom,
    RenameTo,
    CopyFrom,
    CopyTo,
    Index,
    Ignored,
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
    let (old, new) = names(reader, at, headers, kind)?;
    // Every name that the section repeats must agree with the others.
    let named = |name: Option<&[u8]>| name.map(|n| reader.path(at, name_part(n), reader.strip)).transpose();
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

/// The file that a section reads and the one that it writes.
fn names(reader: &Reader<'_>, at: usize, headers: &Headers<'_>, kind: Kind) -> Result<(RelPath, RelPath), DiffError> {
    let both = |from: Option<&[u8]>, to: Option<&[u8]>| -> Result<(RelPath, RelPath), DiffError> {
        // These two lines have no `a/` and `b/`; git strips one folder less.
        let strip = reader.strip.saturating_sub(1);
        Ok((reader.path(at, from.unwrap_or_default(), strip)?, reader.path(at, to.unwrap_or_default(), strip)?))
    };
    let named = |name: Option<&[u8]>| name.map(|n| reader.path(at, name_part(n), reader.strip)).transpose();
    let names = match kind {
        Kind::Rename => both(headers.rename.0, headers.rename.1)?,
        Kind::Copy => both(headers.copy.0, headers.copy.1)?,
        Kind::Create | Kind::Delete | Kind::Modify => {
            let name = match kind {
                Kind::Create => named(headers.plus)?,
                Kind::Delete | Kind::Modify | Kind::Rename | Kind::Copy => named(headers.minus)?,
            };
            let twice = diff_git_name(reader, at);
            let name = match (name, twice) {
                (Some(name), Ok(other)) if name != other => {
                    return Err(reader.fail(at, DiffProblem::Names(other.to_string(), name.to_string())));
                }
                // With blanks the first line can be unreadable; the other two say it.
                (Some(name), Ok(_) | Err(DiffError { problem: DiffProblem::NoName, .. })) => name,
                (_, twice) => twice?,
            };
            (name.clone(), name)
        }
    };
    if reader.dialect == Dialect::Quilt && headers.minus.is_none() {
        // patch(1) takes the names of such a section from the `diff --git` line, where a blank ends them.
        let line = &reader.header_line(at)?[b"diff --git ".len()..];
        if !line.contains(&b'"') && line.iter().filter(|b| **b == b' ').count() != 1 {
            return Err(reader.fail(at, DiffProblem::NoName));
        }
    }
    Ok(names)
}

pub(crate) fn check_sides(reader: &Reader<'_>, at: usize, file: &FilePatch) -> Result<(), DiffError> {
    let hunks = file.hunks();
    match file.kind {
        Kind::Create if hunks.len() > 1 || hunks.iter().any(|h| h.old_len > 0) => {
            Err(reader.fail(at, DiffProblem::CreateWithOld))
        }
        Kind::Delete if hunks.iter().any(|h| h.new_len > 0) => Err(reader.fail(at, DiffProblem::DeleteWithNew)),
        _ => Ok(()),
    }
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
