use super::*;
use crate::files::Origin;

fn read(text: &str) -> Result<EditFile, Vec<(String, String)>> {
    let found = Found { bytes: text.as_bytes().to_vec(), origin: Origin::Disk("x.edit.toml".into()) };
    let mut errors = Vec::new();
    let file = parse(&found, &mut errors);
    let show = |e: &SeriesError| match e {
        SeriesError::List { problem, span, .. } => {
            let place = &text[span.offset()..span.offset() + span.len()];
            (place.lines().next().unwrap_or_default().to_owned(), problem.to_string())
        }
        other => (String::new(), other.to_string()),
    };
    file.ok_or_else(|| errors.iter().map(show).collect())
}

#[test]
fn everything_is_read() {
    let file = read(
        r#"
description = "k0s install: accept --systemd-unit-path"
[[text]]
file = "a.txt"
line = "x"
before = true
insert = "y"
[[edit]]
file = ['a.go', 'b/c.go']
in = ['F', '(*T).M']
before = ['s.Install()', 'return $X']
insert = 'f()'
count = 2
imports = ['fmt', 'x github.com/a/b']
versions = ">=1.24"
[[edit]]
file = 'a.go'
change = 'f($X)'
with = 'g($X, "$Y")'
[[edit]]
file = 'a.go'
in = 'F'
first = true
insert = 'f()'
[[edit]]
file = 'a.go'
in = 'T.M'
rename = 'upstreamM'
[[edit]]
file = 'a.go'
delete = 'x()'
"#,
    )
    .unwrap();
    let names: Vec<_> = file.edits.iter().map(|e| (e.name.as_str(), e.line)).collect();
    assert_eq!(names, [("text 1", 3), ("edit 1", 8), ("edit 2", 16), ("edit 3", 20), ("edit 4", 25), ("edit 5", 29)]);
    assert_eq!(file.description.as_deref(), Some("k0s install: accept --systemd-unit-path"));
    let Change::Go { scope, action: Action::Insert { side: Side::Before, patterns, .. }, imports } = &file.edits[1].change else {
        panic!()
    };
    assert_eq!((scope.len(), patterns.len(), imports.len(), file.edits[1].count), (2, 2, 2, 2));
    assert_eq!(file.paths().count(), 7);
}

#[test]
fn every_mistake_is_shown_with_its_place() {
    let found = read(
        r#"
descripton = "x"
[[edit]]
fiel = 'a.go'
[[edit]]
file = 'a.txt'
before = 'f('
insert = '"'
[[edit]]
file = '../a.go'
before = 'f()'
after = 'g()'
insert = 'x()'
count = 0
[[edit]]
file = 'a.go'
first = true
insert = 'x($X)'
imports = ['a b c', 3]
[[edit]]
file = 'a.go'
change = ['f($X)', 'g()']
with = 'h($X, $$$)'
insert = 'y'
versions = ">=x"
[[edit]]
file = 'a.go'
in = 'a b.c'
rename = 'x.y'
with = ''
[[edit]]
file = []
delete = []
[[text]]
file = 'x'
line = "a\nb"
after = false
insert = ''
[[text]]
file = 'x'
rename = 'y'
"#,
    )
    .unwrap_err();
    let has = |place: &str, text: &str| {
        assert!(found.iter().any(|(p, t)| p == place && t.contains(text)), "{place}: {text} is not in {found:#?}");
    };
    has("descripton", "is not a key of the file");
    has("fiel", "is not a key of [[edit]]");
    has("[[edit]]", "[[edit]] has no `file`");
    has("[[edit]]", "[[edit]] does nothing");
    has("'a.txt'", "a.txt is no Go file");
    has("'f('", "brackets do not pair");
    has("'\"'", "cannot be read from character 0");
    has("'../a.go'", "..");
    has("'g()'", "`after` does not go with `before`");
    has("0", "`count` is at least 1");
    has("true", "`first` needs `in`");
    has("'x($X)'", "no pattern has $X");
    has("'a b c'", "is no import");
    has("3", "imports should be a string or a list of strings");
    has("'h($X, $$$)'", "no pattern has $X, or not every one");
    has("'h($X, $$$)'", "`$$$` has no name here");
    has("'y'", "`insert` does not go with `change`");
    has("\">=x\"", "not a range");
    has("'a b.c'", "is no name of a Go declaration");
    has("'x.y'", "is no name of a Go declaration");
    has("''", "`with` does not go with `rename`");
    has("[]", "`file` is empty");
    has("[]", "`delete` is empty");
    has("\"a\\nb\"", "`line` is one line");
    has("false", "`after` is true or absent");
    has("''", "`insert` is empty");
    has("[[text]]", "[[text]] has no `line`");
    has("rename", "is not a key of [[text]]");
    has("[[text]]", "[[text]] does nothing");
}

#[test]
fn any_text_is_a_file_or_mistakes() {
    for text in ["", "x", "[[edit]]", "edit = 1", "[[edit]]\nfile = 1\nbefore = 1", "text = [1]", "[edit]\nfile = 'a.go'"] {
        assert!(!read(text).unwrap_err().is_empty(), "{text}");
    }
}
