//! The payload of a build: which donor, whether the release takes one, and what was found in it before.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::build;
use crate::disk::DiskError;
use crate::names::{Revision, Target};
use crate::pipeline::error::PipelineError;
use crate::pipeline::session::Session;
use crate::plan::{KeyBuilder, LockEntry, Payload};
use crate::recipe::model::{Component, Driver, PayloadRule};
use crate::release::Release;

impl Session<'_> {
    /// The payload of a build, where there is to be one. A donor is read once, and again when it is another file.
    pub(super) fn payload(
        &self,
        component: &Component,
        entry: &LockEntry,
        target: &Target,
    ) -> Result<Option<Payload>, PipelineError> {
        if let Some(donor) = &self.options.payload {
            takes_payload(component, &entry.release)?;
            let known =
                KeyBuilder::new("payload 2").field("donor", donor.as_os_str().as_encoded_bytes()).field("stamp", stamp(donor)?);
            return self.inspected(known, entry, target, || Ok(donor.clone())).map(Some);
        }
        // Containers build what upstream builds, with all that is in it.
        let built = entry.build.as_ref().is_some_and(|build| build.driver() != Driver::Docker);
        let Some(asset) = entry.payload.get(target).filter(|_| built) else { return Ok(None) };
        let known = KeyBuilder::new("payload 2").field("sha256", asset.sha256.as_str());
        let payload = self.inspected(known, entry, target, || self.donor(component, asset))?;
        Ok(Some(Payload { donor: self.store.download(&asset.sha256), release: Some(asset.clone()), ..payload }))
    }

    /// What a donor has, as far as it follows from what `known` digests.
    fn inspected(
        &self,
        known: KeyBuilder,
        entry: &LockEntry,
        target: &Target,
        donor: impl FnOnce() -> Result<PathBuf, PipelineError>,
    ) -> Result<Payload, PipelineError> {
        let key = known.field("version", entry.release.as_str()).field("target", target.to_string()).finish();
        let found = self.store.recall("payload", &key);
        if let Some(found) = found.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(found);
        }
        let payload = build::inspect(&donor()?, &entry.release, target, self.exec.interrupt())?;
        self.store.remember("payload", &key, &serde_json::to_string(&payload).unwrap_or_default());
        Ok(payload)
    }

    /// Sees that the donor of a payload is there before it is appended.
    pub(super) fn donor_of(&self, component: &Component, payload: &Payload) -> Result<(), PipelineError> {
        match &payload.release {
            Some(asset) => self.donor(component, asset).map(drop),
            None => Ok(()),
        }
    }
}

/// The rule of a component whose release takes a payload.
pub(super) fn takes_payload<'c>(component: &'c Component, release: &Revision) -> Result<&'c PayloadRule, PipelineError> {
    let name = component.name.clone();
    let Some(rule) = &component.upstream.payload else { return Err(PipelineError::NoPayload(name)) };
    if let Some(versions) = &rule.versions
        && !Release::parse(release).is_some_and(|release| versions.matches(&release))
    {
        let (release, versions) = (release.clone(), versions.to_string());
        return Err(PipelineError::PayloadTied { component: name, release, versions });
    }
    Ok(rule)
}

/// What any write to a file changes.
fn stamp(path: &Path) -> Result<String, PipelineError> {
    let meta = fs::metadata(path).map_err(|e| DiskError::new("read", path, e))?;
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Ok(format!("{} {} {times:?}", meta.len(), meta.ino()))
}
