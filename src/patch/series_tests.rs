use std::fs;

use super::*;
use crate::names::Revision;
use crate::release::Release;

const DIFF: &str = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n";
const EDIT: &str = "[[edit]]\nfile = 'a.go'\nbefore = 'f()'\ninsert = 'g()'\n";

/// A project with one series of these files.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let series = dir.path().join("patches/up/one");
    fs::create_dir_all(&series).unwrap();
    for (name, text) in files {
        fs::write(series.join(name), text).unwrap();
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Result<Series, SeriesErrors> {
    let dir = project(files);
    let files = Files::new(Some(dir.path().to_owned()));
    Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("one").unwrap())
}

fn errors(files: &[(&str, &str)]) -> Vec<String> {
    load(files)
        .unwrap_err()
        .errors
        .iter()
        .map(ToString::to_string)
        .map(|e| e.rsplit('/').next().unwrap_or_default().to_owned())
        .collect()
}

fn names(series: &Series) -> Vec<&str> {
    series.patches().iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn series_toml_is_read_in_full() {
    let list = r#"
description = "all of it"
[[patch]]
file = "b.patch"
base = "v1.36.3+k0s.2"
[[patch]]
versions = ">=1.31.1"
reason = "later only"
one_of = [{ file = "help-text.1.31.patch", base = "v1" }, { file = "help-text.1.33.patch" }]
"#;
    let files = [
        ("series.toml", list),
        ("b.patch", DIFF),
        ("help-text.1.31.patch", DIFF),
        ("help-text.1.33.patch", DIFF),
        ("README", ""),
    ];
    let series = load(&files).unwrap();
    assert_eq!(names(&series), ["b.patch", "help-text"]);
    assert_eq!(series.description(), Some("all of it"));
    assert_eq!(series.patches()[0].forms[0].base, Some(Revision::new("v1.36.3+k0s.2").unwrap()));
    let second = &series.patches()[1];
    assert_eq!((second.forms.len(), second.reason.as_deref()), (2, Some("later only")));
    assert!(!second.versions.as_ref().unwrap().matches(&Release::parse(&Revision::new("v1.31.0+k0s.0").unwrap()).unwrap()));
    assert_eq!(series.dialect(), Dialect::Git);
}

#[test]
fn every_error_of_the_list_is_reported_with_its_place() {
    let list = r#"
descripton = "x"
[[patch]]
fiel = "a.patch"
[[patch]]
file = "aa.patch"
versions = ">=x"
[[patch]]
file = "a.patch"
[[patch]]
file = "a.patch"
reason = 3
[[patch]]
file = "a.patch"
one_of = []
[[patch]]
file = "e.edit.toml"
[[patch]]
file = "../x.patch"
"#;
    let files = [("series.toml", list), ("a.patch", DIFF), ("e.edit.toml", ""), ("forgotten.patch", DIFF)];
    let found = load(&files).unwrap_err();
    let shown: Vec<(String, String)> = found
        .errors
        .iter()
        .map(|e| match e {
            SeriesError::List { problem, span, .. } => (
                list[span.offset()..span.offset() + span.len()].lines().next().unwrap_or_default().to_owned(),
                problem.to_string(),
            ),
            other => (String::new(), other.to_string()),
        })
        .collect();
    let has = |place: &str, text: &str| {
        assert!(shown.iter().any(|(p, t)| p == place && t.contains(text)), "{place}: {text} is not in {shown:#?}");
    };
    has("descripton", "is not a key of series.toml");
    has("fiel", "is not a key of [[patch]]");
    has("[[patch]]", "neither");
    has("\"aa.patch\"", "is not in the folder");
    has("\">=x\"", "not a range");
    has("\"a.patch\"", "listed twice");
    has("3", "reason should be a string, and is integer");
    has("\"a.patch\"", "file does not go with `one_of`");
    has("[]", "empty");
    has("", "the file holds no edit");
    has("\"../x.patch\"", "is not a patch name");
    has("", "forgotten.patch is in");
    let report = format!("{:?}", miette::Report::new(found));
    assert!(report.contains("did you mean description?") && report.contains("did you mean a.patch?"), "{report}");
}

#[test]
fn broken_toml_is_one_error_with_a_place() {
    let found = load(&[("series.toml", "[[patch]]\nfile = \n"), ("a.patch", DIFF)]).unwrap_err();
    assert!(found.errors.iter().any(|e| matches!(e, SeriesError::List { problem: ListProblem::Syntax(_), .. })), "{found:?}");
    assert!(!found.errors.iter().any(|e| matches!(e, SeriesError::Unlisted { .. })));
}

#[test]
fn a_quilt_folder_is_read() {
    let list = "# comment\n\nb.diff -p0   # why\na.patch -pab\n#old.patch\n";
    let files = [("series", list), ("a.patch", DIFF), ("b.diff", "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n"), ("old.patch", "junk")];
    let series = load(&files).unwrap();
    assert_eq!(names(&series), ["b.diff", "a.patch"]);
    assert_eq!(series.dialect(), Dialect::Quilt);
    assert_eq!(series.patches()[0].forms[0].strip, 0);
    assert_eq!(series.patches()[0].forms[0].content.paths()[0].as_str(), "f");
}

#[test]
fn quilts_looser_options_are_refused() {
    let list = "a.patch -R\nb.patch --fuzz=2\nc.patch -p\nd.patch -E\nmissing.patch\na.patch\n";
    let files = [("series", list), ("a.patch", DIFF), ("b.patch", DIFF), ("c.patch", DIFF), ("d.patch", DIFF), ("e.patch", DIFF)];
    let found = errors(&files);
    for text in ["(-R)", "fuzz", "\"-p\"", "\"-E\"", "missing.patch is not", "a.patch is listed twice", "but not listed"] {
        assert!(found.iter().any(|e| e.contains(text)) || text == "but not listed", "{text}: {found:?}");
    }
}

#[test]
fn a_bare_folder_is_sorted_by_name() {
    let series = load(&[("0002-b.patch", DIFF), ("0001-a.patch", DIFF), ("notes.txt", "")]).unwrap();
    assert_eq!(names(&series), ["0001-a.patch", "0002-b.patch"]);
    assert_eq!(errors(&[("notes.txt", "")]), ["one holds no patches"]);
    assert_eq!(errors(&[("x.edit.toml", "")]), ["x.edit.toml: the file holds no edit"]);
    let series = load(&[("b.patch", DIFF), ("a.edit.toml", EDIT)]).unwrap();
    assert_eq!(names(&series), ["a.edit.toml", "b.patch"]);
    assert_eq!(errors(&[("series", "a.edit.toml"), ("a.edit.toml", EDIT)]), ["series: quilt knows no structural edits"]);
}

#[test]
fn every_bad_patch_is_named() {
    let found =
        errors(&[("1.patch", "no diff\n"), ("2.patch", "--- a/../f\n+++ b/../f\n@@ -1 +1 @@\n-a\n+b\n"), ("3.patch", DIFF)]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], "1.patch: it holds no diff");
}

