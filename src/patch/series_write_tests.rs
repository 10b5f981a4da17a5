use super::*;

const TOML: &str = "\
# demo: what it is for.
#
# Base: v1.

# The first.
[[patch]]
file = \"a.patch\"   # why
base = \"v1.0.0\"

[[patch]]
reason = \"two\"
one_of = [
  { file = \"b.1.patch\", base = \"v1.0.0\" }, # old
  { file = \"b.2.patch\", base = \"v1.2.0\" },
]

# The last.
[[patch]]
file = \"c.patch\"
";

fn name(text: &str) -> PatchName {
    PatchName::new(text).unwrap()
}

fn kept(index: usize) -> Planned {
    Planned::Kept { index, change: None }
}

fn changed(index: usize, file: &str, by: &str, base: &str, beside: bool) -> Planned {
    let change = FormChange { file: name(file), by: name(by), base: Some(Revision::new(base).unwrap()), beside };
    Planned::Kept { index, change: Some(change) }
}

#[test]
fn order_changes_and_comments_stay_with_what_they_are_about() {
    let text = toml(TOML, &[kept(2), kept(0), Planned::New { file: name("n.patch"), base: None }]).unwrap();
    assert_eq!(
        text,
        "# demo: what it is for.\n#\n# Base: v1.\n\n# The last.\n[[patch]]\nfile = \"c.patch\"\n\n# The first.\n[[patch]]\nfile = \
         \"a.patch\"   # why\nbase = \"v1.0.0\"\n\n[[patch]]\nfile = \"n.patch\"\n"
    );
    assert_eq!(toml(TOML, &[kept(0), kept(1), kept(2)]).unwrap(), TOML);
}

#[test]
fn a_form_changes_alone() {
    let plan =
        [changed(0, "a.patch", "a.patch", "v2.0.0", false), changed(1, "b.2.patch", "b.3.patch", "v2.0.0", false), kept(2)];
    let text = toml(TOML, &plan).unwrap();
    let expected = TOML
        .replace("   # why\nbase = \"v1.0.0\"", "   # why\nbase = \"v2.0.0\"")
        .replace("{ file = \"b.2.patch\", base = \"v1.2.0\" }", "{ file = \"b.3.patch\", base = \"v2.0.0\" }");
    assert_eq!(text, expected);
}

#[test]
fn a_second_form_goes_beside_the_first() {
    let plan =
        [changed(0, "a.patch", "a.2.patch", "v2.0.0", true), changed(1, "b.1.patch", "b.3.patch", "v2.0.0", true), kept(2)];
    let text = toml(TOML, &plan).unwrap();
    let forms = "one_of = [\n  { file = \"a.patch\", base = \"v1.0.0\" },\n  { file = \"a.2.patch\", base = \"v2.0.0\" },\n]\n";
    assert!(text.contains(forms), "{text}");
    assert!(text.contains("{ file = \"b.3.patch\", base = \"v2.0.0\" }"), "{text}");
    text.parse::<DocumentMut>().unwrap();
}

#[test]
fn a_list_can_begin_and_end_empty() {
    let empty = toml("# about\ndescription = \"x\"\n", &[Planned::New { file: name("a.patch"), base: None }]).unwrap();
    assert_eq!(empty, "# about\ndescription = \"x\"\n\n[[patch]]\nfile = \"a.patch\"\n");
    let none = toml(TOML, &[]).unwrap();
    assert!(none.starts_with("# demo") && !none.contains("[[patch]]"), "{none}");
    assert_eq!(
        toml("# only\n", &[Planned::New { file: name("a.patch"), base: None }]).unwrap(),
        "# only\n\n[[patch]]\nfile = \"a.patch\"\n"
    );
}

#[test]
fn a_patch_that_becomes_two_keeps_what_is_said_of_it_and_its_comment_once() {
    let edit = FormChange { file: name("c.patch"), by: name("c.edit.toml"), base: None, beside: false };
    let second = Planned::Kept { index: 2, change: Some(edit) };
    let text = toml(TOML, &[kept(0), kept(1), changed(2, "c.patch", "c.patch", "v2.0.0", false), second]).unwrap();
    let end = "\n# The last.\n[[patch]]\nfile = \"c.patch\"\nbase = \"v2.0.0\"\n\n[[patch]]\nfile = \"c.edit.toml\"\n";
    assert_eq!(text, TOML.replace("\n# The last.\n[[patch]]\nfile = \"c.patch\"\n", end));
}
