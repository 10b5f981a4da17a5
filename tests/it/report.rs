//! `forge report`: every statement comes from something that was run, and what was not run says so.

use crate::kit::Sandbox;
use crate::trial::{trial, with_steps};

const LIST: &str = "\
# app: another greeting.
#
# What: app says *patched*
# instead of hello.
#
# Why: hello is <b>not</b> enough; see app#1, @somebody.
#
# Known limits: none.

[[patch]]
file = \"say-patched.patch\"
base = \"v1.2.3\"
";

const STEPS: &str = "\
[[trial]]
put = { \"/app\" = \"{app.binary}\" }
[[trial]]
name   = \"says so\"
run    = [\"./app\"]
stdout = { contains = \"patched\" }
";

const PLAN: &str = "\
[[plan]]
item   = \"clone app\"
source = \"app\"
[[plan]]
item  = \"build app\"
built = \"app\"
[[plan]]
item  = \"try it\"
trial = \"says so\"
note  = \"On a host for tests.\"
[[plan]]
item  = \"try more\"
trial = [\"says so\", \"no such step\"]
[[plan]]
item         = \"fly\"
not_possible = \"it has no wings\"
[[plan]]
item   = \"tell\"
report = true
[[plan]]
item = \"rest\"
";

fn project() -> (Sandbox, crate::kit::Upstream, crate::trial::Engine) {
    let (sandbox, up, engine) = with_steps(&format!("{STEPS}{PLAN}"));
    sandbox.write("patches/app/greeting/series.toml", LIST);
    sandbox.edit(
        "recipes/app.toml",
        "description = \"app for tests\"",
        "description = \"app for tests\"\nquestions = [\"Is it *enough*?\"]",
    );
    sandbox.edit("recipes/app.toml", "[component.app]\n", "[component.app]\nholds = \">=1.2\"\n");
    (sandbox, up, engine)
}

#[test]
fn what_was_not_run_says_so() {
    let (sandbox, _up, _engine) = project();
    let ran = sandbox.forge(&["report"]);
    ran.ok()
        .prints("# app for tests\n\nRecipe `app`, told by forge ")
        .prints("### The problem\n\nhello is &lt;b>not&lt;/b> enough; see app#1, &#64;somebody.\n")
        .prints("### What was changed\n\napp says \\*patched\\*\ninstead of hello.\n")
        .prints("| `greeting/say-patched.patch` | Say patched |\n\nKnown limits: none.\n")
        .prints("### Versions\n\nNot run: nothing is resolved yet.\n")
        .prints("### Where it holds\n\nNot run here.\n\nPromised on `>=1.2`.\n")
        .prints("Not run: the sources are not in the store.")
        .prints("## On a host\n\nNot run here. It would be by\n\n```console\nforge trial --recipe app\n```\n")
        .prints("## Open questions\n\n- Is it \\*enough\\*?\n")
        .prints("| clone app | not run | `forge fetch app --recipe app` |  |\n")
        .prints("| build app | not run | `forge build app --recipe app` |  |\n")
        .prints("| try it | not run | `forge trial --recipe app` | On a host for tests. |\n")
        .prints("| fly | 🚫 not possible |  | it has no wings |\n")
        .prints("| tell | ✅ done | `forge report --recipe app` | this text |\n")
        .prints("| rest | not run |  |  |\n");
    assert!(!sandbox.has("recipes/app.lock"), "a report locks nothing");
}

#[test]
fn what_was_run_is_told() {
    let (sandbox, up, engine) = project();
    let sum = sandbox.forge(&["build", "--json"]).ok().artifacts()[0]["sha256"].as_str().unwrap().to_owned();
    sandbox.forge(&["matrix"]).ok();
    trial(&sandbox, &engine, &[]).ok();
    let commit = up.id("v1.2.3");
    let ran = sandbox.forge(&["report"]);
    ran.ok()
        .prints(&format!("| `{sum}` | 1 hold |"))
        .prints(&commit)
        .prints(&up.tree("v1.2.3"))
        .prints(" of `>=1.2`: 1 of 1 promised release clean.")
        .prints("```console\nforge build app --recipe app\nforge plan app --recipe app --sh\nforge matrix app --recipe app\n")
        .prints("+\treturn \"patched\"\n")
        .prints("a host for tests. docker 99.1, systemd 999.\n")
        .prints("| says so | ✅ | exit 0, stdout contains &#34;patched&#34; | exit 0, stdout: patched |")
        .prints("| try it | ✅ done | `forge trial --recipe app` | says so: stdout: patched<br>On a host for tests. |\n")
        .prints("| try more | not run |");
    assert!(!ran.stdout.contains("have changed"), "{}", ran.stdout);
    // But for the address of the upstream, which is a folder here, no path of this machine.
    for path in [sandbox.store(), sandbox.project(), sandbox.home()] {
        assert!(!ran.stdout.contains(path.to_str().unwrap()), "{}", ran.stdout);
    }
    let document = sandbox.forge(&["report", "--json"]).ok().json();
    let report = &document["report"];
    assert_eq!((&report["plan"][1]["outcome"], &report["plan"][4]["outcome"]), (&"done".into(), &"not-possible".into()));
    assert_eq!(
        (&report["upstreams"][0]["builds"][0]["sha256"], &report["trials"][0]["stale"]),
        (&sum.as_str().into(), &false.into())
    );
    // One upstream alone; and one that is not there.
    sandbox.forge(&["report", "app"]).ok();
    sandbox.forge(&["report", "ap"]).code(1).says("did you mean app?");
    // The series changes: what was run is told as what it is.
    let other = up.greeting_patch("v1.2.3", "patched again");
    sandbox.write("patches/app/greeting/say-patched.patch", &other);
    sandbox.forge(&["report"]).ok().prints("Since then the series have changed.").prints("not run");
    sandbox.forge(&["build"]).ok();
    sandbox.forge(&["report"]).ok().prints("The binaries have changed since then.");
}

#[test]
fn a_failed_step_is_told_as_failed() {
    let (sandbox, _up, engine) = project();
    sandbox.edit("recipes/app.toml", "stdout = { contains = \"patched\" }", "stdout = { contains = \"other|<b>\" }");
    trial(&sandbox, &engine, &[]).code(5);
    let ran = sandbox.forge(&["report"]);
    ran.ok().prints("| try it | ❌ failed |").prints("| ❌ | exit 0, stdout contains &#34;other&#124;&#60;b&#62;&#34; |");
}

#[test]
fn mistakes_of_a_plan_are_told() {
    let (sandbox, _up, _engine) = with_steps(
        "[[plan]]\nsource = \"app\"\n[[plan]]\nitem = \"a\"\nbuilt = \"ap\"\n[[plan]]\nitem = \"b\"\nbuilt = \"app\"\nreport = true\n[[plan]]\nitem = \"c\"\nrecipe = \"other\"\n",
    );
    sandbox
        .forge(&["report"])
        .code(1)
        .says("[[plan]] needs `item`")
        .says("the recipe has no component ap")
        .says("`built` and `report` exclude each other")
        .says("`recipe` has no meaning without `trial`");
}
