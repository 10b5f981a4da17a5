//! Judging: what each patch of a series comes to on each of many trees.
//!
//! Releases share most files. So they are put into groups that look the same to the series (the same files at the same paths,
//! the same patches in range); one of each group is judged, and files that groups share are patched once. Where there are many
//! groups, two threads judge them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use crate::git::look::{Look, Looker};
use crate::git::objects::{Mode, Objects, ObjectsError};
use crate::matrix::model::{PatchVerdict, Place, Reason, State};
use crate::matrix::verdicts::Verdicts;
use crate::names::{BlobId, PatchName, RelPath, Revision, TreeId};
use crate::patch::{self, ApplyError, Cause, Content, FileProblem, Memo, Outcome, Patch, PatchFailure, Position, Series, Status};
use crate::release::Release;

/// A tree to be judged.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name.
    pub version: Revision,
    /// Its tree.
    pub tree: TreeId,
}

/// One component's series and the trees that they were written on.
pub struct Judge<'a> {
    objects: &'a Objects,
    series: Vec<&'a Series>,
    looker: Looker<'a>,
    bases: BTreeMap<Revision, TreeId>,
    memo: Memo,
    /// Where the hunks of each form stand on the release that it was written on.
    home: Option<Home>,
}

/// How many trees of which no two look the same are worth a second thread, which opens the repository again.
const WORTH_A_THREAD: usize = 12;

/// A tree, and the release that it is of.
type Tree = (TreeId, Option<Release>);

/// Places of trees that nobody has taken. Nobody waits for longer than it takes to take one.
struct Left(Mutex<Range<usize>>);

impl Left {
    fn first(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    fn last(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_back()
    }
}

/// By form, file and hunk: the declaration.
type Home = HashMap<(PatchName, RelPath, usize), Option<String>>;

/// Every path that a series may look at.
pub fn paths_of<'s>(series: impl IntoIterator<Item = &'s Series>) -> Vec<RelPath> {
    let paths: BTreeSet<RelPath> = forms(series).flat_map(|f| f.content.paths()).collect();
    paths.into_iter().collect()
}

/// The releases that forms of a series were written on.
pub fn bases_of(series: &[Series]) -> BTreeSet<Revision> {
    forms(series).filter_map(|f| f.base.clone()).collect()
}

fn forms<'s>(series: impl IntoIterator<Item = &'s Series>) -> impl Iterator<Item = &'s patch::Form> {
    series.into_iter().flat_map(Series::patches).flat_map(|p| &p.forms)
}

impl<'a> Judge<'a> {
    /// `bases` are the trees of the releases that [`bases_of`] names, as far as they are known.
    pub fn new(objects: &'a Objects, series: &'a [Series], bases: BTreeMap<Revision, TreeId>) -> Self {
        Self::of(objects, series.iter().collect(), bases)
    }

    fn of(objects: &'a Objects, series: Vec<&'a Series>, bases: BTreeMap<Revision, TreeId>) -> Self {
        let looker = Looker::new(objects, &paths_of(series.iter().copied()));
        Self { objects, series, looker, bases, memo: Memo::default(), home: None }
    }

    /// The files that judging the candidates will read.
    pub fn files(&mut self, candidates: &[Candidate]) -> Result<BTreeSet<BlobId>, ObjectsError> {
        let mut out = BTreeSet::new();
        for tree in candidates.iter().map(|c| &c.tree).chain(self.bases.values()) {
            for look in self.looker.look(tree)?.iter() {
                // A submodule's commit is no object of this store.
                if let Look::File(mode, id) = look
                    && *mode != Mode::Submodule
                    && !out.contains(id)
                {
                    out.insert(id.clone());
                }
            }
        }
        Ok(out)
    }

