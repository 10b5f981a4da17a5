//! `forge build`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{BuildArgs, DriverArg, WhatArgs};
use crate::cli::context::{Context, Project};
use crate::cli::exit::{CliError, DONE};
use crate::cli::run::fail;
use crate::names::{ComponentName, Revision, Target, redact, visible};
use crate::pipeline::{Artifact, Failure, Options, PipelineError, Selected, Selection, Stage, build_all, select};
use crate::recipe::model::{Driver, Replace};
use crate::recipe::targets::parse_target;
use crate::recipe::words::parse_replace;
use crate::ui::plain;

pub(super) fn run(context: &Context, args: &BuildArgs) -> Result<u8, CliError> {
    let project = context.project(&args.what.session.recipe)?;
    let options = options(context, &args.what, &project)?;
    let selected = selected(&args.what, &project)?;
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let outcome = build_all(&session, &selected, &mut lock, &context.absolute(&args.out), args.jobs)?;
    context.end_progress();
    let shown = |path: &Path| args.out.join(path.file_name().unwrap_or_default()).display().to_string();
    let failures: Vec<(Failed, CliError)> = outcome.failures.into_iter().map(Failed::of).collect();
    if args.json {
        let artifact = |a: &Artifact| {
            json!({"component": a.component, "version": a.version, "target": a.target, "path": shown(&a.path),
                   "sha256": a.sha256, "cached": a.cached})
        };
        let artifacts: Vec<_> = outcome.artifacts.iter().map(artifact).collect();
        let failures: Vec<&Failed> = failures.iter().map(|(failed, _)| failed).collect();
        context.json(&json!({"schema": 1, "artifacts": artifacts, "failures": failures}))?;
    } else {
        for artifact in &outcome.artifacts {
            context.print(&format!("{}  {}", artifact.sha256, shown(&artifact.path)))?;
        }
    }
    // A missing tool is missing for every platform: once is enough.
    let mut told = BTreeSet::new();
    for (_, error) in &failures {
        if told.insert(plain(error.diagnostic())) {
            fail(error, Some(context));
        }
    }
    Ok(failures.first().map_or(DONE, |(failed, _)| failed.code))
}

/// A failure as scripts read it.
#[derive(serde::Serialize)]
struct Failed {
    component: ComponentName,
    wanted: String,
    version: Option<Revision>,
    target: Option<Target>,
    stage: Stage,
    /// The exit code of a run with this failure alone.
    code: u8,
    message: String,
    /// What people read below the message, a paragraph each.
    details: Vec<String>,
    tree: Option<PathBuf>,
    log: Option<PathBuf>,
}

impl Failed {
    fn of(failure: Failure) -> (Self, CliError) {
        let (tree, log) = failure.left().map(|(tree, log)| (tree.to_owned(), log.to_owned())).unzip();
        let Failure { component, wanted, version, target, stage, error } = failure;
        let error = CliError::from(error);
        let (message, code) = (plain(error.diagnostic()), error.code());
        let details = error.notes().details.iter().map(|text| visible(&redact(text))).collect();
        (Self { component, wanted, version, target, stage, code, message, details, tree, log }, error)
    }
}

/// Shared by build and plan: session options with those that say what is built.
pub(super) fn options(context: &Context, what: &WhatArgs, project: &Project) -> Result<Options, CliError> {
    let mut options = context.options(&what.session, &project.recipe)?;
    for target in &what.target {
        options
            .targets
            .push(parse_target(target).map_err(|e| CliError::usage(format!("--target: {e}"), "OS/ARCH, such as linux/arm64"))?);
    }
    options.driver = what.driver.map(|driver| match driver {
        DriverArg::Go => Driver::Go,
        DriverArg::Make => Driver::Make,
        DriverArg::Docker => Driver::Docker,
    });
    options.payload = what.payload.as_ref().map(|file| context.absolute(file));
    for text in &what.replace {
        options.replaces.push(replacement(context, text)?);
    }
    Ok(options)
}

/// `MODULE=DIR` or `MODULE=MODULE@VERSION`, in the words of `go mod edit -replace`.
fn replacement(context: &Context, text: &str) -> Result<Replace, CliError> {
    let example = "say --replace MODULE=DIR or --replace MODULE=MODULE@VERSION";
    let wrong = |message: String| CliError::usage(format!("--replace {text:?}: {message}"), example);
    let (old, new) = text.split_once('=').ok_or_else(|| wrong("it names no replacement".into()))?;
    let is_folder = new.starts_with(['.', '/']) || context.absolute(new.as_ref()).is_dir();
    let new = if is_folder { context.absolute(new.as_ref()).display().to_string() } else { new.to_owned() };
    parse_replace(&format!("{old} => {new}")).map_err(|e| wrong(e.to_string()))
}

/// The releases that the arguments name.
pub(super) fn selected<'a>(what: &WhatArgs, project: &'a Project) -> Result<Vec<Selected<'a>>, CliError> {
    let selections = selections(&what.components)?;
    if what.session.locked
        && let Some(ad_hoc) = selections.iter().find(|s| s.wanted.is_some())
    {
        return Err(PipelineError::LockedAdHoc(ad_hoc.component.to_string()).into());
    }
    let selected = select(&project.recipe, &selections, what.all)?;
    if what.payload.is_some() && selected.len() != 1 {
        let message = format!("--payload is of one release of one program, and this would be {}", selected.len());
        return Err(CliError::usage(message, "name one component"));
    }
    Ok(selected)
}

pub(super) fn selections(texts: &[String]) -> Result<Vec<Selection>, CliError> {
    let read = |text: &String| {
        Selection::parse(text).map_err(|e| CliError::usage(format!("{text:?}: {e}"), "COMPONENT or COMPONENT@REQ"))
    };
    texts.iter().map(read).collect()
}
