use super::*;

const GO: &str = "package p

import (
	\"fmt\"

	\"example.org/x/units\"
)

// Kinds of things.
const (
	One = 1
	Two = 2
)

type Options struct {
	Name string
	Size int // in bytes
}

func (o *Options) Run(args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	for _, arg := range args {
		fmt.Println(arg)
	}
	// The last thing.
	o.finish(units.All)
	return nil
}

func help() string {
	return `usage:
  run   runs it
  stop  stops it
`
}

func other() {
	fmt.Println(1)
	fmt.Println(1)
	fmt.Println(1)
}
";

fn derived(file: &str, before: &str, after: &str) -> Result<String, Inexpressible> {
    derived_by(file, before, after, Hold::Statement)
}

fn derived_by(file: &str, before: &str, after: &str, hold: Hold) -> Result<String, Inexpressible> {
    let wanted = Wanted { before: before.as_bytes().to_vec(), after: after.as_bytes().to_vec() };
    let files = BTreeMap::from([(RelPath::new(file).unwrap(), wanted)]);
    derive(&files, None, hold).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// What is derived where these pieces of GO are other ones; each must be there.
#[track_caller]
fn of(changes: &[(&str, &str)]) -> String {
    let mut after = GO.to_owned();
    for (old, new) in changes {
        assert!(after.contains(old), "{old}");
        after = after.replacen(old, new, 1);
    }
    derived("p.go", GO, &after).unwrap_or_else(|refused| panic!("{refused}"))
}

#[track_caller]
fn refused(file: &str, before: &str, after: &str) -> (usize, Why) {
    let refused = derived(file, before, after).expect_err("it is an edit");
    (refused.line, refused.why)
}

#[test]
fn code_beside_a_statement_holds_on_to_it() {
    let text = of(&[("\treturn nil", "\to.sync()\n\treturn nil")]);
    assert_eq!(text, "[[edit]]\nfile   = 'p.go'\nin     = 'Options.Run'\nbefore = 'return nil'\ninsert = 'o.sync()'\n");
    let text = of(&[("\tfor _, arg", "\tprepare(args)\n\tfor _, arg")]);
    assert_eq!(
        text,
        "[[edit]]\nfile   = 'p.go'\nin     = 'Options.Run'\nbefore = '_, arg := range args'\ninsert = 'prepare(args)'\n"
    );
    let text = of(&[("All)\n", "All)\n\tif x {\n\t\ty()\n\t}\n")]);
    assert!(text.contains("before = 'return nil'\ninsert = '''\nif x {\n\ty()\n}\n'''\n"), "{text}");
    // What uses a result stands behind what makes it.
    let go = "package p\n\nfunc f() {\n\ta := b()\n\tc()\n}\n";
    let text = derived("p.go", go, &go.replace("\tc()", "\td(a)\n\tc()")).unwrap();
    assert!(text.contains("after  = 'a := b()'\ninsert = 'd(a)'\n"), "{text}");
    let text = of(&[("error {\n", "error {\n\to.lock()\n")]);
    assert_eq!(text, "[[edit]]\nfile   = 'p.go'\nin     = 'Options.Run'\nfirst  = true\ninsert = 'o.lock()'\n");
}

#[test]
fn calls_are_there_when_what_is_around_them_is_another_one() {
    let go = "package p\n\nfunc f() (err error) {\n\terr = s.Stop(now)\n\tif err := s.Start(1); err != nil {\n\t\treturn err\n\t}\n\treturn nil\n}\n";
    let text = |before: &str| {
        let after = go.replace(before, &format!("\tmark()\n{before}"));
        let text = derived_by("p.go", go, &after, Hold::Call).unwrap();
        text.lines().find(|line| line.starts_with("before") || line.starts_with("after")).unwrap_or(&text).to_owned()
    };
    assert_eq!(text("\tif err"), "before = 's.Start(1)'");
    assert_eq!(text("\treturn nil"), "before = 'return nil'");
}

#[test]
fn code_with_a_blank_line_comes_with_a_neighbour() {
    let text = of(&[("\treturn nil", "\to.sync()\n\n\treturn nil")]);
    assert!(text.contains("change = 'return nil'\nwith   = '''\no.sync()\n\nreturn nil\n'''\n"), "{text}");
}

#[test]
fn what_is_replaced_is_as_small_as_it_can_be() {
    let text = of(&[("o.finish(units.All)", "o.finish(units.All, args)")]);
    assert_eq!(
        text,
        "[[edit]]\nfile   = 'p.go'\nin     = 'Options.Run'\nchange = 'o.finish(units.All)'\nwith   = 'o.finish(units.All, args)'\n"
    );
    let text = of(&[("\tfmt.Println(arg)\n", "\tif arg != \"\" {\n\t\t\tfmt.Println(arg)\n\t\t}\n")]);
    assert!(text.contains("change = 'fmt.Println(arg)'\nwith   = '''\nif arg != \"\" {\n\tfmt.Println(arg)\n}\n'''\n"), "{text}");
}

#[test]
fn what_goes_is_deleted() {
    let text = of(&[("\tfor _, arg := range args {\n\t\tfmt.Println(arg)\n\t}\n", "")]);
    assert!(text.contains("delete = '''\nfor _, arg := range args {\n\tfmt.Println(arg)\n}\n'''\n"), "{text}");
    // Its comment would stay.
    let text = of(&[("\t// The last thing.\n\to.finish(units.All)\n", "")]);
    assert!(text.contains("change = "), "{text}");
}

#[test]
fn imports_are_imports_where_there_is_other_code() {
    let text = of(&[("\t\"fmt\"\n", "\t\"fmt\"\n\t\"os\"\n"), ("\treturn nil", "\tos.Exit(1)\n\treturn nil")]);
    assert!(text.ends_with("before  = 'return nil'\ninsert  = 'os.Exit(1)'\nimports = [\"os\"]\n"), "{text}");
    let text = of(&[("\t\"fmt\"\n", "\t\"fmt\"\n\t_ \"os\"\n")]);
    assert_eq!(text, "[[edit]]\nfile   = 'p.go'\nafter  = '\"fmt\"'\ninsert = '_ \"os\"'\n");
}

#[test]
fn fields_and_entries_have_neighbours_too() {
    let text = of(&[
        ("\tSize int // in bytes", "\tLongName string\n\tSize     int // in bytes"),
        ("\tName string", "\tName     string"),
    ]);
    assert!(text.contains("in     = 'Options'\n") && text.contains("insert = 'LongName string'\n"), "{text}");
    let text = of(&[("\tOne = 1\n\tTwo = 2\n", "\tOne   = 1\n\tTwo   = 2\n\tThree = 3\n")]);
    assert!(text.contains("in     = 'Two'\nafter  = 'Two = 2'\ninsert = 'Three = 3'\n"), "{text}");
}

#[test]
fn several_regions_are_several_edits() {
    let text = of(&[
        ("\treturn nil", "\to.sync()\n\treturn nil"),
        ("o.check()", "o.checkAll(args)"),
        ("\treturn `usage", "\tcount++\n\treturn `usage"),
    ]);
    assert_eq!(text.matches("[[edit]]").count(), 3, "{text}");
}

#[test]
fn what_is_there_twice_is_found_with_its_neighbours() {
    // Three alike: only the last has nothing behind it.
    let (one, three) = ("\tfmt.Println(1)\n", "\tfmt.Println(1)\n\tfmt.Println(1)\n\tfmt.Println(1)\n");
    let after = GO.replace(three, &format!("{one}{one}\tlast()\n{one}"));
    let text = derived("p.go", GO, &after).unwrap();
    assert!(text.contains("in     = 'other'\n"), "{text}");
    let go = "package p\n\nfunc f() {\n\ta()\n\tb()\n\ta()\n\tc()\n}\n";
    let text = derived("p.go", go, &go.replace("\ta()\n\tc()", "\tx()\n\ta()\n\tc()")).unwrap();
    assert!(text.contains("after  = 'b()'") || text.contains("before = '''\na()\nc()\n'''"), "{text}");
}

#[test]
fn lines_of_raw_strings_and_comments_are_lines() {
    let text = of(&[("  stop  stops it\n", "  stop  stops it\n  kill  kills it\n")]);
    assert_eq!(text, "[[text]]\nfile   = 'p.go'\nline   = '  stop  stops it'\nafter  = true\ninsert = '  kill  kills it'\n");
    let text = of(&[("// Kinds of things.", "// Kinds of everything.")]);
    assert_eq!(
        text,
        "[[text]]\nfile   = 'p.go'\nline   = '// Kinds of things.'\nchange = true\nwith   = '// Kinds of everything.'\n"
    );
}

#[test]
fn other_files_are_edited_by_line() {
    let before = "a: 1\nb: 2\nc: 3\n";
    let text = derived("x.yaml", before, "a: 1\nb: 2\nd: 4\n\nc: 3\n").unwrap();
    assert_eq!(text, "[[text]]\nfile   = 'x.yaml'\nline   = 'b: 2'\nafter  = true\ninsert = '''\nd: 4\n\n\n'''\n");
    let text = derived("x.yaml", before, "a: 1\nb: 5\nc: 3\nd: 4\n").unwrap();
    assert_eq!(text.matches("[[text]]").count(), 2, "{text}");
    assert_eq!(refused("x.yaml", before, "a: 1\nc: 3\n"), (2, Why::LinesGone));
    assert_eq!(refused("x.yaml", "a\na\n", "a\nb\na\n"), (2, Why::NoPlace));
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert!(derived("x.yaml", &crlf(before), &crlf("a: 1\nb: 2\nx\nc: 3\n")).is_ok());
    assert!(derived("p.go", &crlf(GO), &crlf(&GO.replace("\treturn nil", "\tx()\n\treturn nil"))).is_ok());
}

#[test]
fn what_is_outside_of_every_declaration_is_refused() {
    let after = GO.replace("func help()", "func more() {}\n\nfunc help()");
    let line = GO.lines().position(|line| line.starts_with("func help")).unwrap() + 1;
    assert_eq!(refused("p.go", GO, &after), (line, Why::Declarations));
    let after = GO.replace("\nfunc other() {\n\tfmt.Println(1)\n\tfmt.Println(1)\n\tfmt.Println(1)\n}\n", "");
    assert_eq!(refused("p.go", GO, &after).1, Why::Declarations);
    assert_eq!(refused("p.go", "\u{1}\u{fffd}", "x").0, 1);
}
