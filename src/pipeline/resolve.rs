//! Resolving: recipe and lock become lock entries that hold, with everything behind them present in the store.
//!
//! An entry that was verified against the same recipe, series and folders before is taken at once, without git, go or objects:
//! that is what makes an unchanged build return in milliseconds.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::gomod::{GoModFile, Operation, Operations, rewrite, toolchain_of};
use crate::names::{ComponentName, GoVersion, ModulePath, ModuleQuery, RelPath, Revision, Sha256, TreeId};
use crate::patch::{PatchedTree, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::parts::Base;
use crate::pipeline::select::{Pick, Selected};
use crate::pipeline::session::{Session, Trust};
use crate::plan::{self, KeyBuilder, Lock, LockEntry, ModLock, Origin};
use crate::recipe::model::{Component, GoRule, Replace, Source, Want};
use crate::recipe::rule::{BuildRule, build_rule};
use crate::recipe::vars::Variables;
use crate::release::{Release, Wanted};
use crate::source::{self, Checkout};

/// Whether entries of the lock count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What the lock pins stays pinned.
    Keep,
    /// Everything is asked anew.
    Fresh,
}

/// A component whose entry holds.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its entry.
    pub entry: LockEntry,
    /// What is placed inside, in go.mod's order.
    pub parts: Vec<ResolvedPart>,
    /// Its patches for this release, `SERIES/FILE`.
    pub patches: Vec<String>,
}

/// Something placed at `./.forge/NAME`.
#[derive(Debug, Clone)]
pub struct ResolvedPart {
    /// Its name.
    pub name: ComponentName,
    /// The entry of a component; a copied folder has none.
    pub entry: Option<LockEntry>,
    /// The tree that is placed.
    pub tree: TreeId,
    /// Its patches.
    pub patches: Vec<String>,
}

