//! `matrix --blame`: the commit of the upstream's after which a patch does not apply any more, or is not needed any more.
//!
//! Of each run of releases on which a patch fails (or is upstream), the oldest counts, against the nearest older one that is clean. Between
//! the two, every commit that touched the patch's files is judged like a release, and so is what it was made on: the
//! culprit is the one that fails on parents that do not. Histories diverge and merge, so that nothing is halved here; the
//! commits share their files, and judging all of them costs little more than judging one.

use std::collections::BTreeSet;

use crate::git::objects::Objects;
use crate::git::past::PastCommit;
use crate::git::survey::{Seen, SeenKind, Survey};
use crate::matrix::{self, Candidate, Judge, Judged, Reason, State, Verdicts};
use crate::names::{CommitId, GitUrl, RelPath, visible};
use crate::patch::Series;
use crate::pipeline::choice::UPSTREAM;
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::recipe::model::{Component, Source};
use crate::source::SourceError;

/// A patch that fails, or is upstream, from one release on.
struct Break {
    /// Which of the two.
    is_it: fn(State) -> bool,
    /// Its place in the series.
    patch: usize,
    /// The releases on which it is so, the oldest first.
    releases: Vec<usize>,
    /// The nearest older one that is clean.
    clean: usize,
}

/// A commit to be judged, with the breaks that it may be behind.
struct Suspect {
    commit: PastCommit,
    /// The commit itself, then its parents.
    trees: Vec<Candidate>,
}

impl Session<'_> {
    /// Names the culprit in the reasons of each release that fails. The releases are newest first.
    pub(super) fn blame(&self, component: &Component, series: &[Series], releases: &mut [Judged]) -> Result<(), PipelineError> {
        let Source::Git(home) = &component.upstream.source else { return Ok(()) };
        let breaks = breaks(releases);
        if breaks.is_empty() {
            return Ok(());
        }
        let url = self.options.sources.get(&component.name).unwrap_or(home);
        let past = Survey::open_or_init(&self.store.history(home), self.reporter, self.exec.interrupt())?;
        let bases = self.bases_seen(home, series)?;
        let ends = breaks.iter().flat_map(|b| [b.clean, b.releases[0]]).filter_map(|at| seen(&releases[at]));
        let mut wanted: Vec<Seen> = ends.chain(bases.iter().cloned()).collect();
        wanted.dedup();
        if !self.options.offline {
            let fetched = past.fetch_history(self.exec, url, &wanted, self.reporter)?;
            self.tell(component, fetched, "histories of releases", url);
        }
        let objects = past.objects()?;
        if !wanted.iter().all(|seen| objects.has_commit(&seen.commit)) {
            return Err(SourceError::NotSurveyed { what: format!("the history of {}", component.name) }.into());
        }
        let trees = |base: &Seen| Some((base.name.clone(), objects.commit_tree(&base.commit).ok()?));
        let mut judge = Judge::new(&objects, series, bases.iter().filter_map(trees).collect());
        let mut suspects = Vec::new();
        for one in &breaks {
            suspects.push(self.suspects(&past, &objects, url, series, one, releases)?);
        }
        let all: Vec<Candidate> = suspects.iter().flatten().flat_map(|s| s.trees.iter().cloned()).collect();
        let files = judge.files(&all)?;
        self.fetch_files_into(&past, component, home, &objects, &files)?;
        for (one, suspects) in breaks.iter().zip(&suspects) {
            let upstream = (one.is_it)(State::Upstreamed);
            let mut text = match upstream {
                false => format!("broken after {}, by no single commit", releases[one.clean].version),
                true => format!("{UPSTREAM}more than one commit after {}", releases[one.clean].version),
            };
            for suspect in suspects {
                let states = judge.all(&suspect.trees, &mut Verdicts::default())?;
                let fails = |at: usize| states.get(at).and_then(|s| s.get(one.patch)).is_some_and(|p| (one.is_it)(p.state));
                if fails(0) && !(1..states.len()).any(fails) {
                    text = format!("{}{}", if upstream { UPSTREAM } else { "broken by " }, told(&suspect.commit));
                    break;
                }
            }
            for at in &one.releases {
                if let Some(patch) = releases[*at].patches.get_mut(one.patch) {
                    patch.reasons.push(Reason { text: text.clone(), at: None });
                }
            }
        }
        Ok(())
    }

    /// The releases that patches were written on, as they were seen.
    fn bases_seen(&self, home: &GitUrl, series: &[Series]) -> Result<Vec<Seen>, PipelineError> {
        let bases = matrix::bases_of(series);
        let survey = Survey::open_or_init(&self.store.survey(home), self.reporter, self.exec.interrupt())?;
        let is_base = |s: &Seen| s.kind == SeenKind::Tag && bases.contains(&s.name);
        Ok(survey.seen().into_iter().flatten().filter(is_base).collect())
    }

    /// The commits between the two releases that touched files of the patch, the newest first.
    fn suspects(
        &self,
        past: &Survey,
        objects: &Objects,
        url: &GitUrl,
        series: &[Series],
        one: &Break,
        releases: &[Judged],
    ) -> Result<Vec<Suspect>, PipelineError> {
        let (clean, broken) = (&releases[one.clean], &releases[one.releases[0]]);
        let (Some(old), Some(new)) = (&clean.commit, &broken.commit) else { return Ok(Vec::new()) };
        let Some(patch) = series.iter().flat_map(Series::patches).nth(one.patch) else { return Ok(Vec::new()) };
        let paths: BTreeSet<RelPath> = patch.forms.iter().flat_map(|f| f.content.paths()).collect();
        let paths: Vec<RelPath> = paths.into_iter().collect();
        let candidate = |commit: &CommitId| -> Result<Candidate, PipelineError> {
            // Judged as the release that fails: patches can be bound to ranges.
            Ok(Candidate { version: broken.version.clone(), tree: objects.commit_tree(commit)? })
        };
        let mut out = Vec::new();
        for commit in past.between(self.exec, url, (old, new), &paths)? {
            let trees = std::iter::once(&commit.id).chain(&commit.parents).map(candidate).collect::<Result<_, _>>()?;
            out.push(Suspect { commit, trees });
        }
        Ok(out)
    }
}

