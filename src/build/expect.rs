//! Facts about a binary, checked before it counts as built: header, Go version and platform, replaced modules, and what the recipe
//! expects.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::header::wrong_header;
use crate::build::info::{BuildInfo, InfoError, read_build_info};
use crate::exec::{Exec, ExecError, Status};
use crate::names::{Target, visible};
use crate::plan::BuildPlan;
use crate::recipe::model::Expect;
use crate::recipe::vars::{VarError, Variables};

/// Why facts could not be established, or are not what they should be.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckError {
    /// The binary cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Info(#[from] InfoError),
    /// It could not be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    /// A variable cannot be filled in.
    #[error(transparent)]
    Variable(#[from] VarError),
    /// A folder for a run cannot be made.
    #[error("cannot prepare {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Facts are wrong.
    #[error("the binary is not what the recipe expects")]
    Wrong {
        /// What was expected and what was found, a paragraph each.
        facts: Vec<String>,
    },
}

/// What was checked.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Facts that hold.
    pub held: usize,
    /// Facts that need a run, on a platform that cannot run here.
    pub not_run: usize,
}

/// Checks every fact; all that are wrong are reported together. `scratch` is an empty folder for runs.
pub fn check(
    exec: &Exec,
    plan: &BuildPlan,
    expect: &[Expect],
    variables: &Variables,
    binary: &Path,
    scratch: &Path,
) -> Result<Checked, CheckError> {
    let mut wrong: Vec<String> = wrong_header(binary, &plan.target)?.into_iter().collect();
    match read_build_info(binary) {
        Ok(info) => wrong.extend(build_info(plan, &info)),
        // Of a binary for another platform that says more than what it lacks.
        Err(_) if !wrong.is_empty() => {}
        Err(error) => return Err(error.into()),
    }
    let mut checked = Checked { held: 1 + plan.replaced.len(), not_run: 0 };
    for (number, fact) in expect.iter().enumerate() {
        match fact {
            Expect::Has(words) => {
                for missing in missing(binary, words)? {
                    wrong.push(format!("expect {}: the binary should contain {missing:?}, and does not", number + 1));
                }
                checked.held += words.len();
            }
            Expect::Run { .. } if plan.target != Target::host() => checked.not_run += 1,
            Expect::Run { .. } => {
                let folder = scratch.join(format!("run{number}"));
                if let Some(reason) = run(exec, fact, variables, binary, &folder)? {
                    wrong.push(format!("expect {}: {reason}", number + 1));
                }
                checked.held += 1;
            }
        }
    }
    if wrong.is_empty() { Ok(checked) } else { Err(CheckError::Wrong { facts: wrong }) }
}

fn build_info(plan: &BuildPlan, info: &BuildInfo) -> Vec<String> {
    let mut wrong = Vec::new();
    let go = info.go.split_whitespace().next().unwrap_or_default();
    if go.strip_prefix("go") != Some(plan.build.go.as_str()) {
        wrong.push(format!("build info: built by {go}, wanted go{}", plan.build.go));
    }
    match info.target() {
        Some(target) if target == plan.target => {}
        found => wrong.push(format!(
            "build info: built for {}, wanted {}",
            found.map_or("nothing".into(), |t| t.to_string()),
            plan.target
        )),
    }
    for (module, wanted) in &plan.replaced {
        let shown = match info.module(module).map(|m| (m, m.replace.as_deref())) {
            None => "it is not linked into the binary at all".to_owned(),
            Some((m, None)) => format!("{} {} is linked, not replaced", m.path, m.version),
            Some((_, Some(by))) => {
                let folder = by.version.is_empty() || by.version == "(devel)";
                let by = if folder { by.path.clone() } else { format!("{}@{}", by.path, by.version) };
                if by == *wanted {
                    continue;
                }
                format!("it is replaced by {by}")
            }
        };
        wrong.push(format!("build info: {module} should be replaced by {wanted}: {shown}"));
    }
    wrong
}

/// The words that are nowhere in the file. Function names stand in Go's own tables as text, also in a stripped binary.
fn missing(path: &Path, words: &[String]) -> Result<Vec<String>, CheckError> {
    const CHUNK: usize = 1 << 20;
    let fail = |source| CheckError::Io { path: path.to_owned(), source };
    let overlap = words.iter().map(String::len).max().unwrap_or_default();
    let finders: Vec<_> = words.iter().map(memchr::memmem::Finder::new).collect();
    let mut found = vec![false; words.len()];
    let mut file = File::open(path).map_err(fail)?;
    let mut window = Vec::with_capacity(CHUNK + overlap);
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window).map_err(fail)?;
        for (finder, found) in finders.iter().zip(&mut found) {
            *found = *found || finder.find(&window).is_some();
        }
        if read == 0 || found.iter().all(|f| *f) {
            break;
        }
        let keep = window.len().saturating_sub(overlap);
        window.drain(..keep);
    }
    Ok(words.iter().zip(found).filter(|(_, found)| !found).map(|(w, _)| w.clone()).collect())
}

fn run(exec: &Exec, fact: &Expect, variables: &Variables, binary: &Path, folder: &Path) -> Result<Option<String>, CheckError> {
    let Expect::Run { args, files, exit, stdout, stderr, within } = fact else { return Ok(None) };
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| CheckError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(fail(folder))?;
    for (name, content) in files {
        let path = name.below(folder);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fail(parent))?;
        }
        fs::write(&path, content).map_err(fail(&path))?;
    }
    let args = args.iter().map(|a| variables.expand(a)).collect::<Result<Vec<_>, _>>()?;
    let line = shlex::try_join(args.iter().map(String::as_str)).unwrap_or_default();
    // Empty environment and folder: what the user has set must not decide whether a binary is good.
    let done = exec.program(binary).args(&args).env_clear().cwd(folder).timeout(Duration::from_secs(*within)).capture()?;
    let mut reasons = Vec::new();
    match done.status {
        Status::TimedOut => reasons.push(format!("it did not end within {within} s")),
        Status::Exited(code) if code == *exit => {}
        other => reasons.push(format!("it should exit with {exit}: {other}")),
    }
    for (name, rule, bytes) in [("stdout", stdout, &done.stdout), ("stderr", stderr, &done.stderr)] {
        reasons.extend(rule.broken(&String::from_utf8_lossy(bytes)).into_iter().map(|r| format!("{name} {r}")));
    }
    if reasons.is_empty() {
        return Ok(None);
    }
    let said = |name: &str, bytes: &[u8]| match bytes {
        [] => format!("{name} is empty"),
        bytes => format!("{name} is:\n    {}", first_lines(bytes)),
    };
    Ok(Some(format!(
        "run {line:?}: {}\n  {}\n  {}",
        reasons.join("; "),
        said("stdout", &done.stdout),
        said("stderr", &done.stderr)
    )))
}

/// Enough of an output to see what is wrong.
fn first_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let more = if lines.len() > 20 { format!("\n    ... {} more lines", lines.len() - 20) } else { String::new() };
    format!("{}{more}", visible(&lines[..lines.len().min(20)].join("\n    ")))
}
