//! Rewriting go.mod in a laid-out tree, at lock time, and the proof that every replacement is in force.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::event::{Event, Reporter};
use crate::gomod::edit::Operations;
use crate::gomod::file::{GoModFile, ModuleVersion};
use crate::gomod::go::{Go, GoEnv, GoError, failure, tail};
use crate::names::ModulePath;
use crate::plan::EditArgs;

/// What stands in the way of a rewritten go.mod.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RewriteError {
    /// go failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Go(#[from] GoError),
    /// The tree has no go.mod.
    #[error("the patched tree has no go.mod at its root")]
    #[diagnostic(help("replace, require, go and mod need one; a program that is not a Go module cannot use them"))]
    NoGoMod,
    /// A file of the tree cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The program does not require what a recipe replaces.
    #[error("the module {module} is replaced, but the program does not require it")]
    #[diagnostic(help("{hint}"))]
    NotUsed {
        /// The module.
        module: ModulePath,
        /// The nearest required module, or how to see all.
        hint: String,
    },
    /// `go list -m` shows something else than the recipe wants.
    #[error("the replacement of {module} is not in force: wanted {wanted}, `go list -m` shows {found}")]
    #[diagnostic(help("{hint}"))]
    NotInForce {
        /// The module.
        module: ModulePath,
        /// The replacement.
        wanted: String,
        /// What is used.
        found: String,
        /// What to do.
        hint: String,
    },
}

impl RewriteError {
    fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), source }
    }
}

/// go.mod and go.sum after the operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// What `go mod edit` was given.
    pub edit: EditArgs,
    /// Whether `go list -mod=mod` had to add to go.sum.
    pub completed: bool,
    /// The whole go.mod.
    pub go_mod: String,
    /// The whole go.sum; `None` where there is none.
    pub go_sum: Option<String>,
}

/// Runs the operations in `tree`, completes go.sum for `packages` in each of `environments`, and proves the result.
///
/// `flags` are the build flags that decide which files count (`-tags`). The tree's go.mod and go.sum are changed in place.
pub fn rewrite(
    go: &Go<'_>,
    tree: &Path,
    operations: &Operations,
    packages: &[String],
    flags: &[String],
    environments: &[GoEnv],
    reporter: &dyn Reporter,
) -> Result<Rewritten, RewriteError> {
    let path = tree.join("go.mod");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(RewriteError::NoGoMod),
        Err(e) => return Err(RewriteError::io(&path, e)),
    };
    let file = GoModFile::read(go, &text)?;
    for edit in &operations.edits {
        if let Some((module, _, _)) = edit.replacement() {
            require_used(&file, module)?;
        }
    }
    let edit = operations.edit_args(&file);
    if !edit.0.is_empty() {
        go.output(go.run().args(["mod", "edit"]).args(&edit.0).cwd(tree))?;
    }
    let mut completed = false;
    if operations.tidy {
        stream(go.run().args(["mod", "tidy"]).cwd(tree), reporter)?;
    } else {
        for env in environments {
            completed |= complete_sums(go, tree, packages, flags, env, reporter)?;
        }
    }
    prove(go, tree, operations)?;
    let (go_mod, go_sum) = read_both(tree)?;
    Ok(Rewritten { edit, completed, go_mod, go_sum })
}

/// Adds to the go.sum of `tree` what `packages` need in `environments` and it lacks. Gives go.mod and go.sum, or `None` where
/// nothing was missing.
pub fn complete(
    go: &Go<'_>,
    tree: &Path,
    packages: &[String],
    flags: &[String],
    environments: &[GoEnv],
    reporter: &dyn Reporter,
) -> Result<Option<(String, Option<String>)>, RewriteError> {
    let mut completed = false;
    for env in environments {
        completed |= complete_sums(go, tree, packages, flags, env, reporter)?;
    }
    if completed { read_both(tree).map(Some) } else { Ok(None) }
}