    /// Judges every candidate. What `known` says is taken, what is new is added to it.
    pub fn all(&mut self, candidates: &[Candidate], known: &mut Verdicts) -> Result<Vec<Vec<PatchVerdict>>, ApplyError> {
        let mut groups: HashMap<(Rc<[Look]>, Vec<bool>), usize> = HashMap::new();
        let (mut unlike, mut group_of) = (Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(|c| !known.has(c)) {
            let release = Release::parse(&candidate.version);
            let key = (self.looker.look(&candidate.tree)?, self.in_range(release.as_ref()));
            let group = *groups.entry(key).or_insert(unlike.len());
            if group == unlike.len() {
                unlike.push((candidate.tree.clone(), release));
            }
            group_of.push((candidate, group));
        }
        let kinds: Vec<usize> = self.each(&unlike)?.into_iter().map(|verdicts| known.kind(verdicts)).collect();
        for (candidate, group) in group_of {
            known.put(candidate, kinds[group]);
        }
        Ok(known.of_all(candidates).unwrap_or_default())
    }

    /// What becomes of the patches on each of these trees. Neighbours share most of their files, and a file is read once by each
    /// thread: one begins at the first tree, the other at the last, until they meet.
    fn each(&mut self, trees: &[Tree]) -> Result<Vec<Vec<PatchVerdict>>, ApplyError> {
        let left = Left(Mutex::new(0..trees.len()));
        let (path, series, bases) = (self.objects.path(), self.series.clone(), self.bases.clone());
        // What is in memory only, another view of the repository does not have.
        let alone = trees.len() < WORTH_A_THREAD || self.objects.is_in_memory();
        let mut found = std::thread::scope(|scope| {
            let from_the_end = || {
                let objects = Objects::open(path)?;
                Judge::of(&objects, series, bases).some(trees, || left.last())
            };
            let other = (!alone).then(|| scope.spawn(from_the_end));
            let mut found = self.some(trees, || left.first())?;
            if let Some(other) = other {
                found.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<_, ApplyError>(found)
        })?;
        found.sort_unstable_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, verdicts)| verdicts).collect())
    }

    /// Takes trees that are left, until none is.
    fn some(&mut self, trees: &[Tree], next: impl Fn() -> Option<usize>) -> Result<Vec<(usize, Vec<PatchVerdict>)>, ApplyError> {
        let mut found = Vec::new();
        while let Some(at) = next() {
            let (tree, release) = &trees[at];
            found.push((at, self.one(tree, release.as_ref())?));
        }
        Ok(found)
    }

    /// The tree that comes out, where everything applies. It is computed in memory only.
    pub fn result(&mut self, candidate: &Candidate) -> Result<Option<TreeId>, ApplyError> {
        self.objects.keep_in_memory()?;
        let release = Release::parse(&candidate.version);
        match patch::apply_with(self.objects, &candidate.tree, release.as_ref(), &self.series, &self.memo)? {
            Outcome::Applied { tree, .. } => Ok(Some(tree)),
            Outcome::Failed { .. } => Ok(None),
        }
    }

    /// Which patches, and which edits of them, are for the release.
    fn in_range(&self, release: Option<&Release>) -> Vec<bool> {
        let mut out = Vec::new();
        for patch in self.patches() {
            out.extend(patch.versions.as_ref().map(|v| release.is_none_or(|r| v.matches(r))));
            for form in &patch.forms {
                let Content::Edit(file) = &form.content else { continue };
                let of = |e: &patch::edit::Edit| e.versions.as_ref().map(|v| release.is_none_or(|r| v.matches(r)));
                out.extend(file.edits.iter().filter_map(of));
            }
        }
        out
    }

    fn patches(&self) -> impl Iterator<Item = &'a Patch> + use<'a, '_> {
        self.series.iter().flat_map(|s| s.patches())
    }

    fn one(&mut self, tree: &TreeId, release: Option<&Release>) -> Result<Vec<PatchVerdict>, ApplyError> {
        let (outcome, positions) = patch::judge(self.objects, tree, release, &self.series, &self.memo)?;
        let (steps, failures) = match outcome {
            Outcome::Applied { steps, .. } => (steps, Vec::new()),
            Outcome::Failed { steps, failures } => (steps, failures),
        };
        let strayed = self.strayed(&positions)?;
        let mut steps = steps.into_iter().peekable();
        let mut out = Vec::new();
        for series in &self.series {
            for patch in series.patches() {
                let verdict = |state, form, reasons| PatchVerdict {
                    series: series.name().clone(),
                    patch: patch.name.clone(),
                    state,
                    form,
                    reasons,
                };
                let is_next = steps.peek().is_some_and(|s| s.at.series == *series.name() && s.at.patch == patch.name);
                out.push(match steps.next_if(|_| is_next).map(|s| s.status) {
                    Some(Status::Skipped { reason }) => verdict(State::Skipped, None, vec![Reason { text: reason, at: None }]),
                    Some(Status::Applied { form, offsets, .. }) => {
                        let stray: Vec<Reason> = strayed.iter().filter(|(of, _)| *of == form).map(|(_, r)| r.clone()).collect();
                        let moved = |o: &patch::Offset| Reason {
                            text: format!("{}: hunk {} stands {} {}", o.path, o.hunk, count(o.lines), direction(o.lines)),
                            at: None,
                        };
                        let state = match (stray.is_empty(), offsets.is_empty()) {
                            (false, _) => State::Conflict,
                            (true, false) => State::CleanOffset,
                            (true, true) => State::Clean,
                        };
                        let reasons = if stray.is_empty() { offsets.iter().map(moved).collect() } else { stray };
                        verdict(state, (patch.forms.len() > 1).then_some(form), reasons)
                    }
                    None => {
                        let failure = failures.iter().find(|f| f.at.series == *series.name() && f.at.patch == patch.name);
                        let (state, reasons) = failure.map_or((State::Conflict, Vec::new()), failed);
                        verdict(state, None, reasons)
                    }
                });
            }
        }
        Ok(out)
    }

    /// Hunks that stand in another declaration than on the release that their form was written on.
    fn strayed(&mut self, positions: &[Position]) -> Result<Vec<(PatchName, Reason)>, ApplyError> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let home = match self.home.take() {
            Some(home) => home,
            None => self.find_home()?,
        };
        let mut out = Vec::new();
        for one in positions {
            let Some(was) = home.get(&(one.form.clone(), one.path.clone(), one.hunk)) else { continue };
            if *was != one.inside {
                let words = |inside: &Option<String>| inside.clone().unwrap_or_else(|| "no declaration".to_owned());
                let text = format!(
                    "{}: the text of hunk {} stands in {}, and in {} where the patch was written",
                    one.path,
                    one.hunk,
                    words(&one.inside),
                    words(was)
                );
                let origin = self.patches().flat_map(|p| &p.forms).find(|f| f.file == one.form).map(|f| f.origin.to_string());
                let at = origin.map(|file| Place { file, line: one.patch_line });
                out.push((one.form.clone(), Reason { text, at }));
            }
        }
        self.home = Some(home);
        Ok(out)
    }

    fn find_home(&self) -> Result<Home, ApplyError> {
        let mut home = HashMap::new();
        for (version, tree) in &self.bases {
            let release = Release::parse(version);
            let (_, positions) = patch::judge(self.objects, tree, release.as_ref(), &self.series, &self.memo)?;
            for one in positions {
                let written_here =
                    self.patches().flat_map(|p| &p.forms).any(|f| f.file == one.form && f.base.as_ref() == Some(version));
                if written_here {
                    home.insert((one.form, one.path, one.hunk), one.inside);
                }
            }
        }
        Ok(home)
    }
}

