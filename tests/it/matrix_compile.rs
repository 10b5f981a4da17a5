//! `forge matrix --compile` and `--test`: what a compiler says of the packages that patches touch.

use serde_json::Value;

use crate::kit::{Sandbox, Upstream};

/// A mail with a package and its test, and an edit that calls it: on v1.1.0 the name is taken, on v1.2.0 the test fails.
fn sandbox() -> (Sandbox, Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.0.0"]);
    up.config("uploadpack.allowFilter", "true");
    up.release_with("v1.1.0", &[("taken.go", "package main\n\nvar loud = 1\n")]);
    up.release_with("v1.2.0", &[("taken.go", ""), ("mark.go", "package main\n\nconst mark = \"?\"\n")]);
    up.release_with("v1.3.0", &[("mark.go", "package main\n\nconst mark = \"!\"\n")]);
    up.release_with("v1.0.1", &[("mark.go", "package main\n\nconst mark = \"!\"\n"), ("bad_test.go", BAD_TEST)]);
    let new = [("loud.go", "package main\n\nfunc loud(text string) string { return text + mark }\n"), ("loud_test.go", TEST)];
    let mail = up.patch("v1.3.0", "Loud", &new);
    let edit = "[[edit]]\nfile = 'greet.go'\nin = 'greeting'\nchange = 'return $X'\nwith = 'return loud($X)'\n";
    sandbox.series("app", "loud", &[("loud.patch", &mail), ("call.edit.toml", edit)]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.3\"]\nseries = [\"loud\"]\nholds = \">=1.3\"\n");
    (sandbox, up)
}

const TEST: &str = "package main\n\nimport \"testing\"\n\nfunc TestLoud(t *testing.T) {\n\tif loud(\"a\") != \"a!\" {\n\t\tt.Fatal(\"too \
                    quiet\")\n\t}\n}\n";

/// What vet does not like, and no patch touches.
const BAD_TEST: &str =
    "package main\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) {\n\tt.Skip()\n\tgo func() { t.Fatal(1) }()\n}\n";

fn results(document: &Value) -> Vec<(String, Option<String>, Option<String>)> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let releases = document["components"][0]["releases"].as_array().unwrap();
    releases.iter().map(|r| (text(&r["version"]).unwrap(), text(&r["compile"]), text(&r["test"]))).collect()
}

fn row(version: &str, compile: &str, test: Option<&str>) -> (String, Option<String>, Option<String>) {
    (version.to_owned(), Some(compile.to_owned()), test.map(str::to_owned))
}

#[test]
fn a_compiler_has_the_last_word() {
    let (sandbox, _up) = sandbox();
    let ran = sandbox.forge(&["matrix", "app@>=1.0", "--test", "--json"]);
    // Only 1.3 is promised, and that is good.
    ran.ok();
    let document = ran.json();
    let expected = [
        row("v1.3.0", "ok", Some("ok")),
        row("v1.2.0", "ok", Some("failed")),
        row("v1.1.0", "failed", None),
        row("v1.0.1", "ok", Some("ok")),
        row("v1.0.0", "failed", None),
    ];
    assert_eq!(results(&document), expected, "{}", ran.out());
    let checked = &document["components"][0]["releases"][2]["checked"];
    assert_eq!(checked["packages"], serde_json::json!(["."]));
    assert!(checked["output"].to_string().contains("loud redeclared"), "{checked}");
    assert!(ran.out().contains("too quiet"));
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn answers_are_kept_and_a_red_promise_ends_with_5() {
    let (sandbox, up) = sandbox();
    sandbox.edit("recipes/app.toml", "holds = \">=1.3\"", "holds = \">=1.2\"");
    let first = sandbox.forge(&["matrix", "--test", "--json", "--jobs", "1"]);
    first.code(5).says("Checked app v1.3.0: compile ok, test ok").says("v1.2.0: compile ok, test failed");
    let again = sandbox.forge(&["matrix", "--test", "--json"]);
    again.code(5).lacks("Checking").lacks("Checked");
    assert_eq!(first.out(), again.out());
    // Without tests nothing is red.
    sandbox.forge(&["matrix", "--compile", "--newest"]).ok().says("Checked app v1.2.0").prints("v1.3.0");
    up.release_with("v1.3.1", &[("other.txt", "x\n")]);
    let new = sandbox.forge(&["matrix", "--test", "--json"]);
    new.code(5).says("Checked app v1.3.1").lacks("Checked app v1.3.0");
    // Another patch is another question.
    sandbox.edit("patches/app/loud/call.edit.toml", "return loud($X)", "return loud($X + \\\"x\\\")");
    sandbox.edit("patches/app/loud/call.edit.toml", "\\\"x\\\"", "`x`");
    sandbox.forge(&["matrix", "--compile", "--newest"]).ok().says("Checked app v1.3.1");
}
