//! What goes out: `forge kit` and `forge report` from a warm store.

use std::fs;
use std::path::PathBuf;

use super::child::{output, time};
use super::project::Project;
use super::table::{Table, alone};

const KIT: &str = "
[[kit]]
name   = \"demo\"
binary = \"demo\"

[[kit]]
name     = \"README.md\"
template = \"recipes/demo.kit/README.md\"
";

pub(crate) fn run(table: &mut Table) {
    let project = Project::new(None);
    let demo = fs::read_to_string(project.path().join("recipes/demo.toml")).unwrap();
    project.write("recipes/kitted.toml", &(demo + KIT));
    project.write("recipes/demo.kit/README.md", "# {recipe}\n\nDemo is {demo}, its units are in {units}.\n");
    measure(table, &project, "kitted", "demo");
    if let Some(store) = std::env::var_os("FORGE_BENCH_STORE") {
        measure(table, &Project::new(Some(PathBuf::from(store))), "nixos", "nixos");
    }
}

fn measure(table: &mut Table, project: &Project, recipe: &str, name: &str) {
    let out = |number: usize| project.path().join(format!("kit-{recipe}-{number}")).display().to_string();
    // Builds what is not built, and asks about every release.
    output(&mut project.forge(&["kit", "--recipe", recipe, "--out", &out(0)]));
    output(&mut project.forge(&["report", "--recipe", recipe]));
    let mut number = 0;
    let kit = alone(31, || {
        number += 1;
        time(&mut project.forge(&["kit", "--recipe", recipe, "--offline", "--out", &out(number)]))
    });
    let report = alone(31, || time(&mut project.forge(&["report", "--recipe", recipe])));
    for (what, took) in [("kit", kit), ("report", report)] {
        let met = took.seconds() <= 0.050;
        table.row(format!("`forge {what}`, recipe {name}, warm store"), took.to_string(), "", "", "at most 50 ms", met);
    }
}
