use super::*;

fn read(text: &str) -> Result<Vec<FilePatch>, DiffError> {
    parse(text.as_bytes(), 1, Dialect::Git, 1)
}
fn one(text: &str) -> FilePatch {
    let mut files = read(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(files.len(), 1);
    files.remove(0)
}
fn problem(text: &str) -> (usize, DiffProblem) {
    match read(text) {
        Err(e) => (e.line, e.problem),
        Ok(files) => panic!("was taken: {files:?}"),
    }
}

const HUNK: &str = "@@ -1 +1 @@\n-a\n+b\n";

#[test]
fn gits_sections_are_read() {
    let file = one(&format!("diff --git a/x/y b/x/y\nindex 123..456 100755\n--- a/x/y\n+++ b/x/y\n{HUNK}-- \n2.39.5\n\n"));
    assert_eq!((file.kind, file.old.as_str(), file.index_mode), (Kind::Modify, "x/y", Some(Mode::Executable)));
    let file = one("diff --git a/x b/x\nnew file mode 100755\nindex 0000000..e69de29\n");
    assert_eq!((file.kind, file.new_mode, file.body), (Kind::Create, Some(Mode::Executable), Body::Empty));
    let file = one(
        "diff --git a/x b/x\ndeleted file mode 120000\nindex 1..0\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-t\n\\ No newline at end of file\n",
    );
    assert_eq!((file.kind, file.old_mode), (Kind::Delete, Some(Mode::Symlink)));
    let file = one("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n");
    assert_eq!((file.kind, file.old_mode, file.new_mode), (Kind::Modify, Some(Mode::File), Some(Mode::Executable)));
    let file = one("diff --git a/x b/y z\nsimilarity index 100%\nrename from x\nrename to y z\n");
    assert_eq!((file.kind, file.old.as_str(), file.new.as_str()), (Kind::Rename, "x", "y z"));
    let file = one("diff --git \"a/\\303\\244\\\"\" \"b/\\303\\244\\\"\"\nold mode 100644\nnew mode 100755\n");
    assert_eq!(file.new.as_str(), "ä\"");
    let file = one("diff --git a/a b b/a b\nold mode 100644\nnew mode 100755\n");
    assert_eq!(file.new.as_str(), "a b");
}

#[test]
fn plain_headers_are_read_as_git_and_patch_do() {
    for (minus, plus, kind, name) in [
        ("a/f", "b/f", Kind::Modify, "f"),
        ("a/f\t2020-01-01 10:00:00.000000000 +0100", "b/f\t2020-01-01 10:00:00 +0100", Kind::Modify, "f"),
        ("pkg.orig/d/f 2020-01-01 10:00:00", "pkg/d/f 2020-01-01 10:00:00", Kind::Modify, "d/f"),
        ("a/f.orig", "b/f", Kind::Modify, "f"),
        ("/dev/null", "b/f", Kind::Create, "f"),
        ("a/f\t1970-01-01 00:00:00.000000000 +0000", "b/f\t2020-01-01 10:00:00 +0100", Kind::Create, "f"),
        ("a/f\t1969-12-31 19:00:00 -0500", "b/f\t2020-01-01 10:00:00 +0100", Kind::Create, "f"),
        ("a/f\t1970-01-01 05:30:00 +0530", "b/f\t2020-01-01 10:00:00 +0100", Kind::Create, "f"),
        ("a/f\t1970-01-01 01:00:00 +0000", "b/f\t2020-01-01 10:00:00 +0100", Kind::Modify, "f"),
    ] {
        let file = one(&format!("--- {minus}\n+++ {plus}\n@@ -0,0 +1 @@\n+x\n"));
        assert_eq!((file.kind, file.new.as_str()), (kind, name), "{minus} {plus}");
        assert_eq!(file.may_create, kind == Kind::Modify);
    }
    let gone = one("--- a/f\t2020-01-01 10:00:00\n+++ b/f\t1970-01-01 00:00:00\n@@ -1 +0,0 @@\n-x\n");
    assert_eq!(gone.kind, Kind::Delete);
    assert_eq!(problem(&format!("--- a/f g\n+++ b/f g\n{HUNK}")).1, DiffProblem::NoName);
    assert!(matches!(problem(&format!("--- a/f\n+++ b/g\n{HUNK}")).1, DiffProblem::Names(..)));
}

#[test]
fn folders_are_stripped() {
    let text = format!("--- f/g\n+++ f/g\n{HUNK}");
    assert_eq!(parse(text.as_bytes(), 0, Dialect::Quilt, 1).unwrap()[0].new.as_str(), "f/g");
    assert_eq!(parse(text.as_bytes(), 1, Dialect::Quilt, 1).unwrap()[0].new.as_str(), "g");
    assert!(matches!(parse(text.as_bytes(), 2, Dialect::Quilt, 1).unwrap_err().problem, DiffProblem::Strip { strip: 2, .. }));
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    for path in ["../x", "/etc/passwd", "d/../../x", ".git/config", "d/.GIT/hooks/x", ".git /x", "d\\x", "git~1/x", "./x"] {
        for text in [
            format!("--- a/{path}\n+++ b/{path}\n{HUNK}"),
            format!("diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"),
            format!("diff --git a/x b/{path}\nrename from x\nrename to {path}\n"),
            format!("diff --git a/{path} b/x\ncopy from {path}\ncopy to x\n"),
        ] {
            // Runs of slashes count as one when folders are stripped: `a//etc/passwd` is `etc/passwd`, as for git.
            let harmless = path.starts_with('/') && !text.contains("rename") && !text.contains("copy");
            match read(&text) {
                Ok(files) => assert!(harmless && files[0].new.as_str() == "etc/passwd", "{text}"),
                Err(e) => assert!(matches!(e.problem, DiffProblem::Path(_) | DiffProblem::NoName), "{e:?}\n{text}"),
            }
        }
    }
}

#[test]
fn what_git_skips_silently_is_an_error() {
    let header = "diff --git a/f b/f\n--- a/f\n+++ b/f\n";
    for (hunk, line, expected) in [
        ("@@ -1,2 +1,2 @@\n a\n-b\n", 4, DiffProblem::HunkShort),
        ("@@ -1,2 +1,2 @@\n a\n-b\n+c\n+d\n", 8, DiffProblem::HunkLong { counted_at: 4 }),
        ("@@ -1,2 +1,2 @@\n a\n-b\n-c\n+d\n", 7, DiffProblem::HunkCounts),
        ("@@ -1,2 +1,2 @@\n a\n-b\n+c\n--- d\n", 8, DiffProblem::HunkLong { counted_at: 4 }),
        ("@@ -1 +1 @@\n-a\n+b\ngarbage\n@@ -9 +9 @@\n-a\n+b\n", 8, DiffProblem::Orphan),
        ("@@ -1,2 +1,2 @@\n a\n b\n", 4, DiffProblem::HunkEmpty),
        ("@@ -1 +1 @@\n-a\n+b", 6, DiffProblem::CutOff),
        ("@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n", 5, DiffProblem::Marker),
        ("@@ -1,2 +1,2 @@\n-a\n\\ No newline at end of file\n-c\n+b\n+d\n", 7, DiffProblem::HunkCounts),
        ("@@ -x +1 @@\n-a\n+b\n", 4, DiffProblem::HunkHeader),
        ("", 1, DiffProblem::Nothing),
    ] {
        assert_eq!(problem(&format!("{header}{hunk}")), (line, expected), "{hunk}");
    }
    assert_eq!(problem("diff --git a/f b/f\nindex 1..2 100644\n").1, DiffProblem::Nothing);
}

#[test]
fn a_line_of_dashes_is_a_deletion_where_the_counts_say_so() {
    let file = one("--- a/f\n+++ b/f\n@@ -1,3 +1 @@\n a\n-- \n--- b\n-- \n2.39.5\n");
    assert_eq!(file.hunks()[0].old_text(), b"a\n- \n-- b\n");
}

#[test]
fn gnu_diff_may_leave_out_the_space_of_an_empty_line() {
    let file = one("--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n");
    assert_eq!(file.hunks()[0].old_text(), b"a\n\nb\n");
}

#[test]
fn kinds_that_forge_does_not_patch_are_refused() {
    assert_eq!(problem("diff --cc f\nindex 1,2..3\n").1, DiffProblem::Combined);
    assert_eq!(problem("diff --git a/f b/f\nnew file mode 160000\n").1, DiffProblem::Submodule);
    assert_eq!(problem("diff --git a/f b/f\nindex 1..2 160000\n").1, DiffProblem::Submodule);
    assert!(matches!(problem("diff --git a/f b/f\nnew file mode 100666\n").1, DiffProblem::Mode(_)));
    assert_eq!(problem("diff --git a/f b/f\nold mode 100644\nnew mode 120000\n").1, DiffProblem::TypeChange);
    assert_eq!(
        problem("diff --git a/f b/f\nindex 1..2 100644\nBinary files a/f and b/f differ\n").1,
        DiffProblem::NoBinaryContent
    );
    assert_eq!(
        problem("diff --git a/f b/f\nindex 1..2 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n").1,
        DiffProblem::ShortIds
    );
}

#[test]
fn contradictions_are_refused() {
    for text in [
        format!("diff --git a/f b/f\n--- a/f\n+++ b/g\n{HUNK}"),
        format!("diff --git a/f b/f\nnew file mode 100644\n--- a/f\n+++ b/f\n{HUNK}"),
        "diff --git a/f b/f\nnew file mode 100644\ndeleted file mode 100644\n".to_owned(),
        "diff --git a/f b/g\nrename from f\n".to_owned(),
        "diff --git a/f b/g\nrename from f\nrename to g\ncopy from f\ncopy to g\n".to_owned(),
        "diff --git a/f b/f\nold mode 100644\n".to_owned(),
        "diff --git a/f b/f\nold mode 100644\nold mode 100644\nnew mode 100755\n".to_owned(),
        "diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
        format!("diff --git a/f b/f\n--- /dev/null\n+++ b/f\n{HUNK}"),
    ] {
        assert!(read(&text).is_err(), "{text}");
    }
}

#[test]
fn a_converted_patch_is_recognised() {
    assert_eq!(problem("--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n"), (1, DiffProblem::Converted));
    assert_eq!(problem("diff --git a/f b/f\r\n").1, DiffProblem::Converted);
}

#[test]
fn a_file_header_without_a_hunk_is_no_text() {
    assert_eq!(problem(&format!("--- a/f\n+++ b/f\n{HUNK}--- a/g\n+++ b/g\n @@ -1 +1 @@\n")), (6, DiffProblem::Nothing));
}

#[test]
fn what_only_patch_takes_for_a_diff_is_refused_for_quilt() {
    for text in [
        "text\n  --- a/f\n  +++ b/f\n  @@ -1 +1 @@\n  -a\n  +b\n",
        "text\n*** a/f\n--- b/f\n***************\n",
        "Index: f\n1c1\n< a\n---\n> b\n",
    ] {
        let found = parse(text.as_bytes(), 1, Dialect::Quilt, 1).unwrap_err();
        assert_eq!((found.line, found.problem), (2, DiffProblem::Foreign));
        assert!(parse(text.as_bytes(), 1, Dialect::Git, 1).unwrap().is_empty());
    }
}
