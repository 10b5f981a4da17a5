//! The payload of a build: which donor, whether the release takes one, and what was found in it before.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::build;
use crate::disk::DiskError;
use crate::names::Target;
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::plan::{KeyBuilder, LockEntry, Payload};
use crate::recipe::model::Component;
use crate::release::Release;

impl Session<'_> {
    /// The payload of a build, where there is to be one. A donor is read once, and again when it is another file.
    pub(super) fn payload(
        &self,
        component: &Component,
        entry: &LockEntry,
        target: &Target,
    ) -> Result<Option<Payload>, PipelineError> {
        let Some(donor) = &self.options.payload else { return Ok(None) };
        let name = component.name.clone();
        let Some(rule) = &component.upstream.payload else { return Err(PipelineError::NoPayload(name)) };
        if let Some(versions) = &rule.versions
            && !Release::parse(&entry.release).is_some_and(|release| versions.matches(&release))
        {
            let (release, versions) = (entry.release.clone(), versions.to_string());
            return Err(PipelineError::PayloadTied { component: name, release, versions });
        }
        let key = KeyBuilder::new("payload 1")
            .field("donor", donor.as_os_str().as_encoded_bytes())
            .field("stamp", stamp(donor)?)
            .field("version", entry.release.as_str())
            .field("target", target.to_string())
            .finish();
        let known = self.store.recall("payload", &key);
        if let Some(known) = known.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(Some(known));
        }
        let payload = build::inspect(donor, &entry.release, target, self.exec.interrupt())?;
        self.store.remember("payload", &key, &serde_json::to_string(&payload).unwrap_or_default());
        Ok(Some(payload))
    }
}

/// What any write to a file changes.
fn stamp(path: &Path) -> Result<String, PipelineError> {
    let meta = fs::metadata(path).map_err(|e| DiskError::new("read", path, e))?;
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Ok(format!("{} {} {times:?}", meta.len(), meta.ino()))
}
