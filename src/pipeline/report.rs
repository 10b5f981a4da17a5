//! `forge report`: collects what is known of a recipe, without running anything: the lock, what is in the store, and what was
//! kept of matrices and trials.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::artifact;
use crate::disk::{create_dir_all, write_atomic};
use crate::git;
use crate::git::objects::Objects;
use crate::matrix::{Matrix, Tally};
use crate::names::{ComponentName, RecipeName, RelPath, Sha256, Target};
use crate::patch::Series;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve::Resolved;
use crate::pipeline::select::{Selected, picks};
use crate::pipeline::session::{Asked, Options, Session};
use crate::pipeline::trial::evidence_folder;
use crate::plan::{KeyBuilder, LockEntry, Origin, edit_args};
use crate::recipe::model::{Component, PlanItem, ShownBy, Source};
use crate::recipe::scenario::DEFAULT;
use crate::report::{Built, Kept, Outcome, PatchTold, PlanTold, Release, Report, SeriesTold, Trial, Upstream, sections};
use crate::trial::{Evidence, Verdict};

/// A list of patches, and what was kept, beyond which nothing is read.
const LIMIT: u64 = 16 << 20;

/// Collects the report of the named components, or of all.
pub fn report(session: &Session<'_>, file: &LockFile, only: &[ComponentName], state: &Path) -> Result<Report, PipelineError> {
    let recipe = session.recipe;
    for name in only {
        recipe.component(name)?;
    }
    let mut order = recipe.build_order();
    // Programs before what is inside of them, as a reader comes from the one to the other.
    order.reverse();
    let upstreams = order
        .into_iter()
        .filter(|component| only.is_empty() || only.contains(&component.name))
        .map(|component| session.upstream(component, file, state))
        .collect::<Result<Vec<_>, _>>()?;
    let sums: Vec<&Sha256> = upstreams.iter().flat_map(|u| &u.builds).filter_map(|built| built.sha256.as_ref()).collect();
    let trials = kept_trials(&recipe.name, state)
        .into_iter()
        .map(|evidence| {
            let patched = evidence.tried.iter().filter(|tried| tried.with == crate::recipe::trial::Variant::Patched);
            let stale = patched.flat_map(|tried| &tried.binaries).any(|part| !sums.contains(&&part.sha256) && only.is_empty());
            Trial { evidence, stale }
        })
        .collect();
    let plan = recipe.plan.iter().map(|item| session.item(item, file, state)).collect::<Result<_, _>>()?;
    Ok(Report {
        recipe: recipe.name.clone(),
        description: recipe.description.clone(),
        forge: env!("CARGO_PKG_VERSION").to_owned(),
        upstreams,
        trials,
        trial_command: (!recipe.trial.is_empty()).then(|| format!("forge trial --recipe {}", recipe.name)),
        questions: recipe.questions.clone(),
        plan,
    })
}

/// Keeps what a matrix found of each component, for reports.
pub fn keep_matrix(session: &Session<'_>, matrix: &Matrix, state: &Path) -> Result<(), PipelineError> {
    for column in &matrix.components {
        let component = session.recipe.component(&column.component)?;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (range, words, series) = (column.range.clone(), Tally::of(column).words(), digest(&session.series_of(component)?));
        let path = matrix_file(&matrix.recipe, &column.component, state);
        path.parent().map_or(Ok(()), create_dir_all)?;
        let text = serde_json::to_vec_pretty(&Kept { range, words, at, series, stale: false }).unwrap_or_default();
        write_atomic(&path, &text, 0o644)?;
    }
    Ok(())
}

fn matrix_file(recipe: &RecipeName, component: &ComponentName, state: &Path) -> PathBuf {
    state.join("matrices").join(recipe.as_str()).join(format!("{component}.json"))
}

fn digest(series: &[Series]) -> String {
    series.iter().map(|series| series.digest().to_string()).collect::<Vec<_>>().join(" ")
}

