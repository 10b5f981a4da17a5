use super::*;
use crate::files::{Found, Origin};
use crate::patch::edit::read;

/// The edits of a file, or all of its mistakes.
fn read(text: &str) -> Vec<Edit> {
    let found = Found { bytes: text.as_bytes().to_vec(), origin: Origin::Disk("x.edit.toml".into()) };
    let mut errors = Vec::new();
    let file = read::parse(&found, &mut errors);
    file.unwrap_or_else(|| panic!("{:?}", errors.iter().map(ToString::to_string).collect::<Vec<_>>())).edits
}

fn try_edit(go: &str, edits: &str) -> Result<String, Failed> {
    let bytes = Arc::new(go.as_bytes().to_vec());
    let tree = Go::parse(&bytes);
    let edits = read(edits);
    let edited = super::edit(&bytes, Some(&tree), &edits.iter().collect::<Vec<_>>())?;
    Ok(String::from_utf8(edited.bytes.to_vec()).unwrap())
}

/// Edits `go`; each edit is what stands in an `[[edit]]` of the file f.go.
fn edited(go: &str, edits: &[&str]) -> String {
    try_edit(go, &file(edits)).unwrap_or_else(|e| panic!("{e:?}"))
}

fn file(edits: &[&str]) -> String {
    edits.iter().map(|e| format!("[[edit]]\nfile = 'f.go'\n{e}\n")).collect()
}

fn problem(go: &str, edit: &str) -> EditProblem {
    match try_edit(go, &file(&[edit])) {
        Err(Failed::Edits(mut failures)) => failures.remove(0).problem,
        other => panic!("{other:?}"),
    }
}

