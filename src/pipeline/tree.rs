//! `forge tree`: the patched sources in a folder of the user's, as files or with one commit per patch.

use std::path::Path;

use crate::build::{TreePart, lay_out};
use crate::disk::is_free;
use crate::git;
use crate::git::history::{Step, write_history};
use crate::git::objects::Objects;
use crate::names::{CommitId, ComponentName, TreeId};
use crate::patch::{self, Form, Outcome, Series};
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::{Pick, Selected, picks};
use crate::pipeline::session::Session;
use crate::plan::{LockEntry, Origin};
use crate::recipe::model::Component;
use crate::release::Release;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files as they are compiled: parts below `.forge`, go.mod rewritten.
    Build,
    /// A git repository of the component alone, with one commit per patch.
    Git,
    /// The unpatched sources.
    Unpatched,
}

/// Writes a tree to `out`, which must be new or empty. Gives the release and how many files were written.
pub fn write_tree(
    session: &Session<'_>,
    component: &Component,
    pick: Option<Pick>,
    kind: Kind,
    file: &mut LockFile,
    out: &Path,
) -> Result<(String, usize), PipelineError> {
    refuse_full(out)?;
    let pick = pick.or_else(|| picks(component).into_iter().next());
    let entry = match (&pick, kind) {
        (Some(pick), Kind::Build) if component.is_program() => {
            let resolved = resolve_all(session, &[Selected { component, pick: pick.clone() }], file)?.remove(0);
            let objects = session.entry_objects(component, &resolved.entry)?;
            let inner: Vec<Objects> = resolved.parts.iter().map(|p| session.part_objects(p)).collect::<Result<_, _>>()?;
            let placed = resolved.parts.iter().zip(&inner);
            let parts: Vec<_> = placed.map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree }).collect();
            let done = lay_out(out, &objects, &resolved.entry.result, &parts, resolved.entry.module.as_ref(), None)?;
            return Ok((resolved.entry.release.to_string(), done.files()));
        }
        _ => session.unpatched(component, pick.as_ref(), file)?,
    };
    let (objects, base) = entry;
    let release = base.release.to_string();
    let series = if kind == Kind::Unpatched { Vec::new() } else { session.series_of(component)? };
    let all: Vec<&Series> = series.iter().collect();
    let steps = match patch::apply_stepwise(&objects, &base.tree, Release::parse(&base.release).as_ref(), &all)? {
        Outcome::Applied { steps, .. } => steps,
        Outcome::Failed { failures, .. } => {
            let release = base.release;
            return Err(PipelineError::Patches { component: component.name.clone(), release, failures });
        }
    };
    let last = steps.iter().rev().find_map(|s| s.tree.clone()).unwrap_or_else(|| base.tree.clone());
    if kind != Kind::Git {
        return Ok((release, git::checkout::checkout(&objects, &last, out)?.files));
    }
    let mut history = vec![base_step(&base.tree, &component.name, &release, base.time)];
    for step in &steps {
        let (Some(tree), patch::Status::Applied { form, .. }) = (&step.tree, &step.status) else { continue };
        let found = series
            .iter()
            .find(|s| *s.name() == step.at.series)
            .and_then(|s| s.patches().iter().flat_map(|p| &p.forms).find(|f| f.file == *form));
        history.extend(found.map(|form| patch_step(form, tree, base.time)));
    }
    let files = write_history(&objects, out, &history)?.checkout.files;
    Ok((release, files))
}

/// What a tree without go.mod work starts from.
pub(super) struct BaseTree {
    pub(super) tree: TreeId,
    pub(super) release: crate::names::Revision,
    /// The upstream's commit, where there is one.
    pub(super) commit: Option<CommitId>,
    pub(super) time: i64,
}

/// The commit of a patch. What its file does not say, forge says; `time` is the commit's then.
pub(super) fn patch_step(form: &Form, tree: &TreeId, time: i64) -> Step {
    let mail = form.content.mail();
    Step {
        tree: tree.clone(),
        author: mail.filter(|m| !m.author.is_empty()).map_or_else(|| git::stamp::NAME.to_owned(), |m| m.author.clone()),
        email: mail.filter(|m| !m.email.is_empty()).map_or_else(|| git::stamp::EMAIL.to_owned(), |m| m.email.clone()),
        time: mail.and_then(|m| m.date).map_or(time, |d| d.0),
        offset_minutes: mail.and_then(|m| m.date).map_or(0, |d| d.1),
        message: form.content.message().unwrap_or_else(|| format!("{}\n", form.file)),
    }
}