/// The last trial of each scenario, by name. What cannot be read was not kept.
fn kept_trials(recipe: &RecipeName, state: &Path) -> Vec<Evidence> {
    let Ok(entries) = fs::read_dir(evidence_folder(recipe, state)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    let read = |path: &PathBuf| serde_json::from_slice(&crate::files::read_limited(path, LIMIT).ok()?).ok();
    let mut kept: Vec<Evidence> = paths.iter().filter_map(read).collect();
    // The scenario that nobody has to name tells most.
    kept.sort_by_key(|evidence| evidence.scenario != DEFAULT);
    kept
}

impl Session<'_> {
    fn upstream(&self, component: &Component, file: &LockFile, state: &Path) -> Result<Upstream, PipelineError> {
        let name = &component.name;
        let series = self.series_of(component)?;
        let entries = entries_of(component, file);
        let kept = fs::read(matrix_file(&self.recipe.name, name, state)).ok();
        let kept: Option<Kept> = kept.and_then(|text| serde_json::from_slice(&text).ok());
        let matrix = kept.map(|kept| Kept { stale: kept.series != digest(&series), ..kept });
        let edits = entries.first().and_then(|entry| entry.module.as_ref()).map(|module| edit_args(module).0.clone());
        Ok(Upstream {
            component: name.clone(),
            source: match &component.upstream.source {
                Source::Git(url) => url.to_string(),
                Source::Module(module) => module.to_string(),
                Source::Path(folder) => folder.to_string(),
            },
            releases: entries.iter().map(|entry| release(entry)).collect(),
            series: component
                .series
                .iter()
                .zip(&series)
                .map(|(_, series)| self.told(component, series))
                .collect::<Result<_, _>>()?,
            edits: edits.unwrap_or_default(),
            diff: match entries.first() {
                Some(entry) if !series.is_empty() => self.effect(component, entry),
                _ => None,
            },
            builds: self.builds(component, file)?,
            matrix,
            commands: self.commands(component),
            holds: component.holds.as_ref().map(ToString::to_string),
        })
    }

    fn told(&self, component: &Component, series: &Series) -> Result<SeriesTold, PipelineError> {
        let path = RelPath::new(format!("patches/{}/{}/series.toml", component.upstream.name, series.name()))?;
        let list = self.files.read(&path, LIMIT)?.map(|found| String::from_utf8_lossy(&found.bytes).into_owned());
        let mut sections = sections(&list.unwrap_or_default());
        if let Some(description) = series.description()
            && !sections.iter().any(|(name, _)| name == "What")
        {
            sections.push(("What".to_owned(), description.to_owned()));
        }
        let patches = series
            .patches()
            .iter()
            .map(|patch| {
                let message = patch.forms.iter().find_map(|form| form.content.message());
                let subject = message.as_deref().and_then(|text| text.lines().next()).unwrap_or_default().to_owned();
                PatchTold { patch: patch.name.to_string(), subject, versions: patch.versions.as_ref().map(ToString::to_string) }
            })
            .collect();
        Ok(SeriesTold { series: series.name().to_string(), sections, patches })
    }

    /// The change of the series, where both trees are in the store.
    fn effect(&self, component: &Component, entry: &LockEntry) -> Option<String> {
        let path = match (&entry.origin, &component.upstream.source) {
            (Origin::Git { .. }, Source::Git(url)) => self.store.git(url),
            (Origin::Module { .. }, Source::Module(module)) => self.store.module(module),
            _ => self.store.folders(),
        };
        let key = KeyBuilder::new("diff 1").field("from", entry.tree.as_str()).field("to", entry.result.as_str()).finish();
        if let Some(known) = self.store.recall("diffs", &key) {
            return Some(known);
        }
        let objects = Objects::open(&path).ok()?;
        let diff = git::diff::tree_diff(&objects, &entry.tree, &entry.result).ok()?;
        let diff = String::from_utf8_lossy(&diff).into_owned();
        self.store.remember("diffs", &key, &diff);
        Some(diff)
    }

    fn builds(&self, component: &Component, file: &LockFile) -> Result<Vec<Built>, PipelineError> {
        let mut out = Vec::new();
        if !component.is_program() {
            return Ok(out);
        }
        for pick in picks(component) {
            let Some(entry) = file.lock.find(&component.name, &pick.key()) else { continue };
            let selected = Selected { component, pick };
            let whole = self.known(&selected, file, Vec::new())?;
            for target in self.targets() {
                // What was verified for all platforms together or for one alone is as good.
                let known = match &whole {
                    Some(known) => Some(known.clone()),
                    None => self.known(&selected, file, vec![target.clone()])?,
                };
                let built = match known {
                    Some(resolved) => {
                        let plan = self.plan(component, &resolved, target)?;
                        Some((plan.file_name.clone(), artifact::find(self.store, &plan.key)))
                    }
                    None => None,
                };
                let (artifact, stored) = match built {
                    Some((name, stored)) => (name, stored),
                    None => (format!("{} {} for {target}", component.name, entry.release), None),
                };
                let record = stored.as_ref().map(artifact::Stored::record);
                out.push(Built {
                    version: entry.release.to_string(),
                    target: target.to_string(),
                    artifact,
                    sha256: record.map(|record| record.sha256.clone()),
                    facts: record.map_or((0, 0), |record| (record.facts, record.facts_not_run)),
                });
            }
        }
        Ok(out)
    }

    /// What a locked release resolves to, where that was verified for these platforms before; else nothing was built of it here.
    fn known(&self, selected: &Selected<'_>, file: &LockFile, targets: Vec<Target>) -> Result<Option<Resolved>, PipelineError> {
        let options = Options { targets, ..self.options.clone() };
        let session = Session {
            files: self.files,
            store: self.store,
            exec: self.exec,
            reporter: self.reporter,
            recipe: self.recipe,
            options: &options,
            asked: Asked::default(),
        };
        let known = session.recall_all(std::slice::from_ref(selected), &file.lock)?;
        Ok(known.and_then(|mut all| all.pop()))
    }

    fn commands(&self, component: &Component) -> Vec<String> {
        let (name, recipe) = (&component.name, &self.recipe.name);
        let mut out = Vec::new();
        if component.is_program() {
            out.push(format!("forge build {name} --recipe {recipe}"));
            out.push(format!("forge plan {name} --recipe {recipe} --sh"));
        }
        if !component.series.is_empty() {
            out.push(format!("forge matrix {name} --recipe {recipe}"));
            out.push(format!("forge tree {name} --recipe {recipe} --git --out {name}-patched"));
            out.push(format!("forge patch show {name} --recipe {recipe}"));
        }
        out
    }

    fn item(&self, item: &PlanItem, file: &LockFile, state: &Path) -> Result<PlanTold, PipelineError> {
        let recipe = &self.recipe.name;
        let tell = |outcome, command: Option<String>, seen: String| PlanTold {
            item: item.item.clone(),
            outcome,
            command,
            seen,
            note: item.note.clone(),
        };
        Ok(match &item.shown_by {
            ShownBy::Nothing => tell(Outcome::NotRun, None, String::new()),
            ShownBy::NotPossible(reason) => tell(Outcome::NotPossible, None, reason.clone()),
            ShownBy::Report => tell(Outcome::Done, Some(format!("forge report --recipe {recipe}")), "this text".to_owned()),
            ShownBy::Source(name) => {
                let command = Some(format!("forge fetch {name} --recipe {recipe}"));
                let component = self.recipe.component(name)?;
                match entries_of(component, file).first() {
                    Some(entry) => tell(Outcome::Done, command, format!("{} is {}", entry.release, entry.origin.shown())),
                    None => tell(Outcome::NotRun, command, String::new()),
                }
            }
            ShownBy::Built(name) => {
                let command = Some(format!("forge build {name} --recipe {recipe}"));
                let builds = self.builds(self.recipe.component(name)?, file)?;
                match builds.iter().find_map(|built| Some((built, built.sha256.as_ref()?))) {
                    Some((built, sum)) => {
                        let facts = built.facts.0;
                        tell(Outcome::Done, command, format!("{}, sha256 {sum}; {facts} facts hold", built.artifact))
                    }
                    None => tell(Outcome::NotRun, command, String::new()),
                }
            }
            ShownBy::Trial { recipe: other, steps } => {
                let recipe = other.as_ref().unwrap_or(recipe);
                let kept = kept_trials(recipe, state);
                let (outcome, command, seen) = tried(&kept, steps);
                tell(outcome, Some(command.unwrap_or_else(|| format!("forge trial --recipe {recipe}"))), seen)
            }
        })
    }
}

