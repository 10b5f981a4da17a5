//! Stacks of commits survive export, `git am`, import and export with equal bytes, and what is exported gives the commits'
//! trees. Random repositories and changes; FORGE_ROUNDTRIPS says how many.

mod patch_kit;

use std::fs;

use forge::files::Files;
use forge::git::diff::tree_diff;
use forge::git::work::{Commit, WorkRepo};
use forge::names::{CommitId, SeriesName, TreeId, UpstreamName};
use forge::patch::{Letter, Outcome, Series, apply, explain, write_mail};
use patch_kit::{Lab, Rng};

/// The commits between two names.
fn commits(lab: &Lab, from: &str, to: &str) -> (WorkRepo, Vec<Commit>) {
    let repo = WorkRepo::open_clone(&lab.repo()).unwrap();
    let id = |name: &str| CommitId::new(lab.git(&["rev-parse", name]).trim()).unwrap();
    let commits = repo.since(&id(from), &id(to)).unwrap().unwrap();
    (repo, commits)
}

/// A mail for each commit.
fn export(lab: &Lab, from: &str, to: &str) -> Vec<Vec<u8>> {
    let (repo, commits) = commits(lab, from, to);
    let mut mails = Vec::new();
    for commit in commits {
        let parent = repo.objects().commit_tree(&commit.parents[0]).unwrap();
        let diff = tree_diff(repo.objects(), &parent, &commit.step.tree).unwrap();
        let letter = Letter::of(&commit.step);
        mails.push(write_mail(&letter, &diff, None).unwrap());
    }
    mails
}

fn one_case(seed: u64) {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let lab = Lab::new();
    lab.random_files(&mut rng);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    for n in 0..1 + rng.below(4) {
        lab.random_change(&mut rng, 4);
        lab.commit(&format!("change {n}"), &mut rng);
    }
    lab.git(&["branch", "mine"]);
    let first = export(&lab, "start", "mine");
    for (n, mail) in first.iter().enumerate() {
        fs::write(lab.series().join(format!("{n:04}.patch")), mail).unwrap();
    }
    // forge makes the tree of the commits,
    let files = Files::new(Some(lab.root.path().join("project")));
    let series = Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap());
    let series = series.unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
    let (repo, _) = commits(&lab, "start", "start");
    let base = TreeId::new(lab.tree("start")).unwrap();
    match apply(repo.objects(), &base, None, &[&series]).unwrap() {
        Outcome::Applied { tree, .. } => assert_eq!(tree.as_str(), lab.tree("mine"), "seed {seed}"),
        Outcome::Failed { failures, .. } => {
            panic!("seed {seed}: {}", failures.iter().map(|f| explain(f, "c")).collect::<String>())
        }
    }
    // and so does git, of which the same mails come again.
    lab.git(&["checkout", "-q", "--detach", "start"]);
    assert!(lab.am(), "seed {seed}: git am refuses what forge wrote");
    assert_eq!(lab.tree("HEAD"), lab.tree("mine"), "seed {seed}");
    let second = export(&lab, "start", "HEAD");
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(String::from_utf8_lossy(a), String::from_utf8_lossy(b), "seed {seed}");
        assert_eq!(a, b, "seed {seed}");
    }
    assert_eq!(first.len(), second.len());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how many are tried is said by a variable")]
fn stacks_survive_export_am_import_export() {
    let count: u64 = std::env::var("FORGE_ROUNDTRIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(16);
    std::thread::scope(|scope| {
        let worker = |w: u64| scope.spawn(move || (w..count).step_by(2).for_each(one_case));
        [0, 1].map(worker).into_iter().for_each(|w| w.join().unwrap());
    });
}
