//! Which releases of a component a matrix is about, with their trees: from a survey of its git origin, from the module proxy
//! for the versions that programs pin, or from the folders of the project.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::event::Event;
use crate::git::objects::{Objects, ObjectsError};
use crate::git::remote::{RefKind, list_refs};
use crate::git::survey::{Seen, SeenKind, Survey};
use crate::matrix::{self, Candidate};
use crate::names::{BlobId, CommitId, GitUrl, ModulePath, RelPath, Revision, TreeId};
use crate::patch::Series;
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::plan::Lock;
use crate::recipe::model::{Component, Releases, Source, Want};
use crate::recipe::rule::{RuleError, build_rule};
use crate::release::{Release, Req, Wanted};
use crate::source::{self, SourceError};

/// A release with its tree.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) version: Revision,
    /// What the version says, where it is no branch and says something.
    pub(super) release: Option<Release>,
    pub(super) commit: Option<CommitId>,
    pub(super) tree: TreeId,
    pub(super) branch: bool,
    pub(super) required_by: Vec<String>,
    /// The module in its place, where that is not the upstream's.
    pub(super) module: Option<ModulePath>,
}

/// The releases of one component, newest first, and where their objects are.
pub(super) struct Lineup {
    pub(super) store: PathBuf,
    pub(super) entries: Vec<Entry>,
    /// The trees of releases that patches were written on, as far as they are there.
    pub(super) bases: BTreeMap<Revision, TreeId>,
    /// What was looked at, in words.
    pub(super) range: String,
}

impl Entry {
    pub(super) fn new(version: Revision, tree: TreeId) -> Self {
        let release = Release::parse(&version);
        Self { version, release, commit: None, tree, branch: false, required_by: Vec::new(), module: None }
    }

    /// What is judged.
    pub(super) fn candidate(&self) -> Candidate {
        Candidate { version: self.version.clone(), tree: self.tree.clone() }
    }

    /// Why the upstream's rules cannot build it, if they cannot.
    pub(super) fn unbuildable(&self, component: &Component) -> Option<String> {
        match component.is_program().then(|| build_rule(&component.upstream, self.release.as_ref(), None)) {
            Some(Err(error @ RuleError::Unbuildable { .. })) => Some(error.to_string()),
            _ => None,
        }
    }

    /// The row of the table that it belongs to.
    pub(super) fn row(&self) -> String {
        match &self.release {
            Some(release) => format!("{}.{}", release.major(), release.minor()),
            None => "branches".to_owned(),
        }
    }
}

/// What is looked at: the user's wish, else the promise, else every release.
pub(super) fn range_of(component: &Component, wanted: Option<&Wanted>) -> Wanted {
    match (wanted, &component.holds) {
        (Some(wanted), _) => wanted.clone(),
        (None, Some(holds)) => Wanted::Range(holds.clone()),
        (None, None) => Wanted::Range(Req::parse(">=0").unwrap_or_else(|_| Req::any())),
    }
}

fn is_everything(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Range(req) if req.as_str() == "*")
}

/// Branches that are about releases: where the next ones come from.
fn is_line_of_releases(branch: &str) -> bool {
    matches!(branch, "main" | "master") || branch.starts_with("release-") || branch.starts_with("release/")
}

/// True where a tag is one of the releases that the upstream file means, and in the range.
pub(super) fn is_wanted(tag: &Revision, releases: &Releases, glob: Option<&globset::GlobMatcher>, req: &Req) -> bool {
    wanted_release(tag, releases, glob, req).is_some()
}

fn wanted_release(tag: &Revision, releases: &Releases, glob: Option<&globset::GlobMatcher>, req: &Req) -> Option<Release> {
    let release = Release::parse(tag).filter(|_| glob.is_none_or(|g| g.is_match(tag.as_str())))?;
    (releases.versions.as_ref().is_none_or(|range| range.spans(&release)) && req.matches(&release)).then_some(release)
}

/// A tag, branch or commit that is looked at, and the release that it is.
struct Chosen<'s> {
    seen: &'s Seen,
    release: Option<Release>,
}

fn chosen<'s>(component: &Component, url: &GitUrl, seen: &'s [Seen], wanted: &Wanted) -> Result<Vec<Chosen<'s>>, PipelineError> {
    let releases = &component.upstream.releases;
    let glob = globset::Glob::new(&releases.tags).map(|g| g.compile_matcher()).ok();
    let named = |seen: &'s Seen| {
        let release = Release::parse(&seen.name).filter(|_| seen.kind != SeenKind::Branch);
        Chosen { seen, release }
    };
    let chosen: Vec<Chosen<'_>> = match wanted {
        Wanted::Range(req) => {
            let everything = is_everything(wanted);
            let of = |seen: &'s Seen| match seen.kind {
                SeenKind::Tag => {
                    let release = Some(wanted_release(&seen.name, releases, glob.as_ref(), req)?);
                    Some(Chosen { seen, release })
                }
                SeenKind::Branch => {
                    (everything && is_line_of_releases(seen.name.as_str())).then_some(Chosen { seen, release: None })
                }
                SeenKind::Commit => None,
            };
            seen.iter().filter_map(of).collect()
        }
        Wanted::Revision(name) => seen.iter().filter(|s| s.name == *name).take(1).map(named).collect(),
        Wanted::Commit(_) => seen.iter().filter(|s| s.kind == SeenKind::Commit).map(named).collect(),
    };
    if chosen.is_empty() {
        let names: Vec<Revision> = seen.iter().map(|s| s.name.clone()).collect();
        return Err(SourceError::nothing(&url.to_string(), wanted, &names).into());
    }
    Ok(chosen)
}

