use std::fs;

use super::*;
use crate::files::Files;
use crate::git::objects::{Changes, Mode};
use crate::names::{SeriesName, UpstreamName};
use crate::patch::explain;
use crate::patch::outcome::{FileProblem, HunkProblem};

struct Lab {
    dir: tempfile::TempDir,
    objects: Objects,
    base: TreeId,
}

impl Lab {
    fn new(files: &[(&str, Mode, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("store.git")).unwrap();
        let mut changes = Changes::new();
        for (path, mode, text) in files {
            changes.insert(RelPath::new(*path).unwrap(), Some((*mode, text.as_bytes().to_vec())));
        }
        let base = objects.write(None, &changes).unwrap();
        Self { dir, objects, base }
    }

    fn series(&self, files: &[(&str, &str)]) -> Series {
        let folder = self.dir.path().join("patches/up/s");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let files = Files::new(Some(self.dir.path().to_owned()));
        Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap()).unwrap()
    }

    fn apply(&self, files: &[(&str, &str)]) -> Outcome {
        apply(&self.objects, &self.base, None, &[&self.series(files)]).unwrap()
    }

    /// The files of the result, `PATH=CONTENT`.
    fn result(&self, files: &[(&str, &str)]) -> Vec<String> {
        match self.apply(files) {
            Outcome::Applied { tree, .. } => {
                let entries = self.objects.walk(&tree).unwrap();
                let show = |e: crate::git::objects::Entry| {
                    format!("{}={}", e.path, String::from_utf8_lossy(&self.objects.blob(&e.id).unwrap()).trim_end())
                };
                entries.into_iter().map(show).collect()
            }
            Outcome::Failed { failures, .. } => panic!("{}", failures.iter().map(|f| explain(f, "k0s")).collect::<String>()),
        }
    }

    fn failures(&self, files: &[(&str, &str)]) -> Vec<PatchFailure> {
        match self.apply(files) {
            Outcome::Applied { .. } => panic!("was applied"),
            Outcome::Failed { failures, .. } => failures,
        }
    }

    /// The one problem of the one patch.
    fn problem(&self, patch: &str) -> FileProblem {
        let mut failures = self.failures(&[("x.patch", patch)]);
        let Cause::NoForm { mut forms } = failures.remove(0).cause else { panic!() };
        forms.remove(0).files.remove(0).problem
    }
}

fn simple() -> Lab {
    Lab::new(&[
        ("f", Mode::File, "a\nb\nc\n"),
        ("d/g", Mode::File, "g\n"),
        ("link", Mode::Symlink, "d"),
        ("run", Mode::Executable, "x\n"),
        ("out", Mode::Symlink, "/etc"),
    ])
}

const CHANGE_F: &str = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";

fn create(path: &str) -> String {
    format!("diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+new\n")
}

#[test]
fn nothing_goes_through_a_link() {
    let lab = simple();
    for path in ["link/g", "out/passwd", "link/deep/er"] {
        assert!(matches!(lab.problem(&create(path)), FileProblem::ThroughLink { .. }), "{path}");
    }
    let modify = "--- a/link/g\n+++ b/link/g\n@@ -1 +1 @@\n-g\n+G\n";
    assert!(matches!(lab.problem(modify), FileProblem::ThroughLink { .. }));
    assert!(matches!(lab.problem(CHANGE_F.replace('f', "out/f").as_str()), FileProblem::ThroughLink { .. }));
    let rename = "diff --git a/f b/out/f\nsimilarity index 100%\nrename from f\nrename to out/f\n";
    assert!(matches!(lab.problem(rename), FileProblem::ThroughLink { .. }));
    // A link that the same patch, or an earlier one, makes.
    let made =
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n";
    assert!(matches!(lab.problem(&format!("{made}{}", create("l/x"))), FileProblem::ThroughLink { .. }));
    let failures = lab.failures(&[("1.patch", made), ("2.patch", &create("l/x"))]);
    assert_eq!(failures[0].at.patch.as_str(), "2.patch");
}

#[test]
fn files_and_folders_do_not_replace_each_other() {
    let lab = simple();
    assert_eq!(lab.problem(&create("d")), FileProblem::FolderInTheWay);
    assert!(matches!(lab.problem(&create("f/x")), FileProblem::FileInTheWay { .. }));
    assert!(matches!(lab.problem(&format!("{}{}", create("n"), create("n/x"))), FileProblem::FileInTheWay { .. }));
    assert_eq!(lab.problem(&format!("{}{}{}", create("n/x"), create("n-a"), create("n"))), FileProblem::FolderInTheWay);
}

