//! Prepare commands, then `go build` or make, and a compile error that points at the patch that wrote the line.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use crate::build::log::BuildLog;
use crate::build::make::{Tools, make};
use crate::build::tree::LaidOut;
use crate::event::{Event, Reporter};
use crate::exec::{Exec, ExecError, Run, Tool};
use crate::gomod::Go;
use crate::names::RelPath;
use crate::plan::BuildPlan;

/// How many of a child's last lines an error repeats.
const TAIL: usize = 25;

/// A build that gave no binary.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BuildError {
    /// A program could not be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    /// The log cannot be written.
    #[error("cannot write the build log {}: {source}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A command ran and failed.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command, shortened.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines that it printed.
        lines: Vec<String>,
        /// Errors of the compiler, with the patch behind each.
        errors: Vec<CompileError>,
    },
    /// It succeeded and left nothing.
    #[error("`{command}` ended well, but left no file")]
    #[diagnostic(help("does the package have a `package main`? `packages` of the build block names what is built"))]
    NoOutput {
        /// The command, shortened.
        command: String,
    },
    /// make succeeded and did not leave the file that it should.
    #[error("`{command}` ended well, but did not leave the file {output}")]
    #[diagnostic(help("`output` of the make block names the file that the goal leaves"))]
    NoMakeOutput {
        /// The command, shortened.
        command: String,
        /// The file.
        output: String,
    },
    /// A file of the build cannot be made or taken.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl BuildError {
    /// For a file.
    pub(in crate::build) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}

/// One line of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// The file in the tree.
    pub path: String,
    /// The line.
    pub line: usize,
    /// What the compiler says.
    pub message: String,
    /// The patch that wrote the line: its file.
    pub patch: Option<String>,
}

/// Tells which patch wrote a line of a file of the laid-out tree (a path, a line from 1).
pub type Pointer<'a> = dyn Fn(&RelPath, usize) -> Option<String> + 'a;

/// A binary as the compiler left it.
#[derive(Debug)]
pub struct Built {
    path: PathBuf,
}

impl Built {
    /// The binary.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where a build happens.
pub struct Place<'a> {
    /// The sources, prepared. Nothing but make writes there.
    pub tree: &'a LaidOut,
    /// The binary to be.
    pub output: &'a Path,
    /// An empty folder: `{target_dir}`.
    pub scratch: &'a Path,
    /// The folder around all of it.
    pub work: &'a Path,
}

/// Runs `go build`, or make, in the prepared tree.
pub fn compile(
    go: &Go<'_>,
    exec: &Exec,
    plan: &BuildPlan,
    place: Place<'_>,
    log: &mut BuildLog,
    pointer: &Pointer<'_>,
    reporter: &dyn Reporter,
) -> Result<Built, BuildError> {
    let Place { tree, output, scratch, work } = place;
    let fill = |text: &String| text.replace("{target_dir}", &scratch.display().to_string());
    let extra_env = plan.build.extra_env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    if let Some(made) = &plan.build.make {
        let tools = Tools { go, exec, log, pointer, reporter };
        make(tools, &plan.build, made, tree.dir(), output, work, &fill)?;
        return Ok(Built { path: output.to_owned() });
    }
    let env = go.env(Some(&plan.target), plan.build.cgo, &extra_env);
    let (verb, rest) = plan.build.args.split_first().map_or(("build", &[][..]), |(v, r)| (v.as_str(), r));
    let run = go.run_in(&env).arg(verb).arg("-o").arg(output).args(rest.iter().map(fill)).cwd(tree.dir());
    let command = shorten(&run.shown());
    step(run, "go", log, pointer, reporter)?;
    if !output.is_file() {
        return Err(BuildError::NoOutput { command });
    }
    Ok(Built { path: output.to_owned() })
}

