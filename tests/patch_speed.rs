//! A ten-patch series on a tree of 1,000 files, object store to object store: at least 20 times faster than `git am`.

mod patch_kit;

use std::time::{Duration, Instant};

use forge::files::Files;
use forge::git::objects::Objects;
use forge::names::{SeriesName, TreeId, UpstreamName};
use forge::patch::{Outcome, Series, apply};
use patch_kit::{Lab, Rng};

fn lab() -> Lab {
    let lab = Lab::new();
    let text = |f: usize| (0..200).map(|l| format!("line {l} of file {f}\n")).collect::<String>();
    for f in 0..1000 {
        lab.write(&format!("pkg{}/sub{}/file{f}.go", f % 25, f % 4), text(f).as_bytes());
    }
    let mut rng = Rng(3);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    for n in 0..10 {
        for f in [n * 7, n * 7 + 1, 500] {
            let changed = lab
                .read(&format!("pkg{}/sub{}/file{f}.go", f % 25, f % 4))
                .replace(&format!("line {} ", 10 + n * 15), "CHANGED ");
            lab.write(&format!("pkg{}/sub{}/file{f}.go", f % 25, f % 4), changed.as_bytes());
        }
        lab.write(&format!("new/file{n}.go"), text(n).as_bytes());
        lab.commit(&format!("change {n}"), &mut rng);
    }
    lab.export(&["start..HEAD"]);
    lab
}

fn best(times: usize, mut run: impl FnMut()) -> Duration {
    let one = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..times).map(one).min().unwrap_or_default()
}

#[test]
#[ignore = "a measurement: cargo test --release --test patch_speed -- --ignored"]
fn twenty_times_faster_than_git_am() {
    let lab = lab();
    let result = lab.tree("HEAD");
    let objects = Objects::open(&lab.repo().join(".git")).unwrap();
    let base = TreeId::new(lab.tree("start")).unwrap();
    let files = Files::new(Some(lab.root.path().join("project")));
    let ours = best(20, || {
        // Reading and parsing the series is part of it: `git am` does that, too.
        let series = Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap()).unwrap();
        let outcome = apply(&objects, &base, None, &[&series]).unwrap();
        assert!(matches!(outcome, Outcome::Applied { tree, .. } if tree.as_str() == result));
    });
    let mut gits = Duration::MAX;
    for _ in 0..5 {
        lab.git(&["checkout", "-q", "--detach", "start"]);
        gits = gits.min(best(1, || assert!(lab.am())));
    }
    assert!(ours * 20 < gits, "forge {ours:?}, git am {gits:?}");
    #[expect(clippy::disallowed_macros, reason = "the figure is what the test is run for")]
    {
        println!("forge {ours:?}, git am {gits:?}: {:.0} times", gits.as_secs_f64() / ours.as_secs_f64());
    }
}