#[test]
fn states_that_the_patch_did_not_expect_are_conflicts() {
    let lab = simple();
    assert_eq!(lab.problem(&create("f")), FileProblem::AlreadyExists);
    assert_eq!(lab.problem(&CHANGE_F.replace('f', "nope")), FileProblem::Missing);
    let delete = "diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";
    assert!(matches!(lab.problem(delete), FileProblem::Hunks { .. }));
    let delete_empty = "diff --git a/f b/f\ndeleted file mode 100644\nindex e69de29..0000000\n";
    assert_eq!(lab.problem(delete_empty), FileProblem::RestAfterDelete { lines: 3 });
    let mode = "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n";
    assert_eq!(lab.problem(mode), FileProblem::WrongMode { expected: Mode::File, found: Mode::Executable });
    let rename = "diff --git a/nope b/n\nsimilarity index 100%\nrename from nope\nrename to n\n";
    assert_eq!(lab.problem(rename), FileProblem::Missing);
    let rename = "diff --git a/f b/run\nsimilarity index 100%\nrename from f\nrename to run\n";
    assert_eq!(lab.problem(rename), FileProblem::AlreadyExists);
    let into_link = "--- a/link\n+++ b/link\n@@ -1 +1 @@\n-d\n\\ No newline at end of file\n+e\n\\ No newline at end of file\n";
    assert!(matches!(lab.problem(into_link), FileProblem::WrongMode { .. }));
    let binary = "diff --git a/f b/f\nindex 0000000000000000000000000000000000000001..aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 100644\n\
                  GIT binary patch\nliteral 10\nUcmV+l0QLU>0RjUA1qKHQ2>`DEE&u=k\n\nliteral 0\nHcmV?d00001\n\n";
    assert!(matches!(lab.problem(binary), FileProblem::OtherBinary { .. }));
}

#[test]
fn sections_of_one_file_follow_each_other_or_are_refused() {
    let lab = simple();
    let again = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-B\n+BB\n c\n";
    let result = lab.result(&[("x.patch", &format!("{CHANGE_F}{again}"))]);
    assert!(result.contains(&"f=a\nBB\nc".to_owned()), "{result:?}");
    let delete = "diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n";
    let link =
        "diff --git a/f b/f\nnew file mode 120000\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+t\n\\ No newline at end of file\n";
    assert!(lab.result(&[("x.patch", &format!("{delete}{link}"))]).contains(&"f=t".to_owned()));
    assert_eq!(lab.problem(&format!("{CHANGE_F}{delete}")), FileProblem::Twice);
    assert_eq!(lab.problem(&format!("{}{}", create("n"), create("n"))), FileProblem::Twice);
    // Two files that change places.
    let swap = "diff --git a/f b/run\nsimilarity index 100%\nrename from f\nrename to run\n\
                diff --git a/run b/f\nsimilarity index 100%\nrename from run\nrename to f\n";
    let result = lab.result(&[("x.patch", swap)]);
    assert!(result.contains(&"f=x".to_owned()) && result.contains(&"run=a\nb\nc".to_owned()), "{result:?}");
}

#[test]
fn every_failing_patch_is_reported_and_nothing_is_written() {
    let lab = simple();
    let bad = CHANGE_F.replace("-b", "-q");
    let after = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-B\n+BB\n c\n";
    let other = CHANGE_F.replace('f', "nope");
    let files = [("1.patch", bad.as_str()), ("2.patch", &create("n")), ("3.patch", after), ("4.patch", &other)];
    let Outcome::Failed { steps, failures } = lab.apply(&files) else { panic!() };
    let names: Vec<_> = failures.iter().map(|f| f.at.patch.as_str()).collect();
    assert_eq!(names, ["1.patch", "3.patch", "4.patch"]);
    assert_eq!(failures[1].perhaps_because_of, [failures[0].at.clone()]);
    assert!(failures[2].perhaps_because_of.is_empty());
    assert_eq!(steps.len(), 1);
}

#[test]
fn already_upstream_is_proved_by_the_reverse() {
    let lab = Lab::new(&[("f", Mode::File, "a\nB\nc\n"), ("n", Mode::File, "new\n")]);
    let failures = lab.failures(&[("x.patch", &format!("{CHANGE_F}{}", create("n")))]);
    let Cause::NoForm { forms } = &failures[0].cause else { panic!() };
    assert!(forms[0].already_applied);
    assert!(explain(&failures[0], "k0s").contains("already there"));
    let failures = lab.failures(&[("x.patch", &format!("{CHANGE_F}{}", create("n").replace("+new", "+old")))]);
    let Cause::NoForm { forms } = &failures[0].cause else { panic!() };
    assert!(!forms[0].already_applied);
    assert_eq!(forms[0].already_in, [RelPath::new("f").unwrap()]);
}

