//! `forge patch import`.

use serde_json::json;

use crate::cli::args_patch::PatchImportArgs;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE};
use crate::cli::patch::which::which;
use crate::names::SeriesName;
use crate::pipeline::{ImportOptions, PipelineError, import};

pub(super) fn run(context: &Context, args: &PatchImportArgs) -> Result<u8, CliError> {
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let (name, pick) = which(context, args.into.as_deref(), args.session.locked)?;
    let component = project.recipe.component(&name).map_err(PipelineError::from)?;
    let series = args.series.clone().map(SeriesName::new).transpose();
    let series = series.map_err(|e| CliError::usage(e.to_string(), "give the name of one of the component's series"))?;
    let branch = match &args.from_branch {
        None => None,
        Some(range) => match range.split_once("..") {
            Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.starts_with('.') => {
                Some((from.to_owned(), to.to_owned()))
            }
            _ => {
                let help = "say --from-branch A..B: the commits after A up to B, such as v1.2.3..my-branch";
                return Err(CliError::usage(format!("--from-branch {range:?} is no range of commits"), help));
            }
        },
    };
    let paths = args.paths.iter().map(|path| context.absolute(path)).collect();
    let wanted = ImportOptions { pick, series, paths, branch, dry_run: args.dry_run, state: context.state() };
    let done = import(&session, component, &wanted, &mut lock)?;
    context.end_progress();
    if args.json {
        let document = json!({
            "schema": 1, "dry_run": args.dry_run, "component": name, "release": done.release, "series": done.series,
            "files": done.files, "rewritten": done.rewritten,
        });
        context.json(&document)?;
        return Ok(DONE);
    }
    let mut text = String::new();
    for file in &done.files {
        let how = if done.rewritten.contains(file) { ", rewritten as a git mail" } else { "" };
        text.push_str(&format!("{:>12} {}/{file}{how}\n", "new", done.series));
    }
    let did = if args.dry_run { "would be" } else { "are" };
    text.push_str(&format!("{} patches {did} in {}; they apply to {name} {}", done.files.len(), done.series, done.release));
    context.print(&text)?;
    Ok(DONE)
}
