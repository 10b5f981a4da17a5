//! `forge patch to-edit`: a mail becomes an edit, without losing a release; and the lint that tells when that pays.

use crate::kit::{Sandbox, Upstream, names};

const SERIES: &str = "patches/app/polite";

/// A file in which the patch's line stands between `above` and `below`.
fn go(above: &str, line: &str, below: &str) -> String {
    format!(
        "package main\n\nimport \"fmt\"\n\nfunc run(args []string) error {{\n\tfmt.Println(1)\n{above}{line}\tstart(args)\n{below}\treturn nil\n}}\n\nfunc start([]string) {{}}\n"
    )
}

const LINE: &str = "\tprepare(args)\n";

/// The mail is written on v1.2.3. v1.3.0 changes what stands right above its line, v1.4.0 what stands below, too.
fn sandbox(more: &[(&str, &str)]) -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&[]);
    up.release_with("v1.2.3", &[("run.go", &go("\tfmt.Println(2)\n", "", "\tfmt.Println(3)\n"))]);
    let patched = go("\tfmt.Println(2)\n", LINE, "\tfmt.Println(3)\n");
    let mut files = vec![("run.go", patched.as_str())];
    files.extend(more);
    let patch = up.patch("v1.2.3", "Prepare first\n\nIt is needed.\n\nBug: https://example.org/1", &files);
    sandbox.series("app", "polite", &[("prepare.patch", &patch)]);
    up.release_with("v1.3.0", &[("run.go", &go("\tfmt.Println(20)\n", "", "\tfmt.Println(3)\n"))]);
    up.release_with("v1.4.0", &[("run.go", &go("\tfmt.Println(20)\n", "", "\tfmt.Println(30)\n"))]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\nholds = \">=1.2\"\n");
    (sandbox, up)
}

#[test]
fn an_edit_takes_the_place_of_a_mail_and_holds_on_more() {
    let (sandbox, _up) = sandbox(&[]);
    let before = names(&sandbox.project().join(SERIES));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    let ran = sandbox.forge(&["patch", "to-edit", "prepare", "--dry-run"]);
    ran.ok()
        .prints("[[edit]]\nfile   = 'run.go'\nin     = 'run'\nbefore = 'start(args)'\ninsert = 'prepare(args)'\n")
        .prints("mail: holds on 1 of 3 releases\nedit: holds on 3\ngained: v1.4.0, v1.3.0");
    sandbox.forge(&["patch", "to-edit", "prepare", "app@v1.4.0"]).code(3).says("does not apply");
    assert_eq!(names(&sandbox.project().join(SERIES)), before, "--dry-run has written");
    sandbox.forge(&["patch", "to-edit", "polite/prepare.patch", "app"]).ok().prints("polite/prepare.edit.toml written");
    let edit = sandbox.read(&format!("{SERIES}/prepare.edit.toml"));
    assert!(edit.starts_with("description = '''\nPrepare first\n\nIt is needed.\n\nBug: https://example.org/1\n"), "{edit}");
    assert!(edit.contains("\nAuthor: Ada Author <ada@example.org>\n"), "{edit}");
    assert!(!sandbox.has(&format!("{SERIES}/prepare.patch")));
    assert_eq!(sandbox.read(&format!("{SERIES}/series.toml")), list.replace("prepare.patch", "prepare.edit.toml"));
    sandbox.forge(&["matrix", "app"]).ok().prints("3 of 3 promised releases clean");
    // The same tree as git makes of the mail.
    sandbox.forge(&["tree", "app", "--git", "--out", "tree"]).ok();
    let text = sandbox.read("tree/run.go");
    assert_eq!(text, go("\tfmt.Println(2)\n", LINE, "\tfmt.Println(3)\n"));
    sandbox.forge(&["patch", "to-edit", "prepare.edit.toml"]).code(1).says("is an edit already");
    sandbox.forge(&["patch", "undo"]).ok().prints("took the last to-edit back");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
    assert_eq!(sandbox.read(&format!("{SERIES}/series.toml")), list);
}

#[test]
fn new_files_stay_in_the_mail() {
    let (sandbox, _up) = sandbox(&[("prepare.go", "package main\n\nfunc prepare([]string) {}\n")]);
    let mail = sandbox.read(&format!("{SERIES}/prepare.patch"));
    let list = sandbox.read(&format!("{SERIES}/series.toml"));
    sandbox.edit(&format!("{SERIES}/series.toml"), "[[patch]]", "# Why.\n[[patch]]\nversions = \">=1.2\"");
    let document = sandbox.forge(&["patch", "to-edit", "prepare", "--json"]).ok().json();
    assert_eq!(document["mail_stays"], true);
    assert_eq!((&document["mail_holds"], &document["edit_holds"]), (&1.into(), &3.into()));
    let new = sandbox.read(&format!("{SERIES}/prepare.patch"));
    assert!(new.contains("+func prepare([]string) {}") && !new.contains("run.go"), "{new}");
    assert_eq!(new.lines().take(8).collect::<Vec<_>>(), mail.lines().take(8).collect::<Vec<_>>());
    let written = sandbox.read(&format!("{SERIES}/series.toml"));
    assert_eq!(written.matches("versions = \">=1.2\"").count(), 2, "{written}");
    assert_eq!(written.matches("# Why.").count(), 1, "{written}");
    let at = |what: &str| written.find(what).unwrap_or_else(|| panic!("{what}: {written}"));
    assert!(at("file = \"prepare.patch\"") < at("base = \"v1.2.3\"") && at("base = \"v1.2.3\"") < at("prepare.edit.toml"));
    sandbox.forge(&["matrix", "app"]).ok().prints("3 of 3 promised releases clean");
    sandbox.forge(&["patch", "undo"]).ok();
    assert_eq!(sandbox.read(&format!("{SERIES}/prepare.patch")), mail);
    assert!(sandbox.read(&format!("{SERIES}/series.toml")).contains("# Why.") && list.contains("prepare.patch"));
}

