//! Where forge applies a series of mails, `git am --keep-cr` gives the same tree: random repositories, random changes,
//! exported by the real `git format-patch`, applied by both to the base they were made on and to bases that have drifted.

mod patch_kit;

use std::fs;

use forge::files::Files;
use forge::git::objects::Objects;
use forge::names::{SeriesName, TreeId, UpstreamName};
use forge::patch::{Outcome, Series, Status, apply, apply_stepwise, blame, explain};
use patch_kit::{Lab, Rng, mutated};

fn project(lab: &Lab) -> Files {
    Files::new(Some(lab.root.path().join("project")))
}

fn load(lab: &Lab) -> Series {
    Series::load(&project(lab), &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap())
        .unwrap_or_else(|e| panic!("{e:?}"))
}

/// One random history; returns whether the drifted base took the series.
fn one_case(seed: u64) -> (bool, bool) {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let lab = Lab::new();
    lab.random_files(&mut rng);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    let base = lab.tree("HEAD");
    for n in 0..1 + rng.below(3) {
        lab.random_change(&mut rng, 4);
        lab.commit(&format!("change {n}"), &mut rng);
    }
    let result = lab.tree("HEAD");
    let context = format!("-U{}", 1 + rng.below(4));
    let renames = ["-M", "-C", "--no-renames", "--find-copies-harder"][rng.below(4)];
    lab.export(&["--binary", &context, renames, "start..HEAD"]);
    let series = load(&lab);
    let objects = Objects::open(&lab.repo().join(".git")).unwrap();

    let outcome = apply(&objects, &TreeId::new(base.clone()).unwrap(), None, &[&series]).unwrap();
    match &outcome {
        Outcome::Applied { tree, .. } => assert_eq!(tree.as_str(), result, "seed {seed}: another tree on the patch's own base"),
        Outcome::Failed { failures, .. } => {
            let text: String = failures.iter().map(|f| explain(f, "c")).collect();
            panic!("seed {seed}: refused on the patch's own base\n{text}");
        }
    }
    check_messages(&lab, &series, seed);

    // Mails that somebody edited by hand: most are refused, the others must mean the same to git.
    let mut slip = Rng(rng.0);
    let originals = lab.patches();
    for _ in 0..3 {
        let (path, bytes) = &originals[slip.below(originals.len())];
        fs::write(path, mutated(bytes, &mut slip)).unwrap();
        let loaded = Series::load(&project(&lab), &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap());
        let outcome = loaded.map(|s| apply(&objects, &TreeId::new(base.clone()).unwrap(), None, &[&s]).unwrap());
        if let Ok(Outcome::Applied { tree, .. }) = outcome {
            lab.git(&["checkout", "-q", "--detach", "start"]);
            let text = fs::read_to_string(path).unwrap_or_default();
            assert!(lab.am(), "seed {seed}: forge applies an edited patch that git am refuses\n{text}");
            let differ = lab.git(&["diff-tree", "-r", "-p", tree.as_str(), "HEAD^{tree}"]);
            assert_eq!(differ, "", "seed {seed}: an edited patch gives another tree than git am\n{text}");
        }
        fs::write(path, bytes).unwrap();
    }

    // The same on a base that has moved on.
    lab.git(&["checkout", "-q", "start"]);
    lab.random_drift(&mut rng);
    lab.commit("drift", &mut rng);
    let drifted = lab.tree("HEAD");
    let outcome = apply(&objects, &TreeId::new(drifted.clone()).unwrap(), None, &[&series]).unwrap();
    let git_takes_it = lab.am();
    match outcome {
        Outcome::Applied { tree, steps } => {
            assert!(git_takes_it, "seed {seed}: forge applies what git am refuses");
            assert_eq!(lab.tree("HEAD"), tree.as_str(), "seed {seed}: another tree than git am");
            let moved = steps.iter().any(|s| matches!(&s.status, Status::Applied { offsets, .. } if !offsets.is_empty()));
            (true, moved)
        }
        Outcome::Failed { failures, .. } => {
            assert!(failures.iter().all(|f| !explain(f, "c").is_empty()));
            (false, false)
        }
    }
}

