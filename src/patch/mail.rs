//! Splitting a patch file into what it says about itself and the diff: `git mailinfo`'s rules for mails, DEP-3
//! (<https://dep-team.pages.debian.net/deps/dep3/>) for the headers of Debian's quilt patches, or nothing at all.

use std::borrow::Cow;

use mailparse::{MailHeader, MailHeaderMap};

use crate::patch::message;

/// Who wrote a patch, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// The author's name; empty where the file has none.
    pub author: String,
    /// The author's address; empty where the file has none.
    pub email: String,
    /// Seconds since 1970, and the author's zone in minutes east of Greenwich.
    pub date: Option<(i64, i32)>,
    /// One line, without `[PATCH]`, as `git am` commits it.
    pub subject: String,
    /// The rest of the message, cleaned up as `git am` does; empty or ending in a newline.
    pub body: String,
    /// Headers of the file (decoded, on one line) and DEP-3 fields inside the message, in their order.
    pub fields: Vec<(String, String)>,
}

impl Mail {
    /// The commit message that `git am` would make of it.
    pub fn message(&self) -> String {
        message::stripspace(&format!("{}\n\n{}", self.subject, self.body))
    }

    /// The first field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A patch file that is not one mail and one diff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// An mbox.
    #[error("a second mail begins at line {line}")]
    Several {
        /// Its `From ` line.
        line: usize,
    },
    /// An attachment.
    #[error("the mail has several parts")]
    Multipart,
    /// The body cannot be decoded.
    #[error("the mail's {encoding} body cannot be decoded")]
    Encoding {
        /// The transfer encoding.
        encoding: String,
    },
}

impl MailError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Several { .. } => "split it, one file for each mail: `git mailsplit -oFOLDER FILE`",
            Self::Multipart => "save the patch as a file of its own, or send it with `git send-email`",
            Self::Encoding { .. } => "export the patch again with `git format-patch`",
        }
    }
}

/// The parts of a patch file.
#[derive(Debug)]
pub(crate) struct Split<'a> {
    pub(crate) mail: Mail,
    /// True where the file is a mail and not a bare diff.
    pub(crate) is_mail: bool,
    /// What may hold diffs, transfer encoding undone.
    pub(crate) diff: Cow<'a, [u8]>,
    /// Line of the file where `diff` begins. In encoded mails it counts the lines of the decoded text.
    pub(crate) first_line: usize,
    /// True where the body was base64 or quoted-printable.
    pub(crate) encoded: bool,
}

/// Takes a patch file apart.
pub(crate) fn split(bytes: &[u8]) -> Result<Split<'_>, MailError> {
    let starts_as_mbox = is_from_line(first_line(bytes));
    let after_from = if starts_as_mbox { &bytes[first_line(bytes).len()..] } else { bytes };
    let headers = mail_headers(after_from, starts_as_mbox);
    let Some((headers, header_len)) = headers else { return Ok(bare(bytes)) };
    if let Some(line) = second_mail(after_from) {
        return Err(MailError::Several { line: line + usize::from(starts_as_mbox) });
    }
    let raw_body = &after_from[header_len..];
    let body_line = 1 + count_lines(bytes) - count_lines(raw_body);
    let body = decode_body(&headers, after_from, raw_body)?;
    let encoded = matches!(body, Cow::Owned(_));
    let mut lines = Lines { text: &body, at: 0, line: body_line };
    let charset = charset(&headers);
    let mut mail = Mail::default();
    for header in &headers {
        let value = message::one_line(&header.get_value());
        match header.get_key_ref().to_ascii_lowercase().as_str() {
            "from" => message::set_author(&mut mail, &value),
            "subject" => mail.subject = value.clone(),
            "date" => mail.date = message::date(&value),
            _ => {}
        }
        mail.fields.push((header.get_key(), value));
    }
    message::in_body_headers(&mut mail, &mut lines, &charset);
    let start = lines.at;
    let mut cut = (lines.at, lines.line);
    while let Some(line) = lines.peek() {
        if is_patch_break(line) {
            break;
        }
        lines.advance();
        cut = (lines.at, lines.line);
    }
    let text = message::decode(&body[start..cut.0], &charset);
    mail.subject = message::clean_subject(&mail.subject);
    mail.body = message::stripspace(&text);
    message::dep3_fields(&mut mail, &text);
    let diff = match body {
        Cow::Borrowed(body) => Cow::Borrowed(&body[cut.0..]),
        Cow::Owned(mut body) => Cow::Owned(body.split_off(cut.0)),
    };
    Ok(Split { mail, is_mail: true, diff, first_line: cut.1, encoded })
}

/// What stands above the diff, up to where `git am` or a reader of DEP-3 sees the end of the text. `None` for an encoded mail,
/// of which the bytes say nothing.
pub(crate) fn head(bytes: &[u8]) -> Option<&[u8]> {
    let split = split(bytes).ok().filter(|split| !split.encoded)?;
    bytes.get(..bytes.len() - split.diff.len())
}

/// The mails of a box, cut where `git mailsplit` cuts; the whole where it is none.
pub fn split_box(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if is_from_line(line) {
            starts.push(at);
        }
        at += line.len();
    }
    if starts.first() != Some(&0) {
        return vec![bytes];
    }
    starts.push(bytes.len());
    // An empty line stands before the next mail, and belongs to none.
    let piece = |w: &[usize]| {
        let piece = &bytes[w[0]..w[1]];
        if w[1] < bytes.len() || piece.ends_with(b"\n\n") { piece.strip_suffix(b"\n").unwrap_or(piece) } else { piece }
    };
    starts.windows(2).map(piece).collect()
}

