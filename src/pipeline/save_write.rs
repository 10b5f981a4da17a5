//! What a save writes for a commit: nothing where its patch says it already, else a mail, or an edit again.

use crate::git::diff::tree_diff;
use crate::git::work::Commit;
use crate::names::{PatchName, TreeId};
use crate::patch::{self, Before, Content, Dialect, FormChange, Letter, Mail, Outcome, Patch, Planned, Series, is_same_text};
use crate::pipeline::error::PipelineError;
use crate::pipeline::life_error::LifeError;
use crate::pipeline::save::What;
use crate::pipeline::save_edit::edit_again;
use crate::pipeline::save_plan::{Link, Saver};
use crate::pipeline::workspace::{flat, shown};
use crate::work::stack::{author, subject};

impl Saver<'_, '_> {
    /// What becomes of a patch. `None`: it is an edit whose change forge cannot write as an edit.
    pub(super) fn changed(&mut self, was: usize, link: &Link) -> Result<Option<(PatchName, What, Planned)>, PipelineError> {
        let (series, patch) = flat(self.series)[was];
        let (at, index) = (self.series_index(was), self.index(was));
        let known = self.space.state.patches[was].clone();
        let kept = || Planned::Kept { index, change: None };
        let opened = known.commit.as_ref().map(|c| self.space.repo.read(c)).transpose()?;
        let same_text = opened
            .as_ref()
            .is_some_and(|old| author(old) == author(&link.commit) && is_same_text(&old.step.message, &link.commit.step.message));
        let base = Some(self.space.state.release.clone());
        let Some(form) = known.form.as_ref().and_then(|form| patch.forms.iter().find(|f| f.file == *form)) else {
            // No form of it applied: what was made of it is one for this release.
            let last = &patch.forms[patch.forms.len() - 1];
            let beside = !self.options.overwrite && !self.options.replace.contains(&patch.name);
            let by = match (beside, &last.content) {
                (false, Content::Diff(_)) => last.file.clone(),
                _ => self.form_name(at, &patch.name),
            };
            let old = match &last.content {
                Content::Diff(diff) => self.plan_of(at).old.get(last.file.as_str()).cloned().map(|bytes| (diff.clone(), bytes)),
                Content::Edit(_) => None,
            };
            // The commit is the user's as much as forge's: the file says what it was.
            let same_text = old.as_ref().is_some_and(|(patch, _)| says_the_same(&patch.mail, &link.commit));
            self.write(at, link, &by, old.as_ref().map(|(patch, bytes)| Before { patch, bytes, same_text }))?;
            if !beside && by != last.file {
                self.plan_of(at).new.remove(last.file.as_str());
            }
            let what = if beside { What::FormAdded } else { What::Changed };
            let change = FormChange { file: last.file.clone(), by: by.clone(), base, beside };
            return Ok(Some((by, what, Planned::Kept { index, change: Some(change) })));
        };
        // The commit itself is what the form gave when the folder was opened.
        let untouched = opened.as_ref().is_some_and(|old| old.id == link.commit.id);
        if untouched || same_text && self.gives(series, patch, link)? {
            return Ok(Some((form.file.clone(), What::Kept, kept())));
        }
        let bytes = self.plan_of(at).old.get(form.file.as_str()).cloned().unwrap_or_default();
        match &form.content {
            Content::Diff(diff) => {
                self.write(at, link, &form.file, Some(Before { patch: diff, bytes: &bytes, same_text }))?;
                let base = if series.dialect() == Dialect::Git { base } else { None };
                let change = FormChange { file: form.file.clone(), by: form.file.clone(), base, beside: false };
                // A folder without a list has no place for a base.
                let listed = self.plan_of(at).old.contains_key("series.toml");
                Ok(Some((form.file.clone(), What::Changed, Planned::Kept { index, change: listed.then_some(change) })))
            }
            Content::Edit(edit) => {
                let text = (!same_text).then_some(link.commit.step.message.as_str());
                if let Some(new) = edit_again(self.space, edit, &bytes, &link.before, &link.commit.step.tree, text)? {
                    if new == bytes {
                        return Ok(Some((form.file.clone(), What::Kept, kept())));
                    }
                    self.plan_of(at).new.insert(form.file.to_string(), new);
                    return Ok(Some((form.file.clone(), What::Changed, kept())));
                }
                if !self.options.as_mail.contains(&form.file) {
                    return Ok(None);
                }
                let stem = form.file.as_str().trim_end_matches(".edit.toml");
                let by = self.free_name(at, stem)?;
                self.write(at, link, &by, None)?;
                self.plan_of(at).new.remove(form.file.as_str());
                let change = FormChange { file: form.file.clone(), by: by.clone(), base, beside: false };
                Ok(Some((by, What::EditToMail, Planned::Kept { index, change: Some(change) })))
            }
        }
    }