pub(super) fn newest_first(entries: &mut [Entry]) {
    fn key(e: &Entry) -> (Reverse<bool>, Reverse<&Option<Release>>, &Revision) {
        (Reverse(e.branch), Reverse(&e.release), &e.version)
    }
    entries.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
}

impl Session<'_> {
    /// The releases of a component that `wanted` (else its promise) names. `since` leaves out what is not newer than a tag.
    pub(super) fn lineup(
        &self,
        component: &Component,
        series: &[Series],
        wanted: Option<&Wanted>,
        since: Option<&Revision>,
        lock: &Lock,
    ) -> Result<Lineup, PipelineError> {
        match (&component.upstream.source, &component.want) {
            (Source::Git(home), _) => self.git_lineup(component, home, series, wanted, since, lock),
            (Source::Module(module), Want::UsersPin) if wanted.is_none() => {
                self.pinned_lineup(component, module, series, since, lock)
            }
            (Source::Module(module), _) => self.module_lineup(component, module, series, wanted),
            (Source::Path(folder), _) => self.folder_lineup(component, folder, series, wanted),
        }
    }

    fn git_lineup(
        &self,
        component: &Component,
        home: &GitUrl,
        series: &[Series],
        wanted: Option<&Wanted>,
        since: Option<&Revision>,
        lock: &Lock,
    ) -> Result<Lineup, PipelineError> {
        let wanted = range_of(component, wanted);
        let url = self.options.sources.get(&component.name).unwrap_or(home);
        let survey = Survey::open_or_init(&self.store.survey(home), self.reporter, self.exec.interrupt())?;
        let mut seen = self.seen(component, url, &survey, &wanted, lock)?;
        if let Wanted::Commit(commit) = &wanted {
            seen.push(Seen { name: Revision::new(commit.as_str())?, kind: SeenKind::Commit, commit: commit.clone() });
        }
        let chosen = chosen(component, url, &seen, &wanted)?;
        let bases = matrix::bases_of(series);
        let base_refs: Vec<&Seen> = seen.iter().filter(|s| s.kind == SeenKind::Tag && bases.contains(&s.name)).collect();
        let since = match since {
            Some(tag) => Some(seen.iter().find(|s| s.name == *tag).ok_or_else(|| SourceError::NoRevision {
                origin: url.to_string(),
                wanted: Wanted::Revision(tag.clone()),
                hint: "--new-since wants a tag of the upstream".to_owned(),
            })?),
            None => None,
        };
        let needed = || chosen.iter().map(|c| c.seen).chain(base_refs.iter().copied()).chain(since);
        if !self.options.offline {
            let needed: Vec<Seen> = needed().cloned().collect();
            let fetched = survey.fetch_commits(self.exec, url, &needed, self.reporter)?;
            self.tell(component, fetched, "releases", url);
        }
        let missing = |error| match error {
            ObjectsError::Missing { id, .. } => {
                let name = needed().find(|s| s.commit.as_str() == id).map_or(id.as_str(), |s| s.name.as_str());
                PipelineError::from(SourceError::NotSurveyed { what: format!("{} {name}", component.name) })
            }
            error => error.into(),
        };
        let commits = chosen.iter().map(|c| c.seen).chain(base_refs.iter().copied()).map(|s| &s.commit);
        let mut trees = survey.trees(commits).map_err(missing)?;
        let bases = base_refs.iter().map(|s| s.name.clone()).zip(trees.split_off(chosen.len())).collect();
        let entry = |(chosen, tree): (Chosen<'_>, TreeId)| Entry {
            version: chosen.seen.name.clone(),
            release: chosen.release,
            commit: Some(chosen.seen.commit.clone()),
            tree,
            branch: chosen.seen.kind == SeenKind::Branch,
            required_by: Vec::new(),
            module: None,
        };
        let mut entries: Vec<Entry> = chosen.into_iter().zip(trees).map(entry).collect();
        let mut range = wanted.to_string();
        if let Some(since) = since {
            let objects = survey.objects()?;
            let after = objects.commit_time(&since.commit)?;
            let is_old = |commit: &CommitId| objects.commit_time(commit).is_ok_and(|time| time <= after);
            entries.retain(|entry| !entry.commit.as_ref().is_some_and(is_old));
            range.push_str(&format!(", newer than {}", since.name));
        }
        newest_first(&mut entries);
        Ok(Lineup { store: survey.path().to_owned(), entries, bases, range })
    }

    pub(super) fn tell(&self, component: &Component, fetched: usize, what: &str, url: &GitUrl) {
        if fetched > 0 {
            let detail = format!("{fetched} {what} from {url}");
            self.reporter.report(Event::StageDone { component: component.name.clone(), what: "surveyed", detail });
        }
    }

    /// Tags and branches: asked for, or as they were last seen.
    fn seen(
        &self,
        component: &Component,
        url: &GitUrl,
        survey: &Survey,
        wanted: &Wanted,
        lock: &Lock,
    ) -> Result<Vec<Seen>, PipelineError> {
        if self.options.offline {
            let what = || SourceError::NotSurveyed { what: format!("the list of releases of {}", component.name) };
            return Ok(survey.seen().ok_or_else(what)?);
        }
        let tags = self.tags(url)?;
        for entry in lock.entries().iter().filter(|e| e.name == component.name) {
            let crate::plan::Origin::Git { commit, reference: Some(reference), tag_object, .. } = &entry.origin else { continue };
            let Some(tag) = reference.strip_prefix("refs/tags/") else { continue };
            source::check_tag(&tags, url, &Revision::new(tag)?, commit, tag_object.as_ref(), self.reporter)?;
        }
        let mut seen: Vec<Seen> =
            tags.iter().map(|t| Seen { name: t.name.clone(), kind: SeenKind::Tag, commit: t.commit.clone() }).collect();
        let named = matches!(wanted, Wanted::Revision(name) if !seen.iter().any(|s| s.name == *name));
        if is_everything(wanted) || named {
            let branches = list_refs(self.exec, url, RefKind::Branches, self.reporter)?;
            seen.extend(branches.into_iter().map(|b| Seen { name: b.name, kind: SeenKind::Branch, commit: b.commit }));
        } else {
            // Branches of an earlier look: for --offline.
            seen.extend(survey.seen().into_iter().flatten().filter(|s| s.kind == SeenKind::Branch));
        }
        if survey.seen().as_ref() != Some(&seen) {
            survey.remember(&seen)?;
        }
        Ok(seen)
    }

    /// Files of releases, in one batch.
    pub(super) fn fetch_files(
        &self,
        component: &Component,
        objects: &Objects,
        files: BTreeSet<BlobId>,
    ) -> Result<(), PipelineError> {
        let Source::Git(home) = &component.upstream.source else { return Ok(()) };
        let survey = Survey::open_or_init(&self.store.survey(home), self.reporter, self.exec.interrupt())?;
        self.fetch_files_into(&survey, component, home, objects, &files)
    }

    /// The same into another repository without files.
    pub(super) fn fetch_files_into(
        &self,
        survey: &Survey,
        component: &Component,
        home: &GitUrl,
        objects: &Objects,
        files: &BTreeSet<BlobId>,
    ) -> Result<(), PipelineError> {
        if self.options.offline {
            for id in files {
                if !objects.has_blob(id)? {
                    return Err(SourceError::NotSurveyed { what: format!("file {id} of {}", component.name) }.into());
                }
            }
            return Ok(());
        }
        let url = self.options.sources.get(&component.name).unwrap_or(home);
        let fetched = survey.fetch_blobs(self.exec, url, files, self.reporter)?;
        self.tell(component, fetched, "files", url);
        Ok(())
    }

    fn folder_lineup(
        &self,
        component: &Component,
        folder: &RelPath,
        series: &[Series],
        wanted: Option<&Wanted>,
    ) -> Result<Lineup, PipelineError> {
        let wanted = range_of(component, wanted);
        let names = source::folder_releases(self.files, folder)?;
        let releases = &component.upstream.releases;
        let glob = globset::Glob::new(&releases.tags).map(|g| g.compile_matcher()).ok();
        let is_chosen = |name: &&Revision| match &wanted {
            Wanted::Range(req) => is_wanted(name, releases, glob.as_ref(), req),
            Wanted::Revision(wanted) => *name == wanted,
            Wanted::Commit(_) => false,
        };
        let chosen: Vec<&Revision> = names.iter().filter(is_chosen).collect();
        if chosen.is_empty() {
            return Err(SourceError::nothing(folder.as_str(), &wanted, &names).into());
        }
        let tree = |name: &Revision| -> Result<TreeId, PipelineError> {
            Ok(source::from_project_folder(self.store, self.files, &folder.join(name.as_str())?)?.tree().clone())
        };
        let mut entries = Vec::new();
        for name in chosen {
            entries.push(Entry::new(name.clone(), tree(name)?));
        }
        let bases: BTreeMap<Revision, TreeId> = matrix::bases_of(series)
            .into_iter()
            .filter(|base| names.contains(base))
            .map(|base| Ok((base.clone(), tree(&base)?)))
            .collect::<Result<_, PipelineError>>()?;
        newest_first(&mut entries);
        Ok(Lineup { store: self.store.folders(), entries, bases, range: wanted.to_string() })
    }
}
