//! What the builds of a recipe call, told without building: by the lock where it has an entry, else by the build rule of the
//! newest release that the recipe could mean.

use crate::names::Revision;
use crate::pipeline::select::{Pick, picks};
use crate::plan::{Lock, LockEntry};
use crate::recipe::model::{Component, Driver, Recipe};
use crate::recipe::rule::build_rule;
use crate::release::{Release, Req, Wanted};

/// What the builds of a recipe call, besides git and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) make: bool,
    pub(super) c_compiler: bool,
    pub(super) containers: bool,
}

/// For the first line of each program, which is what `forge build` builds.
pub(super) fn needs(recipe: &Recipe, lock: &Lock) -> Needs {
    let mut needs = Needs::default();
    for component in recipe.components.values().filter(|component| component.is_program()) {
        for pick in picks(component).into_iter().take(1) {
            needs.add(component, &pick, lock.find(&component.name, &pick.key()));
        }
    }
    needs
}

impl Needs {
    fn add(&mut self, component: &Component, pick: &Pick, entry: Option<&LockEntry>) {
        let release = match (entry, &pick.named, &pick.wanted) {
            (Some(entry), ..) => Release::parse(&entry.release),
            (None, Some(named), _) | (None, None, Wanted::Revision(named)) => Release::parse(named),
            (None, None, Wanted::Range(req)) => newest_possible(req),
            (None, None, Wanted::Commit(_)) => None,
        };
        // What cannot be built needs nothing; `forge build` says why it cannot.
        let Ok(rule) = build_rule(&component.upstream, release.as_ref(), None) else { return };
        let calls_make = rule.prepare.iter().any(|command| command.first().is_some_and(|program| program == "make"));
        self.make |= rule.flags_from_make || calls_make || rule.driver != Driver::Go;
        self.containers |= rule.driver == Driver::Docker;
        let locked = entry.and_then(|entry| entry.build.as_ref()).filter(|build| build.driver() == rule.driver);
        // A compiler in a container is none of this machine's. Of a Makefile's own flags only the lock knows.
        self.c_compiler |= rule.driver != Driver::Docker && locked.map_or(rule.cgo == Some(true), |build| build.cgo);
    }
}

/// A release, made up, that is as new as a range allows: the blocks that match it are those of the next release.
fn newest_possible(req: &Req) -> Option<Release> {
    const MANY: u64 = 99_999;
    let mut found = vec![[MANY; 3]];
    for version in req.as_str().split(|c: char| !c.is_ascii_digit() && c != '.') {
        let numbers: Vec<u64> = version.split('.').filter_map(|number| number.parse().ok()).take(3).collect();
        let Some(&major) = numbers.first() else { continue };
        let (minor, patch) = (numbers.get(1).copied(), numbers.get(2).copied());
        found.extend([[major, MANY, MANY], [major.saturating_sub(1), MANY, MANY]]);
        for minor in minor.iter().flat_map(|minor| [*minor, minor.saturating_sub(1)]) {
            found.push([major, minor, MANY]);
        }
        let minor = minor.unwrap_or_default();
        found.extend(patch.unwrap_or_default().checked_sub(1).map(|patch| [major, minor, patch]));
        found.push([major, minor, patch.unwrap_or_default()]);
    }
    found.sort_unstable();
    let release = |[major, minor, patch]: [u64; 3]| Release::parse(&Revision::new(format!("v{major}.{minor}.{patch}")).ok()?);
    found.into_iter().rev().filter_map(release).find(|release| req.matches(release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_a_newest_possible_release() {
        for (range, newest) in [
            ("~1.36", "1.36.99999"),
            (">=1.24", "99999.99999.99999"),
            (">=1.28, <1.31", "1.30.99999"),
            ("^0.32", "0.32.99999"),
            ("^1.2", "1.99999.99999"),
            ("=1.36.3", "1.36.3"),
            ("<2", "1.99999.99999"),
            ("<1.2.5", "1.2.4"),
            ("<=1.2.5", "1.2.5"),
            ("~1.20 || ~1.22", "1.22.99999"),
            ("*", "99999.99999.99999"),
        ] {
            let found = newest_possible(&Req::parse(range).unwrap());
            assert_eq!(found.as_ref().map(Release::bare), Some(newest), "{range}");
        }
        assert_eq!(newest_possible(&Req::parse(">2, <1").unwrap()).map(|r| r.bare().to_owned()), None);
    }
}