fn count(lines: i64) -> String {
    format!("{} line{}", lines.abs(), if lines.abs() == 1 { "" } else { "s" })
}

fn direction(lines: i64) -> &'static str {
    if lines < 0 { "further up" } else { "further down" }
}

/// What kind of failure it is, and why.
fn failed(failure: &PatchFailure) -> (State, Vec<Reason>) {
    let reasons: Vec<Reason> = match &failure.cause {
        Cause::NoForm { .. } => {
            let of = |r: patch::Reason| Reason { text: r.text, at: Some(Place { file: r.origin, line: r.line }) };
            patch::reasons(failure).into_iter().map(of).collect()
        }
        Cause::SeveralForms { forms, .. } => {
            let names: Vec<&str> = forms.iter().map(PatchName::as_str).collect();
            vec![Reason { text: format!("several forms apply, with different results: {}", names.join(", ")), at: None }]
        }
    };
    let Cause::NoForm { forms } = &failure.cause else { return (State::Conflict, reasons) };
    if forms.iter().any(|f| f.already_applied) {
        return (State::Upstreamed, reasons);
    }
    let gone = |f: &patch::FormFailure| f.files.iter().all(|file| matches!(file.problem, FileProblem::Missing));
    (if forms.iter().all(gone) { State::MissingFile } else { State::Conflict }, reasons)
}
