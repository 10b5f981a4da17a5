//! Many releases as few lines: rows, runs of equal releases, and where a state begins and ends.

use crate::matrix::model::{CheckResult, Column, Judged, PatchVerdict, State, Verdict};
use crate::names::{PatchName, Revision};

/// The row of branches; all others are minor versions.
pub const BRANCHES: &str = "branches";

/// Spans named of a list of releases.
const SPANS: usize = 8;

/// A minor version, or the branches.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// `1.36`.
    pub name: &'a str,
    /// Newest first.
    pub runs: Vec<Run<'a>>,
}

impl Row<'_> {
    /// How many releases are in it.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.releases.len()).sum()
    }

    /// Never true of a row of [`rows`].
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// Consecutive releases on which the same became of everything.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// Newest first; at least one.
    pub releases: Vec<&'a Judged>,
    /// Their places in the column, ascending.
    pub places: Vec<usize>,
}

impl<'a> Run<'a> {
    /// The release that speaks for all.
    pub fn newest(&self) -> &'a Judged {
        self.releases[0]
    }

    /// The other end.
    pub fn oldest(&self) -> &'a Judged {
        self.releases[self.releases.len() - 1]
    }

    /// `v1.36.0+k0s.0 .. v1.36.3+k0s.2`; branches are listed.
    pub fn label(&self) -> String {
        if self.newest().row == BRANCHES {
            let names: Vec<&str> = self.releases.iter().map(|release| release.version.as_str()).collect();
            return names.join(", ");
        }
        span(&self.newest().version, &self.oldest().version)
    }
}

fn span(newest: &Revision, oldest: &Revision) -> String {
    if newest == oldest { newest.to_string() } else { format!("{oldest} .. {newest}") }
}

/// What has to be equal in a run. The texts of reasons are not: a hunk may stand elsewhere in each release.
#[derive(PartialEq)]
struct Key<'a> {
    verdict: Verdict,
    promised: bool,
    patches: Vec<(&'a PatchName, State, Option<&'a PatchName>)>,
    checks: [Option<CheckResult>; 2],
}

fn key(release: &Judged) -> Key<'_> {
    Key {
        verdict: release.verdict,
        promised: release.promised,
        patches: release.patches.iter().map(|p| (&p.patch, p.state, p.form.as_ref())).collect(),
        checks: [release.compile, release.test],
    }
}

/// A component's releases by row, in the order in which the rows appear.
pub fn rows(column: &Column) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (place, release) in column.releases.iter().enumerate() {
        let at = rows.iter().rposition(|row| row.name == release.row).unwrap_or_else(|| {
            rows.push(Row { name: &release.row, runs: Vec::new() });
            rows.len() - 1
        });
        match rows[at].runs.last_mut() {
            Some(run) if key(run.newest()) == key(release) => {
                run.releases.push(release);
                run.places.push(place);
            }
            _ => rows[at].runs.push(Run { releases: vec![release], places: vec![place] }),
        }
    }
    rows
}

/// What became of a patch of the column, by its name `SERIES/PATCH`. The release's own list is in the same order, as far as
/// it goes.
pub fn cell<'a>(release: &'a Judged, at: usize, name: &str) -> Option<&'a PatchVerdict> {
    let is = |p: &&PatchVerdict| {
        name.strip_prefix(p.series.as_str()).and_then(|rest| rest.strip_prefix('/')) == Some(p.patch.as_str())
    };
    release.patches.get(at).filter(is).or_else(|| release.patches.iter().find(is))
}

/// Consecutive releases, across rows, in which a patch is in the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch<'a> {
    /// Where it ends.
    pub newest: &'a Revision,
    /// Where it begins: "since".
    pub oldest: &'a Revision,
    /// No newer release was looked at.
    pub to_newest: bool,
    /// No older release was looked at.
    pub to_oldest: bool,
}

impl Stretch<'_> {
    /// Both ends.
    pub fn label(&self) -> String {
        span(self.newest, self.oldest)
    }

    /// As the end of a sentence: `since v1.35.0`. What reaches down to the oldest release did not begin there.
    pub fn words(&self) -> String {
        match (self.to_oldest, self.to_newest) {
            (false, true) => format!("since {}", self.oldest),
            (true, false) => format!("up to {}", self.newest),
            (false, false) if self.newest == self.oldest => format!("in {} alone", self.newest),
            (false, false) => format!("from {} to {}", self.oldest, self.newest),
            (true, true) => "in all of them".to_owned(),
        }
    }
}

/// The stretch around a release, by the places of release and patch in the column. Branches are beside the order of releases
/// and have none; nor has a patch that the release does not know.
pub fn stretch(column: &Column, release: usize, patch: usize) -> Option<Stretch<'_>> {
    let name = column.patches.get(patch)?;
    let here = column.releases.get(release).filter(|r| r.row != BRANCHES)?;
    let state = cell(here, patch, name)?.state;
    let same = |r: &&Judged| cell(r, patch, name).is_some_and(|p| p.state == state);
    let is_release = |r: &&Judged| r.row != BRANCHES;
    let mut newer = column.releases[..release].iter().rev().filter(is_release).peekable();
    let mut older = column.releases[release + 1..].iter().filter(is_release).peekable();
    let (mut newest, mut oldest) = (here, here);
    while let Some(next) = newer.next_if(same) {
        newest = next;
    }
    while let Some(next) = older.next_if(same) {
        oldest = next;
    }
    Some(Stretch {
        newest: &newest.version,
        oldest: &oldest.version,
        to_newest: newer.peek().is_none(),
        to_oldest: older.peek().is_none(),
    })
}