#[test]
fn exactly_one_form_applies() {
    let lab = simple();
    let list = "[[patch]]\none_of = [{ file = \"a.1.patch\" }, { file = \"a.2.patch\" }]\n";
    let other = CHANGE_F.replace("-b", "-q");
    let outcome = lab.apply(&[("series.toml", list), ("a.1.patch", &other), ("a.2.patch", CHANGE_F)]);
    let Outcome::Applied { steps, .. } = outcome else { panic!() };
    assert!(matches!(&steps[0].status, Status::Applied { form, .. } if form.as_str() == "a.2.patch"));
    assert!(matches!(
        lab.apply(&[("series.toml", list), ("a.1.patch", CHANGE_F), ("a.2.patch", CHANGE_F)]),
        Outcome::Applied { .. }
    ));
    let failures = lab.failures(&[("series.toml", list), ("a.1.patch", CHANGE_F), ("a.2.patch", &CHANGE_F.replace("+B", "+C"))]);
    assert!(matches!(&failures[0].cause, Cause::SeveralForms { forms, differ_in } if forms.len() == 2 && differ_in.len() == 1));
    let failures = lab.failures(&[("series.toml", list), ("a.1.patch", &other), ("a.2.patch", &other)]);
    assert!(matches!(&failures[0].cause, Cause::NoForm { forms } if forms.len() == 2));
    assert_eq!(failures[0].at.patch.as_str(), "a");
}

#[test]
fn a_patch_for_other_releases_is_skipped() {
    let lab = simple();
    let list = "[[patch]]\nfile = \"a.patch\"\nversions = \">=2\"\nreason = \"new there\"\n";
    let series = lab.series(&[("series.toml", list), ("a.patch", CHANGE_F)]);
    let release = |tag: &str| Release::parse(&crate::names::Revision::new(tag).unwrap()).unwrap();
    let Outcome::Applied { tree, steps } = apply(&lab.objects, &lab.base, Some(&release("v1.0.0")), &[&series]).unwrap() else {
        panic!()
    };
    assert_eq!(tree, lab.base);
    assert_eq!(steps[0].status, Status::Skipped { reason: "it is for >=2: new there".into() });
    let outcome = apply(&lab.objects, &lab.base, Some(&release("v2.0.0")), &[&series]).unwrap();
    assert!(matches!(outcome, Outcome::Applied { tree, .. } if tree != lab.base));
}

#[test]
fn a_failure_is_explained_with_its_places() {
    let lab = Lab::new(&[("f", Mode::File, "x\na\nb\u{1b}[31m\nc\r\nd\n")]);
    let patch = "Subject line\n---\n--- a/f\n+++ b/f\n@@ -2,4 +2,4 @@\n a\n-b\n+B\n c\n d\n";
    let failures = lab.failures(&[("x.patch", patch)]);
    let text = explain(&failures[0], "k0s");
    let shown = text.replace(lab.dir.path().to_str().unwrap(), "ROOT");
    assert_eq!(
        shown,
        "s/x.patch does not apply\n\
        \x20 f:2: hunk 1 of 1 finds other text\n\
        \x20   patch: ROOT/patches/up/s/x.patch:5\n\
        \x20   - expected, + found from line 2:\n\
        \x20       a\n\
        \x20     - b\n\
        \x20     - c\n\
        \x20     + b\\u{1b}[31m\n\
        \x20     + c\\u{d}\n\
        \x20       d\n\
        next: correct the patch against `forge tree k0s --unpatched --out DIR`\n"
    );
    assert!(matches!(lab.problem(patch), FileProblem::Hunks { failures, .. }
        if matches!(failures[0].problem, HunkProblem::Mismatch { expected_at: 2, .. })));
}

#[test]
fn the_tree_after_each_patch_is_that_of_the_patches_up_to_it() {
    let lab = simple();
    let diff =
        |path: &str, from: &str, to: &str| format!("--- a/{path}\n+++ b/{path}\n@@ -1,3 +1,3 @@\n-{from}\n+{to}\n b\n c\n");
    let removed =
        "diff --git a/new/h b/new/h\ndeleted file mode 100644\n--- a/new/h\n+++ /dev/null\n@@ -1 +0,0 @@\n-new\n".to_owned();
    // There and back, and a file that comes, goes and comes again.
    let texts = [diff("f", "a", "1"), create("new/h"), diff("f", "1", "a"), removed, diff("f", "a", "2"), create("new/h")];
    let names: Vec<String> = (1..=texts.len()).map(|n| format!("{n}.patch")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let series = lab.series(&files);
    let Outcome::Applied { steps, tree } = apply_stepwise(&lab.objects, &lab.base, None, &[&series]).unwrap() else { panic!() };
    for (at, step) in steps.iter().enumerate() {
        let Outcome::Applied { tree, .. } = lab.apply(&files[..=at]) else { panic!() };
        assert_eq!(step.tree, Some(tree), "patch {}", at + 1);
    }
    assert_eq!(steps.last().unwrap().tree, Some(tree));
    assert_eq!(steps[3].tree, Some(lab.base.clone()));
}
