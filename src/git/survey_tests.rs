//! Surveys of upstreams of the real git.

use super::*;
use crate::event::Silent;
use crate::git::remote::{RefKind, list_refs};
use crate::git::testing::{Upstream, git as plain};
use crate::names::RelPath;

fn survey(up: &Upstream) -> Survey {
    Survey::open_or_init(&up.dir.path().join("store/k0s.git"), &Silent, &Interrupt::never()).unwrap()
}

/// Three releases, one of them with an annotated tag, that share a file.
fn upstream() -> (Upstream, Vec<Seen>) {
    let up = Upstream::new();
    up.git(&["config", "uploadpack.allowFilter", "true"]);
    for n in 1..=3 {
        let noise = "noise ".repeat(5000) + &n.to_string();
        up.commit(&[("a/same", "the same"), ("a/other", &n.to_string()), ("big", &noise)], "release");
        let tag = format!("v1.{n}.0");
        if n == 2 {
            up.git(&["tag", "-a", "-m", "x", &tag])
        } else {
            up.git(&["tag", &tag])
        };
    }
    let refs = list_refs(&up.exec, &up.url(), RefKind::Tags, &Silent).unwrap();
    let seen = refs.into_iter().map(|r| Seen { name: r.name, kind: SeenKind::Tag, commit: r.commit }).collect();
    (up, seen)
}

fn blobs(survey: &Survey, seen: &[Seen], path: &str) -> BTreeSet<BlobId> {
    let objects = survey.objects().unwrap();
    let path = RelPath::new(path).unwrap();
    let of = |s: &Seen| objects.entry(&objects.commit_tree(&s.commit).unwrap(), &path).unwrap().unwrap().id;
    seen.iter().map(of).collect()
}

#[test]
fn commits_come_without_files_and_files_in_one_batch() {
    let (up, seen) = upstream();
    let survey = survey(&up);
    assert_eq!(survey.fetch_commits(&up.exec, &up.url(), &seen, &Silent).unwrap(), 3);
    let wanted: BTreeSet<BlobId> = blobs(&survey, &seen, "a/same").into_iter().chain(blobs(&survey, &seen, "a/other")).collect();
    assert_eq!(wanted.len(), 4);
    let objects = survey.objects().unwrap();
    assert!(!wanted.iter().any(|id| objects.has_blob(id).unwrap()), "files came with the commits");
    assert_eq!(survey.fetch_blobs(&up.exec, &up.url(), &wanted, &Silent).unwrap(), 4);
    let objects = survey.objects().unwrap();
    assert!(wanted.iter().all(|id| objects.has_blob(id).unwrap()));
    assert!(!blobs(&survey, &seen, "big").iter().any(|id| objects.has_blob(id).unwrap()), "nobody asked for it");
    // What is here is not asked for again.
    std::fs::remove_dir_all(up.path()).unwrap();
    assert_eq!(survey.fetch_commits(&up.exec, &up.url(), &seen, &Silent).unwrap(), 0);
    assert_eq!(survey.fetch_blobs(&up.exec, &up.url(), &wanted, &Silent).unwrap(), 0);
}

#[test]
fn a_server_that_ignores_filters_is_fine() {
    let (up, seen) = upstream();
    up.git(&["config", "uploadpack.allowFilter", "false"]);
    let survey = survey(&up);
    survey.fetch_commits(&up.exec, &up.url(), &seen, &Silent).unwrap();
    let wanted = blobs(&survey, &seen, "big");
    assert_eq!(survey.fetch_blobs(&up.exec, &up.url(), &wanted, &Silent).unwrap(), 0, "they came already");
}

#[test]
fn new_releases_come_into_the_same_survey_and_a_moved_tag_is_noticed() {
    let (up, seen) = upstream();
    let survey = survey(&up);
    survey.fetch_commits(&up.exec, &up.url(), &seen[..2], &Silent).unwrap();
    survey.fetch_blobs(&up.exec, &up.url(), &blobs(&survey, &seen[..2], "a/other"), &Silent).unwrap();
    assert_eq!(survey.fetch_commits(&up.exec, &up.url(), &seen, &Silent).unwrap(), 1);
    survey.fetch_blobs(&up.exec, &up.url(), &blobs(&survey, &seen, "a/other"), &Silent).unwrap();
    let other = up.commit(&[("a/other", "moved")], "again");
    let stale = Seen { commit: CommitId::new("0123456789012345678901234567890123456789").unwrap(), ..seen[0].clone() };
    let error = survey.fetch_commits(&up.exec, &up.url(), &[stale], &Silent).unwrap_err();
    assert!(matches!(error, GitError::Moved { .. }), "{error}");
    drop(other);
}

#[test]
fn no_secret_is_kept_and_libgit2_opens_it() {
    let (up, seen) = upstream();
    let url = GitUrl::new(format!("file://user:secret@localhost{}", up.path().display())).unwrap();
    let exec = up.exec_with(&[(&format!("url.{}.insteadOf", up.url().expose()), url.expose())]);
    let survey = survey(&up);
    survey.fetch_commits(&exec, &url, &seen, &Silent).unwrap();
    survey.fetch_blobs(&exec, &url, &blobs(&survey, &seen, "a/same"), &Silent).unwrap();
    let config = std::fs::read_to_string(survey.store.path().join("config")).unwrap();
    assert!(!config.contains("secret") && !config.to_lowercase().contains("partialclone ="), "{config}");
    assert_eq!(plain(&exec, survey.store.path(), &["config", "gc.auto"]), "0");
    survey.objects().unwrap();
    assert_eq!(survey.seen(), None);
    survey.remember(&seen).unwrap();
    assert_eq!(survey.seen(), Some(seen));
}

#[test]
fn trees_are_written_down_and_read_again() {
    let (up, seen) = upstream();
    let survey = survey(&up);
    let commits = || seen.iter().map(|s| &s.commit);
    assert!(matches!(survey.trees(commits()), Err(ObjectsError::Missing { .. })), "nothing was fetched yet");
    survey.fetch_commits(&up.exec, &up.url(), &seen[..2], &Silent).unwrap();
    survey.trees(seen[..2].iter().map(|s| &s.commit)).unwrap();
    survey.fetch_commits(&up.exec, &up.url(), &seen, &Silent).unwrap();
    let objects = survey.objects().unwrap();
    let truth: Vec<TreeId> = commits().map(|c| objects.commit_tree(c).unwrap()).collect();
    let told = |survey: &Survey| survey.trees(commits()).unwrap();
    assert_eq!(told(&survey), truth);
    // From what was written down, and where somebody spoilt that, from the objects.
    let file = survey.beside(".trees");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(kept.lines().count(), 3);
    assert_eq!(told(&survey), truth);
    std::fs::write(&file, kept.replace(seen[0].commit.as_str(), "nonsense")).unwrap();
    assert_eq!(told(&survey), truth);
}
