//! `forge matrix`: the series of every component against many releases.

use std::collections::BTreeSet;
use std::path::Path;

use crate::git::objects::Objects;
use crate::matrix::{Candidate, Column, Judge, Judged, Matrix, PatchVerdict, State, Verdict, Verdicts};
use crate::names::{Revision, Sha256};
use crate::patch::{self, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lineup::{Entry, Lineup};
use crate::pipeline::lineup_modules::go_mods;
use crate::pipeline::select::Selection;
use crate::pipeline::session::Session;
use crate::plan::{KeyBuilder, Lock};
use crate::recipe::model::Component;
use crate::release::Wanted;

/// What is asked of a matrix besides the releases.
#[derive(Debug, Clone, Default)]
pub struct MatrixOptions {
    /// Only releases that are newer than this tag.
    pub new_since: Option<Revision>,
    /// Whether the trees that come out are computed.
    pub trees: bool,
    /// Only the newest release of each row.
    pub newest: bool,
    /// Whether the touched packages are compiled.
    pub compile: bool,
    /// Whether they are tested, too.
    pub test: bool,
    /// How many packages compile at once; as many as there are processors where absent.
    pub jobs: Option<usize>,
    /// Whether the upstream's commits behind conflicts are looked for.
    pub blame: bool,
}

/// Judges the series of the selected components, or of every component that has one.
pub fn matrix(
    session: &Session<'_>,
    selections: &[Selection],
    lock: &Lock,
    options: &MatrixOptions,
) -> Result<Matrix, PipelineError> {
    let mut columns = Vec::new();
    let mut add = |component: &Component, wanted: Option<&Wanted>| -> Result<(), PipelineError> {
        columns.push(session.column(component, wanted, lock, options)?);
        Ok(())
    };
    if selections.is_empty() {
        for component in session.recipe.components.values().filter(|c| !c.series.is_empty()) {
            add(component, None)?;
        }
    }
    for selection in selections {
        let component = session.recipe.component(&selection.component)?;
        if component.series.is_empty() {
            return Err(PipelineError::NoSeries(component.name.clone()));
        }
        add(component, selection.wanted.as_ref())?;
    }
    if columns.is_empty() {
        return Err(PipelineError::NothingToJudge(session.recipe.name.clone()));
    }
    Ok(Matrix { recipe: session.recipe.name.clone(), components: columns })
}

impl Session<'_> {
    pub(super) fn column(
        &self,
        component: &Component,
        wanted: Option<&Wanted>,
        lock: &Lock,
        options: &MatrixOptions,
    ) -> Result<Column, PipelineError> {
        self.check_interrupt()?;
        let series = self.series_of(component)?;
        let mut lineup = self.lineup(component, &series, wanted, options.new_since.as_ref(), lock)?;
        if options.newest {
            let mut rows = BTreeSet::new();
            lineup.entries.retain(|entry| entry.branch || rows.insert(entry.row()));
        }
        let key = verdicts_key(&series, &lineup);
        let kept = self.store.recall("verdicts", &key);
        let mut known = kept.as_deref().map(Verdicts::read).unwrap_or_default();
        let candidates: Vec<Candidate> = lineup.entries.iter().map(Entry::candidate).collect();
        let objects;
        let mut judge = None;
        let verdicts = match known.of_all(&candidates).filter(|_| !options.trees) {
            // Not even the repository is opened, which takes longer the more releases it has.
            Some(verdicts) => verdicts,
            None => {
                objects = Objects::open(&lineup.store)?;
                let judge = judge.insert(Judge::new(&objects, &series, lineup.bases.clone()));
                let mut files = judge.files(&candidates)?;
                if !self.options.offline && self.pins_of(component).is_some() {
                    // The pins are asked about next.
                    files.extend(go_mods(&objects, &lineup)?.into_iter().map(|(_, id)| id));
                }
                self.fetch_files(component, &objects, files)?;
                let verdicts = judge.all(&candidates, &mut known)?;
                if let Some(text) = known.text() {
                    self.store.remember("verdicts", &key, &text);
                }
                verdicts
            }
        };
        let mut releases = Vec::new();
        for (entry, patches) in lineup.entries.iter().zip(verdicts) {
            let mut judged = self.judged(component, entry, wanted.is_some(), patches);
            if options.trees
                && matches!(judged.verdict, Verdict::Clean | Verdict::CleanOffset)
                && let Some(judge) = &mut judge
            {
                judged.tree = judge.result(&entry.candidate())?;
            }
            releases.push(judged);
        }
        if options.blame {
            self.blame(component, &series, &mut releases)?;
        }
        let patches = series.iter().flat_map(|s| s.patches().iter().map(|p| format!("{}/{}", s.name(), p.name))).collect();
        let mut column = Column {
            component: component.name.clone(),
            upstream: component.upstream.name.clone(),
            range: lineup.range,
            holds: component.holds.as_ref().map(ToString::to_string),
            patches,
            releases,
        };
        if options.compile || options.test {
            self.check_column(component, &mut column, options)?;
        }
        Ok(column)
    }

    fn judged(&self, component: &Component, entry: &Entry, named: bool, mut patches: Vec<PatchVerdict>) -> Judged {
        let promised = match &component.holds {
            Some(holds) => entry.release.as_ref().is_some_and(|r| holds.matches(r)),
            None => named,
        };
        for reason in patches.iter_mut().flat_map(|p| &mut p.reasons) {
            if let Some(at) = &mut reason.at {
                at.file = self.relative(&at.file);
            }
        }
        let mut verdict = patches.iter().map(|p| verdict_of(p.state)).max().unwrap_or(Verdict::Clean);
        let why = entry.unbuildable(component);
        if why.is_some() && verdict <= Verdict::CleanOffset {
            verdict = Verdict::Unbuildable;
        }
        Judged {
            version: entry.version.clone(),
            commit: entry.commit.clone(),
            row: entry.row(),
            promised,
            verdict,
            unbuildable: why.filter(|_| verdict == Verdict::Unbuildable),
            patches,
            tree: None,
            required_by: entry.required_by.clone(),
            module: entry.module.clone(),
            compile: None,
            test: None,
            checked: None,
        }
    }

    /// A patch file as an annotation names it: relative to the project.
    fn relative(&self, file: &str) -> String {
        let inside = self.files.root().and_then(|root| Path::new(file).strip_prefix(root).ok());
        inside.map_or_else(|| file.to_owned(), |path| path.display().to_string())
    }
}

fn verdict_of(state: State) -> Verdict {
    match state {
        State::Clean | State::Skipped => Verdict::Clean,
        State::CleanOffset => Verdict::CleanOffset,
        State::Upstreamed => Verdict::Upstreamed,
        State::MissingFile => Verdict::MissingFile,
        State::Conflict => Verdict::Conflict,
    }
}

/// Everything that verdicts depend on but release and tree.
fn verdicts_key(series: &[Series], lineup: &Lineup) -> Sha256 {
    let mut key = KeyBuilder::new("verdicts 1");
    for one in series {
        // Where the patches are is part of what verdicts say.
        key = key.field("series", one.digest().as_str()).field("origin", one.origin().to_string());
        for form in one.patches().iter().flat_map(|p: &patch::Patch| &p.forms) {
            key = key.field("base", form.base.as_ref().map_or("", |b| b.as_str()));
        }
    }
    for (version, tree) in &lineup.bases {
        key = key.field("base tree", format!("{version} {tree}"));
    }
    key.finish()
}