/// Releases of a column, by their places in it, ascending: `v1.35.0 .. v1.36.3, v1.24.2`; long lists are cut.
pub fn spans(column: &Column, releases: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &at in releases {
        let branch = column.releases[at].row == BRANCHES;
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == at && !branch && column.releases[*end].row != BRANCHES => *end = at,
            _ => runs.push((at, at)),
        }
    }
    let version = |at: usize| &column.releases[at].version;
    let mut texts: Vec<String> =
        runs.iter().take(SPANS).map(|(newest, oldest)| span(version(*newest), version(*oldest))).collect();
    let rest: usize = runs.iter().skip(SPANS).map(|(newest, oldest)| oldest - newest + 1).sum();
    if rest > 0 {
        texts.push(format!("and {rest} more"));
    }
    texts.join(", ")
}

/// `1 release`, `7 releases`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{column, judged, k0s, patch};

    fn labels(row: &Row<'_>) -> Vec<(String, usize)> {
        row.runs.iter().map(|run| (run.label(), run.releases.len())).collect()
    }

    #[test]
    fn a_minor_version_of_equal_releases_is_one_run() {
        let k0s = k0s();
        let rows = rows(&k0s);
        assert_eq!(rows.iter().map(Row::len).sum::<usize>(), k0s.releases.len());
        assert_eq!(labels(&rows[0]), [("main".to_owned(), 1)]);
        let compiled = "v1.36.0+k0s.0".to_owned();
        assert_eq!(rows[1].name, "1.36");
        assert_eq!(labels(&rows[1]), [("v1.36.1+k0s.0 .. v1.36.10+k0s.0".to_owned(), 10), (compiled, 1)]);
        assert!(rows.iter().all(|row| !row.is_empty()));
    }

    #[test]
    fn every_difference_but_that_of_texts_ends_a_run() {
        let base = || judged("v1.2.0", vec![patch("a.patch", State::Clean, &[])]);
        let other = |change: fn(&mut Judged)| {
            let mut release = base();
            change(&mut release);
            let column = column("k0s", &["s/a.patch"], vec![base(), release]);
            rows(&column)[0].runs.len()
        };
        assert_eq!(other(|_| {}), 1);
        assert_eq!(other(|r| r.patches = vec![patch("a.patch", State::Clean, &["elsewhere"])]), 1);
        assert_eq!(other(|r| r.patches = vec![patch("a.patch", State::Skipped, &[])]), 2);
        assert_eq!(other(|r| r.patches[0].form = PatchName::new("a.1.patch").ok()), 2);
        assert_eq!(other(|r| r.promised = !r.promised), 2);
        assert_eq!(other(|r| r.verdict = Verdict::Unbuildable), 2);
        assert_eq!(other(|r| r.compile = Some(CheckResult::Ok)), 2);
        assert_eq!(other(|r| r.test = Some(CheckResult::Failed)), 2);
    }

    #[test]
    fn a_stretch_goes_across_rows_and_says_what_its_ends_prove() {
        let states = [State::Upstreamed, State::Upstreamed, State::Clean, State::Conflict, State::Conflict];
        let versions = ["v1.3.0", "v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"];
        let mut releases = vec![judged("main", vec![patch("a.patch", State::Upstreamed, &[])])];
        releases[0].row = BRANCHES.to_owned();
        releases.extend(versions.iter().zip(states).map(|(v, s)| judged(v, vec![patch("a.patch", s, &[])])));
        let column = column("k0s", &["s/a.patch"], releases);
        let words: Vec<_> = (0..6).map(|at| stretch(&column, at, 0).map(|s| s.words())).collect();
        let expected = ["since v1.2.1", "since v1.2.1", "in v1.2.0 alone", "up to v1.1.0", "up to v1.1.0"];
        assert_eq!(words[0], None);
        assert_eq!(words[1..].iter().flatten().collect::<Vec<_>>(), expected.each_ref());
        assert_eq!(stretch(&column, 1, 1), None);
    }

    #[test]
    fn spans_join_neighbours_and_list_branches() {
        let k0s = k0s();
        assert_eq!(spans(&k0s, &[0, 1, 2, 3, 6]), "main, v1.36.8+k0s.0 .. v1.36.10+k0s.0, v1.36.5+k0s.0");
        let odd: Vec<usize> = (1..k0s.releases.len()).step_by(2).collect();
        assert!(spans(&k0s, &odd).ends_with(&format!(", and {} more", odd.len() - SPANS)), "{}", spans(&k0s, &odd));
    }

    #[test]
    fn a_patch_is_found_by_its_name_where_lists_differ() {
        let release = judged("v1.2.0", vec![patch("b.patch", State::Skipped, &[]), patch("a.patch", State::Clean, &[])]);
        assert_eq!(cell(&release, 0, "s/a.patch").map(|p| p.state), Some(State::Clean));
        assert_eq!(cell(&release, 0, "s/c.patch"), None);
        assert_eq!(cell(&release, 0, "sa.patch"), None);
    }
}
