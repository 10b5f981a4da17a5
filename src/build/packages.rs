//! Compiling and testing single packages of a laid-out tree: whether patches still make sense to the compiler, without
//! building the whole program.

use std::path::Path;

use crate::build::compile::{BuildError, Pointer, prepare, step};
use crate::build::log::BuildLog;
use crate::build::tree::LaidOut;
use crate::event::Reporter;
use crate::exec::Exec;
use crate::gomod::Go;
use crate::names::RelPath;
use crate::plan::BuildPlan;

/// What is done to the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `go build`, then `go vet`, which looks at the tests too.
    Compile,
    /// `go test`
    Test,
}

/// Which packages, and how.
pub struct Packages<'a> {
    /// Folders as `./a/b`, or import paths.
    pub names: &'a [String],
    /// Flags that decide what belongs to them, such as `-tags=...`.
    pub selection: &'a [String],
    /// The files that patches touch, as the tree has them: what vet says of others is the upstream's business.
    pub touched: &'a [RelPath],
    /// How many compile at once, where not as many as there are processors.
    pub jobs: Option<usize>,
}

/// Runs the verb on the packages, after the plan's `prepare`.
#[expect(clippy::too_many_arguments, reason = "as compile, of which it is a variant")]
pub fn check_packages(
    go: &Go<'_>,
    exec: &Exec,
    plan: &BuildPlan,
    tree: &mut LaidOut,
    scratch: &Path,
    packages: &Packages<'_>,
    verb: Verb,
    log: &mut BuildLog,
    reporter: &dyn Reporter,
) -> Result<(), BuildError> {
    let nobody: &Pointer<'_> = &|_: &RelPath, _: usize| None;
    prepare(go, exec, plan, tree, scratch, log, nobody, reporter)?;
    let fill = |text: &String| text.replace("{target_dir}", &scratch.display().to_string());
    let extra_env = plan.build.extra_env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    let env = go.env(Some(&plan.target), plan.build.cgo, &extra_env);
    run(&go_command(go, &env, tree.dir()), packages, verb, log, reporter)
}

/// The same for a module that stands alone.
pub fn check_module(
    go: &Go<'_>,
    dir: &Path,
    packages: &Packages<'_>,
    verb: Verb,
    log: &mut BuildLog,
    reporter: &dyn Reporter,
) -> Result<(), BuildError> {
    let env = go.env(None, false, &Default::default());
    run(&go_command(go, &env, dir), packages, verb, log, reporter)
}

type Command<'g> = dyn Fn(&str) -> crate::exec::Run<'g> + 'g;

fn go_command<'g>(go: &'g Go<'_>, env: &'g crate::gomod::GoEnv, dir: &'g Path) -> impl Fn(&str) -> crate::exec::Run<'g> + 'g {
    move |verb| go.run_in(env).arg(verb).cwd(dir)
}

fn run(
    command: &Command<'_>,
    packages: &Packages<'_>,
    verb: Verb,
    log: &mut BuildLog,
    reporter: &dyn Reporter,
) -> Result<(), BuildError> {
    let nobody: &Pointer<'_> = &|_: &RelPath, _: usize| None;
    let jobs: Vec<String> = packages.jobs.map(|n| format!("-p={n}")).into_iter().collect();
    let verbs: &[(&str, &[&str])] = match verb {
        // To /dev/null: a package main would leave a program in the tree.
        Verb::Compile => &[("build", &["-o=/dev/null"]), ("vet", &[])],
        Verb::Test => &[("test", &[])],
    };
    for (verb, flags) in verbs {
        let run = command(verb).args(*flags).args(&jobs).args(packages.selection).arg("--").args(packages.names);
        match step(run, "go", log, nobody, reporter) {
            Err(error) if *verb == "vet" && is_upstreams(&error, packages.touched) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Whether vet only complains about files that no patch touches. A `vet:` before a line means that it could not even read
/// the types there, which patches may have caused.
fn is_upstreams(error: &BuildError, touched: &[RelPath]) -> bool {
    let BuildError::Failed { lines, errors, .. } = error else { return false };
    let ours = |path: &str| touched.iter().any(|t| t.as_str() == path);
    !errors.is_empty() && !lines.iter().any(|line| line.trim_start().starts_with("vet:")) && !errors.iter().any(|e| ours(&e.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::compile::CompileError;

    #[test]
    fn what_vet_says_of_the_upstreams_own_files_is_passed_over() {
        let error = |lines: &[&str], path: &str| BuildError::Failed {
            command: "go vet".into(),
            status: "1".into(),
            lines: lines.iter().map(ToString::to_string).collect(),
            errors: vec![CompileError { path: path.into(), line: 1, message: "x".into(), patch: None }],
        };
        let touched = [RelPath::new("a/b.go").unwrap()];
        assert!(is_upstreams(&error(&["a/c_test.go:1:2: x"], "a/c_test.go"), &touched));
        assert!(!is_upstreams(&error(&["a/b.go:1:2: x"], "a/b.go"), &touched));
        assert!(!is_upstreams(&error(&["vet: a/c_test.go:1:2: undefined: y"], "a/c_test.go"), &touched));
    }
}
