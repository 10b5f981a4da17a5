//! The matrix for a README or the summary of a CI job.

use crate::matrix::failures::{Failure, failures};
use crate::matrix::fold::{count, rows};
use crate::matrix::model::{Column, Matrix, Verdict};
use crate::matrix::remarks::remarks;
use crate::matrix::tally::Tally;
use crate::names::markdown::{code, fenced, text};

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
        out.push_str(&format!("\n\n{}\n</details>\n", fenced(&failure.text, "text")));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::model::State;
    use crate::matrix::testing::{column, hostile, judged, k0sctl, matrix, nixos, patch};

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
    fn a_summary_of_many_reasons_stays_small() {
        let word = |n: usize| format!("reason {}", "x".repeat(n));
        let release = |n: usize| judged(&format!("v1.0.{n}"), vec![patch("a.patch", State::Conflict, &[&word(n)])]);
        let text = markdown(&matrix(vec![column("k0s", &["s/a.patch"], (0..63).map(release).collect())]));
        assert_eq!(text.matches("<details>").count(), FAILURES);
        assert!(text.ends_with("\n3 more reasons are not listed here.\n"));
        assert_eq!(markdown(&matrix(vec![k0sctl()])).matches("<details>").count(), 6);
    }
}
