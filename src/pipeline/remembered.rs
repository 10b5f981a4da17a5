//! Resolutions of conflicts in the project: `patches/UPSTREAM/.resolutions/KEY.toml`.

use crate::disk::{create_dir_all, write_atomic};
use crate::git::objects::{Changes, Mode, Objects};
use crate::git::work::Unmerged;
use crate::names::{RelPath, TreeId, visible};
use crate::patch::PATCH_LIMIT;
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::pipeline::workspace::Workspace;
use crate::recipe::model::Component;
use crate::work::resolutions::{Conflicting, Resolution, apply, learn};
use crate::work::state::Stopped;

/// What stands at the head of a file.
const HEAD: &str = "# How a conflict was resolved. `forge patch rebase` and `start` do the same where it comes again; without this file they ask.\n";

impl Session<'_> {
    fn resolutions_folder(component: &Component) -> Result<RelPath, PipelineError> {
        Ok(RelPath::new(format!("patches/{}/.resolutions", component.upstream.name))?)
    }

    /// The resolution of a conflict, where one is remembered. A file that is not what forge writes is told, and left alone.
    fn remembered(&self, component: &Component, conflict: &Conflicting) -> Result<Option<String>, PipelineError> {
        let path = Self::resolutions_folder(component)?.join(&format!("{}.toml", conflict.key()))?;
        let Some(found) = self.files.read(&path, PATCH_LIMIT)? else { return Ok(None) };
        match toml::from_str::<Resolution>(&String::from_utf8_lossy(&found.bytes)) {
            Ok(known) if known.conflict == *conflict => Ok(Some(known.resolution)),
            Ok(_) => Ok(None),
            Err(error) => {
                let text = format!("{path} is not used: {}", visible(error.message()));
                self.reporter.report(crate::event::Event::Warning { text });
                Ok(None)
            }
        }
    }

    /// Does in a tree with markers what is remembered. Gives the tree, and the files that still have conflicts.
    pub(super) fn resolve_known(
        &self,
        component: &Component,
        patch: &str,
        objects: &Objects,
        tree: TreeId,
        unmerged: Vec<Unmerged>,
    ) -> Result<(TreeId, Vec<Unmerged>), PipelineError> {
        let mut changes = Changes::new();
        let mut left = Vec::new();
        for file in unmerged {
            let entry = objects.entry(&tree, &file.path)?.filter(|e| matches!(e.mode, Mode::File | Mode::Executable));
            // A side that is not there is no text with markers.
            let Some(entry) = entry.filter(|_| file.sides[1..].iter().all(Option::is_some)) else {
                left.push(file);
                continue;
            };
            let Ok(text) = String::from_utf8(objects.blob(&entry.id)?) else {
                left.push(file);
                continue;
            };
            let mut failed = None;
            let mut keys = Vec::new();
            let done = apply(&text, |conflict| match self.remembered(component, conflict) {
                Ok(known) => {
                    keys.extend(known.as_ref().map(|_| conflict.key()));
                    known
                }
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            match done {
                Some((text, still)) if !keys.is_empty() => {
                    let folder = Self::resolutions_folder(component)?;
                    let text_of = format!("{patch}: {} is resolved as in {folder}/{}.toml", file.path, keys.join(".toml, "));
                    self.reporter.report(crate::event::Event::Notice { text: text_of });
                    changes.insert(file.path.clone(), Some((entry.mode, text.into_bytes())));
                    if still > 0 {
                        left.push(file);
                    }
                }
                _ => left.push(file),
            }
        }
        let tree = if changes.is_empty() { tree } else { objects.write(Some(&tree), &changes)? };
        Ok((tree, left))
    }

    /// Remembers what the user made of the conflicts of a patch: `resolved` is the tree with that.
    pub(super) fn remember_resolution(
        &self,
        component: &Component,
        space: &Workspace<'_>,
        stopped: &Stopped,
        resolved: &TreeId,
    ) -> Result<(), PipelineError> {
        let (Some(root), Some(shown)) = (self.files.root(), &stopped.shown) else { return Ok(()) };
        let objects = space.repo.objects();
        // git may have thrown it away in the meantime: then there is nothing to learn from.
        if !objects.has_tree(shown) {
            return Ok(());
        }
        let folder = Self::resolutions_folder(component)?;
        for file in &stopped.files {
            let path = RelPath::new(file.clone())?;
            let text = |tree: &TreeId| -> Result<Option<String>, PipelineError> {
                Ok(objects.read(tree, &path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
            };
            let (Some(marked), Some(now)) = (text(shown)?, text(resolved)?) else { continue };
            for (conflict, resolution) in learn(&marked, &now).unwrap_or_default() {
                let name = format!("{}.toml", conflict.key());
                let known = Resolution {
                    file: file.clone(),
                    patch: space.state.patches[stopped.at].patch.to_string(),
                    release: space.state.release.to_string(),
                    resolution,
                    conflict,
                };
                let Ok(text) = toml::to_string_pretty(&known) else { continue };
                let target = folder.below(root);
                create_dir_all(&target)?;
                write_atomic(&target.join(&name), format!("{HEAD}{text}").as_bytes(), 0o644)?;
                space.notice(format!("how {file} was resolved is remembered in {folder}/{name}"));
            }
        }
        Ok(())
    }
}
