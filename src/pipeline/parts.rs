//! Sources and series of one component: what `resolve` puts together.

use std::path::PathBuf;

use crate::event::Event;
use crate::git::store::GitStore;
use crate::names::{CommitId, GitUrl, ModulePath, ModuleQuery, RelPath, Revision};
use crate::patch::{PatchedTree, Series, Status};
use crate::pipeline::error::PipelineError;
use crate::pipeline::select::Pick;
use crate::pipeline::session::Session;
use crate::plan::{LockEntry, Origin};
use crate::recipe::model::{Component, Source, Want};
use crate::release::{Release, Wanted};
use crate::source::{self, Checkout, Chosen, SourceError};

/// An unpatched tree with what identifies it.
pub(super) struct Base {
    /// Where it came from.
    pub origin: Origin,
    /// The name that it goes by.
    pub release: Revision,
    /// The tree.
    pub checkout: Checkout,
}

/// Whether a locked module can be that of a component: its upstream's, or what a program that it follows has in its place.
fn is_of(component: &Component, module: &ModulePath, path: &str) -> bool {
    component.want == Want::UsersPin || path == module.as_str()
}

impl Session<'_> {
    /// The place that a git upstream is fetched from: `--source`, else the recipe's URL.
    fn url_of<'b>(&'b self, component: &'b Component, home: &'b GitUrl) -> &'b GitUrl {
        self.options.sources.get(&component.name).unwrap_or(home)
    }

    /// The unpatched tree of a locked entry. It must be what the lock says.
    pub(super) fn base_of_entry(&self, component: &Component, entry: &LockEntry) -> Result<Base, PipelineError> {
        let base = match (&entry.origin, &component.upstream.source) {
            (Origin::Git { url, commit, reference, .. }, Source::Git(home)) if *url == home.to_string() => {
                let url = self.url_of(component, home);
                let found = self.fetched(component, home, url, commit, reference.as_deref(), &entry.release)?;
                Base { origin: entry.origin.clone(), release: entry.release.clone(), checkout: found.0 }
            }
            (Origin::Module { module: path, .. }, Source::Module(module))
                if is_of(component, module, path) && self.options.sources.contains_key(&component.name) =>
            {
                let checkout = self.module_from_git(component, module, &entry.release)?;
                Base { origin: entry.origin.clone(), release: entry.release.clone(), checkout }
            }
            (Origin::Module { module: path, sum }, Source::Module(module)) if is_of(component, module, path) => {
                let base =
                    self.module_base(component, &ModulePath::new(path.clone())?, &ModuleQuery::new(entry.release.as_str())?)?;
                match &base.origin {
                    Origin::Module { sum: found, .. } if found != sum => {
                        let (module, version) = (module.clone(), entry.release.to_string());
                        return Err(SourceError::ModuleSum { module, version, locked: sum.clone(), found: found.clone() }.into());
                    }
                    _ => base,
                }
            }
            (Origin::Folder { .. }, Source::Path(folder)) => return self.folder_base(folder, &entry.release),
            // The upstream is another one now: the entry says nothing about it.
            _ => return self.base_of_pick(component, &entry_pick(entry)),
        };
        if *base.checkout.tree() != entry.tree {
            let what = base.origin.commit().map_or_else(|| entry.release.to_string(), |c| format!("commit {c}"));
            return Err(SourceError::TreeDiffers { what, locked: entry.tree.clone(), found: base.checkout.tree().clone() }.into());
        }
        Ok(base)
    }

    /// The unpatched tree of what a recipe or a user names.
    pub(super) fn base_of_pick(&self, component: &Component, pick: &Pick) -> Result<Base, PipelineError> {
        match &component.upstream.source {
            Source::Git(home) => {
                let url = self.url_of(component, home);
                if self.options.offline && !matches!(pick.wanted, Wanted::Commit(_)) {
                    return Err(
                        SourceError::Offline { what: format!("what {} {} means now", component.name, pick.wanted) }.into()
                    );
                }
                let chosen =
                    source::choose(self.exec, url, &component.upstream.releases, &pick.wanted, self.reporter, || self.tags(url))?;
                self.git_base(component, home, url, chosen, pick)
            }
            Source::Module(module) => {
                let version = match &pick.wanted {
                    Wanted::Range(_) => {
                        let go = self.any_go()?;
                        let names = crate::gomod::list_versions(&go, module)?;
                        let tags: Vec<Revision> = names.into_iter().filter_map(|v| Revision::new(v).ok()).collect();
                        source::choose_release(&tags, &component.upstream.releases, &pick.wanted, module.as_str())?
                            .tag()
                            .to_string()
                    }
                    Wanted::Revision(name) => name.to_string(),
                    Wanted::Commit(commit) => commit.to_string(),
                };
                self.module_base(component, module, &ModuleQuery::new(version)?)
            }
            Source::Path(folder) => {
                let names = source::folder_releases(self.files, folder)?;
                let release = source::choose_release(&names, &component.upstream.releases, &pick.wanted, folder.as_str())?;
                self.folder_base(folder, release.tag())
            }
        }
    }

    fn git_base(
        &self,
        component: &Component,
        home: &GitUrl,
        url: &GitUrl,
        chosen: Chosen,
        pick: &Pick,
    ) -> Result<Base, PipelineError> {
        let short = Revision::new(&chosen.commit.as_str()[..12])?;
        let release = pick.named.clone().or_else(|| chosen.name.clone()).unwrap_or(short);
        let (checkout, time) = self.fetched(component, home, url, &chosen.commit, chosen.reference.as_deref(), &release)?;
        let origin = Origin::Git {
            url: home.to_string(),
            commit: chosen.commit,
            reference: chosen.reference,
            tag_object: chosen.tag_object,
            time,
        };
        Ok(Base { origin, release, checkout })
    }

    fn fetched(
        &self,
        component: &Component,
        home: &GitUrl,
        url: &GitUrl,
        commit: &CommitId,
        hint: Option<&str>,
        release: &Revision,
    ) -> Result<(Checkout, i64), PipelineError> {
        let git = GitStore::open_or_init(&self.store.git(home), self.reporter, self.exec.interrupt())?;
        if !git.has(commit)? {
            if self.options.offline {
                return Err(SourceError::Offline { what: format!("{} {release} (commit {commit})", component.name) }.into());
            }
            let detail = format!("{release} from {url}");
            self.reporter.report(Event::StageStarted {
                component: component.name.clone(),
                what: "fetching",
                detail: detail.clone(),
            });
            git.fetch_commit(self.exec, url, commit, hint, self.reporter)?;
            self.reporter.report(Event::StageDone { component: component.name.clone(), what: "fetched", detail });
        }
        let found = source::from_git(git.path(), commit)?;
        Ok((found.checkout, found.time))
    }

    pub(super) fn module_base(
        &self,
        component: &Component,
        module: &ModulePath,
        version: &ModuleQuery,
    ) -> Result<Base, PipelineError> {
        if self.options.sources.contains_key(&component.name) {
            let reason = format!(
                "{module} {version} is not locked yet, and only the module proxy knows its sum: lock it without --source first"
            );
            return Err(PipelineError::Override { component: component.name.clone(), reason });
        }
        let go = self.any_go()?;
        let (downloaded, checkout) = source::from_module(self.store, &self.module_home(component, module), &go, module, version)?;
        let origin = Origin::Module { module: module.to_string(), sum: downloaded.sum };
        Ok(Base { origin, release: Revision::new(downloaded.version.as_str())?, checkout })
    }

    /// Where the trees of a module are kept: with those of the component's own, so that one look sees forks of it, too.
    pub(super) fn module_home(&self, component: &Component, module: &ModulePath) -> PathBuf {
        match &component.upstream.source {
            Source::Module(own) => self.store.module(own),
            _ => self.store.module(module),
        }
    }

    /// `--source` for a locked module: the tag of its version, from a repository, as a module has it.
    fn module_from_git(&self, component: &Component, module: &ModulePath, version: &Revision) -> Result<Checkout, PipelineError> {
        let url = &self.options.sources[&component.name];
        let tags = self.tags(url)?;
        let Some(tag) = tags.iter().find(|t| t.name == *version) else {
            let reason = format!("{url} has no tag {version}; a pseudo-version can only come through the module proxy");
            return Err(PipelineError::Override { component: component.name.clone(), reason });
        };
        let hint = format!("refs/tags/{version}");
        let (checkout, _) = self.fetched(component, url, url, &tag.commit, Some(&hint), version)?;
        Ok(source::as_module(self.store, module, &checkout)?)
    }

    fn folder_base(&self, folder: &RelPath, release: &Revision) -> Result<Base, PipelineError> {
        let folder = folder.join(release.as_str())?;
        let checkout = source::from_project_folder(self.store, self.files, &folder)?;
        Ok(Base { origin: Origin::Folder { folder: folder.to_string() }, release: release.clone(), checkout })
    }

    /// The series of a component, parsed.
    pub(super) fn series_of(&self, component: &Component) -> Result<Vec<Series>, PipelineError> {
        component.series.iter().map(|name| Ok(Series::load(self.files, &component.upstream.name, name)?)).collect()
    }

    /// Applies the series of a component to its base.
    pub(super) fn patched(&self, component: &Component, series: &[Series], base: &Base) -> Result<PatchedTree, PipelineError> {
        let release = Release::parse(&base.release);
        let all: Vec<&Series> = series.iter().collect();
        let failed =
            |failures| PipelineError::Patches { component: component.name.clone(), release: base.release.clone(), failures };
        let patched = PatchedTree::make(base.checkout.clone(), release.as_ref(), &all)?.map_err(failed)?;
        let applied = patched.steps().iter().filter(|s| matches!(s.status, Status::Applied { .. })).count();
        for step in patched.steps() {
            match &step.status {
                Status::Applied { offsets, .. } => {
                    for offset in offsets {
                        let text = format!(
                            "{} {}: {} applies to {} with an offset of {} lines (hunk {})",
                            component.name, base.release, step.at.patch, offset.path, offset.lines, offset.hunk
                        );
                        self.reporter.report(Event::Notice { text });
                    }
                }
                Status::Skipped { reason } => {
                    let text =
                        format!("{} {}: {} is not for this release: {reason}", component.name, base.release, step.at.patch);
                    self.reporter.report(Event::Detail { text });
                }
            }
        }
        self.refuse_vendor(component, &patched)?;
        if !series.is_empty() {
            let detail = format!("{}: {applied} patches", base.release);
            self.reporter.report(Event::StageDone { component: component.name.clone(), what: "patched", detail });
        }
        Ok(patched)
    }

    /// A vendored copy of a module is not what is built once go.mod has changed, and go checks nothing in it.
    fn refuse_vendor(&self, component: &Component, patched: &PatchedTree) -> Result<(), PipelineError> {
        let touched = patched.steps().iter().filter_map(|step| match &step.status {
            Status::Applied { files, .. } => files.iter().find(|f| f.path.as_str().starts_with("vendor/")).map(|f| (step, f)),
            Status::Skipped { .. } => None,
        });
        let Some((step, file)) = touched.into_iter().next() else { return Ok(()) };
        let modules = RelPath::new("vendor/modules.txt")?;
        if patched.objects()?.entry(patched.checkout().tree(), &modules)?.is_none() {
            return Ok(());
        }
        let (patch, path) = (step.at.patch.to_string(), file.path.to_string());
        Err(PipelineError::Vendor { component: component.name.clone(), patch, path })
    }
}

fn entry_pick(entry: &LockEntry) -> Pick {
    Pick { wanted: Wanted::Revision(entry.release.clone()), named: None, ad_hoc: false }
}
