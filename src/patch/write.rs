//! Writing patches as git mails: what `git am` takes, and the same bytes for the same patch on every machine. The form is that
//! of `git format-patch` without a diffstat: it would be one more thing that changes.

use std::fmt::Write as _;

use crate::git::history::Step;
use crate::git::stamp::EMAIL;
use crate::patch::mail;
use crate::patch::message;
use crate::patch::patch_file::PatchFile;

/// The last two lines of a mail. They never change: a version there would be noise.
const SIGNATURE: &str = "-- \nforge\n";

/// The commit id in a mail's first line, as `git format-patch --zero-commit` writes it.
const FROM: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n";

/// Who wrote a patch, when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// Seconds since 1970, and the author's zone in minutes east of Greenwich.
    pub date: (i64, i32),
    /// The commit's message: subject, empty line, body.
    pub message: String,
}

impl Letter {
    /// What a commit says.
    pub fn of(step: &Step) -> Self {
        let Step { author, email, time, offset_minutes, message, .. } = step.clone();
        Self { author, email, date: (time, offset_minutes), message }
    }
}

/// A message that a mail cannot carry: `git am` would take a part of it for something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// There is none.
    #[error("it has no message")]
    NoSubject,
    /// A line looks like the beginning of the diff, or of another mail.
    #[error("the line {line:?} of its message ends the message for `git am`")]
    Line {
        /// The line.
        line: String,
    },
}

/// The file that a patch was in before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// As it was read.
    pub patch: &'a PatchFile,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether author, date and message are what they were.
    pub same_text: bool,
}

/// A mail with this diff. Where `before` says the same, everything above its diff stays as it is; headers that are not the
/// letter's always do.
pub fn write_mail(letter: &Letter, diff: &[u8], before: Option<Before<'_>>) -> Result<Vec<u8>, LetterError> {
    let kept = before.filter(|before| before.same_text).and_then(|before| Some((before, mail::head(before.bytes)?)));
    let Some((before, head)) = kept else {
        let fields = before.map(|before| other_fields(before.patch)).unwrap_or_default();
        return Ok([&self::head(letter, &fields)?[..], diff, SIGNATURE.as_bytes()].concat());
    };
    let mut out = head.to_vec();
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    if before.patch.is_mail {
        out.extend_from_slice(b"---\n");
    }
    out.extend_from_slice(diff);
    if before.patch.is_mail {
        out.extend_from_slice(SIGNATURE.as_bytes());
    }
    Ok(out)
}

/// Fields that are neither the letter's nor about how the mail travelled.
fn other_fields(patch: &PatchFile) -> Vec<(String, String)> {
    const WRITTEN: [&str; 3] = ["from", "date", "subject"];
    let is_other = |name: &str| {
        let name = name.to_ascii_lowercase();
        let travels =
            ["mime-", "content-", "message-id", "in-reply-to", "references", "to", "cc", "received", "x-", "delivered-"];
        !WRITTEN.contains(&name.as_str())
            && !travels.iter().any(|start| name == *start || start.ends_with('-') && name.starts_with(start))
    };
    let in_message = patch.mail.message();
    let is_header = |(name, value): &&(String, String)| !in_message.contains(&format!("{name}: {value}"));
    let fields = patch.is_mail.then_some(&patch.mail.fields);
    fields.into_iter().flatten().filter(|(name, _)| is_other(name)).filter(is_header).cloned().collect()
}

/// What a patch says about itself: its message, and below it its author and the DEP-3 fields that are not in the message. That
/// is what stays of it where there is no mail any more.
pub fn provenance(patch: &PatchFile) -> String {
    const SAID: [&str; 5] = ["from", "author", "date", "subject", "description"];
    let mail = &patch.mail;
    let mut out = mail.message().trim().to_owned();
    let fields = if patch.is_mail { other_fields(patch) } else { mail.fields.clone() };
    let fields = fields.into_iter().filter(|(name, _)| !SAID.contains(&name.to_ascii_lowercase().as_str()));
    let author = (!mail.author.is_empty() && mail.email != EMAIL)
        .then(|| ("Author".to_owned(), format!("{} <{}>", mail.author, mail.email)));
    let lines: Vec<String> =
        author.into_iter().chain(fields).map(|(name, value)| format!("{name}: {}", message::one_line(&value))).collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n\n{}", lines.join("\n")));
    }
    out
}

/// Whether two messages are one commit's: the first paragraph is the subject, on one line, and blanks at ends do not count.
pub fn is_same_text(a: &str, b: &str) -> bool {
    let parts = |text: &str| {
        let text = message::stripspace(text);
        let (subject, body) = subject_and_body(&text);
        (message::clean_subject(&subject), body.to_owned())
    };
    parts(a) == parts(b)
}

/// The first paragraph on one line, and the rest.
fn subject_and_body(text: &str) -> (String, &str) {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    (message::one_line(first), rest)
}