#[test]
fn it_holds_on_to_what_is_there_on_more_releases() {
    let (sandbox, up) = sandbox(&[]);
    let go =
        |line: &str, call: &str| format!("package main\n\nfunc run(args []string) {{\n\tfirst()\n{line}\t{call}\n\tlast()\n}}\n");
    up.release_with("v1.2.4", &[("run.go", &go("", "err = start(args)"))]);
    let patch = up.patch("v1.2.4", "Prepare", &[("run.go", &go(LINE, "err = start(args)"))]);
    sandbox.series("app", "polite", &[("prepare.patch", &patch)]);
    up.release_with("v1.3.1", &[("run.go", &go("", "_ = start(args)"))]);
    sandbox.edit("recipes/app.toml", ">=1.2\"", "=1.2.4 || =1.3.1\"");
    let ran = sandbox.forge(&["patch", "to-edit", "prepare", "--dry-run"]);
    ran.ok().prints("before = 'start(args)'").prints("mail: holds on 1 of 2 releases\nedit: holds on 2");
}

#[test]
fn a_release_is_never_lost_without_a_word() {
    let (sandbox, up) = sandbox(&[]);
    // The mail's place is there, but not once any more what an edit would hold on to.
    let twice = go("\tfmt.Println(2)\n", "", "\tfmt.Println(3)\n").replace("\treturn nil\n", "\treturn nil\n\tstart(args)\n");
    up.release_with("v1.5.0", &[("run.go", &twice)]);
    let before = names(&sandbox.project().join(SERIES));
    let ran = sandbox.forge(&["patch", "to-edit", "prepare"]);
    ran.code(1).says("would not hold any more on v1.5.0").says("--overwrite");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
    sandbox.forge(&["patch", "to-edit", "prepare", "--dry-run"]).ok().prints("would be lost: v1.5.0");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
    sandbox.forge(&["patch", "to-edit", "prepare", "--overwrite"]).ok().prints("lost: v1.5.0");
    assert!(sandbox.has(&format!("{SERIES}/prepare.edit.toml")));
}

#[test]
fn what_no_edit_says_is_refused_with_its_place() {
    let (sandbox, up) = sandbox(&[]);
    let old = go("\tfmt.Println(2)\n", "", "\tfmt.Println(3)\n");
    let declares = up.patch("v1.2.3", "Declare", &[("run.go", &old.replace("func start", "func more() {}\n\nfunc start"))]);
    let removes = up.patch("v1.2.3", "Remove", &[("RELEASE", "")]);
    let adds = up.patch("v1.2.3", "Add", &[("new.go", "package main\n")]);
    std::fs::remove_file(sandbox.project().join(SERIES).join("prepare.patch")).unwrap();
    sandbox.series("app", "polite", &[("a.patch", &declares), ("b.patch", &removes), ("c.patch", &adds)]);
    let before = names(&sandbox.project().join(SERIES));
    let ran = sandbox.forge(&["patch", "to-edit", "a"]);
    ran.code(1).says("a.patch cannot be written as an edit on v1.2.3").says("run.go:13").says("a declaration comes or goes");
    sandbox.forge(&["patch", "to-edit", "b"]).code(1).says("takes away or renames RELEASE");
    sandbox.forge(&["patch", "to-edit", "c"]).code(1).says("brings only new files");
    sandbox.forge(&["patch", "to-edit", "d"]).code(1).says("d is not the name of one patch of the recipe");
    sandbox.forge(&["patch", "to-edit", "d", "app"]).code(1).says("app has no patch d").says("polite/a.patch");
    assert_eq!(names(&sandbox.project().join(SERIES)), before);
}

#[test]
fn lint_says_what_rots_where_the_store_knows_the_releases() {
    let (sandbox, up) = sandbox(&[]);
    sandbox.forge(&["patch", "lint"]).ok().prints("1 patches, 0 findings");
    let ran = sandbox.forge(&["patch", "lint", "-v"]);
    ran.ok().says("not asked whether edits would hold on more releases");
    sandbox.forge(&["matrix", "app"]).code(3);
    sandbox.forge(&["lock"]).ok();
    // Whatever the upstream does now: nothing is asked.
    std::fs::rename(up.path(), up.path().with_extension("gone")).unwrap();
    let ran = sandbox.forge(&["patch", "lint"]);
    ran.code(1).prints("holds on 1 of 3 releases; as an edit on 3: `forge patch to-edit polite/prepare.patch app`");
    let document = sandbox.forge(&["patch", "lint", "--json"]).code(1).json();
    assert_eq!(document["findings"][0]["kind"], "rots");
    std::fs::rename(up.path().with_extension("gone"), up.path()).unwrap();
    sandbox.forge(&["patch", "to-edit", "prepare"]).ok();
    sandbox.forge(&["patch", "lint"]).ok().prints("1 patches, 0 findings");
}