/// Whether a line of a message would be taken for its end, or for the beginning of another mail.
pub(crate) fn ends_message(line: &[u8]) -> bool {
    is_patch_break(line) || is_from_line(line)
}

/// A diff without mail headers; what comes before it may be DEP-3.
fn bare(bytes: &[u8]) -> Split<'_> {
    let mut lines = Lines { text: bytes, at: 0, line: 1 };
    while let Some(line) = lines.peek() {
        if is_patch_break(line) {
            break;
        }
        lines.advance();
    }
    let mail = message::dep3(&String::from_utf8_lossy(&bytes[..lines.at]));
    Split { mail, is_mail: false, diff: Cow::Borrowed(&bytes[lines.at..]), first_line: lines.line, encoded: false }
}

/// A walk over lines that knows where it is.
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) at: usize,
    pub(crate) line: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn peek(&self) -> Option<&'a [u8]> {
        let rest = &self.text[self.at..];
        (!rest.is_empty()).then(|| first_line(rest))
    }

    pub(crate) fn advance(&mut self) {
        self.at += self.peek().map_or(0, <[u8]>::len);
        self.line += 1;
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split_inclusive(|b| *b == b'\n').next().unwrap_or_default()
}

fn count_lines(text: &[u8]) -> usize {
    text.split_inclusive(|b| *b == b'\n').count()
}

/// The header block and its length, where the file is a mail: behind a `From ` line always, otherwise where `From:` stands
/// among headers that begin in the first line and `Subject:` or `Date:` is there, too.
fn mail_headers(text: &[u8], sure: bool) -> Option<(Vec<MailHeader<'_>>, usize)> {
    let mut len = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let content = line.trim_ascii_end();
        len += line.len();
        if content.is_empty() {
            break;
        }
        let name = content.iter().position(|b| *b == b':').map_or(&[][..], |colon| &content[..colon]);
        let is_field = !name.is_empty() && name.iter().all(|b| (33..=126).contains(b));
        let folded = matches!(line[0], b' ' | b'\t');
        if !is_field && !folded {
            if !sure {
                return None;
            }
            len -= line.len();
            break;
        }
    }
    let (headers, _) = mailparse::parse_headers(&text[..len]).ok()?;
    let has = |name: &str| headers.get_first_header(name).is_some();
    (sure || has("From") && (has("Subject") || has("Date"))).then_some((headers, len))
}

/// The line number of a second mail's `From ` line, by git's own test (mailsplit).
fn second_mail(text: &[u8]) -> Option<usize> {
    text.split_inclusive(|b| *b == b'\n').position(is_from_line).map(|index| index + 1)
}

/// git's `is_from_line`: `From `, and near the end a time `HH:MM:SS` with a year after it.
fn is_from_line(line: &[u8]) -> bool {
    if line.len() < 20 || !line.starts_with(b"From ") {
        return false;
    }
    let Some(colon) = line[5..line.len() - 2].iter().rposition(|b| *b == b':').map(|i| i + 5) else { return false };
    let digit = |i: Option<usize>| i.and_then(|i| line.get(i)).is_some_and(u8::is_ascii_digit);
    let around = [colon.checked_sub(4), colon.checked_sub(2), colon.checked_sub(1), Some(colon + 1), Some(colon + 2)];
    if !around.into_iter().all(digit) {
        return false;
    }
    let year: String =
        String::from_utf8_lossy(&line[colon + 3..]).trim_start().chars().take_while(char::is_ascii_digit).collect();
    year.parse::<u64>().is_ok_and(|year| year > 90)
}

/// git's `patchbreak`: where the message ends.
fn is_patch_break(line: &[u8]) -> bool {
    if line.starts_with(b"diff -") || line.starts_with(b"Index: ") {
        return true;
    }
    let Some(rest) = line.strip_prefix(b"---") else { return false };
    let is_name = rest.first() == Some(&b' ') && rest.get(1).is_some_and(|b| !b.is_ascii_whitespace());
    is_name || line.ends_with(b"\n") && rest.trim_ascii().is_empty()
}

fn charset(headers: &[MailHeader<'_>]) -> String {
    headers
        .get_first_value("Content-Type")
        .map(|value| mailparse::parse_content_type(&value).charset)
        .filter(|charset| charset.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)))
        .filter(|charset| !charset.eq_ignore_ascii_case("us-ascii"))
        .unwrap_or_else(|| "utf-8".to_owned())
}

fn decode_body<'a>(headers: &[MailHeader<'_>], whole: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>, MailError> {
    let content_type = headers.get_first_value("Content-Type").unwrap_or_default();
    if content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Err(MailError::Multipart);
    }
    let encoding = headers.get_first_value("Content-Transfer-Encoding").unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "base64" => {
            let decoded = mailparse::parse_mail(whole).and_then(|mail| mail.get_body_raw());
            decoded.map(Cow::Owned).map_err(|_| MailError::Encoding { encoding })
        }
        "quoted-printable" => Ok(Cow::Owned(decode_quoted_printable(body))),
        _ => Ok(Cow::Borrowed(body)),
    }
}

/// Quoted-printable as git decodes it: line by line, line ends kept as they are. (The crates that mailparse uses turn each
/// into CR LF and trim trailing spaces: both matter in a patch.)
fn decode_quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let mut rest = line;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte != b'=' {
                out.push(byte);
                continue;
            }
            let hex = |b: u8| char::from(b).to_digit(16);
            match *tail {
                // A soft line break joins two lines.
                [] | [b'\n'] | [b'\r', b'\n'] => rest = &[],
                [a, b, ..] if hex(a).is_some() && hex(b).is_some() => {
                    out.push((hex(a).unwrap_or(0) << 4 | hex(b).unwrap_or(0)) as u8);
                    rest = &tail[2..];
                }
                _ => out.push(b'='),
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
