//! The text of a mail, cleaned up exactly as `git mailinfo` and `git am` do (mailinfo.c, strbuf.c), so that `tree --git`
//! makes the commits that `git am` would make.

use crate::patch::mail::{Lines, Mail};

/// DEP-3 fields that may stand inside a message.
const DEP3: [&str; 11] = [
    "Origin",
    "Bug",
    "Forwarded",
    "Applied-Upstream",
    "Last-Update",
    "Reviewed-by",
    "Acked-by",
    "Description",
    "Author",
    "Subject",
    "From",
];

fn is_dep3(name: &str) -> bool {
    DEP3.iter().any(|known| known.eq_ignore_ascii_case(name))
        || strip_prefix_ignoring_case(name, "bug-").is_some_and(|rest| !rest.is_empty())
}

/// `git stripspace`: no trailing blanks, no more than one empty line in a row, none at the ends.
pub(crate) fn stripspace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for line in text.lines() {
        let line = line.trim_end_matches([' ', '\t', '\r', '\u{b}', '\u{c}']);
        if line.is_empty() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push('\n');
        }
        gap = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Runs of blanks become one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// git's `cleanup_subject`: `Re:`, blanks, colons and everything in brackets at the front go away.
pub(crate) fn clean_subject(subject: &str) -> String {
    let mut rest = subject;
    loop {
        let lower = rest.as_bytes();
        if lower.len() > 3 && lower[..2].eq_ignore_ascii_case(b"re") && lower[2] == b':' {
            rest = &rest[3..];
        } else if let Some(tail) = rest.strip_prefix([' ', '\t', ':']) {
            rest = tail;
        } else if rest.starts_with('[')
            && let Some(end) = rest.find(']')
        {
            rest = &rest[end + 1..];
        } else {
            return one_line(rest);
        }
    }
}

/// Text of a mail in its charset.
pub(crate) fn decode(bytes: &[u8], charset: &str) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    // mailparse decodes bodies, not slices: give it a mail that is this body.
    let mut mail = format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n").into_bytes();
    mail.extend_from_slice(bytes);
    let decoded = mailparse::parse_mail(&mail).and_then(|mail| mail.get_body());
    decoded.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

/// git's `handle_from`: the word around `@` is the address, the rest is the name.
pub(crate) fn set_author(mail: &mut Mail, value: &str) {
    let text = unquote_pairs(value);
    let Some(at) = text.find('@') else {
        // git's parse_bogus_from: `Name <not an address>`.
        if let Some((name, email)) = text.split_once('<').and_then(|(n, rest)| Some((n, rest.split_once('>')?.0))) {
            mail.email = email.to_owned();
            mail.author = sane_name(name.trim(), email);
        }
        return;
    };
    let start = text[..at].rfind(|c: char| c.is_ascii_whitespace() || c == '<').map_or(0, |i| i + 1);
    let end = text[at..].find(|c: char| c.is_ascii_whitespace() || c == '>').map_or(text.len(), |i| at + i);
    let before = text[..start].strip_suffix('<').unwrap_or(&text[..start]);
    let after = text.get(end + 1..).unwrap_or_default();
    let name = one_line(&format!("{before} {after}"));
    let name = name.strip_prefix('(').and_then(|n| n.strip_suffix(')')).unwrap_or(&name);
    mail.email = text[start..end].to_owned();
    mail.author = sane_name(name, &mail.email);
}

/// git's `get_sane_name`: what is too long for a name, or looks like an address, is none.
pub(crate) fn sane_name(name: &str, email: &str) -> String {
    let is_bad = name.is_empty() || name.len() > 60 || name.contains(['@', '<', '>']);
    if is_bad { email.to_owned() } else { name.to_owned() }
}

/// git's `unquote_quoted_pair`: quotes around words go away; `\` protects a character in quotes and in comments.
fn unquote_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut depth) = (false, 0u32);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if depth == 0 => quoted = !quoted,
            '\\' if quoted || depth > 0 => out.extend(chars.next()),
            _ => {
                match c {
                    '(' if !quoted => depth += 1,
                    ')' if !quoted => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(c);
            }
        }
    }
    out
}

