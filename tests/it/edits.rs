//! Structural edits through the program: they hold where lines have moved, `patch show` prints what they come to, and a miss
//! says where it looked.

use std::fs;

use crate::kit::{Sandbox, git, output_of};

const RECIPE: &str = "[component.app]\nlines = [\"~1.2\"]\nseries = [\"polite\"]\n";

const EDIT: &str = r#"
description = "Say it politely"

[[edit]]
file    = "greet.go"
in      = "greeting"
change  = "return $X"
with    = "return strings.ToUpper($X) + polite()"
imports = ["strings"]
"#;

const NEW_FILE: (&str, &str) = ("polite.go", "package main\n\nfunc polite() string { return \", please\" }\n");

/// A series of a mail with a new file and an edit that calls it; v1.2.4 has other lines around the place.
fn sandbox() -> (Sandbox, crate::kit::Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let moved = "package main\n\nimport (\n\t\"os\"\n)\n\nvar where = os.Args[0]\n\n// greeting has other neighbours now.\nfunc \
                 greeting() string {\n\tif where == \"\" {\n\t\tpanic(where)\n\t}\n\n\treturn \"hello again\"\n}\n";
    up.release_with("v1.2.4", &[("greet.go", moved)]);
    let mail = up.patch("v1.2.3", "A word for it", &[NEW_FILE]);
    sandbox.series("app", "polite", &[("a-word.patch", &mail), ("say-it.edit.toml", EDIT)]);
    sandbox.recipe("app", RECIPE);
    (sandbox, up)
}

#[test]
fn one_edit_holds_where_lines_differ() {
    let (sandbox, _up) = sandbox();
    sandbox.forge(&["build", "app"]).ok().says("Patched app v1.2.4: 2 patches");
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.2.4"), &[]), "HELLO AGAIN, please\n");
    sandbox.forge(&["build", "app@v1.2.3"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.2.3"), &[]), "HELLO, please\n");
}

#[test]
fn patch_show_prints_what_git_apply_takes() {
    let (sandbox, up) = sandbox();
    for release in ["v1.2.3", "v1.2.4"] {
        let component = format!("app@{release}");
        let shown = sandbox.forge(&["patch", "show", &component]);
        shown.ok().prints("# polite/a-word.patch").prints("# polite/say-it.edit.toml").prints("+\treturn strings.ToUpper(");
        let clone = sandbox.root().join(release);
        up.clone_to(&clone);
        git(&clone, &["checkout", "-q", release]);
        fs::write(clone.join("../all.patch"), shown.out()).unwrap();
        git(&clone, &["apply", "--index", "../all.patch"]);
        let out = format!("tree-{release}");
        sandbox.forge(&["tree", &component, "--out", &out, "--git"]).ok();
        let tree = git(&sandbox.project().join(&out), &["rev-parse", "HEAD^{tree}"]);
        assert_eq!(git(&clone, &["write-tree"]), tree);
    }
    let document = sandbox.forge(&["patch", "show", "app", "--json"]).ok().json();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["release"], "v1.2.4");
    let patches = document["patches"].as_array().unwrap();
    assert_eq!(patches.len(), 2);
    assert_eq!(patches[1]["patch"], "say-it.edit.toml");
    assert_eq!(patches[1]["status"], "applied");
    assert!(patches[1]["diff"].as_str().unwrap().contains("+\t\"strings\""), "{document}");
}

#[test]
fn patch_show_says_what_is_skipped_and_shows_control_characters() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let mail = up.patch("v1.2.3", "Odd", &[("odd.txt", "a\u{1b}[31mred\n")]);
    sandbox.series("app", "polite", &[("odd.patch", &mail), ("say-it.edit.toml", EDIT)]);
    let list = sandbox.read("patches/app/polite/series.toml");
    let bounded = "[[patch]]\nversions = \">=2\"\nreason = \"it was rude before\"\nfile = \"say-it.edit.toml\"\n";
    sandbox.write("patches/app/polite/series.toml", &list.replace("[[patch]]\nfile = \"say-it.edit.toml\"\n", bounded));
    sandbox.recipe("app", RECIPE);
    let shown = sandbox.forge(&["patch", "show", "app"]);
    shown.ok().prints("say-it.edit.toml is skipped").prints("it was rude before");
    assert!(!shown.out().contains('\u{1b}'), "{}", shown.out());
}

#[test]
fn a_miss_says_where_it_looked_and_what_is_like_it() {
    let (sandbox, _up) = sandbox();
    sandbox.edit("patches/app/polite/say-it.edit.toml", "change  = \"return $X\"", "change  = 'return \"hello\", $X'");
    let ran = sandbox.forge(&["build", "app"]);
    ran.code(3);
    ran.says("greet.go:").says("edit 1 finds nothing in").says("greeting").says("wanted: return \"hello\", $X");
    ran.says("most similar there").says("greet.go:15: return \"hello again\"");
    ran.says("say-it.edit.toml:4");
    assert!(!sandbox.has("dist"), "nothing is delivered");

    sandbox.edit("patches/app/polite/say-it.edit.toml", "in      = \"greeting\"", "in      = \"greetings\"");
    let ran = sandbox.forge(&["patch", "show", "app"]);
    ran.code(3);
    ran.says("looks in greetings, which the file does not declare").says("most like it: greeting");
}

#[test]
fn code_that_breaks_the_file_is_refused() {
    let (sandbox, _up) = sandbox();
    sandbox.edit("patches/app/polite/say-it.edit.toml", "with    = \"return strings", "with    = \"return ) strings");
    sandbox.forge(&["build", "app"]).code(3).says("greet.go").says("syntax error");
}

#[test]
fn every_mistake_of_an_edit_file_is_reported_at_its_line() {
    let (sandbox, _up) = sandbox();
    let wrong = "[[edit]]\nfile = \"../x.go\"\nbefore = \"f()\"\n\n[[edit]]\nfile = \"a.go\"\nbefor = \"f(\"\ninsert = \"g()\"\n";
    sandbox.write("patches/app/polite/say-it.edit.toml", wrong);
    let ran = sandbox.forge(&["show"]);
    let ran = if ran.said().contains("say-it") { ran } else { sandbox.forge(&["build", "app"]) };
    ran.code(1);
    ran.says("say-it.edit.toml:2").says("say-it.edit.toml:7").says("befor").says("before");
}

#[test]
fn the_inside_of_a_raw_string_is_edited_by_line() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let text = "package main\n\nconst help = `Usage:\n\n  app [flags]\n`\n\n// greeting is what the program says.\nfunc greeting() \
                string {\n\treturn help\n}\n";
    up.release_with("v1.2.4", &[("greet.go", text)]);
    let edit = "[[text]]\nfile = \"greet.go\"\nline = \"  app [flags]\"\nafter = true\ninsert = \"  app help\"\n";
    sandbox.series("app", "polite", &[("usage.edit.toml", edit)]);
    sandbox.recipe("app", RECIPE);
    sandbox.forge(&["build", "app"]).ok();
    assert_eq!(output_of(&sandbox.binary("dist", "app-v1.2.4"), &[]), "Usage:\n\n  app [flags]\n  app help\n\n");
    // Outside of strings and comments, lines are no way to find a place in Go.
    sandbox.write("patches/app/polite/usage.edit.toml", &edit.replace("  app [flags]", "\\treturn help"));
    sandbox.forge(&["patch", "show", "app"]).code(3).says("not inside one raw string or comment");
}