/// Author, date and message are those that `git am` commits.
fn check_messages(lab: &Lab, series: &Series, seed: u64) {
    lab.git(&["checkout", "-q", "--detach", "start"]);
    assert!(lab.am(), "seed {seed}: git am refuses its own export");
    let log = lab.git(&["log", "--reverse", "--format=%an%x00%ae%x00%ad%x00%B%x01", "--date=raw", "start..HEAD"]);
    let commits: Vec<&str> = log.split('\u{1}').map(str::trim_start).filter(|c| !c.is_empty()).collect();
    assert_eq!(commits.len(), series.patches().len());
    for (commit, patch) in commits.iter().zip(series.patches()) {
        let mail = patch.forms[0].content.mail().unwrap();
        let (seconds, minutes) = mail.date.unwrap();
        let sign = if minutes < 0 { '-' } else { '+' };
        let zone = format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60);
        let ours = format!("{}\0{}\0{seconds} {zone}\0{}", mail.author, mail.email, mail.message());
        assert_eq!(ours, *commit, "seed {seed}");
    }
}

/// Runs cases on both cores; returns how many there were, how many drifted bases took the series, and how many of them
/// with offsets.
fn cases(from: u64, count: u64) -> (usize, usize, usize) {
    let all = std::thread::scope(|scope| {
        let worker = |w| scope.spawn(move || (0..count / 2).map(|i| one_case(from + i * 2 + w)).collect::<Vec<_>>());
        [0, 1].map(worker).into_iter().flat_map(|w| w.join().unwrap()).collect::<Vec<_>>()
    });
    (all.len(), all.iter().filter(|(taken, _)| *taken).count(), all.iter().filter(|(_, moved)| *moved).count())
}

#[test]
fn forge_and_git_am_agree() {
    let (all, taken, _) = cases(0, 14);
    assert!(taken > 2 && taken < all, "the drift is too strong or too weak to prove anything: {taken} of {all}");
}

#[test]
#[ignore = "takes minutes; run it after changes of parsing or placement: cargo test --test patch_git -- --ignored"]
fn forge_and_git_am_agree_on_many_repositories() {
    let (all, taken, moved) = cases(1000, 400);
    assert!(taken > all / 10 && moved > all / 50, "{taken} of {all}, {moved} with offsets");
}

#[test]
fn stepwise_trees_are_those_of_git_am() {
    let mut rng = Rng(7);
    let lab = Lab::new();
    lab.random_files(&mut rng);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    for n in 0..3 {
        lab.random_change(&mut rng, 3);
        lab.commit(&format!("change {n}"), &mut rng);
    }
    lab.export(&["--binary", "start..HEAD"]);
    let objects = Objects::open(&lab.repo().join(".git")).unwrap();
    let base = TreeId::new(lab.tree("start")).unwrap();
    let Outcome::Applied { tree, steps } = apply_stepwise(&objects, &base, None, &[&load(&lab)]).unwrap() else {
        panic!("refused");
    };
    let trees: Vec<String> = steps.iter().map(|s| s.tree.as_ref().unwrap().to_string()).collect();
    assert_eq!(trees, ["HEAD~2", "HEAD~1", "HEAD"].map(|rev| lab.tree(rev)));
    assert_eq!(trees.last().map(String::as_str), Some(tree.as_str()));
}

#[test]
fn blame_names_the_patch_that_wrote_a_line() {
    let mut rng = Rng(1);
    let lab = Lab::new();
    let text = |lines: &[&str]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
    lab.write("a.go", text(&["one", "two", "three", "four", "five", "six", "seven"]).as_bytes());
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    lab.write("a.go", text(&["one", "two", "NEW", "three", "four", "five", "six", "seven"]).as_bytes());
    lab.commit("first", &mut rng);
    lab.git(&["mv", "a.go", "b.go"]);
    lab.write("b.go", text(&["one", "two", "NEW", "three", "FOUR", "five", "six", "seven"]).as_bytes());
    lab.commit("second", &mut rng);
    lab.export(&["-M", "start..HEAD"]);
    let objects = Objects::open(&lab.repo().join(".git")).unwrap();
    let base = TreeId::new(lab.tree("start")).unwrap();
    let series = load(&lab);
    let names = |path: &str| -> Vec<Option<String>> {
        let path = forge::names::RelPath::new(path).unwrap();
        let authors = blame(&objects, &base, None, &[&series], &path).unwrap();
        authors.into_iter().map(|a| a.map(|a| a.patch.to_string())).collect()
    };
    let [first, second] = [0, 1].map(|n| Some(series.patches()[n].name.to_string()));
    assert_eq!(names("b.go"), [None, None, first, None, second, None, None, None]);
    assert_eq!(names("a.go"), []);
}