/// A mail's date: seconds since 1970 and minutes east of Greenwich.
pub(crate) fn date(value: &str) -> Option<(i64, i32)> {
    let seconds = mailparse::dateparse(value).ok()?;
    let zone = value
        .split_ascii_whitespace()
        .find(|word| word.len() == 5 && word.starts_with(['+', '-']) && word[1..].bytes().all(|b| b.is_ascii_digit()));
    let offset = zone.and_then(|zone| {
        let (hours, minutes) = (zone[1..3].parse::<i32>().ok()?, zone[3..].parse::<i32>().ok()?);
        let total = hours * 60 + minutes;
        Some(if zone.starts_with('-') { -total } else { total })
    });
    Some((seconds, offset.unwrap_or(0)))
}

/// `From:`, `Date:` and `Subject:` at the top of the body replace those of the mail; `lines` moves behind them.
pub(crate) fn in_body_headers(mail: &mut Mail, lines: &mut Lines<'_>, charset: &str) {
    let mut pending: Option<(&'static str, String)> = None;
    let mut flush = |pending: &mut Option<(&'static str, String)>| {
        let Some((name, value)) = pending.take() else { return };
        let value = one_line(&decode_words(&value));
        match name {
            "From" => set_author(mail, &value),
            "Date" => mail.date = date(&value),
            _ => mail.subject = value,
        }
    };
    while let Some(line) = lines.peek() {
        let text = decode(line, charset);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            let had_some = pending.is_some();
            flush(&mut pending);
            lines.advance();
            if had_some {
                return;
            }
            continue;
        }
        if let Some((_, value)) = &mut pending
            && text.starts_with([' ', '\t'])
        {
            value.push(' ');
            value.push_str(text.trim_start());
        } else if let Some((name, value)) = ["From", "Date", "Subject"]
            .iter()
            .find_map(|name| Some((*name, strip_prefix_ignoring_case(text, name)?.strip_prefix(": ")?)))
        {
            flush(&mut pending);
            pending = Some((name, value.to_owned()));
        } else {
            flush(&mut pending);
            return;
        }
        lines.advance();
    }
    flush(&mut pending);
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix)).map(|_| &text[prefix.len()..])
}

/// RFC 2047 words (`=?UTF-8?q?...?=`) inside a header's value.
fn decode_words(value: &str) -> String {
    let header = format!("X: {value}\n");
    mailparse::parse_header(header.as_bytes()).map_or_else(|_| value.to_owned(), |(header, _)| header.get_value())
}

/// Adds DEP-3 fields that stand inside a mail's message.
pub(crate) fn dep3_fields(mail: &mut Mail, text: &str) {
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(": ")
            && is_dep3(name)
        {
            mail.fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }
}

/// Reads what stands above a diff that is not a mail: DEP-3 fields with folded lines, or free text.
pub(crate) fn dep3(text: &str) -> Mail {
    let mut mail = Mail::default();
    let mut free = String::new();
    let mut in_field = false;
    for line in text.lines() {
        let is_blank = line.trim().is_empty();
        if in_field && line.starts_with([' ', '\t']) && !is_blank {
            if let Some((_, value)) = mail.fields.last_mut() {
                let line = line.trim();
                value.push('\n');
                // A lone dot keeps an empty line.
                value.push_str(if line == "." { "" } else { line });
            }
        } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_dep3(name)) {
            mail.fields.push((name.to_owned(), value.trim().to_owned()));
            in_field = true;
        } else {
            in_field = false;
            free.push_str(line);
            free.push('\n');
        }
    }
    if let Some(author) = mail.field("Author").or_else(|| mail.field("From")).map(str::to_owned) {
        set_author(&mut mail, &author);
    }
    let described = mail.field("Description").or_else(|| mail.field("Subject")).map(str::to_owned);
    let described = described.unwrap_or_default();
    let text = stripspace(&format!("{described}\n\n{free}"));
    let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
    mail.subject = clean_subject(subject);
    mail.body = stripspace(body);
    mail
}
