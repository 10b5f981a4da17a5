//! Where forge applies a quilt folder, `quilt push -a --fuzz=0` gives the same tree.

mod patch_kit;

use std::fs;

use forge::files::Files;
use forge::git::objects::Objects;
use forge::names::{SeriesName, TreeId, UpstreamName};
use forge::patch::{Outcome, Series, apply, explain};
use patch_kit::{Lab, Rng, mutated, run};

#[expect(clippy::disallowed_macros, reason = "a test that did not run must not look like one that passed")]
#[expect(clippy::disallowed_methods, reason = "whether a program is installed depends on PATH")]
fn quilt_is_here() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).any(|dir| dir.join("quilt").is_file());
    if !here {
        eprintln!("SKIPPED: quilt is not installed (apt-get install quilt)");
    }
    here
}

/// Applies with quilt: the tree, or what quilt printed where it refused.
fn push(lab: &Lab) -> Result<String, String> {
    let patches = format!("QUILT_PATCHES={}", lab.series().display());
    let out = run(&lab.repo(), "env", &[&patches, "QUILT_PC=.pc", "QUILT_NO_DIFF_INDEX=1", "quilt", "push", "-a", "--fuzz=0"]);
    let _ = fs::remove_dir_all(lab.repo().join(".pc"));
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr));
    }
    lab.git(&["add", "-A"]);
    Ok(lab.git(&["write-tree"]).trim().to_owned())
}

fn one_case(seed: u64) -> bool {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let lab = Lab::new();
    lab.random_files(&mut rng);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    let mut series = String::from("# the list\n\n");
    let plain = rng.one_in(2);
    for n in 0..1 + rng.below(3) {
        let before = lab.root.path().join("before");
        run(lab.root.path(), "rm", &["-rf", "before"]);
        run(lab.root.path(), "cp", &["-a", "repo", "before"]);
        lab.text_change(&mut rng, 4, plain);
        let strip = rng.below(2);
        let diff = if plain {
            // GNU diff: timestamps, 1970 for what is not there.
            run(&before, "rm", &["-rf", ".git"]);
            run(lab.root.path(), "cp", &["-a", "repo", "after"]);
            run(lab.root.path(), "rm", &["-rf", "after/.git"]);
            let (a, b) = if strip == 1 { ("before", "after") } else { (".", "../after") };
            let dir = if strip == 1 { lab.root.path() } else { &before };
            let mut out = run(dir, "diff", &["-Naur", "--no-dereference", a, b]).stdout;
            if strip == 0 {
                // What `quilt refresh -p0` writes.
                out = String::from_utf8(out)
                    .unwrap()
                    .replace("+++ ../after/", "+++ ")
                    .replace("+++ \"../after/", "+++ \"")
                    .into_bytes();
            }
            run(lab.root.path(), "rm", &["-rf", "after"]);
            out
        } else {
            lab.git(&["add", "-A"]);
            let prefix = if strip == 1 { "--src-prefix=a/" } else { "--no-prefix" };
            let renames = ["-M", "--no-renames"][rng.below(2)];
            run(&lab.repo(), "git", &["diff", "--cached", prefix, renames]).stdout
        };
        lab.commit("change", &mut rng);
        let header = "Description: a change\n with more words\nAuthor: A <a@example.org>\nForwarded: no\n---\n";
        let header = if rng.one_in(2) { header } else { "" };
        fs::write(lab.series().join(format!("p{n}.patch")), [header.as_bytes(), &diff].concat()).unwrap();
        let option = if strip == 0 { " -p0" } else { ["", " -p1  # as usual"][rng.below(2)] };
        series.push_str(&format!("p{n}.patch{option}\n"));
    }
    fs::write(lab.series().join("series"), series).unwrap();
    let files = Files::new(Some(lab.root.path().join("project")));
    let loaded = match Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap()) {
        Ok(loaded) => loaded,
        // A name with a blank and no `---` line: patch(1) cannot read it, and forge says so.
        Err(e) if e.to_string().contains("file name cannot be read") => {
            assert!(push(&lab).is_err(), "seed {seed}: {e}");
            return false;
        }
        Err(e) => panic!("seed {seed}: {e:?}"),
    };
    let objects = Objects::open(&lab.repo().join(".git")).unwrap();
    let base = TreeId::new(lab.tree("start")).unwrap();
    lab.git(&["checkout", "-q", "start"]);
    match apply(&objects, &base, None, &[&loaded]).unwrap() {
        // Not the tree that was diffed: diff(1) cannot say that an empty file came or went.
        Outcome::Applied { tree, .. } => assert_eq!(push(&lab), Ok(tree.to_string()), "seed {seed}: on its own base"),
        Outcome::Failed { failures, .. } => {
            let text: String = failures.iter().map(|f| explain(f, "c")).collect();
            panic!("seed {seed}: refused on the patch's own base\n{text}");
        }
    }
    lab.git(&["checkout", "-qf", "start"]);

    // Patches that somebody edited by hand.
    let mut slip = Rng(rng.0);
    let path = lab.series().join("p0.patch");
    let bytes = fs::read(&path).unwrap();
    for _ in 0..2 {
        fs::write(&path, mutated(&bytes, &mut slip)).unwrap();
        let Ok(edited) = Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap()) else {
            continue;
        };
        if let Outcome::Applied { tree, .. } = apply(&objects, &base, None, &[&edited]).unwrap() {
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(push(&lab), Ok(tree.to_string()), "seed {seed}: an edited patch\n{text}");
            lab.git(&["checkout", "-qf", "start"]);
        }
    }
    fs::write(&path, bytes).unwrap();

    lab.random_drift(&mut rng);
    lab.commit("drift", &mut rng);
    let drifted = TreeId::new(lab.tree("HEAD")).unwrap();
    match apply(&objects, &drifted, None, &[&loaded]).unwrap() {
        Outcome::Applied { tree, .. } => {
            assert_eq!(push(&lab), Ok(tree.to_string()), "seed {seed}: another tree than quilt");
            true
        }
        Outcome::Failed { .. } => false,
    }
}

/// Runs cases on both cores; how many drifted bases took their series.
fn cases(from: u64, count: u64) -> usize {
    let taken = std::thread::scope(|scope| {
        let worker = |w| scope.spawn(move || (0..count / 2).map(|i| one_case(from + i * 2 + w)).collect::<Vec<_>>());
        [0, 1].map(worker).into_iter().flat_map(|w| w.join().unwrap()).collect::<Vec<_>>()
    });
    taken.iter().filter(|taken| **taken).count()
}

#[test]
fn forge_and_quilt_agree() {
    if quilt_is_here() {
        assert!(cases(0, 6) > 0, "hardly any drifted base took its series");
    }
}

#[test]
#[ignore = "takes minutes; run it after changes of parsing or placement: cargo test --test patch_quilt -- --ignored"]
fn forge_and_quilt_agree_on_many_repositories() {
    if quilt_is_here() {
        assert!(cases(1000, 200) > 40, "hardly any drifted base took its series");
    }
}
