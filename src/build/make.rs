//! The drivers `make` and `docker`: the upstream's own make in the patched tree, and the file that it leaves.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use crate::build::compile::{BuildError, Pointer, shorten, step};
use crate::build::containers::Containers;
use crate::build::log::BuildLog;
use crate::event::{Event, Reporter};
use crate::exec::{Exec, Run, Tool};
use crate::gomod::Go;
use crate::names::RelPath;
use crate::plan::{GoBuild, MakeBuild};

/// What a build works with and reports to.
pub(in crate::build) struct Tools<'a, 'g> {
    pub(in crate::build) go: &'a Go<'g>,
    pub(in crate::build) exec: &'a Exec,
    pub(in crate::build) log: &'a mut BuildLog,
    pub(in crate::build) pointer: &'a Pointer<'a>,
    pub(in crate::build) reporter: &'a dyn Reporter,
}

/// Runs make in `tree` and moves what it leaves to `output`. `fill` knows the variables of this run.
pub(in crate::build) fn make(
    tools: Tools<'_, '_>,
    build: &GoBuild,
    made: &MakeBuild,
    tree: &Path,
    output: &Path,
    work: &Path,
    fill: &dyn Fn(&String) -> String,
) -> Result<(), BuildError> {
    let Tools { go, exec, log, pointer, reporter } = tools;
    for file in &made.touch {
        touch(tree, file).map_err(BuildError::io(&file.below(tree)))?;
    }
    let containers = if made.in_containers() { Some(Containers::begin(exec, work)?) } else { None };
    let run = make_run(go, exec, build, work, containers.as_ref(), fill)?.args(build.args.iter().map(fill)).cwd(tree);
    let command = shorten(&run.shown());
    let ran = step(run, "make", log, pointer, reporter);
    if let Some(containers) = containers {
        containers.end();
        if ran.is_ok()
            && let Some(left) = containers.take_over(tree, made.image.as_deref())
        {
            let text = format!("{} belongs to the user of a container, and can only be removed by root", left.display());
            reporter.report(Event::Warning { text });
        }
    }
    ran?;
    let left = made.output.below(tree);
    if !left.is_file() {
        return Err(BuildError::NoMakeOutput { command, output: made.output.to_string() });
    }
    take(&left, output).map_err(BuildError::io(&left))
}

/// make in the environment of a build. Nothing around the tree is taken for its repository.
pub(in crate::build) fn make_run<'e>(
    go: &Go<'_>,
    exec: &'e Exec,
    build: &GoBuild,
    work: &Path,
    containers: Option<&Containers<'_>>,
    fill: &dyn Fn(&String) -> String,
) -> Result<Run<'e>, BuildError> {
    let mut run = exec.run(Tool::Make)?.env_clear();
    for (name, value) in make_env(go, exec, build, work, containers, fill) {
        run = run.env(name, value);
    }
    Ok(run)
}

/// The environment of make, whole.
pub(in crate::build) fn make_env(
    go: &Go<'_>,
    exec: &Exec,
    build: &GoBuild,
    work: &Path,
    containers: Option<&Containers<'_>>,
    fill: &dyn Fn(&String) -> String,
) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let mut env = go.env(None, build.cgo, &Default::default());
    for (name, value) in crate::gomod::c_env(exec) {
        env.set(name, value);
    }
    for (name, value) in &build.env {
        env.set(name, fill(value));
    }
    env.set("GIT_CEILING_DIRECTORIES", work);
    if let Some(containers) = containers {
        containers.add_to(&mut env);
    }
    env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Makes a file new, and makes it where it is not there. A link in its place is not followed.
pub fn touch(tree: &Path, file: &RelPath) -> io::Result<()> {
    let path = file.below(tree);
    if fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink()) {
        fs::remove_file(&path)?;
    }
    let opened = OpenOptions::new().create(true).append(true).open(&path)?;
    opened.set_modified(SystemTime::now())
}

/// Moves the file to its place; one of another owner, or one that a link leads to, is copied.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    let own = fs::symlink_metadata(from).is_ok_and(|m| m.is_file() && m.uid() == rustix::process::geteuid().as_raw());
    if own {
        fs::rename(from, to)?;
    } else {
        fs::copy(from, to)?;
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))
}