fn is_broken(state: State) -> bool {
    matches!(state, State::Conflict | State::MissingFile)
}

fn is_upstream(state: State) -> bool {
    state == State::Upstreamed
}

fn seen(release: &Judged) -> Option<Seen> {
    let kind = if release.row == "branches" { SeenKind::Branch } else { SeenKind::Tag };
    Some(Seen { name: release.version.clone(), kind, commit: release.commit.clone()? })
}

/// Where patches begin to fail, or to be upstream. A release on which a patch is skipped is neither.
fn breaks(releases: &[Judged]) -> Vec<Break> {
    let mut out: Vec<Break> = Vec::new();
    let kinds: [fn(State) -> bool; 2] = [is_broken, is_upstream];
    let patches = 0..releases.first().map_or(0, |r| r.patches.len());
    for (is_it, patch) in kinds.into_iter().flat_map(|kind| patches.clone().map(move |patch| (kind, patch))) {
        let (mut clean, mut open) = (None, false);
        for at in (0..releases.len()).rev().filter(|at| releases[*at].commit.is_some()) {
            match releases[at].patches.get(patch).map(|p| p.state) {
                Some(State::Clean | State::CleanOffset) => (clean, open) = (Some(at), false),
                Some(state) if is_it(state) => match (clean, out.last_mut()) {
                    (_, Some(last)) if open => last.releases.push(at),
                    (Some(clean), _) => {
                        out.push(Break { is_it, patch, releases: vec![at], clean });
                        open = true;
                    }
                    _ => {}
                },
                _ => open = false,
            }
        }
    }
    out
}

fn told(commit: &PastCommit) -> String {
    let short = &commit.id.as_str()[..10];
    // One line: a tab in a subject is no more than a blank here.
    format!("{short} {} {}", commit.date, visible(&commit.subject.replace('\t', " ")))
}
