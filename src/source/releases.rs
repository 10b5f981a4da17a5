//! Which release a requirement means, among the tags of an upstream.

use std::sync::Arc;

use crate::event::{Event, Reporter};
use crate::exec::Exec;
use crate::git::remote::RemoteRef;
use crate::git::{self, GitError};
use crate::names::{CommitId, GitUrl, Revision, nearest};
use crate::recipe::model::Releases;
use crate::release::{Release, Wanted};
use crate::source::checkout::SourceError;

/// What a requirement means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The tag, or the branch.
    pub name: Option<Revision>,
    /// The full ref, where there is one.
    pub reference: Option<String>,
    /// The commit.
    pub commit: CommitId,
    /// The tag object of an annotated tag.
    pub tag_object: Option<CommitId>,
}

/// Asks `url` what `wanted` means: the newest release in a range, else a tag, else a branch, else a commit. `tags` gives its
/// tags.
pub fn choose(
    exec: &Exec,
    url: &GitUrl,
    releases: &Releases,
    wanted: &Wanted,
    reporter: &dyn Reporter,
    tags: impl FnOnce() -> Result<Arc<Vec<RemoteRef>>, GitError>,
) -> Result<Chosen, SourceError> {
    if let Wanted::Commit(commit) = wanted {
        return Ok(Chosen { name: None, reference: None, commit: commit.clone(), tag_object: None });
    }
    let tags = tags()?;
    let found = match wanted {
        Wanted::Range(_) => {
            let names = tags.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
            let release = choose_release(&names, releases, wanted, &url.to_string())?;
            tags.iter().find(|t| t.name == *release.tag())
        }
        Wanted::Revision(name) => tags.iter().find(|t| t.name == *name),
        Wanted::Commit(_) => None,
    };
    if let Some(tag) = found {
        return Ok(Chosen {
            name: Some(tag.name.clone()),
            reference: Some(format!("refs/tags/{}", tag.name)),
            commit: tag.commit.clone(),
            tag_object: tag.tag_object.clone(),
        });
    }
    if let Wanted::Revision(name) = wanted
        && let Some(commit) = git::remote::find_branch(exec, url, name, reporter)?
    {
        return Ok(Chosen { name: Some(name.clone()), reference: Some(format!("refs/heads/{name}")), commit, tag_object: None });
    }
    let names = tags.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    Err(SourceError::NoRevision { origin: url.to_string(), wanted: wanted.clone(), hint: near(&names, &wanted.to_string()) })
}

/// The newest release among `tags` that is one of `releases` and in the range `wanted`.
pub fn choose_release(tags: &[Revision], releases: &Releases, wanted: &Wanted, origin: &str) -> Result<Release, SourceError> {
    let glob = globset::Glob::new(&releases.tags).map(|g| g.compile_matcher()).ok();
    let all = || {
        tags.iter()
            .filter(|t| glob.as_ref().is_none_or(|g| g.is_match(t.as_str())))
            .filter_map(Release::parse)
            .filter(|r| releases.versions.as_ref().is_none_or(|range| range.spans(r)))
    };
    let matching = all().filter(|r| match wanted {
        Wanted::Range(req) => req.matches(r),
        Wanted::Revision(name) => r.tag() == name,
        Wanted::Commit(_) => false,
    });
    match matching.max() {
        Some(release) => Ok(release),
        None => {
            let names: Vec<Revision> = all().map(|r| r.tag().clone()).collect();
            Err(SourceError::NoRelease {
                origin: origin.to_owned(),
                wanted: wanted.to_string(),
                hint: near(&names, &wanted.to_string()),
            })
        }
    }
}

impl SourceError {
    /// Nothing among `names` is what was wanted.
    pub fn nothing(origin: &str, wanted: &Wanted, names: &[Revision]) -> Self {
        let (origin, hint) = (origin.to_owned(), near(names, &wanted.to_string()));
        match wanted {
            Wanted::Range(_) => Self::NoRelease { origin, wanted: wanted.to_string(), hint },
            _ => Self::NoRevision { origin, wanted: wanted.clone(), hint },
        }
    }
}

/// The names nearest to what was asked for, as a sentence.
fn near(names: &[Revision], wanted: &str) -> String {
    // What the wanted name and its neighbours have in common: the numbers, without build or pre-release.
    let numbers = wanted.trim_start_matches(|c: char| !c.is_ascii_digit());
    let stem = numbers.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    let mut alike: Vec<&str> =
        names.iter().map(Revision::as_str).filter(|n| !stem.is_empty() && n.trim_start_matches('v').starts_with(stem)).collect();
    alike.reverse();
    alike.truncate(5);
    if let Some(near) = nearest(wanted, names.iter().map(Revision::as_str))
        && !alike.contains(&near)
    {
        alike.insert(0, near);
    }
    let mut releases: Vec<Release> = names.iter().filter_map(Release::parse).filter(|r| !r.is_pre_release()).collect();
    releases.sort();
    match (alike.is_empty(), releases.last()) {
        (false, _) => format!("the nearest are {}", alike.join(", ")),
        (true, Some(newest)) => format!("the newest of {} releases is {newest}", releases.len()),
        (true, None) => "it has no tags that are versions".into(),
    }
}

/// Compares a locked tag with the one that the upstream has now. A tag that was made again on the same commit is a note.
pub fn check_tag(
    tags: &[RemoteRef],
    url: &GitUrl,
    tag: &Revision,
    locked: &CommitId,
    tag_object: Option<&CommitId>,
    reporter: &dyn Reporter,
) -> Result<(), SourceError> {
    let Some(now) = tags.iter().find(|t| t.name == *tag) else {
        return Err(SourceError::TagGone { origin: url.to_string(), tag: tag.clone(), locked: locked.clone() });
    };
    if now.commit != *locked {
        return Err(SourceError::TagMoved {
            origin: url.to_string(),
            tag: tag.clone(),
            locked: locked.clone(),
            found: now.commit.clone(),
        });
    }
    if now.tag_object.as_ref() != tag_object {
        reporter.report(Event::Notice { text: format!("{url}: {tag} was re-tagged, same commit") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Req;

    #[test]
    fn the_newest_release_of_a_line_is_chosen() {
        let tags: Vec<Revision> =
            ["v1.35.7+k0s.0", "v1.36.3+k0s.0", "v1.36.3+k0s.2", "v1.36.4-rc.0+k0s.0", "dev", "x1.36.9", "v1.36.10"]
                .iter()
                .map(|t| Revision::new(*t).unwrap())
                .collect();
        let releases = Releases { tags: "v*+k0s.*".into(), versions: Some(Req::parse(">=1.24").unwrap()) };
        let pick = |wanted: &str| choose_release(&tags, &releases, &Wanted::parse(wanted).unwrap(), "k0s").map(|r| r.to_string());
        assert_eq!(pick("~1.36").unwrap(), "v1.36.3+k0s.2");
        assert_eq!(pick("*").unwrap(), "v1.36.4-rc.0+k0s.0");
        assert_eq!(near(&tags, "v1.36.3+k0s.9"), "the nearest are v1.36.3+k0s.2, v1.36.3+k0s.0");
        let error = pick("~1.37").unwrap_err();
        assert!(matches!(&error, SourceError::NoRelease { hint, .. } if hint.contains("v1.36.3+k0s.2")), "{error:?}");
    }
}
