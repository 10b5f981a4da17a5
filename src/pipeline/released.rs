//! The programs that upstream released, as donors of payloads: fetched once, kept by content, their sums in the lock.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

use sha2::{Digest, Sha256 as Hasher};

use crate::disk::{DiskError, FileLock, create_dir_all, rename_synced};
use crate::event::Event;
use crate::names::{Sha256, Target, WebUrl, visible};
use crate::net::{Net, NetError};
use crate::pipeline::error::PipelineError;
use crate::pipeline::payload::takes_payload;
use crate::pipeline::session::{Session, Trust};
use crate::plan::{Asset, BuildLock, KeyBuilder, LockEntry, hex};
use crate::recipe::model::{Component, Driver};
use crate::recipe::vars::Variables;

/// The most that a released program, and a list of sums, may have.
const MOST: u64 = 2 << 30;
const MOST_SUMS: u64 = 1 << 20;

impl Session<'_> {
    /// The released programs of an entry, one per platform. What `before` has for the same address stays as it is.
    pub(super) fn released(
        &self,
        component: &Component,
        variables: &Variables,
        build: &BuildLock,
        before: Option<&LockEntry>,
    ) -> Result<BTreeMap<Target, Asset>, PipelineError> {
        // Containers build what upstream builds, with all that is in it.
        let wanted = component.upstream.payload.as_ref().is_some_and(|rule| rule.from_release);
        if !wanted || build.driver() == Driver::Docker {
            return Ok(BTreeMap::new());
        }
        let known = before.map(|entry| entry.payload.clone()).unwrap_or_default();
        if !self.takes_released() {
            return Ok(known);
        }
        let rule = takes_payload(component, &variables.version)?;
        let Some(template) = &rule.asset else { return Err(PipelineError::NoAsset(component.name.clone())) };
        let address = |template: &str, target: &Target| -> Result<WebUrl, PipelineError> {
            let variables = Variables { target: target.clone(), ..variables.clone() };
            Ok(WebUrl::new(variables.expand_url(template)?)?)
        };
        let mut out = BTreeMap::new();
        // Platforms of other runs stay, where they are of this release.
        for (target, asset) in known {
            if address(template, &target)? == asset.asset {
                out.insert(target, asset);
            }
        }
        for target in self.targets() {
            if out.contains_key(target) {
                continue;
            }
            let asset = address(template, target)?;
            let sums = rule.sums.as_deref().map(|sums| address(sums, target)).transpose()?;
            let sha256 = self.first_asset(component, &asset, sums.as_ref())?;
            out.insert(target.clone(), Asset { asset, sha256 });
        }
        Ok(out)
    }

    /// The sum of a released program that no lock knows. What was fetched from the same address before, and is still there, is
    /// not fetched again.
    fn first_asset(&self, component: &Component, asset: &WebUrl, sums: Option<&WebUrl>) -> Result<Sha256, PipelineError> {
        let key =
            KeyBuilder::new("asset 1").field("url", asset.expose()).field("sums", sums.map_or("", |url| url.expose())).finish();
        let seen = self.store.recall("asset", &key).and_then(|text| Sha256::new(text).ok());
        if let Some(seen) = seen.filter(|sha256| self.store.download(sha256).is_file()) {
            return Ok(seen);
        }
        let found = self.fetch_asset(component, asset, None)?;
        if let Some(sums) = sums {
            self.compare(component, asset, &found, sums)?;
        }
        self.store.remember("asset", &key, found.as_str());
        Ok(found)
    }

    /// Fetches a released program into the store; gives its sum, which must be `locked` where that is known.
    pub(super) fn fetch_asset(
        &self,
        component: &Component,
        url: &WebUrl,
        locked: Option<&Sha256>,
    ) -> Result<Sha256, PipelineError> {
        if self.options.offline {
            return Err(PipelineError::AssetOffline { component: component.name.clone(), asset: url.clone() });
        }
        let _lock = FileLock::acquire(&self.store.lock("download", url.expose())?, self.reporter, self.exec.interrupt())?;
        // Another forge may have fetched it while this one waited.
        if let Some(locked) = locked.filter(|locked| self.store.download(locked).is_file()) {
            return Ok((*locked).clone());
        }
        let work = self.store.work_dir("download")?;
        let path = work.path().join("file");
        let fail = |e| DiskError::new("write", &path, e);
        let what = format!("{} of upstream", component.name);
        self.reporter.report(Event::FetchStarted { what: what.clone(), from: url.clone() });
        let mut file = BufWriter::with_capacity(1 << 17, File::create(&path).map_err(fail)?);
        let mut hasher = Hasher::new();
        self.receive(component, url, MOST, &mut |piece| {
            hasher.update(piece);
            file.write_all(piece)
        })?;
        let file = file.into_inner().map_err(|e| fail(e.into_error()))?;
        let found = hex(&hasher.finalize());
        if let Some(locked) = locked.filter(|locked| **locked != found) {
            let (component, asset, locked) = (component.name.clone(), url.clone(), locked.clone());
            return Err(PipelineError::AssetMoved { component, asset, locked, found });
        }
        file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let kept = self.store.download(&found);
        create_dir_all(kept.parent().unwrap_or(self.store.root()))?;
        rename_synced(&path, &kept)?;
        self.reporter.report(Event::FetchDone { what });
        Ok(found)
    }

    fn receive(
        &self,
        component: &Component,
        url: &WebUrl,
        limit: u64,
        sink: &mut crate::net::Sink<'_>,
    ) -> Result<u64, PipelineError> {
        let net = Net::new(self.exec.environment(), self.exec.interrupt());
        net.fetch(url, limit, "receiving", self.reporter, sink).map_err(|error| match error {
            NetError::Interrupted(interrupted) => PipelineError::Exec(interrupted.into()),
            NetError::Write { source, .. } => DiskError::new("write", self.store.root(), source).into(),
            source => PipelineError::AssetFetch { component: component.name.clone(), source },
        })
    }

    /// Compares a sum with upstream's own list.
    fn compare(&self, component: &Component, asset: &WebUrl, found: &Sha256, sums: &WebUrl) -> Result<(), PipelineError> {
        let mut list = Vec::new();
        self.receive(component, sums, MOST_SUMS, &mut |piece| {
            list.extend_from_slice(piece);
            Ok(())
        })?;
        let name = asset.path().rsplit('/').next().unwrap_or_default();
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
        let listed = match listed(&String::from_utf8_lossy(&list), &name) {
            Some(sum) if sum.eq_ignore_ascii_case(found.as_str()) => return Ok(()),
            Some(sum) => format!("says {}", visible(&sum)),
            None => "does not name it".to_owned(),
        };
        let (component, asset, sums) = (component.name.clone(), asset.clone(), sums.clone());
        Err(PipelineError::AssetSum { component, asset, found: found.clone(), sums, listed })
    }

    /// True where released programs are of use in this run.
    fn takes_released(&self) -> bool {
        let options = self.options;
        options.payload.is_none() && options.trust != Trust::Sources && !options.without_released
    }

    /// True where the entry has the released programs that a build of this run takes.
    pub(super) fn has_released(&self, component: &Component, entry: &LockEntry) -> bool {
        let wanted = component.upstream.payload.as_ref().is_some_and(|rule| rule.from_release);
        let built = entry.build.as_ref().is_some_and(|build| build.driver() != Driver::Docker);
        !(wanted && built && self.takes_released()) || self.targets().iter().all(|target| entry.payload.contains_key(target))
    }

    /// The file of a released program, fetched where the store lost it.
    pub(super) fn donor(&self, component: &Component, asset: &Asset) -> Result<PathBuf, PipelineError> {
        let path = self.store.download(&asset.sha256);
        match File::open(&path) {
            // What `gc` goes by; a store that is read-only is not cleaned.
            Ok(file) => drop(file.set_modified(SystemTime::now())),
            Err(_) => drop(self.fetch_asset(component, &asset.asset, Some(&asset.sha256))?),
        }
        Ok(path)
    }
}

/// The sum of a file in a list as `sha256sum` writes it: sum, space, a space or a star, name.
fn listed(list: &str, name: &str) -> Option<String> {
    list.lines().find_map(|line| {
        let (sum, rest) = line.split_once(' ')?;
        (rest.trim_start_matches([' ', '*']).trim_end() == name).then(|| sum.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_sums_is_read() {
        let list = "aa  k0s-v1-amd64\nbb *k0s-v1-arm64\r\n\ncc  k0s-v1-amd64.sig\n";
        assert_eq!(listed(list, "k0s-v1-amd64").as_deref(), Some("aa"));
        assert_eq!(listed(list, "k0s-v1-arm64").as_deref(), Some("bb"));
        assert_eq!(listed(list, "k0s-v1"), None);
    }
}