fn broken(go: &str, edit: &str) -> Vec<Broken> {
    match try_edit(go, &file(&[edit])) {
        Err(Failed::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

const SERVICE: &str = "package p

// F does it.
func F(s S) error {
	// Stop first.
	if err := s.Stop(); err != nil { // why
		return err
	}
	s.Uninstall() // ignore

	return s.Install()
}

func G(s S) { s.Install() }
";

#[test]
fn before_goes_above_comments_and_after_behind_them() {
    let out = edited(SERVICE, &["in='F'\nbefore='s.Stop()'\ninsert='a()'", "in='F'\nafter='s.Uninstall()'\ninsert='b()'"]);
    let expected = SERVICE.replace("\t// Stop first.", "\ta()\n\t// Stop first.").replace("// ignore\n", "// ignore\n\tb()\n");
    assert_eq!(out, expected);
    let out = edited(SERVICE, &["in='F'\nbefore='s.Install()'\ninsert='''\n  if x {\n  \ty()\n  }\n'''"]);
    assert_eq!(out, SERVICE.replace("\treturn s.Install()", "\tif x {\n\t\ty()\n\t}\n\treturn s.Install()"));
}

#[test]
fn statements_that_share_a_line_get_lines_of_their_own() {
    let out = edited(SERVICE, &["in='G'\nbefore='s.Install()'\ninsert='a()'"]);
    assert_eq!(out, SERVICE.replace("{ s.Install() }", "{\n\ta()\n\ts.Install()\n}"));
    let out = edited(SERVICE, &["in='G'\nafter='s.Install()'\ninsert='a()'", "in='G'\nbefore='s.Install()'\ninsert='b()'"]);
    assert_eq!(out, SERVICE.replace("{ s.Install() }", "{\n\tb()\n\ts.Install()\n\ta()\n}"));
    let go = "package p\n\nvar f = func() { a(); b() }\n";
    let out = edited(go, &["in='f'\nbefore='b()'\ninsert='x()'"]);
    assert_eq!(out, "package p\n\nvar f = func() {\n\ta()\n\tx()\n\tb()\n}\n");
}

#[test]
fn first_is_the_first_statement() {
    let out = edited(SERVICE, &["in='F'\nfirst=true\ninsert='a()'", "in='F'\nfirst=true\ninsert='b()'"]);
    assert_eq!(out, SERVICE.replace("error {\n", "error {\n\ta()\n\tb()\n"));
    let go = "package p\n\nfunc (t *T[K]) M() {}\n\ntype T[K any] struct{}\n";
    let out = edited(go, &["in='(*T[K]).M'\nfirst=true\ninsert='a()'"]);
    assert_eq!(out, go.replace("M() {}", "M() {\n\ta()\n}"));
    let problem = problem(go, "in='T'\nfirst=true\ninsert='a()'");
    assert_eq!(problem, EditProblem::NoBody { searched: "type T".to_owned() });
}

#[test]
fn labels_stand_further_left() {
    let go = "package p\n\nfunc f() {\nL:\n\tfor a() {\n\t\tb()\n\t}\n}\n";
    let out = edited(go, &["in='f'\nfirst=true\ninsert='x()'", "before='a()'\ninsert='y()'", "after='a()'\ninsert='z()'"]);
    assert_eq!(out, "package p\n\nfunc f() {\n\tx()\n\ty()\nL:\n\tfor a() {\n\t\tb()\n\t}\n\tz()\n}\n");
}

#[test]
fn delete_takes_a_whole_statement_with_its_line() {
    let out = edited(SERVICE, &["in='F'\ndelete='s.Uninstall()'"]);
    assert_eq!(out, SERVICE.replace("\ts.Uninstall() // ignore\n", ""));
    assert_eq!(problem(SERVICE, "in='F'\ndelete='s.Install()'"), EditProblem::NotWhole { line: 11 });
    let go = "package p\n\nfunc f() {\n\ta()\n\n\tb()\n\n\tc()\n}\n";
    assert_eq!(edited(go, &["delete='b()'"]), "package p\n\nfunc f() {\n\ta()\n\n\tc()\n}\n");
    assert_eq!(edited(go, &["delete='c()'"]), "package p\n\nfunc f() {\n\ta()\n\n\tb()\n}\n");
    let go = "package p\n\nvar f = func() { a(); b() }\n";
    assert_eq!(edited(go, &["delete='b()'"]), "package p\n\nvar f = func() { a() }\n");
    assert_eq!(edited(go, &["delete='a()'"]), "package p\n\nvar f = func() { b() }\n");
}

#[test]
fn change_replaces_what_matches() {
    let out = edited(SERVICE, &["in='F'\nchange='s.$M()'\nwith='wrap(s.$M)'\ncount=3"]);
    assert_eq!(out.matches("wrap(s.").count(), 3);
    assert!(out.contains("if err := wrap(s.Stop); err != nil { // why"), "{out}");
    let out = edited(SERVICE, &["in='F'\nchange='if $$$I; $C { $$$BODY }'\nwith='''\nif $$$I; $C || x {\n\t$$$BODY\n}'''"]);
    assert!(out.contains("\tif err := s.Stop(); err != nil || x {\n\t\treturn err\n\t}\n"), "{out}");
}

#[test]
fn rename_leaves_the_name_to_a_new_file() {
    let go = "package p\n\nfunc (h *Host) Flags() bool { return h.Flags() }\n";
    let out = edited(go, &["in='Host.Flags'\nrename='upstreamFlags'"]);
    assert_eq!(out, "package p\n\nfunc (h *Host) upstreamFlags() bool { return h.Flags() }\n");
}

#[test]
fn fields_entries_and_elements_are_places() {
    let go = "package p\n\ntype T struct {\n\t// A is it.\n\tA int // a\n}\n\nvar x = []T{\n\t{A: 1}, // one\n\t{A: 2},\n}\n\nvar y = []int{1, 2}\n";
    let out = edited(
        go,
        &[
            "in='T'\nbefore='A int'\ninsert='B string'",
            "in='x'\nafter='{A: 1}'\ninsert='{A: 3}'",
            "in='x'\nbefore='{A: 1}'\ninsert='{A: 4},'",
            "in='y'\nbefore='2'\ninsert='7'",
            "in='y'\nafter='2'\ninsert='9'",
        ],
    );
    assert!(out.contains("{\n\tB string\n\t// A is it.\n\tA int // a\n}"), "{out}");
    assert!(out.contains("{\n\t{A: 4},\n\t{A: 1}, // one\n\t{A: 3},\n\t{A: 2},\n}"), "{out}");
    assert!(out.contains("[]int{1, 7, 2, 9}"), "{out}");
    let out = edited(go, &["in='x'\ndelete='{A: 2}'", "in='y'\ndelete='2'"]);
    assert!(out.contains("{A: 1}, // one\n}") && out.contains("[]int{1}"), "{out}");
}

#[test]
fn case_clauses_have_heads() {
    let go = "package p\n\nfunc f(x int) {\n\tswitch x {\n\tcase 1:\n\t\ta()\n\tdefault:\n\t}\n}\n";
    let out = edited(
        go,
        &["before='case 1:'\ninsert=\"case 0:\\n\\tz()\"", "after='case 1:'\ninsert='y()'", "after='default:'\ninsert='d()'"],
    );
    assert_eq!(
        out,
        go.replace("\tcase 1:\n", "\tcase 0:\n\t\tz()\n\tcase 1:\n\t\ty()\n").replace("default:\n", "default:\n\t\td()\n")
    );
}

#[test]
fn groups_of_constants_may_grow_and_new_declarations_may_not_come() {
    let go = "package p\n\nconst (\n\tA = iota\n\tB\n)\n\nfunc f() {\n\ta()\n}\n";
    let out = edited(go, &["after='B'\ninsert='C'"]);
    assert_eq!(out, go.replace("\tB\n", "\tB\n\tC\n"));
    let closing = broken(go, "after='a()'\ninsert='''\n}\n\nfunc g() {'''");
    assert!(matches!(&closing[..], [Broken::Declarations { added, .. }] if added == &["function g"]), "{closing:?}");
}

#[test]
fn what_is_no_go_any_more_is_refused() {
    let go = "package p\n\nfunc f() {\n\ta()\n}\n";
    assert!(matches!(broken(go, "after='a()'\ninsert='if {'")[..], [Broken::Syntax { .. }, ..]));
    assert!(matches!(broken(go, "after='a()'\ninsert='x ='")[..], [Broken::Syntax { .. }, ..]));
    let joined = "after='a()'\ninsert='''\nswitch x {\ncase 1:\n\ty()default:\n}'''";
    assert!(matches!(broken(go, joined)[..], [Broken::Syntax { line: 7, .. }]));
    assert!(matches!(broken(go, "after='a()'\ninsert='defer x'")[..], [Broken::NoCall { line: 5, .. }]));
    // What was wrong before may stay.
    let bad = "package p\n\nfunc f() {\n\ta()\n}\n\nfunc g() { := }\n";
    assert!(edited(bad, &["in='f'\nafter='a()'\ninsert='b()'"]).contains("\tb()\n"));
    // Go 1.26 takes expressions in new().
    let new = "package p\n\nfunc f() {\n\ta(new(1), new(x+1), new(T), new([]int))\n}\n";
    assert!(Go::parse(&Arc::new(new.as_bytes().to_vec())).errors.is_empty());
    assert!(edited(new, &["after='a($$$)'\ninsert='b(new(\"x\"))'"]).contains("b(new(\"x\"))"));
}

#[test]
fn edits_do_not_see_each_other_and_may_not_overlap() {
    let out = edited(
        SERVICE,
        &["in='F'\nbefore='s.Install()'\ninsert='s.Uninstall()'", "in='F'\nbefore='s.Uninstall()'\ninsert='x()'"],
    );
    assert_eq!(out.matches("x()").count(), 1);
    let failed = try_edit(SERVICE, &file(&["in='F'\ndelete='s.Uninstall()'", "in='F'\nchange='s.Uninstall'\nwith='y'"]));
    let Err(Failed::Edits(failures)) = failed else { panic!("{failed:?}") };
    assert_eq!(failures[0].problem, EditProblem::Overlap { with: "edit 1".to_owned(), line: 9 });
}

#[test]
fn line_endings_stay() {
    let go = SERVICE.replace('\n', "\r\n");
    let out = edited(
        &go,
        &["in='F'\nbefore='s.Stop()'\ninsert=\"a()\\nb()\"\nimports=['fmt']", "in='G'\nafter='s.Install()'\ninsert='c()'"],
    );
    assert_eq!(out.matches('\n').count(), out.matches("\r\n").count(), "{out:?}");
    assert!(out.contains("\ta()\r\n\tb()\r\n\t// Stop first.\r\n"));
}

#[test]
fn imports_go_where_gofmt_has_them() {
    let head = "package p\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\t\"github.com/a/b\"\n\tc \"github.com/a/d\" // why\n)\n\nfunc f() {\n\ta()\n}\n";
    let add = |go: &str, imports: &str| edited(go, &[&format!("before='a()'\ninsert='b()'\nimports=[{imports}]")]);
    let out = add(head, "'errors', 'path/filepath', 'github.com/a/c', 'github.com/a/e', 'os', 'x github.com/a/b'");
    let expected = "import (\n\t\"errors\"\n\t\"fmt\"\n\t\"os\"\n\t\"path/filepath\"\n\n\t\"github.com/a/b\"\n\tx \"github.com/a/b\"\n\t\"github.com/a/c\"\n\tc \"github.com/a/d\" // why\n\t\"github.com/a/e\"\n)\n";
    assert!(out.contains(expected), "{out}");
    let none = "package p\n\nfunc f() {\n\ta()\n}\n";
    assert!(add(none, "'fmt'").starts_with("package p\n\nimport \"fmt\"\n\nfunc f"));
    assert!(add(none, "'x.org/y', 'fmt'").starts_with("package p\n\nimport (\n\t\"fmt\"\n\n\t\"x.org/y\"\n)\n\nfunc f"));
    let one = "package p\n\nimport \"fmt\"\n\nfunc f() {\n\ta()\n}\n";
    assert!(add(one, "'os'").starts_with("package p\n\nimport \"fmt\"\nimport \"os\"\n\nfunc f"));
    assert_eq!(add(one, "'fmt'").matches("fmt").count(), 1);
    let standard = "package p\n\nimport (\n\t\"fmt\"\n)\n\nfunc f() {\n\ta()\n}\n";
    assert!(add(standard, "'x.org/y'").contains("import (\n\t\"fmt\"\n\n\t\"x.org/y\"\n)"));
    let other = "package p\n\nimport (\n\t\"x.org/y\"\n)\n\nfunc f() {\n\ta()\n}\n";
    assert!(add(other, "'fmt'").contains("import (\n\t\"fmt\"\n\n\t\"x.org/y\"\n)"));
}

#[test]
fn a_miss_says_where_it_looked_and_what_is_like_it() {
    let EditProblem::Count { searched, from_line, found, similar, elsewhere, .. } =
        problem(SERVICE, "in=['Nope', 'F']\nbefore='s.Uninstall(ctx)'\ninsert='x()'")
    else {
        panic!()
    };
    assert_eq!((searched.as_deref(), from_line, found.len()), (Some("function F"), 4, 0));
    assert_eq!((similar[0].line, similar[0].text.as_str()), (9, "s.Uninstall()"));
    assert_eq!(elsewhere, []);
    let EditProblem::Count { elsewhere, .. } = problem(SERVICE, "in='G'\nbefore='s.Uninstall()'\ninsert='x()'") else { panic!() };
    assert_eq!(elsewhere, [Elsewhere { line: 9, inside: Some("function F".to_owned()) }]);
    let EditProblem::Count { found, expected: 1, .. } = problem(SERVICE, "before='s.Install()'\ninsert='x()'") else { panic!() };
    assert_eq!(found, [11, 14]);
    let EditProblem::NoSuchDeclaration { nearest, elsewhere, .. } = problem(SERVICE, "in='X.F'\nbefore='s.Stop()'\ninsert='x()'")
    else {
        panic!()
    };
    assert_eq!((nearest, elsewhere.len()), (vec!["F".to_owned()], 1));
}

#[test]
fn lines_of_texts_are_found_exactly() {
    let text = "one\n  two\none";
    let run = |edit: &str, bytes: &str, go: bool| {
        let bytes = Arc::new(bytes.as_bytes().to_vec());
        let tree = go.then(|| Go::parse(&bytes));
        let edits = read(&format!("[[text]]\nfile='f'\n{edit}\n"));
        super::edit(&bytes, tree.as_ref(), &edits.iter().collect::<Vec<_>>())
            .map(|e| String::from_utf8_lossy(&e.bytes).into_owned())
            .map_err(|e| match e {
                Failed::Edits(mut f) => f.remove(0).problem,
                Failed::Broken(b) => panic!("{b:?}"),
            })
    };
    assert_eq!(run("line='  two'\nbefore=true\ninsert=\"x\\n\"", text, false).unwrap(), "one\nx\n  two\none");
    assert_eq!(run("line='one'\nafter=true\ninsert='x'\ncount=2", text, false).unwrap(), "one\nx\n  two\none\nx");
    assert_eq!(run("line='  two'\nchange=true\nwith=\"3\\n4\"", "a\r\n  two\r\n", false).unwrap(), "a\r\n3\r\n4\r\n");
    assert!(matches!(run("line='two'\nchange=true\nwith='3'", text, false), Err(EditProblem::Count { .. })));
    let go = "package p\n\nvar x = `a\nb\n`\n\n// c\nvar y = 1\n";
    assert_eq!(run("line='b'\nafter=true\ninsert='B'", go, true).unwrap(), go.replace("b\n", "b\nB\n"));
    assert_eq!(run("line='// c'\nafter=true\ninsert='// d'", go, true).unwrap(), go.replace("// c\n", "// c\n// d\n"));
    assert_eq!(run("line='var y = 1'\nafter=true\ninsert='x'", go, true), Err(EditProblem::NotInText { line: 8 }));
    assert_eq!(run("line='b'\nafter=true\ninsert='`'", go, true), Err(EditProblem::EndsText { line: 4 }));
    assert_eq!(run("line='// c'\nafter=true\ninsert='d()'", go, true), Err(EditProblem::EndsText { line: 7 }));
}

#[test]
fn neighbours_move_with_a_wider_line() {
    let go =
        "package p\n\ntype T struct {\n\tA  int `a:\"b\"` // a\n\tBB bool // b\n}\n\nvar x = T{\n\tA:  1,\n\tBB: true, // c\n}\n";
    let edits = ["in='T'\nafter='A int $TAG'\ninsert='Long []string'", "in='x'\nbefore='A: 1'\ninsert='Long: nil'"];
    let fields = "\tA    int `a:\"b\"` // a\n\tLong []string\n\tBB   bool // b\n}";
    let clean = go.replace("int `a", "int  `a");
    let out = edited(&clean, &edits);
    assert!(out.contains(fields) && out.contains("{\n\tLong: nil,\n\tA:    1,\n\tBB:   true, // c\n}"), "{out}");
    // A list that was not gofmt-clean stays as it is.
    let out = edited(go, &edits);
    assert!(out.contains("\tA  int `a") && out.contains("\tLong []string\n\tBB bool // b\n"), "{out}");
}