/// The entries of a component, in the order of the recipe's lines; of a module, every version that is required.
fn entries_of<'l>(component: &Component, file: &'l LockFile) -> Vec<&'l LockEntry> {
    let picks = picks(component);
    if picks.is_empty() {
        return file.lock.entries().iter().filter(|entry| entry.name == component.name).collect();
    }
    picks.iter().filter_map(|pick| file.lock.find(&component.name, &pick.key())).collect()
}

fn release(entry: &LockEntry) -> Release {
    Release {
        version: entry.release.to_string(),
        origin: match &entry.origin {
            Origin::Git { url, commit, .. } => format!("{url} {commit}"),
            other => other.shown(),
        },
        tree: entry.tree.to_string(),
        patched: entry.result.to_string(),
        go: entry.go.as_ref().map(ToString::to_string),
    }
}

/// What kept trials say of some steps: the first that has all of them.
fn tried(kept: &[Evidence], steps: &[String]) -> (Outcome, Option<String>, String) {
    for evidence in kept {
        let mut by_name: BTreeMap<&str, Verdict> = BTreeMap::new();
        for taken in evidence.steps() {
            let all = by_name.entry(taken.step.as_str()).or_insert(taken.verdict);
            if taken.verdict != Verdict::Ok {
                *all = taken.verdict;
            }
        }
        let found: Vec<Verdict> = steps.iter().filter_map(|step| by_name.get(step.as_str()).copied()).collect();
        if found.len() != steps.len() || found.contains(&Verdict::NotRun) {
            continue;
        }
        let outcome = if found.iter().all(|verdict| *verdict == Verdict::Ok) { Outcome::Done } else { Outcome::Failed };
        let seen: Vec<String> = evidence
            .steps()
            .filter(|taken| steps.contains(&taken.step))
            .map(|taken| match &taken.seen {
                Some(seen) if !seen.found.is_empty() => format!("{}: {}", taken.step, seen.found.join(", ")),
                Some(seen) => format!("{}: {}", taken.step, seen.status),
                None => taken.step.clone(),
            })
            .collect();
        return (outcome, Some(evidence.command.clone()), seen.join("; "));
    }
    (Outcome::NotRun, None, String::new())
}
