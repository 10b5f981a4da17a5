//! Nothing has changed: `forge build` against a no-op `go build` in the same patched tree.

use std::path::PathBuf;
use std::process::Command;

use super::child::{output, peak_kib, time};
use super::go_project;
use super::project::Project;
use super::table::{Table, alone, in_turn};

pub(crate) fn run(table: &mut Table) {
    let project = Project::new(None);
    go_project::make(&project);
    let version = || {
        let mut command = project.forge(&["--version"]);
        time(&mut command)
    };
    let times = alone(41, version);
    let met = times.seconds() <= 0.005;
    table.row("`forge --version`", times.to_string(), "", "", "at most 5 ms", met);
    unchanged(table, &project, "demo", "demo", "`forge build`, recipe demo (both targets)", false);
    unchanged(table, &project, "tool", "tool", "`forge build`, a git upstream of 250 packages", false);
    if let Some(store) = std::env::var_os("FORGE_BENCH_STORE") {
        let project = Project::new(Some(PathBuf::from(store)));
        unchanged(table, &project, "stock", "k0sctl", "`forge build k0sctl --recipe stock`", true);
    }
}

/// All targets of a component.
fn build(project: &Project, recipe: &str, component: &str) -> Command {
    let mut command = project.forge(&["build", component, "--recipe", recipe, "--offline"]);
    command.arg("--out").arg(project.dist());
    command
}

fn unchanged(table: &mut Table, project: &Project, recipe: &str, component: &str, name: &str, promised: bool) {
    output(project.forge(&["build", component, "--recipe", recipe]).arg("--out").arg(project.dist()));
    let tree = project.path().join(format!("tree-{component}"));
    output(project.forge(&["tree", component, "--recipe", recipe, "--out"]).arg(&tree));
    let plan = project.plan(recipe, component);
    let mut by_hand = project.go_build(&plan, &tree);
    output(&mut by_hand);
    let (forge, go) = in_turn(31, || time(&mut build(project, recipe, component)), || time(&mut by_hand));
    let ratio = go.seconds() / forge.seconds();
    // What go needs grows with the program: one of a few packages is no measure for a twentieth.
    let wanted = if promised { "at most 10 ms and 1/20" } else { "at most 10 ms" };
    let met = forge.seconds() <= 0.010 && (!promised || ratio >= 20.0);
    table.row(name, forge.to_string(), format!("`go build` {go}"), format!("{ratio:.0} x"), wanted, met);
    let peak = peak_kib(&build(project, recipe, component));
    let of_go = peak_kib(&project.go_build(&plan, &tree));
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let ratio = format!("{:.0} x", of_go as f64 / peak as f64);
    table.row("the same, peak memory", mib(peak), format!("`go build` {}", mib(of_go)), ratio, "below 20 MiB", peak < 20 << 10);
}
