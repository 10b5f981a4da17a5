//! Texts of others, made fit for Markdown: for a README, an issue, the summary of a CI job.

use super::visible;

/// Somebody's text as code, in which neither links nor mentions are made. A code span is nicer to read in the source; what
/// could end one, or the cell of a table, is spelled in entities.
pub fn code(text: &str) -> String {
    let line = one_line(text);
    match line.contains(['`', '|', '\\']) {
        true => format!("<code>{}</code>", entities(&line)),
        false if line.is_empty() => String::new(),
        false => format!("`{line}`"),
    }
}

/// Somebody's text as text.
pub fn text(text: &str) -> String {
    entities(&one_line(text))
}

/// Everything that means something to Markdown or HTML as a number. An entity never begins or ends anything.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            // Inside words, and before anything but a line's first letter, these are plain.
            '.' | ',' | '-' | '+' | '/' | '=' | '(' | ')' | ';' | ' ' if at > 0 => out.push(c),
            // A link of a kind that some renderers make of `word:`; a space ends it.
            ':' if text[at + 1..].starts_with(' ') => out.push(c),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// A block that the text cannot end: its fence is longer than any in the text.
pub fn fenced(text: &str, language: &str) -> String {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prose of a project's own files: what means something to Markdown or HTML is spelled as itself. Line breaks stay, and so do
/// references such as `owner/name#1`.
pub fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in visible(text).chars() {
        match c {
            '@' => out.push_str("&#64;"),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            '#' | '>' | '-' | '+' | '=' if begins => out.extend(['\\', c]),
            c => out.push(c),
        }
        begins = c == '\n' || begins && c == ' ';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        assert_eq!(fenced("a", "text"), "```text\na\n```\n");
        assert_eq!(fenced("````\nx", "text"), "`````text\n````\nx\n`````\n");
    }

    #[test]
    fn code_spans_are_used_where_they_are_safe() {
        assert_eq!(code("v1.36.0+k0s.0"), "`v1.36.0+k0s.0`");
        assert_eq!(code("a|`b"), "<code>a&#124;&#96;b</code>");
        assert_eq!(code(""), "");
        assert!(code("</script>`|").starts_with("<code>&#60;/script&#62;"));
        assert_eq!(text("- *x* [y](z) @me a: b"), "&#45; &#42;x&#42; &#91;y&#93;(z) &#64;me a: b");
    }

    #[test]
    fn prose_is_no_markup() {
        assert_eq!(prose("# a *b* <c> @me [x](y)\n > k0s#1"), "\\# a \\*b\\* &lt;c> &#64;me \\[x\\](y)\n \\> k0s#1");
    }
}