fn head(letter: &Letter, fields: &[(String, String)]) -> Result<Vec<u8>, LetterError> {
    let text = message::stripspace(&letter.message);
    let (subject, body) = subject_and_body(&text);
    if subject.is_empty() {
        return Err(LetterError::NoSubject);
    }
    if let Some(line) = body.lines().find(|line| ends_a_message(line)) {
        return Err(LetterError::Line { line: line.to_owned() });
    }
    let mut out = String::from(FROM);
    // A name that `git am` would not take is not written: the mail made of its commit would be another one.
    let _ = writeln!(out, "From: {} <{}>", phrase(&message::sane_name(&letter.author, &letter.email)), letter.email);
    let _ = writeln!(out, "Date: {}", date(letter.date.0, letter.date.1));
    let _ = writeln!(out, "Subject: [PATCH] {}", unstructured(&subject));
    for (name, value) in fields {
        let _ = writeln!(out, "{name}: {}", unstructured(value));
    }
    if !body.is_ascii() || !letter.email.is_ascii() {
        out.push_str("MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n");
    }
    out.push('\n');
    if looks_like_headers(body) {
        // `git am` takes headers at the top of the body for the patch's own: give it one, and it looks for no more.
        let _ = writeln!(out, "Subject: {}\n", unstructured(&subject));
    }
    out.push_str(body);
    out.push_str("---\n");
    Ok(out.into_bytes())
}

/// Lines at which `git mailinfo` or `git mailsplit` see the end of a message.
fn ends_a_message(line: &str) -> bool {
    let with_end = format!("{line}\n");
    mail::ends_message(with_end.as_bytes())
}

fn looks_like_headers(body: &str) -> bool {
    let first = body.lines().next().unwrap_or_default().to_ascii_lowercase();
    ["from:", "date:", "subject:", ">from", "[patch"].iter().any(|start| first.starts_with(start))
}

/// A name in a header: in quotes where a character has a meaning there, encoded where it is not ASCII.
fn phrase(name: &str) -> String {
    if !name.is_ascii() || name.contains("=?") {
        return encoded(name);
    }
    if name.contains(['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '.', '"']) {
        return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    name.to_owned()
}

/// Any text of a header.
fn unstructured(text: &str) -> String {
    if text.is_ascii() && !text.contains("=?") && text.len() < 900 { text.to_owned() } else { encoded(text) }
}

/// Encoded words of RFC 2047, one a line where there are several; none is longer than 75 characters.
fn encoded(text: &str) -> String {
    const MOST: usize = 75 - "=?UTF-8?q??=".len();
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let mut bytes = [0; 4];
        let mut piece = String::new();
        for byte in c.encode_utf8(&mut bytes).bytes() {
            if byte.is_ascii_alphanumeric() || b"!*+-/".contains(&byte) {
                piece.push(char::from(byte));
            } else {
                let _ = write!(piece, "={byte:02X}");
            }
        }
        if word.len() + piece.len() > MOST {
            words.push(std::mem::take(&mut word));
        }
        word.push_str(&piece);
    }
    words.push(word);
    words.iter().map(|word| format!("=?UTF-8?q?{word}?=")).collect::<Vec<_>>().join("\n ")
}

/// A date as RFC 5322 has it: `Tue, 14 Nov 2023 22:13:20 +0100`.
pub(crate) fn date(seconds: i64, offset_minutes: i32) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let local = seconds + i64::from(offset_minutes) * 60;
    let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, of_month) = civil(day);
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let zone = offset_minutes.unsigned_abs();
    format!(
        "{}, {of_month} {} {year} {:02}:{:02}:{:02} {sign}{:02}{:02}",
        DAYS[day.rem_euclid(7) as usize],
        MONTHS[month - 1],
        second / 3600,
        second / 60 % 60,
        second % 60,
        zone / 60,
        zone % 60
    )
}

/// Year, month from 1 and day of the month of a day counted from 1970-01-01, in the proleptic Gregorian calendar: the
/// algorithm `civil_from_days` of <https://howardhinnant.github.io/date_algorithms.html>.
fn civil(day: i64) -> (i64, usize, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month as usize, doy - (153 * mp + 2) / 5 + 1)
}

/// A file name for a patch, from its subject; `taken` are names that are in use.
pub fn file_name(subject: &str, taken: &dyn Fn(&str) -> bool) -> String {
    let mut slug = String::new();
    for c in message::clean_subject(subject).chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let mut slug: String = slug.chars().take(52).collect();
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() {
        slug.push_str("patch");
    }
    let numbered = |n: usize| if n == 1 { format!("{slug}.patch") } else { format!("{slug}-{n}.patch") };
    let mut n = 1;
    while taken(&numbered(n)) {
        n += 1;
    }
    numbered(n)
}

/// The name behind those of a folder that goes by numbers, with the next number; as it is where the last name has none.
pub fn numbered<'n>(names: impl Iterator<Item = &'n str>, name: &str) -> String {
    let last = names.filter(|name| name.ends_with(".patch")).max();
    let number = last.and_then(|last| {
        let (digits, _) = last.split_once(['-', '_'])?;
        Some((digits.parse::<u32>().ok()?, digits.len()))
    });
    match number {
        Some((number, width)) => format!("{:0width$}-{name}", number + 1),
        None => name.to_owned(),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