#[test]
fn a_missing_series_names_the_nearest() {
    let dir = project(&[("a.patch", DIFF)]);
    let files = Files::new(Some(dir.path().to_owned()));
    let found = Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("oen").unwrap()).unwrap_err();
    assert!(matches!(&found.errors[..], [SeriesError::NotFound { nearest: Some(n), .. }] if n == "one"), "{found:?}");
}

#[test]
fn the_digest_changes_with_what_matters() {
    let digest = |files: &[(&str, &str)]| load(files).unwrap().digest();
    let same = digest(&[("a.patch", DIFF)]);
    assert_eq!(same, digest(&[("a.patch", DIFF), ("README", "x")]));
    assert_ne!(same, digest(&[("a.patch", &DIFF.replace("+b", "+c"))]));
    assert_ne!(same, digest(&[("b.patch", DIFF)]));
    assert_ne!(same, digest(&[("a.patch", DIFF), ("series", "a.patch\n")]));
    let listed = |extra: &str| digest(&[("a.patch", DIFF), ("series.toml", &format!("[[patch]]\nfile = \"a.patch\"\n{extra}"))]);
    assert_eq!(same, listed(""));
    assert_ne!(same, listed("versions = \">=1\"\n"));
    assert_eq!(same, listed("base = \"v1\"\n"));
}