/// The commit that stands for an unpatched tree.
pub(super) fn base_step(tree: &TreeId, component: &ComponentName, release: &str, time: i64) -> Step {
    Step::of_forge(tree, time, format!("{component} {release}, unpatched\n"))
}

/// Fails where a folder is there that holds something.
pub(super) fn refuse_full(out: &Path) -> Result<(), PipelineError> {
    if is_free(out)? { Ok(()) } else { Err(PipelineError::NotEmpty { path: out.to_owned() }) }
}

impl Session<'_> {
    /// The unpatched tree of a pick, else of the recipe's first release, else, for a component that follows a program, of what
    /// that has.
    pub(super) fn unpatched(
        &self,
        component: &Component,
        pick: Option<&Pick>,
        file: &mut LockFile,
    ) -> Result<(Objects, BaseTree), PipelineError> {
        match pick.cloned().or_else(|| picks(component).into_iter().next()) {
            Some(pick) => self.source_entry(component, &pick, file),
            None => self.follower_entry(component, file),
        }
    }

    /// The unpatched tree of a pick, by the lock where it has it.
    pub(super) fn source_entry(
        &self,
        component: &Component,
        pick: &Pick,
        file: &LockFile,
    ) -> Result<(Objects, BaseTree), PipelineError> {
        let locked = file.lock.find(&component.name, &pick.key()).filter(|_| !pick.ad_hoc);
        let base = match locked {
            Some(entry) => self.base_of_entry(component, entry)?,
            None => self.base_of_pick(component, pick)?,
        };
        let time = match &base.origin {
            Origin::Git { time, .. } => *time,
            _ => 0,
        };
        let commit = base.origin.commit().cloned();
        let tree = BaseTree { tree: base.checkout.tree().clone(), release: base.release.clone(), commit, time };
        Ok((base.checkout.objects()?, tree))
    }

    /// The unpatched tree of a component that follows a program: as the first program that uses it has it.
    pub(super) fn follower_entry(
        &self,
        component: &Component,
        file: &mut LockFile,
    ) -> Result<(Objects, BaseTree), PipelineError> {
        let user = self.recipe.users_of(&component.name).next();
        let Some((user, pick)) = user.and_then(|u| Some((u, picks(u).into_iter().next()?))) else {
            return Err(PipelineError::NothingToBuild(self.recipe.name.clone()));
        };
        let resolved = resolve_all(self, &[Selected { component: user, pick }], file)?.remove(0);
        let part = resolved.parts.into_iter().find(|p| p.name == component.name).and_then(|p| p.entry);
        let entry: LockEntry = part.ok_or_else(|| PipelineError::NothingToBuild(self.recipe.name.clone()))?;
        let objects = self.entry_objects(component, &entry)?;
        let commit = entry.origin.commit().cloned();
        Ok((objects, BaseTree { tree: entry.tree, release: entry.release, commit, time: 0 }))
    }

    /// Downloads the toolchain and every module of a build, so that it works offline later (but for what `prepare` downloads).
    pub(super) fn fetch_modules(
        &self,
        component: &Component,
        resolved: &super::resolve::Resolved,
        go: &crate::names::GoVersion,
    ) -> Result<(), PipelineError> {
        if self.options.offline {
            return Ok(());
        }
        let key = crate::plan::KeyBuilder::new("modules fetched").field("entry", format!("{:?}", resolved.entry)).finish();
        if self.store.recall("modules", &key).is_some() {
            return Ok(());
        }
        let go = self.go(go)?;
        let work = self.store.work_dir("modules")?;
        let dir = work.path().join("src");
        let objects = self.entry_objects(component, &resolved.entry)?;
        let inner: Vec<Objects> = resolved.parts.iter().map(|p| self.part_objects(p)).collect::<Result<_, _>>()?;
        let placed = resolved.parts.iter().zip(&inner);
        let parts: Vec<_> = placed.map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree }).collect();
        lay_out(&dir, &objects, &resolved.entry.result, &parts, resolved.entry.module.as_ref(), None)?;
        let build = resolved.entry.build.as_ref();
        for (build, target) in build.iter().flat_map(|b| self.targets().iter().map(move |t| (*b, t))) {
            let env = go.env(Some(target), build.cgo, &build.env);
            crate::gomod::download_needed(&go, &dir, &build.args.packages, &build.args.selection(), &env)?;
        }
        self.store.remember("modules", &key, "");
        Ok(())
    }
}
