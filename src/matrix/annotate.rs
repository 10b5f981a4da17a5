//! Failures of promised releases as CI systems show them beside the lines of a change.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::matrix::failures::{Failure, What, failures};
use crate::matrix::fold::count;
use crate::matrix::model::{Column, Matrix, State};
use crate::names::visible;

/// GitHub cuts longer messages; the releases come first.
const MESSAGE: usize = 4000;

/// Workflow commands for GitHub, a line each: one for every distinct place and reason among the promised releases.
///
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
pub fn github(matrix: &Matrix) -> String {
    let mut out = String::new();
    for (column, failure) in promised(matrix) {
        let place = failure.at.map(|at| format!("file={},line={},", property(&at.file), at.line)).unwrap_or_default();
        let title = property(&format!("{} {}", column.component, failure.what.title()));
        out.push_str(&format!("::error {place}title={title}::{}\n", data(&message(column, &failure))));
    }
    out
}

/// A GitLab Code Quality report.
///
/// <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>
pub fn code_quality(matrix: &Matrix) -> String {
    let entry = |(column, failure): (&Column, Failure<'_>)| {
        // A place is required. What has none is the recipe's business.
        let (path, line) = match failure.at {
            Some(at) => (visible(&at.file).replace(['\n', '\t'], " "), at.line),
            None => (format!("recipes/{}.toml", matrix.recipe), 1),
        };
        json!({
            "description": format!("{} {}: {}", column.component, failure.what.title(), message(column, &failure)),
            "check_name": format!("forge-matrix/{}", check(&failure.what)),
            "fingerprint": fingerprint(matrix, column, &failure),
            "severity": severity(&failure.what),
            "location": {"path": path, "lines": {"begin": line}},
        })
    };
    let entries: Vec<Value> = promised(matrix).into_iter().map(entry).collect();
    // Pretty, so that the file can be read where the report is not shown.
    format!("{:#}\n", Value::Array(entries))
}

fn promised(matrix: &Matrix) -> Vec<(&Column, Failure<'_>)> {
    let of = |column| failures(column, |release| release.promised).into_iter().map(move |failure| (column, failure));
    matrix.components.iter().flat_map(of).collect()
}

