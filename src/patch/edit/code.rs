//! Code to insert: dedented when it is read, indented where it goes.

use std::ops::Range;

use crate::patch::edit::lex::{self, Kind};
use crate::patch::edit::pattern::{PatternError, Template};

/// Where code goes, as far as it matters for its looks.
pub(crate) struct Target<'a> {
    /// Before every line.
    pub(crate) indent: &'a [u8],
    /// The file's line ending.
    pub(crate) newline: &'a [u8],
}

/// What a metavariable matched: its text, and the indentation of the line where it begins.
pub(crate) type Value<'v> = (&'v [u8], &'v [u8]);

/// Reads code as a file gives it: without blank lines around it and without common indentation.
pub(crate) fn template(text: &str) -> Result<Template, PatternError> {
    Template::parse(&dedent(text))
}

/// Takes the indentation that all lines share from each. Lines inside a raw string stay as they are.
fn dedent(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end();
    // Blank lines at the top go, the indentation of the first line with something stays.
    let text = &text[text
        .char_indices()
        .take_while(|(_, c)| c.is_whitespace())
        .filter(|(_, c)| *c == '\n')
        .last()
        .map_or(0, |(i, _)| i + 1)..];
    let lead = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines: Vec<(Range<usize>, bool)> = lines(text.as_bytes());
    let mut common: Option<&str> = None;
    for (range, verbatim) in &lines {
        let line = &text[range.clone()];
        if *verbatim || line.trim().is_empty() {
            continue;
        }
        let own = &line[..lead(line)];
        let shared = common.map_or(own, |c| {
            let same = c.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count();
            &own[..same]
        });
        common = Some(shared);
    }
    let cut = common.map_or(0, str::len);
    let mut out = String::with_capacity(text.len());
    for (index, (range, verbatim)) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = &text[range.clone()];
        match (verbatim, line.trim().is_empty()) {
            (true, _) => out.push_str(line),
            (false, true) => {}
            (false, false) => out.push_str(line.get(cut..).unwrap_or(line).trim_end_matches([' ', '\t'])),
        }
    }
    out
}

/// The lines of a text without their ends, and whether each begins inside a raw string.
pub(crate) fn lines(text: &[u8]) -> Vec<(Range<usize>, bool)> {
    let raw: Vec<Range<usize>> =
        lex::lex(text, true).tokens.iter().filter(|t| t.kind == Kind::Raw).map(|t| t.start..t.end).collect();
    let mut out = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain(std::iter::once(text.len())) {
        let verbatim = raw.iter().any(|r| r.start < start && start < r.end);
        out.push((start..end, verbatim));
        start = end + 1;
    }
    out
}

/// The code with its holes filled, every line indented (the first only where `first` says so), without a last line ending.
pub(crate) fn render<'v>(
    template: &Template,
    target: &Target<'_>,
    first: bool,
    value: impl Fn(&str) -> Option<Value<'v>>,
) -> Vec<u8> {
    let text = template.as_str().as_bytes();
    let mut out = Vec::with_capacity(text.len() + 64);
    for (index, (range, verbatim)) in lines(text).into_iter().enumerate() {
        let line = &text[range.clone()];
        if index > 0 {
            out.extend_from_slice(target.newline);
        }
        let own = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if !verbatim && !line.is_empty() && (index > 0 || first) {
            out.extend_from_slice(target.indent);
        }
        let lead = if verbatim { Vec::new() } else { [target.indent, &line[..own]].concat() };
        let mut at = range.start;
        for (hole, name) in template.holes().iter().filter(|(h, _)| range.contains(&h.start)) {
            out.extend_from_slice(&text[at..hole.start]);
            match value(name) {
                Some((found, from)) => out.extend_from_slice(&shifted(found, from, &lead, target.newline)),
                None => out.extend_from_slice(&text[hole.clone()]),
            }
            at = hole.end;
        }
        out.extend_from_slice(&text[at..range.end]);
    }
    out
}

/// A text of several lines taken from one indentation to another.
fn shifted(text: &[u8], from: &[u8], to: &[u8], newline: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (index, (range, verbatim)) in lines(text).into_iter().enumerate() {
        let line = &text[range];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if index > 0 {
            out.extend_from_slice(newline);
        }
        match line.strip_prefix(from) {
            Some(rest) if index > 0 && !verbatim && !line.is_empty() => {
                out.extend_from_slice(to);
                out.extend_from_slice(rest);
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}

/// The code as elements of a list that goes on: a comma behind the last token, wherever comments stand.
pub(crate) fn with_comma(code: &[u8], comma: bool) -> Vec<u8> {
    let tokens = lex::lex(code, false).tokens;
    let Some(last) = tokens.last() else { return code.to_vec() };
    let has = &code[last.start..last.end] == b",";
    let (end, rest) = if has { (last.start, last.end) } else { (last.end, last.end) };
    let mut out = code[..end].to_vec();
    if comma {
        out.push(b',');
    }
    out.extend_from_slice(&code[rest..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_dedented_and_raw_strings_are_left_alone() {
        assert_eq!(dedent("\n    if x {\n        y()\n    }\n  \n"), "if x {\n    y()\n}");
        assert_eq!(dedent("\ta := `x\n y`\r\n\n\tb()"), "a := `x\n y`\n\nb()");
        assert_eq!(dedent("  \n \n"), "");
    }

    #[test]
    fn values_take_the_indentation_of_their_new_place() {
        let template = template("if ok {\n\tf($X)\n}").unwrap();
        let target = Target { indent: b"\t", newline: b"\r\n" };
        let out = render(&template, &target, true, |_| Some((b"func() {\n\t\ty()\n\t}", b"\t")));
        assert_eq!(String::from_utf8_lossy(&out), "\tif ok {\r\n\t\tf(func() {\r\n\t\t\ty()\r\n\t\t})\r\n\t}");
        let out = render(&template, &target, false, |_| Some((b"1", b"")));
        assert_eq!(String::from_utf8_lossy(&out), "if ok {\r\n\t\tf(1)\r\n\t}");
    }

    #[test]
    fn commas_go_behind_the_last_token() {
        assert_eq!(with_comma(b"a, // x", true), b"a, // x");
        assert_eq!(with_comma(b"a // x", true), b"a, // x");
        assert_eq!(with_comma(b"a,", false), b"a");
    }
}