impl Session<'_> {
    /// Makes sure that `lock` has an entry that holds for this release, and gives it.
    pub fn resolve(&self, selected: &Selected<'_>, lock: &mut Lock, mode: Mode) -> Result<Resolved, PipelineError> {
        let Selected { component, pick } = selected;
        let key = pick.key();
        let locked = if mode == Mode::Keep { lock.find(&component.name, &key) } else { None };
        let locked = locked.map(|entry| as_the_recipe_names_it(component, pick, entry.clone()));
        if let Some(entry) = &locked
            && let Some(known) = self.recall(component, entry, lock)?
        {
            lock.put(entry.clone());
            return Ok(known);
        }
        self.check_interrupt()?;
        let base = match &locked {
            Some(entry) => self.base_of_entry(component, entry)?,
            None => self.base_of_pick(component, pick)?,
        };
        let series = self.series_of(component)?;
        let patched = self.patched(component, &series, &base)?;
        let (parts, mut operations) = self.parts(component, &base, lock, mode)?;
        self.plain_operations(component, locked.as_ref(), &mut operations)?;
        let entry = self.entry(component, key, &base, &patched, &parts, operations, locked.as_ref())?;
        lock.put(entry.clone());
        let resolved = Resolved { entry, parts, patches: applied(&patched) };
        if self.options.trust != Trust::Sources {
            self.remember(component, &resolved, &series)?;
        }
        Ok(resolved)
    }

    /// All of them without any work, where every one was verified before.
    pub fn recall_all(&self, selected: &[Selected<'_>], lock: &Lock) -> Result<Option<Vec<Resolved>>, PipelineError> {
        let mut out = Vec::new();
        for Selected { component, pick } in selected {
            let Some(entry) = lock.find(&component.name, &pick.key()).filter(|_| !pick.ad_hoc) else { return Ok(None) };
            let Some(known) = self.recall(component, entry, lock)? else { return Ok(None) };
            out.push(known);
        }
        Ok(Some(out))
    }

    /// What is placed inside the main tree, with its operations on go.mod.
    fn parts(
        &self,
        component: &Component,
        base: &Base,
        lock: &mut Lock,
        mode: Mode,
    ) -> Result<(Vec<ResolvedPart>, Operations), PipelineError> {
        let mut parts: Vec<ResolvedPart> = Vec::new();
        let mut operations = Operations { edits: Vec::new(), tidy: component.tidy };
        let mut go_mod: Option<GoModFile> = None;
        for (replace, ad_hoc) in self.replaces(component) {
            let (part, old, old_version) = match replace {
                Replace::Component(name) => {
                    let other = self.recipe.component(name)?;
                    let (part, module) = self.component_part(component, other, base, &mut go_mod, lock, mode)?;
                    (part, module, None)
                }
                Replace::Path { old, old_version, folder } => (self.folder_part(folder)?, old.clone(), old_version.clone()),
                Replace::Module { .. } => continue,
            };
            if !ad_hoc && self.overridden(&old) {
                continue;
            }
            let folder = RelPath::new(format!(".forge/{}", part.name))?;
            operations.edits.push(Operation::ReplaceByFolder { old, old_version, folder });
            parts.retain(|p| p.name != part.name);
            parts.push(part);
        }
        Ok((parts, operations))
    }

    /// The replacements of a recipe and then those of the command line, which are told apart by the flag.
    fn replaces<'b>(&'b self, component: &'b Component) -> impl Iterator<Item = (&'b Replace, bool)> {
        component.replace.iter().map(|r| (r, false)).chain(self.options.replaces.iter().map(|r| (r, true)))
    }

    /// True where `--replace` has the last word on a module, whatever the recipe puts in its place.
    fn overridden(&self, module: &ModulePath) -> bool {
        self.options.replaces.iter().any(|replace| match replace {
            Replace::Module { old, .. } | Replace::Path { old, .. } => old == module,
            Replace::Component(_) => false,
        })
    }

    fn component_part(
        &self,
        user: &Component,
        other: &Component,
        base: &Base,
        go_mod: &mut Option<GoModFile>,
        lock: &mut Lock,
        mode: Mode,
    ) -> Result<(ResolvedPart, ModulePath), PipelineError> {
        let (key, pick) = match &other.want {
            Want::UsersPin => {
                let Source::Module(module) = &other.upstream.source else {
                    return self.pinned_from_git(user, other);
                };
                if go_mod.is_none() {
                    *go_mod = Some(self.go_mod_of(&base.checkout)?);
                }
                let file = go_mod.as_ref().ok_or(crate::gomod::RewriteError::NoGoMod)?;
                let Some(pin) = file.pin(module) else {
                    let hint = match crate::names::nearest(module.as_str(), file.required()) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "`forge tree` gives the sources; look into their go.mod".to_owned(),
                    };
                    let (component, program) = (other.name.clone(), user.name.clone());
                    return Err(PipelineError::NotRequired {
                        component,
                        program,
                        release: base.release.clone(),
                        module: module.clone(),
                        hint,
                    });
                };
                let version = Revision::new(pin.version)?;
                (plan::Pick::Pinned(version.clone()), Pick { wanted: Wanted::Revision(version), named: None, ad_hoc: false })
            }
            _ => {
                let pick = super::select::picks(other).remove(0);
                (pick.key(), pick)
            }
        };
        let locked = if mode == Mode::Keep { lock.find(&other.name, &key) } else { None };
        let locked = locked.map(|entry| as_the_recipe_names_it(other, &pick, entry.clone()));
        let inner = match &locked {
            Some(entry) => self.base_of_entry(other, entry)?,
            None => self.base_of_pick(other, &pick)?,
        };
        let series = self.series_of(other)?;
        let patched = self.patched(other, &series, &inner)?;
        let entry = LockEntry {
            name: other.name.clone(),
            pick: key,
            release: inner.release.clone(),
            origin: inner.origin.clone(),
            tree: inner.checkout.tree().clone(),
            result: patched.tree().clone(),
            uses: BTreeMap::new(),
            go: None,
            build: None,
            module: None,
        };
        let module = match &other.upstream.source {
            Source::Module(module) => module.clone(),
            _ => {
                let file = self.go_mod_of(&inner.checkout)?;
                ModulePath::new(file.module().unwrap_or_default())?
            }
        };
        lock.put(entry.clone());
        let part =
            ResolvedPart { name: other.name.clone(), tree: entry.result.clone(), entry: Some(entry), patches: applied(&patched) };
        Ok((part, module))
    }

    fn pinned_from_git<T>(&self, user: &Component, other: &Component) -> Result<T, PipelineError> {
        let reason = format!(
            "it has no version, and {} can only tell the version of a Go module: give its upstream `module = \"...\"` or it a version",
            user.name
        );
        Err(PipelineError::Override { component: other.name.clone(), reason })
    }

    fn folder_part(&self, folder: &str) -> Result<ResolvedPart, PipelineError> {
        let path = self.folder_path(folder);
        let name =
            path.canonicalize().ok().and_then(|p| p.file_name().map(|n| n.to_string_lossy().into_owned())).unwrap_or_default();
        let checkout = source::from_folder(self.store, &path)?;
        Ok(ResolvedPart { name: ComponentName::new(name)?, entry: None, tree: checkout.tree().clone(), patches: Vec::new() })
    }

    /// A folder of a `replace`: relative to the project.
    fn folder_path(&self, folder: &str) -> std::path::PathBuf {
        self.files.root().map_or_else(|| folder.into(), |root| root.join(folder))
    }

    fn go_mod_of(&self, checkout: &Checkout) -> Result<GoModFile, PipelineError> {
        let objects = checkout.objects()?;
        let text = objects.read(checkout.tree(), &RelPath::new("go.mod")?)?.ok_or(crate::gomod::RewriteError::NoGoMod)?;
        Ok(GoModFile::read(&self.any_go()?, &text)?)
    }

    /// Operations that bring no tree: modules, requirements, the go line. Queries become exact versions; those that the lock
    /// has resolved already are not asked again.
    fn plain_operations(
        &self,
        component: &Component,
        locked: Option<&LockEntry>,
        out: &mut Operations,
    ) -> Result<(), PipelineError> {
        let unchanged = locked.and_then(|e| e.module.as_ref()).is_some_and(|m| m.wanted == self.wanted_operations(component));
        for (replace, ad_hoc) in self.replaces(component) {
            let Replace::Module { old, old_version, new, new_version } = replace else { continue };
            if !ad_hoc && self.overridden(old) {
                continue;
            }
            let pinned = if unchanged { locked.and_then(|e| pinned_version(e, old, new)) } else { None };
            let new_version = match pinned {
                Some(version) => version,
                None => crate::gomod::DownloadedModule::get(&self.any_go()?, new, new_version)?.version,
            };
            let (old, old_version, new) = (old.clone(), old_version.clone(), new.clone());
            out.edits.push(Operation::ReplaceByModule { old, old_version, new, new_version });
        }
        for require in &component.require {
            let version = crate::gomod::DownloadedModule::get(&self.any_go()?, &require.module, &require.version)?.version;
            out.edits.push(Operation::Require { module: require.module.clone(), version });
        }
        if let Some(go) = &component.go {
            out.edits.push(Operation::Go(go.clone()));
        }
        Ok(())
    }

    /// The operations in the recipe's words: the lock keeps them to see when they change.
    pub(super) fn wanted_operations(&self, component: &Component) -> Vec<String> {
        let at = |v: &Option<ModuleQuery>| v.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
        let mut words: Vec<String> = component
            .replace
            .iter()
            .chain(&self.options.replaces)
            .map(|replace| match replace {
                Replace::Component(name) => format!("replace {name}"),
                Replace::Module { old, old_version, new, new_version } => {
                    format!("replace {old}{} => {new}@{new_version}", at(old_version))
                }
                Replace::Path { old, old_version, folder } => format!("replace {old}{} => {folder}", at(old_version)),
            })
            .collect();
        words.extend(component.require.iter().map(|r| format!("require {}@{}", r.module, r.version)));
        words.extend(component.go.iter().map(|go| format!("go {go}")));
        words.extend(component.tidy.then(|| "tidy".to_owned()));
        words
    }

    #[expect(clippy::too_many_arguments, reason = "an entry is made of all of them, once")]
    fn entry(
        &self,
        component: &Component,
        key: plan::Pick,
        base: &Base,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
        operations: Operations,
        locked: Option<&LockEntry>,
    ) -> Result<LockEntry, PipelineError> {
        let release = Release::parse(&base.release);
        let rule = build_rule(&component.upstream, release.as_ref(), None)?;
        if rule.driver != crate::recipe::model::Driver::Go {
            let (component, release) = (component.name.clone(), base.release.clone());
            return Err(PipelineError::Driver { component, release, driver: rule.driver.name() });
        }
        let go = match &component.go {
            Some(go) => go.clone(),
            None => self.go_version(component, &base.release, patched)?,
        };
        let variables = variables(base, &self.targets()[0]);
        let same_tree = locked.filter(|e| e.result == *patched.tree() && same_parts(e, parts));
        let build = self.build_lock(component, &rule, &variables, &go, patched, same_tree)?;
        let uses = parts.iter().filter_map(|p| p.entry.as_ref().map(|e| (p.name.clone(), e.release.clone()))).collect();
        let module = self.module_lock(component, operations, &build, &go, patched, parts, same_tree)?;
        Ok(LockEntry {
            name: component.name.clone(),
            pick: key,
            release: base.release.clone(),
            origin: base.origin.clone(),
            tree: base.checkout.tree().clone(),
            result: patched.tree().clone(),
            uses,
            go: Some(go),
            build: Some(build),
            module,
        })
    }

    #[expect(clippy::too_many_arguments, reason = "an entry is made of all of them, once")]
    fn module_lock(
        &self,
        component: &Component,
        operations: Operations,
        build: &plan::BuildLock,
        go: &GoVersion,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
        same_tree: Option<&LockEntry>,
    ) -> Result<Option<ModLock>, PipelineError> {
        if operations.is_empty() {
            return Ok(None);
        }
        let wanted = self.wanted_operations(component);
        if let Some(old) = same_tree
            && let Some(module) = old.module.as_ref().filter(|m| m.wanted == wanted && old.go.as_ref() == Some(go))
        {
            return Ok(Some(module.clone()));
        }
        let text = if operations.tidy { "go.mod, go mod tidy" } else { "go.mod" };
        self.reporter.report(Event::StageStarted { component: component.name.clone(), what: "rewriting", detail: text.into() });
        let work = self.store.work_dir("module")?;
        let tree = self.lay_out_for_lock(&work, patched, parts)?;
        let go_command = self.go(go)?;
        let environments: Vec<_> = self.targets().iter().map(|t| go_command.env(Some(t), build.cgo, &build.env)).collect();
        let (packages, flags) = (&build.args.packages, build.args.selection());
        let done = rewrite(&go_command, &tree, &operations, packages, &flags, &environments, self.reporter)?;
        let folders = parts.iter().filter(|p| p.entry.is_none()).map(|p| (p.name.clone(), p.tree.clone())).collect();
        self.reporter.report(Event::StageDone { component: component.name.clone(), what: "rewrote", detail: text.into() });
        Ok(Some(ModLock {
            wanted,
            edit: done.edit,
            tidy: operations.tidy,
            completed: done.completed,
            folders,
            go_mod: done.go_mod,
            go_sum: done.go_sum,
        }))
    }

    /// The Go version that the patched tree asks for.
    fn go_version(&self, component: &Component, release: &Revision, patched: &PatchedTree) -> Result<GoVersion, PipelineError> {
        let fail =
            |reason: String| PipelineError::NoGoVersion { component: component.name.clone(), release: release.clone(), reason };
        let objects = patched.objects()?;
        let (file, text) = match &component.upstream.go {
            GoRule::GoMod => {
                let path = RelPath::new("go.mod")?;
                let text = objects.read(patched.tree(), &path)?.ok_or_else(|| fail("there is no go.mod".into()))?;
                let file = GoModFile::read(&self.any_go()?, &text)?;
                let found = file.go_version().ok_or_else(|| fail("go.mod has no go line".into()))?;
                (path, found.to_owned())
            }
            GoRule::Line { file, before, after } => {
                let bytes = objects.read(patched.tree(), file)?.ok_or_else(|| fail(format!("there is no {file}")))?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let line = text.lines().find_map(|line| line.trim().strip_prefix(before.as_str())?.strip_suffix(after.as_str()));
                let found = line.ok_or_else(|| fail(format!("{file} has no line `{before}...{after}`")))?;
                (file.clone(), found.to_owned())
            }
        };
        toolchain_of(&text).ok_or_else(|| fail(format!("{file} says {:?}", crate::names::visible(&text))))
    }

    /// Everything that decides what an entry becomes, besides the entry itself.
    fn inputs(&self, component: &Component, series: &[Series], entries: &[&LockEntry]) -> Result<Sha256, PipelineError> {
        let mut key = KeyBuilder::new("verified entry 1").field("component", format!("{component:?}"));
        key = key.list("series", series.iter().map(|s| s.digest().to_string()));
        key = key.list("replaces", self.options.replaces.iter().map(|r| format!("{r:?}")));
        key = key.list("targets", self.targets().iter().map(ToString::to_string));
        for replace in component.replace.iter().chain(&self.options.replaces) {
            match replace {
                Replace::Component(name) => {
                    let other = self.recipe.component(name)?;
                    let series = self.series_of(other)?;
                    key = key.field("part", format!("{other:?}")).list("series", series.iter().map(|s| s.digest().to_string()));
                }
                Replace::Path { folder, .. } => {
                    key = key.field("folder", source::digest_folder(&self.folder_path(folder))?.as_str())
                }
                Replace::Module { .. } => {}
            }
        }
        for entry in entries {
            key = key.field("entry", format!("{entry:?}"));
            if let (Origin::Folder { folder }, Some(_)) = (&entry.origin, self.recipe.components.get(&entry.name)) {
                key = key.field("content", source::digest_project_folder(self.files, &RelPath::new(folder.clone())?)?.as_str());
            }
        }
        Ok(key.finish())
    }

    /// The entry, where it was verified against the very same inputs before.
    fn recall(&self, component: &Component, entry: &LockEntry, lock: &Lock) -> Result<Option<Resolved>, PipelineError> {
        // Another origin may hold something else under the same name.
        if !self.options.sources.is_empty() {
            return Ok(None);
        }
        let series = self.series_of(component)?;
        let mut parts = Vec::new();
        for replace in component.replace.iter().chain(&self.options.replaces) {
            match replace {
                Replace::Component(name) => {
                    let Some(release) = entry.uses.get(name) else { return Ok(None) };
                    let Some(inner) = lock.entries().iter().find(|e| e.name == *name && e.release == *release) else {
                        return Ok(None);
                    };
                    parts.push(ResolvedPart {
                        name: name.clone(),
                        tree: inner.result.clone(),
                        entry: Some(inner.clone()),
                        patches: Vec::new(),
                    });
                }
                Replace::Path { folder, .. } => {
                    let folders = entry.module.as_ref().map(|m| &m.folders);
                    let name = self.folder_path(folder).canonicalize().ok();
                    let name = name.and_then(|p| ComponentName::new(p.file_name()?.to_str()?).ok());
                    let tree = name.as_ref().and_then(|n| folders?.get(n));
                    let (Some(name), Some(tree)) = (name, tree) else { return Ok(None) };
                    parts.push(ResolvedPart { name, entry: None, tree: tree.clone(), patches: Vec::new() });
                }
                Replace::Module { .. } => {}
            }
        }
        let entries: Vec<&LockEntry> = std::iter::once(entry).chain(parts.iter().filter_map(|p| p.entry.as_ref())).collect();
        let key = self.inputs(component, &series, &entries)?;
        let Some(text) = self.store.recall("verified", &key) else { return Ok(None) };
        let Ok(mut lists) = serde_json::from_str::<Vec<Vec<String>>>(&text) else { return Ok(None) };
        if lists.len() != parts.len() + 1 {
            return Ok(None);
        }
        let patches = lists.remove(0);
        for (part, patches) in parts.iter_mut().zip(lists) {
            part.patches = patches;
        }
        Ok(Some(Resolved { entry: entry.clone(), parts, patches }))
    }

    fn remember(&self, component: &Component, resolved: &Resolved, series: &[Series]) -> Result<(), PipelineError> {
        let entries: Vec<&LockEntry> =
            std::iter::once(&resolved.entry).chain(resolved.parts.iter().filter_map(|p| p.entry.as_ref())).collect();
        let key = self.inputs(component, series, &entries)?;
        let lists: Vec<&Vec<String>> =
            std::iter::once(&resolved.patches).chain(resolved.parts.iter().map(|p| &p.patches)).collect();
        self.store.remember("verified", &key, &serde_json::to_string(&lists).expect("lists of words"));
        Ok(())
    }
}

