//! What there is to say about a run beside its verdict.

use crate::matrix::failures::{Failure, What};
use crate::matrix::fold::{Run, cell, stretch};
use crate::matrix::model::{CheckResult, Column, State, Verdict};

/// The name of a patch without its series, where the component has one series only.
pub(crate) fn short<'a>(column: &Column, name: &'a str) -> &'a str {
    let series = |name: &str| name.split_once('/').map(|(series, _)| series.to_owned());
    let all_same = column.patches.iter().all(|other| series(other) == series(name));
    match name.split_once('/') {
        Some((_, patch)) if all_same => patch,
        _ => name,
    }
}

/// Remarks about a run: what is not as plain as "clean". `numbered` are the component's failures with their numbers.
pub(crate) fn remarks(column: &Column, run: &Run<'_>, numbered: &[(usize, Failure<'_>)]) -> Vec<String> {
    let newest = run.newest();
    let numbers = |is: &dyn Fn(&What<'_>) -> bool| {
        let of_run = |f: &Failure<'_>| is(&f.what) && f.releases.iter().any(|at| run.places.binary_search(at).is_ok());
        let all: Vec<String> = numbered.iter().filter(|(_, f)| of_run(f)).map(|(n, _)| format!(" [{n}]")).collect();
        all.concat()
    };
    let mut out = Vec::new();
    if !newest.promised && column.releases.iter().any(|release| release.promised) {
        out.push("not promised".to_owned());
    }
    for (at, name) in column.patches.iter().enumerate() {
        let Some(patch) = cell(newest, at, name) else { continue };
        let name = short(column, name);
        match patch.state {
            State::Clean => {}
            State::CleanOffset => out.push(format!("{name}: {}", offsets(column, run, at))),
            State::Skipped => out.push(match patch.reasons.first() {
                Some(reason) => format!("{name}: skipped, {}", first_line(&reason.text)),
                None => format!("{name}: skipped"),
            }),
            state => {
                let since = run.places.first().and_then(|release| stretch(column, *release, at)).map(|stretch| stretch.words());
                let since = since.map(|words| format!(" {words}")).unwrap_or_default();
                out.push(format!(
                    "{name}: {state}{since}{}",
                    numbers(&|what| matches!(what, What::Patch { at: a, .. } if *a == at))
                ));
            }
        }
        if let Some(form) = &patch.form {
            out.push(format!("form {form}"));
        }
    }
    if newest.verdict == Verdict::Unbuildable {
        out.push(format!("no rule builds it{}", numbers(&|what| *what == What::Unbuildable)));
    }
    match newest.compile {
        Some(CheckResult::Ok) => out.push("compiles".to_owned()),
        Some(CheckResult::Failed) => out.push(format!("does not compile{}", numbers(&|what| *what == What::Compile))),
        None => {}
    }
    match newest.test {
        Some(CheckResult::Ok) => out.push("tests pass".to_owned()),
        Some(CheckResult::Failed) => out.push(format!("tests fail{}", numbers(&|what| *what == What::Test))),
        None => {}
    }
    out
}

/// Where hunks stand in the newest release of a run, and whether that is so in all of it.
fn offsets(column: &Column, run: &Run<'_>, at: usize) -> String {
    let texts = |release| cell(release, at, &column.patches[at]).map(|patch| &patch.reasons);
    let Some(reasons) = texts(run.newest()).filter(|reasons| !reasons.is_empty()) else { return "offset".to_owned() };
    let mut out = first_line(&reasons[0].text).to_owned();
    if reasons.len() > 1 {
        out.push_str(&format!(" and {} more", reasons.len() - 1));
    }
    if run.releases.iter().any(|release| texts(release) != Some(reasons)) {
        out.push_str(&format!(" in {}, differently in others", run.newest().version));
    }
    out
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::failures::failures;
    use crate::matrix::fold::rows;
    use crate::matrix::model::Column;
    use crate::matrix::testing::{k0s, k0sctl};

    fn of(column: &Column, row: &str) -> Vec<Vec<String>> {
        let numbered: Vec<_> = failures(column, |_| true).into_iter().enumerate().map(|(at, f)| (at + 1, f)).collect();
        let rows = rows(column);
        let row = rows.iter().find(|r| r.name == row).unwrap();
        row.runs.iter().map(|run| remarks(column, run, &numbered)).collect()
    }

    #[test]
    fn forms_offsets_skips_and_checks_are_told() {
        let k0s = k0s();
        assert_eq!(of(&k0s, "branches"), [["not promised", "form 0003-reset.2.edit.toml"]]);
        assert_eq!(
            of(&k0s, "1.29"),
            [
                vec!["form 0003-reset.1.edit.toml"],
                vec![
                    "form 0003-reset.1.edit.toml",
                    "0004-docs.patch: docs/install.md: hunk 2 stands 1 lines further down in v1.29.8+k0s.0, differently in others"
                ],
                vec![
                    "form 0003-reset.1.edit.toml",
                    "0004-docs.patch: docs/install.md: hunk 2 stands 9 lines further down",
                    "compiles"
                ],
            ]
        );
        assert_eq!(of(&k0s, "1.24")[0], ["0003-reset.edit.toml: skipped, it is for >=1.28: reset knew no units before"]);
    }

    #[test]
    fn failures_are_told_by_number_and_by_when_they_began() {
        let k0sctl = k0sctl();
        assert_eq!(of(&k0sctl, "0.32")[0], ["0002-units.edit.toml: upstreamed since v0.32.1 [1]"]);
        assert_eq!(of(&k0sctl, "0.31")[1], ["does not compile [2]"]);
        assert_eq!(of(&k0sctl, "0.31")[2], ["compiles", "tests fail [3]"]);
        assert_eq!(
            of(&k0sctl, "0.20")[1],
            ["not promised", "0003-unit-path.patch: conflict up to v0.25.1 [4]", "no rule builds it [5]"]
        );
    }

    #[test]
    fn a_series_is_named_where_there_are_several() {
        let mut column = k0s();
        assert_eq!(short(&column, "nixos/a.patch"), "a.patch");
        column.patches.push("other/a.patch".to_owned());
        assert_eq!(short(&column, "nixos/a.patch"), "nixos/a.patch");
    }
}
