//! What forge adds to a build with a warm Go cache, over the commands of `plan --sh` run by hand.

use std::fs;
use std::path::PathBuf;

use super::child::{output, program, time};
use super::go_project;
use super::project::Project;
use super::table::{Table, in_turn};

pub(crate) fn run(table: &mut Table) {
    let project = Project::new(None);
    go_project::make(&project);
    let demo = project.plain("demo");
    forced(table, &project, &demo, "demo", "forced build, recipe demo", &[]);
    forced(table, &project, "tool", "tool", "forced build, a git upstream of 250 packages", &[]);
    forced(table, &project, "tool", "tool", "the same by its make", &["--driver", "make"]);
    if let Some(store) = std::env::var_os("FORGE_BENCH_STORE") {
        let project = Project::new(Some(PathBuf::from(store)));
        let stock = project.plain("stock");
        forced(table, &project, &stock, "k0sctl", "forced build of k0sctl", &[]);
    }
}

fn forced(table: &mut Table, project: &Project, recipe: &str, component: &str, name: &str, more: &[&str]) {
    let words = project.one(recipe, component);
    let build = || {
        let mut command = project.forge(&["build"]);
        command.args(words).args(more).arg("--out").arg(project.dist());
        command
    };
    output(&mut build());
    let kept = project.store().join("builds").join(project.plan_with(recipe, component, more).key);
    let script = project.path().join(format!("{component}.sh"));
    fs::write(&script, output(project.forge(&["plan", "--sh"]).args(words).args(more))).unwrap();
    let work = project.path().join("by-hand");
    let (forge, by_hand) = in_turn(
        9,
        || {
            fs::remove_dir_all(&kept).unwrap();
            let _ = fs::remove_dir_all(project.dist());
            time(build().arg("--offline"))
        },
        || {
            let _ = fs::remove_dir_all(&work);
            time(program("sh", project.path()).arg(&script).arg(&work))
        },
    );
    let (ours, theirs) = (forge.seconds(), by_hand.seconds());
    let more = (ours - theirs) * 1000.0;
    let met = ours <= theirs * 1.03 + 0.150;
    let ratio = format!("{more:+.0} ms");
    table.row(name, forge.to_string(), format!("`plan --sh` {by_hand}"), ratio, "at most + 3 % + 150 ms", met);
}