fn read_both(tree: &Path) -> Result<(String, Option<String>), RewriteError> {
    let (path, sum_path) = (tree.join("go.mod"), tree.join("go.sum"));
    let go_mod = fs::read_to_string(&path).map_err(|e| RewriteError::io(&path, e))?;
    match fs::read_to_string(&sum_path) {
        Ok(text) => Ok((go_mod, Some(text))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((go_mod, None)),
        Err(e) => Err(RewriteError::io(&sum_path, e)),
    }
}

/// Fails where the program does not require `module`, with the nearest that it does.
pub(crate) fn require_used(file: &GoModFile, module: &ModulePath) -> Result<(), RewriteError> {
    if file.pin(module).is_some() {
        return Ok(());
    }
    let hint = match crate::names::nearest(module.as_str(), file.required()) {
        Some(near) => format!("did you mean {near}?"),
        None => "a replacement of a module that nothing requires would change nothing; `go mod graph` shows what is used".into(),
    };
    Err(RewriteError::NotUsed { module: module.clone(), hint })
}

/// Adds the go.sum lines that the replacements brought with them. `-mod=readonly` is asked first: where nothing is missing,
/// nothing is touched, and the answer is `false`.
fn complete_sums(
    go: &Go<'_>,
    tree: &Path,
    packages: &[String],
    flags: &[String],
    env: &GoEnv,
    reporter: &dyn Reporter,
) -> Result<bool, GoError> {
    let list = |mode: &str| go.run_in(env).args(["list", mode, "-deps"]).args(flags).arg("--").args(packages).cwd(tree);
    let first = list("-mod=readonly").capture()?;
    if first.status.success() {
        return Ok(false);
    }
    let said = String::from_utf8_lossy(&first.stderr);
    if ["go.sum", "updates to go.mod needed", "go mod tidy"].iter().any(|sign| said.contains(sign)) {
        reporter.report(Event::Detail { text: "completing go.sum for the replaced modules".into() });
        let run = list("-mod=mod");
        let command = run.shown();
        let done = run.capture()?;
        return if done.status.success() { Ok(true) } else { Err(failure(command, done.status, &done.stderr)) };
    }
    // Packages that `prepare` has yet to generate are no fault of go.mod; the build has the last word on the rest.
    reporter.report(Event::Detail { text: format!("`go list -deps` cannot see everything yet: {}", tail(&first.stderr)) });
    Ok(false)
}

fn stream(run: crate::exec::Run<'_>, reporter: &dyn Reporter) -> Result<(), GoError> {
    let command = run.shown();
    let mut lines = Vec::new();
    let status = run.stream(&mut |line| {
        let line = crate::names::visible(&crate::names::redact(line));
        reporter.report(Event::ChildLine { tool: "go", line: line.clone() });
        lines.push(line);
    })?;
    if status.success() { Ok(()) } else { Err(failure(command, status, lines.join("\n").as_bytes())) }
}

/// Downloads every module that `packages` need in `env`. Packages that `prepare` has yet to generate are passed over.
pub fn download_needed(go: &Go<'_>, tree: &Path, packages: &[String], flags: &[String], env: &GoEnv) -> Result<(), GoError> {
    go.output(go.run_in(env).args(["list", "-e", "-deps"]).args(flags).arg("--").args(packages).cwd(tree)).map(drop)
}

/// Shows by `go list -m` that each replacement is used: a version on the left that is not the required one is ignored by go
/// without a word.
pub fn prove(go: &Go<'_>, tree: &Path, operations: &Operations) -> Result<(), RewriteError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Listed {
        #[serde(default)]
        version: String,
        #[serde(default)]
        replace: Option<ModuleVersion>,
    }
    for edit in &operations.edits {
        let Some((module, left, wanted)) = edit.replacement() else { continue };
        let run = go.run().args(["list", "-mod=readonly", "-m", "-json", "--"]).arg(module.as_str()).cwd(tree);
        let command = run.shown();
        let out = go.output(run)?;
        let listed: Listed = serde_json::from_slice(&out).map_err(|e| GoError::Output { command, reason: e.to_string() })?;
        let spelled = |m: &ModuleVersion| if m.version.is_empty() { m.path.clone() } else { format!("{}@{}", m.path, m.version) };
        if listed.replace.as_ref() != Some(&wanted) {
            let hint = match left {
                Some(left) if left.as_str() != listed.version => {
                    format!(
                        "the recipe replaces only {module}@{left}, and the program uses {}; drop the version or correct it",
                        listed.version
                    )
                }
                _ => "another replacement in go.mod wins".to_owned(),
            };
            let found = listed.replace.as_ref().map_or_else(|| format!("{module}@{}", listed.version), spelled);
            return Err(RewriteError::NotInForce { module: module.clone(), wanted: spelled(&wanted), found, hint });
        }
    }
    Ok(())
}