    /// Whether the patch as it is makes the commit's change.
    pub(super) fn gives(&self, series: &Series, patch: &Patch, link: &Link) -> Result<bool, PipelineError> {
        let version = self.space.version();
        let outcome = patch::apply_some(self.space.repo.objects(), &link.before, version.as_ref(), &[(series, patch)])?;
        Ok(matches!(outcome, Outcome::Applied { tree, .. } if tree == link.commit.step.tree))
    }

    pub(super) fn new_patch(
        &mut self,
        at: usize,
        commit: &Commit,
        before: &TreeId,
    ) -> Result<(PatchName, What, Planned), PipelineError> {
        let series = &self.series[at];
        let plan = self.plan_of(at);
        let bare = series.dialect() == Dialect::Git && !plan.old.contains_key("series.toml");
        let taken = |name: &str| plan.new.contains_key(name) || plan.old.contains_key(name);
        let mut name = patch::file_name(subject(commit), &taken);
        if bare {
            name = patch::numbered(plan.new.keys().map(String::as_str), &name);
        }
        let file = PatchName::new(name)?;
        let base = Some(self.space.state.release.clone());
        let link = Link { commit: commit.clone(), before: before.clone(), was: None };
        self.write(at, &link, &file, None)?;
        Ok((file.clone(), What::New, Planned::New { file, base }))
    }

    fn write(&mut self, at: usize, link: &Link, file: &PatchName, before: Option<Before<'_>>) -> Result<(), PipelineError> {
        let diff = tree_diff(self.space.repo.objects(), &link.before, &link.commit.step.tree)?;
        let commit = &link.commit;
        let letter = Letter::of(&commit.step);
        let bytes =
            patch::write_mail(&letter, &diff, before).map_err(|source| LifeError::Letter { commit: shown(commit), source })?;
        self.plan_of(at).new.insert(file.to_string(), bytes);
        Ok(())
    }

    /// `NAME.1.36.patch` for a form that is for 1.36.
    fn form_name(&mut self, at: usize, patch: &PatchName) -> PatchName {
        let stem = patch.as_str().trim_end_matches(".patch").trim_end_matches(".edit.toml");
        let version = match self.space.version() {
            Some(release) => format!("{}.{}", release.major(), release.minor()),
            None => "new".to_owned(),
        };
        self.free_name(at, &format!("{stem}.{version}")).unwrap_or_else(|_| patch.clone())
    }

    fn free_name(&mut self, at: usize, stem: &str) -> Result<PatchName, PipelineError> {
        let plan = self.plan_of(at);
        let is_free = |name: &String| !plan.new.contains_key(name) && !plan.old.contains_key(name);
        let names = std::iter::once(format!("{stem}.patch")).chain((2..).map(|n| format!("{stem}-{n}.patch")));
        Ok(PatchName::new(names.into_iter().find(is_free).unwrap_or_default())?)
    }
}

fn says_the_same(mail: &Mail, commit: &Commit) -> bool {
    let same = mail.author == commit.step.author && mail.email == commit.step.email;
    same && mail.date == Some((commit.step.time, commit.step.offset_minutes))
        && is_same_text(&mail.message(), &commit.step.message)
}