fn message(column: &Column, failure: &Failure<'_>) -> String {
    let releases = count(failure.releases.len(), "promised release");
    let text = visible(&format!("{releases}: {}\n{}", failure.concerns(column), failure.text));
    match text.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

fn check(what: &What<'_>) -> &'static str {
    match what {
        What::Patch { state, .. } => state.word(),
        What::Unbuildable => "unbuildable",
        What::Compile => "compile",
        What::Test => "test",
    }
}

fn severity(what: &What<'_>) -> &'static str {
    match what {
        // Nothing is wrong with the code: the patch has to go, or to say for which releases it is.
        What::Patch { state: State::Upstreamed, .. } => "minor",
        What::Test => "major",
        What::Patch { .. } | What::Unbuildable | What::Compile => "critical",
    }
}

/// The same from run to run while lines move and releases come.
fn fingerprint(matrix: &Matrix, column: &Column, failure: &Failure<'_>) -> String {
    let mut hasher = Sha256::new();
    let head = [matrix.recipe.as_str(), column.component.as_str()];
    for part in head.into_iter().chain(failure.identity().iter().map(String::as_str)) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rules of GitHub's own toolkit for messages.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// And for properties, which end at `,` and `:`.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{column, conflict, hostile, judged, k0s, k0sctl, matrix, nixos, patch, service};

    #[test]
    fn what_is_well_or_not_promised_is_not_annotated() {
        let well = matrix(vec![k0s(), service()]);
        assert_eq!(github(&well), "");
        assert_eq!(code_quality(&well), "[]\n");
        let mut old = k0sctl();
        old.releases.iter_mut().for_each(|release| release.promised = false);
        assert_eq!(github(&matrix(vec![old])), "");
    }

    #[test]
    fn one_annotation_for_each_place_and_reason() {
        let text = github(&nixos());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let head = "::error file=patches/k0sctl/nixos/0003-unit-path.patch,line=41,title=k0sctl nixos/0003-unit-path.patch%3A conflict::\
                    2 promised releases: v0.25.0 .. v0.25.1 (conflict up to v0.25.1)%0Aphase/install_workers.go:142: hunk 1 of 3 finds";
        assert!(lines[3].starts_with(head), "{}", lines[3]);
        assert!(
            lines[1].starts_with("::error title=k0sctl does not compile::1 promised release: v0.31.1%0AGo 1.25.3"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn two_places_are_two_annotations() {
        let mut bad = patch("a.patch", State::Conflict, &[]);
        bad.reasons = vec![conflict("a.go", 3, 9), conflict("a.go", 3, 20)];
        let text = github(&matrix(vec![column("k0s", &["s/a.patch"], vec![judged("v1.0.0", vec![bad])])]));
        let lines: Vec<bool> = text.lines().zip(["line=9,", "line=20,"]).map(|(l, at)| l.contains(at)).collect();
        assert_eq!(lines, [true, true], "{text}");
    }

    #[test]
    fn nothing_of_others_ends_a_command_or_begins_one() {
        let text = github(&hostile());
        assert!(text.contains("alert(1)") && text.contains("%250A"), "{text}");
        assert!(text.lines().all(|line| line.starts_with("::error ")), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']));
        for line in text.lines() {
            let (properties, _) = line["::error ".len()..].split_once("::").unwrap();
            for property in properties.split(',') {
                assert!(["file=", "line=", "title="].iter().any(|name| property.starts_with(name)), "{property}");
            }
        }
    }

    #[test]
    fn a_code_quality_report_has_what_gitlab_requires() {
        let entries: Vec<Value> = serde_json::from_str(&code_quality(&nixos())).unwrap();
        assert_eq!(entries.len(), 4);
        let conflict = &entries[3];
        assert_eq!(conflict["check_name"], "forge-matrix/conflict");
        assert_eq!(conflict["severity"], "critical");
        let location = json!({"path": "patches/k0sctl/nixos/0003-unit-path.patch", "lines": {"begin": 41}});
        assert_eq!(conflict["location"], location);
        assert!(conflict["description"].as_str().unwrap().starts_with("k0sctl nixos/0003-unit-path.patch: conflict: 2 promised"));
        assert_eq!(entries[1]["location"], json!({"path": "recipes/nixos.toml", "lines": {"begin": 1}}));
        serde_json::from_str::<Vec<Value>>(&code_quality(&hostile())).unwrap();
    }

    #[test]
    fn a_fingerprint_outlives_moved_lines_and_new_releases_but_no_other_reason() {
        let print = |texts: &[&str]| {
            let of = |(at, text): (usize, &&str)| {
                judged(&format!("v1.0.{}", 9 - at), vec![patch("a.patch", State::Conflict, &[text])])
            };
            let column = column("k0s", &["s/a.patch"], texts.iter().enumerate().map(of).collect());
            let entries: Vec<Value> = serde_json::from_str(&code_quality(&matrix(vec![column]))).unwrap();
            entries.iter().map(|e| e["fingerprint"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(print(&["a.go:1: x"]), print(&["a.go:77: x", "a.go:1: x"]));
        let two = print(&["a.go:1: x", "a.go:1: y"]);
        assert_ne!(two[0], two[1]);
        assert_eq!(two[0].len(), 64);
    }

    #[test]
    fn long_messages_are_cut() {
        let text = "x".repeat(9000);
        let column = column("k0s", &["s/a.patch"], vec![judged("v1.0.0", vec![patch("a.patch", State::Conflict, &[&text])])]);
        assert!(github(&matrix(vec![column])).len() < 4200);
    }
}
