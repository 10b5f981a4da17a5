//! `forge patch status`: where a work folder stands, and what is different from its series.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::names::{CommitId, ComponentName, PatchName, Revision, SeriesName};
use crate::pipeline::error::PipelineError;
use crate::pipeline::save::SaveOptions;
use crate::pipeline::save_plan::Saver;
use crate::pipeline::workspace::{Workspace, flat};
use crate::work::compare::{Pair, Placed, compare};
use crate::work::stack::subject;

/// Where a work folder stands.
#[derive(Debug)]
pub struct StatusReport {
    /// The folder.
    pub dir: PathBuf,
    /// The recipe, as `--recipe` takes it.
    pub recipe: String,
    /// The component.
    pub component: ComponentName,
    /// The release.
    pub release: Revision,
    /// The commit of the unpatched release.
    pub base: CommitId,
    /// The series, and whether it is another one now than the folder has opened.
    pub series: Vec<(SeriesName, bool)>,
    /// The patch that waits for its resolution, and files that are not resolved yet.
    pub waiting: Option<(PatchName, Vec<String>)>,
    /// What git is in the midst of.
    pub in_progress: Option<&'static str>,
    /// Files with changes that are in no commit.
    pub loose: Vec<String>,
    /// The commits, oldest first.
    pub commits: Vec<CommitStatus>,
    /// Patches whose commits are gone.
    pub dropped: Vec<PatchName>,
    /// `git range-diff` of what is saved and what is there; empty where they are the same.
    pub range_diff: String,
}

/// A commit and the patch that it is.
#[derive(Debug)]
pub struct CommitStatus {
    /// Its id.
    pub commit: CommitId,
    /// The first line of its message.
    pub subject: String,
    /// Its patch; `None` for a new one.
    pub patch: Option<PatchName>,
    /// How it compares.
    pub place: Place,
}

/// How a commit compares with the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As it was opened or saved.
    Same,
    /// It says the same at another place.
    Moved,
    /// It says something else.
    Changed,
    /// No patch of the series was this.
    New,
}

/// Compares the folder with its series; writes nothing but what git writes of its own.
pub fn status(space: &Workspace<'_>) -> Result<StatusReport, PipelineError> {
    let series = space.series()?;
    let of_git = space.repo.status(space.exec)?;
    let mut report = StatusReport {
        dir: space.dir.clone(),
        recipe: space.state.recipe.clone(),
        component: space.state.component.clone(),
        release: space.state.release.clone(),
        base: space.state.base.clone(),
        series: series.iter().zip(&space.state.series).map(|(s, then)| (s.name().clone(), s.digest() != then.digest)).collect(),
        waiting: None,
        in_progress: of_git.in_progress,
        loose: of_git.changed.into_iter().chain(of_git.untracked).collect(),
        commits: Vec::new(),
        dropped: Vec::new(),
        range_diff: String::new(),
    };
    if let Some(stopped) = &space.state.stopped {
        let unresolved = space.repo.staged_tree()?.err().unwrap_or_default();
        report.waiting = Some((space.state.patches[stopped.at].patch.clone(), unresolved));
    }
    let head = space.head()?;
    let same_series = report.series.iter().all(|(_, changed)| !changed);
    let options = SaveOptions::default();
    let saver = Saver { space, series: &series, options: &options, plans: BTreeMap::new(), saved: Vec::new() };
    let patches = flat(&series);
    let mut seen = vec![false; space.state.patches.len()];
    let mut pairs: Vec<Pair> = Vec::new();
    for (at, link) in saver.links(&head)?.into_iter().enumerate() {
        let known = link.was.map(|was| &space.state.patches[was]);
        let place = match (link.was, known) {
            (Some(_), Some(known)) if known.commit.as_ref() == Some(&link.commit.id) => Place::Same,
            (Some(was), Some(known)) => {
                let old = known.commit.as_ref().map(|commit| space.repo.read(commit)).transpose()?;
                let said = old.is_some_and(|old| old.step.message == link.commit.step.message);
                let moved = said && same_series && saver.gives(patches[was].0, patches[was].1, &link)?;
                if moved { Place::Moved } else { Place::Changed }
            }
            _ => Place::New,
        };
        if let Some(was) = link.was {
            seen[was] = true;
        }
        let old = link.was.map(|was| placed(space, was)).transpose()?.flatten();
        pairs.push((old, Some(Placed { place: at + 1, commit: link.commit.clone() })));
        let subject = subject(&link.commit).to_owned();
        report.commits.push(CommitStatus { commit: link.commit.id, subject, patch: known.map(|k| k.patch.clone()), place });
    }
    for was in (0..seen.len()).filter(|was| !seen[*was]) {
        if let Some(old) = placed(space, was)? {
            report.dropped.push(space.state.patches[was].patch.clone());
            pairs.push((Some(old), None));
        }
    }
    if head != space.state.tip {
        report.range_diff = compare(space.repo.objects(), &pairs)?;
    }
    Ok(report)
}

/// The commit that a patch was opened as, by its place among those that have one.
fn placed(space: &Workspace<'_>, was: usize) -> Result<Option<Placed>, PipelineError> {
    let Some(commit) = &space.state.patches[was].commit else { return Ok(None) };
    let place = space.state.patches[..=was].iter().filter(|p| p.commit.is_some()).count();
    Ok(Some(Placed { place, commit: space.repo.read(commit)? }))
}