/// The patches that were applied, `SERIES/FILE`.
fn applied(patched: &PatchedTree) -> Vec<String> {
    patched
        .steps()
        .iter()
        .filter_map(|step| match &step.status {
            crate::patch::Status::Applied { form, .. } => Some(format!("{}/{form}", step.at.series)),
            crate::patch::Status::Skipped { .. } => None,
        })
        .collect()
}

/// The variables of a release.
pub fn variables_of(entry: &LockEntry, target: &crate::names::Target) -> Variables {
    let commit = match &entry.origin {
        Origin::Git { commit, time, .. } => Some((commit.clone(), *time)),
        _ => None,
    };
    Variables { version: entry.release.clone(), commit, target: target.clone(), target_dir: None }
}

fn variables(base: &Base, target: &crate::names::Target) -> Variables {
    let commit = match &base.origin {
        Origin::Git { commit, time, .. } => Some((commit.clone(), *time)),
        _ => None,
    };
    Variables { version: base.release.clone(), commit, target: target.clone(), target_dir: None }
}

/// The entry with the URL and the name (`as = "..."`) that the recipe has now. Neither is a reason to leave the commit.
fn as_the_recipe_names_it(component: &Component, pick: &Pick, mut entry: LockEntry) -> LockEntry {
    if let (Source::Git(home), Origin::Git { url, commit, reference, .. }) = (&component.upstream.source, &mut entry.origin) {
        *url = home.to_string();
        let by_itself = match reference.as_deref() {
            Some(full) => full.strip_prefix("refs/tags/").or(full.strip_prefix("refs/heads/")).unwrap_or(full),
            None => &commit.as_str()[..12],
        };
        entry.release = pick.named.clone().or_else(|| Revision::new(by_itself).ok()).unwrap_or(entry.release);
    }
    entry
}

