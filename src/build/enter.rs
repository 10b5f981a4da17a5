//! A program of the user's in the place and the environment of a build, on the user's own terminal.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::build::compile::BuildError;
use crate::build::containers::Containers;
use crate::build::make::{make_env, touch};
use crate::exec::{Exec, Status};
use crate::gomod::Go;
use crate::plan::BuildPlan;

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visitor {
    /// A shell to type in.
    Shell(PathBuf),
    /// A program of PATH, or with a `/` below the tree, and its arguments.
    Program {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<OsString>,
    },
}

/// What a terminal needs: no part of a build's environment, and nothing that a compiler looks at.
const TERMINAL: [&str; 3] = ["TERM", "COLORTERM", "SHELL"];

/// Runs the visitor in `tree`, of which `work` is the folder around. `scratch` is `{target_dir}`.
pub fn enter(
    go: &Go<'_>,
    exec: &Exec,
    plan: &BuildPlan,
    tree: &Path,
    work: &Path,
    scratch: &Path,
    visitor: &Visitor,
) -> Result<Status, BuildError> {
    let fill = |text: &String| text.replace("{target_dir}", &scratch.display().to_string());
    let mut containers = None;
    let env: Vec<(OsString, OsString)> = match &plan.build.make {
        None => {
            let extra = plan.build.extra_env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
            let env = go.env(Some(&plan.target), plan.build.cgo, &extra);
            env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        }
        Some(made) => {
            for file in &made.touch {
                touch(tree, file).map_err(BuildError::io(&file.below(tree)))?;
            }
            if made.in_containers() {
                containers = Some(Containers::begin(exec, work)?);
            }
            make_env(go, exec, &plan.build, work, containers.as_ref(), &fill)
        }
    };
    let run = match visitor {
        Visitor::Shell(shell) => exec.program(shell),
        Visitor::Program { name, args } => {
            let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
            exec.named_in(path, name, tree)?.args(args.iter().cloned())
        }
    };
    let mut run = run.env_clear();
    for name in TERMINAL {
        if let Some(value) = exec.environment().get(name) {
            run = run.env(name, value);
        }
    }
    for (name, value) in env {
        run = run.env(name, value);
    }
    let done = run.env("PWD", tree).cwd(tree).foreground().capture();
    if let Some(containers) = containers {
        containers.end();
    }
    Ok(done?.status)
}
