//! Recipes: which one is meant, what is wrong with it, and what forge tells of it.

use std::fs;

use snapbox::{assert_data_eq, str};

use crate::kit::{Program, Sandbox, Upstream};

/// A project with an upstream that nobody has to reach.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    let build = "[[build]]\ndriver = \"go\"\npackages = [\".\"]\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("git = \"https://git.example/app.git\"\n{build}"));
    sandbox
}

#[test]
fn all_errors_of_a_file_come_at_once_with_their_places_and_ways_out() {
    let sandbox = project();
    sandbox.write("patches/app/units/series.toml", "patch = []\n");
    let recipe = r#"description = "wrong in many ways"
target = ["linux/amd64"]

[component.app]
lines   = ["~1.2"]
version = "v1"
series  = ["unist"]
replace = ["servize"]

[component.service]
upstream = "servise"
"#;
    sandbox.write("recipes/app.toml", recipe);
    let ran = sandbox.forge(&["build"]);
    assert_data_eq!(
        ran.code(1).err(),
        str![[r#"
  × there are 5 errors in [ROOT]/project/recipes/app.toml

Error: 
  × the recipe has no key `target`
   ╭─[[ROOT]/project/recipes/app.toml:2:1]
 1 │ description = "wrong in many ways"
 2 │ target = ["linux/amd64"]
   · ──────
 3 │ 
   ╰────
  help: did you mean `targets`?

Error: 
  × `lines` and `version` exclude each other
   ╭─[[ROOT]/project/recipes/app.toml:6:11]
 5 │ lines   = ["~1.2"]
 6 │ version = "v1"
   ·           ────
 7 │ series  = ["unist"]
   ╰────
  help: `lines` takes the newest release of each range, `version` one tag, branch or commit

Error: 
  × there is no series unist: no folder patches/app/unist
   ╭─[[ROOT]/project/recipes/app.toml:7:12]
 6 │ version = "v1"
 7 │ series  = ["unist"]
   ·            ───────
 8 │ replace = ["servize"]
   ╰────
  help: did you mean units?

Error: 
  × the recipe has no component servize
   ╭─[[ROOT]/project/recipes/app.toml:8:12]
 7 │ series  = ["unist"]
 8 │ replace = ["servize"]
   ·            ─────────
 9 │ 
   ╰────
  help: did you mean service?

Error: 
  × there is no upstream servise
    ╭─[[ROOT]/project/recipes/app.toml:11:12]
 10 │ [component.service]
 11 │ upstream = "servise"
    ·            ─────────
    ╰────
  help: did you mean service?

"#]]
    );
    assert!(!sandbox.store().exists());
    // The same for every command that reads the recipe.
    for args in [&["plan"][..], &["lock"], &["fetch"], &["update"], &["show"], &["tree", "app", "--out", "x"]] {
        assert_eq!(sandbox.forge(args).code(1).err(), ran.err());
    }
}

#[test]
fn what_is_not_toml_is_shown_where_it_stops_being_so() {
    let sandbox = project();
    sandbox.write("recipes/app.toml", "description = \"never closed\n[component.app]\n");
    assert_data_eq!(
        sandbox.forge(&["build"]).code(1).err(),
        str![[r#"
  × there is an error in [ROOT]/project/recipes/app.toml

Error: 
  × invalid basic string, expected `"`
   ╭─[[ROOT]/project/recipes/app.toml:1:28]
 1 │ description = "never closed
   ·                            ▲
 2 │ [component.app]
   ╰────

"#]]
    );
    sandbox.write("recipes/app.toml", "[component.app]\nlines = [\"~1.2\"]\n[component.app]\nlines = [\"~1.3\"]\n");
    sandbox.forge(&["build"]).code(1).says("duplicate key").says("recipes/app.toml:3:12");
    fs::write(sandbox.project().join("recipes/app.toml"), b"description = \"\xff\"\n").unwrap();
    sandbox.forge(&["build"]).code(1).says("recipes/app.toml");
}

#[test]
fn a_wrong_upstream_file_and_a_wrong_recipe_are_told_together() {
    let sandbox = project();
    sandbox.write("recipes/upstreams/app.toml", "gti = \"https://git.example/app.git\"\n");
    sandbox.recipe("app", "[component.app]\nline = [\"~1.2\"]\n");
    let ran = sandbox.forge(&["build"]);
    ran.code(1).says("did you mean `git`?").says("upstreams/app.toml:1:1");
    ran.says("did you mean `lines`?").says("recipes/app.toml:5:1");
}

#[test]
fn what_is_listed_twice_is_refused() {
    let sandbox = project();
    sandbox.write("patches/app/one/series.toml", "patch = []\n");
    let recipe = "targets = [\"linux/amd64\", \"linux/amd64\"]\n[component.app]\nlines = [\"~1.2\", \"~1.2\"]\nseries = [\"one\", \"one\"]\n";
    sandbox.write("recipes/app.toml", &format!("description = \"twice\"\n{recipe}"));
    let ran = sandbox.forge(&["build"]);
    ran.code(1).says("target linux/amd64 is listed twice").says("line ~1.2 is listed twice").says("series one is listed twice");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let sandbox = project();
    sandbox.recipe("appliance", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["build", "-r", "aplliance"]).code(1).says("there is no recipe aplliance; did you mean appliance?");
    sandbox.forge(&["build", "-r", "dmeo"]).code(1).says("did you mean demo?").says("there are appliance, demo");
    sandbox.forge(&["build", "apq"]).code(1).says("has no component apq; did you mean app?");
    sandbox.forge(&["tree", "apq", "--out", "x"]).code(1).says("did you mean app?");
    sandbox.recipe("appliance", "[component.app]\nlines = [\"~1.2\"]\nupstream = \"ap\"\n");
    sandbox.forge(&["build"]).code(1).says("there is no upstream ap").says("did you mean app?");
    sandbox.forge(&["build", "-r", "-x"]).code(2);
    sandbox.forge(&["build", "--recipe=-x"]).code(1).says("recipe");
}

#[test]
fn the_recipe_is_the_given_one_that_of_the_environment_or_the_only_one() {
    let sandbox = project();
    let of = |ran: &crate::kit::Ran| ran.json()["recipe"].as_str().unwrap().to_owned();
    sandbox.recipe("one", "[component.app]\nlines = [\"~1.2\"]\n");
    assert_eq!(of(sandbox.forge(&["show", "--json"]).ok()), "one");
    sandbox.recipe("two", "[component.app]\nlines = [\"~1.2\"]\n");
    sandbox.forge(&["show"]).code(1).says("it is not said which recipe is meant").says("say --recipe NAME; there are demo");
    let two = |args: &[&str]| sandbox.command(args).env("FORGE_RECIPE", "two").run();
    assert_eq!(of(two(&["show", "--json"]).ok()), "two");
    assert_eq!(of(two(&["show", "--json", "-r", "one"]).ok()), "one");
    assert_eq!(of(sandbox.command(&["show", "--json"]).env("FORGE_RECIPE", "").arg("--recipe=demo").run().ok()), "demo");
}

#[test]
fn a_recipe_can_be_a_file_elsewhere() {
    let (sandbox, up) = app("v1.2.0");
    let elsewhere = sandbox.root().join("elsewhere");
    fs::create_dir_all(elsewhere.join("sub")).unwrap();
    let text = format!("description = \"by file\"\n[component.app]\nlines = [\"~1.2\"]\n{}", inline(&up));
    fs::write(elsewhere.join("mine.toml"), text).unwrap();
    let ran = sandbox.command(&["lock", "-r", "../mine.toml"]).cwd(elsewhere.join("sub")).run();
    ran.ok().prints("../mine.lock");
    assert!(elsewhere.join("mine.lock").exists());
    sandbox.forge(&["lock", "-r", "../elsewhere/none.toml"]).code(1).says("cannot read ../elsewhere/none.toml");
}

/// An upstream within a recipe.
fn inline(up: &Upstream) -> String {
    format!("git = \"{}\"\n[[component.app.build]]\ndriver = \"go\"\npackages = [\".\"]\n", up.url())
}

fn app(release: &str) -> (Sandbox, Upstream) {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program::default());
    up.release(release);
    (sandbox, up)
}

#[test]
fn the_search_for_recipes_goes_up_to_the_root_of_the_repository_and_no_further() {
    let sandbox = project();
    sandbox.recipe("mine", "[component.app]\nlines = [\"~1.2\"]\n");
    let below = sandbox.project().join("a/b");
    fs::create_dir_all(&below).unwrap();
    sandbox.command(&["list"]).cwd(&below).run().ok().prints("mine: mine for tests");
    sandbox.command(&["show"]).cwd(&below).run().ok().says("recipes/mine.toml");
    fs::create_dir_all(sandbox.project().join("a/.git")).unwrap();
    let ran = sandbox.command(&["list", "-v"]).cwd(&below).run();
    assert!(!ran.ok().stdout.contains("mine"));
    ran.says("no recipes folder up to").says("Repository");
}

#[test]
fn outside_of_any_project_the_built_in_recipes_work() {
    let sandbox = Sandbox::new();
    let listed = sandbox.command(&["list"]).cwd(sandbox.empty()).run();
    listed.ok().prints("demo (built in): ").prints("stock (built in): ");
    let target = crate::kit::host();
    let build = ["build", "--recipe", "demo", "--locked", "--target", &target];
    sandbox.command(&build).cwd(sandbox.empty()).run().ok();
    let out = sandbox.empty().join("dist").join(format!("demo-v1.2.0-demo-{}", target.replace('/', "-")));
    assert!(out.exists());
    assert!(!sandbox.state().exists(), "the lock of the program itself holds");
    // What is built in is not the user's to rewrite; where it moves on, the state folder has it.
    sandbox.command(&["update", "-r", "demo", "demo@~1.1"]).cwd(sandbox.empty()).run().code(2).says("is built in");
    let pinned = sandbox.command(&["lock", "-r", "demo"]).cwd(sandbox.empty()).run();
    pinned.ok().prints("home/.local/state/forge/locks/demo.lock");
    assert!(!sandbox.empty().join("recipes").exists());
}

#[test]
fn list_and_show_tell_what_there_is() {
    let (sandbox, up) = app("v1.2.0");
    sandbox.upstream_file(&up);
    sandbox.series("app", "polite", &[("greet.patch", &up.greeting_patch("main", "good day"))]);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\", \"~1.1\"]\nseries = [\"polite\"]\nholds = \">=1\"\n");
    let listed = sandbox.forge(&["list"]);
    assert_data_eq!(
        listed.ok().out().lines().take(2).collect::<Vec<_>>().join("\n"),
        str![[r#"
app: app for tests
  app ~1.2, ~1.1, series polite
"#]]
    );
    let shown = sandbox.forge(&["show"]);
    assert_data_eq!(
        shown.ok().out().replace(&crate::kit::host(), "[HOST]"),
        str![[r#"
app: app for tests
recipe: [ROOT]/project/recipes/app.toml
lock: [ROOT]/project/recipes/app.lock
targets: [HOST]

app
  source    file://[ROOT]/upstreams/app.git
  upstream  [ROOT]/project/recipes/upstreams/app.toml
  wants     ~1.2, ~1.1
  series    polite ([ROOT]/project/patches/app/polite)
            greet.patch
  holds     >=1

"#]]
    );
    sandbox.forge(&["show", "--variables"]).code(1).says("nothing is locked yet").says("`forge lock --recipe app`");
    sandbox.edit("recipes/app.toml", ", \"~1.1\"", "");
    sandbox.forge(&["lock"]).ok();
    let shown = sandbox.forge(&["show", "--variables"]);
    assert_data_eq!(
        shown.ok().out().replace(&up.id("v1.2.0")[..7], "[SHORT]").replace(&crate::kit::host(), "[HOST]"),
        str![[r#"
app v1.2.0 for [HOST]
  {version} = v1.2.0  (the tag, or what `as` calls the branch or commit)
  {version_bare} = 1.2.0  (the tag without a leading v)
  {major} = 1  (first number of the version)
  {minor} = 2  (second number of the version)
  {patch} = 0  (third number of the version)
  {commit} = [HASH]  (the upstream's commit)
  {commit_short} = [SHORT]  (its first 7 digits)
  {commit_time} = 1700000002  (its committer date in seconds since 1970)
  {os} = [..]  (GOOS of the target)
  {arch} = [..]  (GOARCH of the target)
  {target_dir} = -  (the folder that the build writes to)

"#]]
    );
}

#[test]
fn every_json_document_names_its_schema_and_is_all_of_stdout() {
    let (sandbox, up) = app("v1.2.0");
    sandbox.upstream_file(&up);
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    for (args, key) in [
        (&["list"][..], "/recipes"),
        (&["show"], "/components"),
        (&["update", "--dry-run"], "/changes"),
        (&["lock"], "/entries"),
        (&["fetch"], "/fetched"),
        (&["plan"], "/plan/builds"),
        (&["build"], "/artifacts"),
        (&["show", "--variables"], "/variables"),
        (&["update"], "/changes"),
    ] {
        let ran = sandbox.command(args).arg("--json").run();
        let document = ran.ok().json();
        assert!(document.pointer(key).is_some_and(|v| v.is_array()), "{args:?}: {document}");
    }
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let sandbox = project();
    for args in
        [&["biuld"][..], &["build", "--no-such-option"], &[], &["tree"], &["plan", "--json", "--sh"], &["-q", "-v", "list"]]
    {
        sandbox.forge(args).code(2);
    }
    sandbox.forge(&["build", "--target", "linux"]).code(1);
    sandbox.forge(&["--help"]).ok().prints("Exit codes: 0 done");
    sandbox.forge(&["--version"]).ok().prints(concat!("forge ", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        sandbox.forge(&["completions", shell]).ok().prints("forge");
    }
}