fn same_parts(entry: &LockEntry, parts: &[ResolvedPart]) -> bool {
    let folders = entry.module.as_ref().map(|m| m.folders.clone()).unwrap_or_default();
    parts.iter().all(|part| match &part.entry {
        Some(inner) => entry.uses.get(&part.name) == Some(&inner.release),
        None => folders.get(&part.name) == Some(&part.tree),
    })
}

/// The version that the lock has for the replacement of `old` by `new`.
fn pinned_version(entry: &LockEntry, old: &ModulePath, new: &ModulePath) -> Option<ModuleQuery> {
    let edits = &entry.module.as_ref()?.edit.0;
    edits.iter().find_map(|edit| {
        let (left, right) = edit.strip_prefix("-replace=")?.split_once('=')?;
        let (path, version) = right.split_once('@')?;
        (left.split('@').next() == Some(old.as_str()) && path == new.as_str()).then(|| ModuleQuery::new(version).ok()).flatten()
    })
}

/// The rule in the words of a lock, without what only `make` knows.
pub(super) fn rule_args(rule: &BuildRule, variables: &Variables) -> Result<plan::GoArgs, PipelineError> {
    let fill = |text: &String| variables.expand_for_lock(text);
    let mut words: Vec<String> = rule.flags.iter().map(fill).collect::<Result<_, _>>()?;
    if !rule.tags.is_empty() {
        words.push(format!("-tags={}", rule.tags.iter().map(fill).collect::<Result<Vec<_>, _>>()?.join(",")));
    }
    if !rule.ldflags.is_empty() {
        words.push(format!("-ldflags={}", rule.ldflags.iter().map(fill).collect::<Result<Vec<_>, _>>()?.join(" ")));
    }
    Ok(plan::GoArgs::parse(&words).map(|mut args| {
        args.packages.clear();
        args
    })?)
}