/// Runs the commands that come before `go build`, where they have not run in this tree.
#[expect(clippy::too_many_arguments, reason = "everything that a build works with, and what it writes to")]
pub fn prepare(
    go: &Go<'_>,
    exec: &Exec,
    plan: &BuildPlan,
    tree: &mut LaidOut,
    scratch: &Path,
    log: &mut BuildLog,
    pointer: &Pointer<'_>,
    reporter: &dyn Reporter,
) -> Result<(), BuildError> {
    let fill = |text: &String| text.replace("{target_dir}", &scratch.display().to_string());
    let extra_env = plan.build.extra_env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    for command in plan.build.prepare.iter().filter(|_| !tree.prepared()) {
        let Some((program, args)) = command.split_first() else { continue };
        // Commands prepare the tree on this machine and for it: a GOOS in the environment would build foreign generators.
        let host = go.env(None, plan.build.cgo, &extra_env);
        let (tool, mut run) = match program.as_str() {
            "make" => ("make", exec.run(Tool::Make)?),
            "git" => ("git", exec.run(Tool::Git)?),
            "go" => ("go", go.run_in(&host)),
            other => ("prepare", exec.named_in(host.get("PATH"), other, tree.dir())?),
        };
        run = run.env_clear();
        for (name, value) in host.iter() {
            run = run.env(name, value);
        }
        step(run.args(args.iter().map(fill)).cwd(tree.dir()), tool, log, pointer, reporter)?;
    }
    tree.set_prepared();
    Ok(())
}

/// Runs one command with its output in the log.
pub(in crate::build) fn step(
    run: Run<'_>,
    tool: &'static str,
    log: &mut BuildLog,
    pointer: &Pointer<'_>,
    reporter: &dyn Reporter,
) -> Result<(), BuildError> {
    let shown = run.shown();
    let path = log.path().to_owned();
    let mut wrong: Option<io::Error> = log.line(&format!("$ {shown}")).err();
    let mut last: VecDeque<String> = VecDeque::new();
    let mut errors = Vec::new();
    let status = run.stream(&mut |line| match log.line(line) {
        Ok(line) => {
            if let Some(error) = compile_error(&line, pointer)
                && errors.len() < 100
            {
                errors.push(error);
            }
            reporter.report(Event::ChildLine { tool, line: line.clone() });
            if last.len() == TAIL {
                last.pop_front();
            }
            last.push_back(line);
        }
        Err(e) => wrong = wrong.take().or(Some(e)),
    })?;
    if let Some(source) = wrong.or_else(|| log.finish().err()) {
        return Err(BuildError::Log { path, source });
    }
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed { command: shorten(&shown), status: status.to_string(), lines: last.into(), errors })
}

/// A command line without its long middle: the log has it whole.
pub(in crate::build) fn shorten(command: &str) -> String {
    const MOST: usize = 160;
    if command.chars().count() <= MOST {
        return command.to_owned();
    }
    let head: String = command.chars().take(MOST).collect();
    format!("{head} ...")
}

/// Reads `path:line:column: message`, as the go command prints it for files of the main module.
fn compile_error(line: &str, pointer: &Pointer<'_>) -> Option<CompileError> {
    let line = line.trim_start();
    let line = line.strip_prefix("vet: ").unwrap_or(line);
    let line = line.strip_prefix("./").unwrap_or(line);
    let (path, rest) = line.split_once(".go:")?;
    let path = RelPath::new(format!("{path}.go")).ok()?;
    let digits = rest.split(':').next()?;
    let number: usize = digits.parse().ok()?;
    let message = rest[digits.len()..].trim_start_matches(':');
    let column_end = message.find(": ").filter(|at| message[..*at].bytes().all(|b| b.is_ascii_digit()));
    let message = column_end.map_or(message, |at| &message[at + 2..]).trim();
    let patch = pointer(&path, number);
    Some(CompileError { path: path.to_string(), line: number, message: message.to_owned(), patch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_lines_are_understood() {
        let pointer = |path: &RelPath, line: usize| (path.as_str() == "cmd/x.go" && line == 12).then(|| "a.patch".to_owned());
        let error = compile_error("cmd/x.go:12:3: undefined: y", &pointer).unwrap();
        assert_eq!((error.line, error.message.as_str(), error.patch.as_deref()), (12, "undefined: y", Some("a.patch")));
        let error = compile_error("./main.go:3: syntax error: non-declaration", &pointer).unwrap();
        assert_eq!(
            (error.path.as_str(), error.message.as_str(), error.patch),
            ("main.go", "syntax error: non-declaration", None)
        );
        for line in ["# github.com/x/y", "go: downloading a v1", "../outside.go:1:1: x", "/abs/x.go:1:2: y", "main.go:x"] {
            assert_eq!(compile_error(line, &pointer), None, "{line}");
        }
    }
}
