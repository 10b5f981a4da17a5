//! The matrix for a README or the summary of a CI job.

use crate::matrix::failures::{Failure, failures};
use crate::matrix::fold::{count, rows};
use crate::matrix::model::{Column, Matrix, Verdict};
use crate::matrix::remarks::remarks;
use crate::matrix::tally::Tally;
use crate::names::visible;

/// A summary may have 1 MiB on GitHub.
const FAILURES: usize = 60;

/// Renders the matrix: a line for each component, a table of runs for each, and the reasons to unfold.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = String::from("| component | range | promised | result |\n| --- | --- | --- | --- |\n");
    for column in &matrix.components {
        let promised = column.holds.as_ref().map(|holds| code(holds)).unwrap_or_default();
        let tally = Tally::of(column).words();
        out.push_str(&format!("| {} | {} | {promised} | {tally} |\n", code(column.component.as_str()), code(&column.range)));
    }
    let mut last = 0;
    for column in &matrix.components {
        let mut number = |failure| {
            last += 1;
            (last, failure)
        };
        let numbered: Vec<(usize, Failure<'_>)> = failures(column, |_| true).into_iter().map(&mut number).collect();
        component(&mut out, column, &numbered);
    }
    out
}

fn component(out: &mut String, column: &Column, numbered: &[(usize, Failure<'_>)]) {
    out.push_str(&format!("\n### {}\n\n", code(column.component.as_str())));
    out.push_str("| | releases | | verdict | remarks |\n| --- | --- | --: | --- | --- |\n");
    for row in rows(column) {
        for (at, run) in row.runs.iter().enumerate() {
            let name = if at == 0 { code(row.name) } else { String::new() };
            let verdict = run.newest().verdict;
            let remarks: Vec<String> = remarks(column, run, numbered).iter().map(|remark| text(remark)).collect();
            let (mark, releases, number) = (mark(verdict), code(&run.label()), run.releases.len());
            out.push_str(&format!("| {name} | {releases} | {number} | {mark} {verdict} | {} |\n", remarks.join("<br>")));
        }
    }
    for (number, failure) in numbered.iter().take(FAILURES) {
        let releases = count(failure.releases.len(), "release");
        let title = text(&failure.what.title());
        out.push_str(&format!("\n<details><summary>[{number}] {title}, {releases}</summary>\n\n"));
        out.push_str(&code(&failure.concerns(column)));
        if let Some(place) = failure.at {
            out.push_str(&format!("<br>\n{}", code(&format!("{}:{}", place.file, place.line))));
        }
        out.push_str(&format!("\n\n{}\n</details>\n", fenced(&failure.text)));
    }
    if numbered.len() > FAILURES {
        out.push_str(&format!("\n{} are not listed here.\n", count(numbered.len() - FAILURES, "more reason")));
    }
}

/// A sign beside the word: tables of many lines are skimmed.
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "✅",
        Verdict::CleanOffset => "☑️",
        Verdict::Upstreamed => "🔼",
        Verdict::MissingFile | Verdict::Conflict => "❌",
        Verdict::Unbuildable => "🚫",
    }
}

/// Somebody's text as code, in which neither links nor mentions are made. A code span is nicer to read in the source; what
/// could end one, or the cell of a table, is spelled in entities.
fn code(text: &str) -> String {
    let line = one_line(text);
    match line.contains(['`', '|', '\\']) {
        true => format!("<code>{}</code>", entities(&line)),
        false if line.is_empty() => String::new(),
        false => format!("`{line}`"),
    }
}

/// Somebody's text as text.
fn text(text: &str) -> String {
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
fn fenced(text: &str) -> String {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::model::State;
    use crate::matrix::testing::{HOSTILE, column, hostile, judged, k0sctl, matrix, nixos, patch};

    #[test]
    fn a_summary_comes_first_then_runs_then_reasons() {
        let text = markdown(&nixos());
        let third = text.lines().nth(2).unwrap();
        let result = "179 of 179 promised releases clean; 1 of 1 other clean; 9 with offsets; 13 compiled, all well";
        assert_eq!(third, format!("| `k0s` | `>=1.24 and main` | `>=1.24` | {result} |"));
        let run = "\n| `1.35` | `v1.35.1+k0s.0 .. v1.35.13+k0s.0` | 13 | ✅ clean | form 0003-reset.2.edit.toml |\n";
        assert!(text.contains(run), "{text}");
        assert!(text.contains("\n|  | `v0.31.1` | 1 | ✅ clean | does not compile &#91;2&#93; |\n"), "{text}");
        let reason = "\n<details><summary>[4] nixos/0003-unit-path.patch: conflict, 23 releases</summary>\n\n`v0.18.0 .. v0.25.1`<br>\n\
                      `patches/k0sctl/nixos/0003-unit-path.patch:41`\n\n```text\nphase/install_workers.go:142: hunk 1 of 3";
        assert!(text.contains(reason), "{text}");
    }

    #[test]
    fn tables_keep_their_columns_whatever_is_in_them() {
        let text = markdown(&hostile());
        assert!(text.contains("alert"));
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']));
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let columns = line.matches('|').count();
            assert!(matches!(columns, 5 | 6), "{columns}: {line}");
        }
    }

    #[test]
    fn nothing_of_others_is_markup() {
        let text = markdown(&hostile());
        let mut fence = None;
        for line in text.lines() {
            let ticks = line.bytes().take_while(|b| *b == b'`').count();
            match fence {
                None if ticks >= 3 && line.ends_with("text") => fence = Some(ticks),
                Some(length) if ticks >= length && line.trim_matches('`').is_empty() => fence = None,
                Some(_) => {}
                None => {
                    let mut left = line.to_owned();
                    for ours in ["<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"] {
                        left = left.replace(ours, "");
                    }
                    // What is in a code span is no markup; such a span has no backtick inside.
                    let outside: String = left.split('`').step_by(2).collect();
                    assert!(!outside.contains(['<', '>']), "{line}");
                }
            }
        }
        assert_eq!(fence, None);
    }

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        assert_eq!(fenced("a"), "```text\na\n```\n");
        assert_eq!(fenced("````\nx"), "`````text\n````\nx\n`````\n");
    }

    #[test]
    fn code_spans_are_used_where_they_are_safe() {
        assert_eq!(code("v1.36.0+k0s.0"), "`v1.36.0+k0s.0`");
        assert_eq!(code("a|`b"), "<code>a&#124;&#96;b</code>");
        assert_eq!(code(""), "");
        assert!(code(HOSTILE).starts_with("<code>&#60;&#47;script&#62;") || code(HOSTILE).starts_with("<code>&#60;/script&#62;"));
        assert_eq!(text("- *x* [y](z) @me a: b"), "&#45; &#42;x&#42; &#91;y&#93;(z) &#64;me a: b");
    }

    #[test]
    fn a_summary_of_many_reasons_stays_small() {
        let word = |n: usize| format!("reason {}", "x".repeat(n));
        let release = |n: usize| judged(&format!("v1.0.{n}"), vec![patch("a.patch", State::Conflict, &[&word(n)])]);
        let text = markdown(&matrix(vec![column("k0s", &["s/a.patch"], (0..63).map(release).collect())]));
        assert_eq!(text.matches("<details>").count(), FAILURES);
        assert!(text.ends_with("\n3 more reasons are not listed here.\n"));
        assert_eq!(markdown(&matrix(vec![k0sctl()])).matches("<details>").count(), 6);
    }
}
