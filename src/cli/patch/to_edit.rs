//! `forge patch to-edit`.

use serde_json::json;

use crate::cli::args_patch::PatchToEditArgs;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE};
use crate::cli::patch::which::which;
use crate::names::{Revision, SeriesName};
use crate::pipeline::{PipelineError, ToEdit, ToEditOptions, component_with, to_edit};

pub(super) fn run(context: &Context, args: &PatchToEditArgs) -> Result<u8, CliError> {
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let (series, patch) = match args.patch.split_once('/') {
        Some((series, patch)) => {
            let series = SeriesName::new(series).map_err(|e| CliError::usage(e.to_string(), "say SERIES/PATCH, or PATCH"))?;
            (Some(series), patch.to_owned())
        }
        None => (None, args.patch.clone()),
    };
    let (name, pick) = match (&args.component, context.work_state()?) {
        (None, None) => (component_with(&project.files, &project.recipe, series.as_ref(), &patch)?, None),
        (said, _) => which(context, said.as_deref(), args.session.locked)?,
    };
    let component = project.recipe.component(&name).map_err(PipelineError::from)?;
    let (overwrite, dry_run, state) = (args.overwrite, args.dry_run, context.state());
    let done = to_edit(&session, component, &ToEditOptions { pick, series, patch, overwrite, dry_run, state }, &mut lock)?;
    context.end_progress();
    if args.json {
        let document = json!({
            "schema": 1, "dry_run": args.dry_run, "component": name, "release": done.release, "series": done.series,
            "mail": done.mail, "mail_stays": done.mail_stays, "edit": done.edit, "text": done.text, "releases": done.releases,
            "mail_holds": done.mail_holds, "edit_holds": done.edit_holds, "gained": done.gained, "lost": done.lost,
            "differs": done.differs,
        });
        context.json(&document)?;
        return Ok(DONE);
    }
    context.print(&text(args.dry_run, &done))?;
    Ok(DONE)
}

fn text(dry_run: bool, done: &ToEdit) -> String {
    let mut out = String::new();
    if dry_run {
        out.push_str(&format!("{}\n", done.text));
    }
    let written = if dry_run { "would be written" } else { "written" };
    out.push_str(&format!("{}/{} {written}; on {} it makes the files of {}", done.series, done.edit, done.release, done.mail));
    if done.mail_stays {
        out.push_str(", which stays with the new files");
    }
    out.push_str(&format!(
        "\nmail: holds on {} of {} releases\nedit: holds on {}",
        done.mail_holds, done.releases, done.edit_holds
    ));
    out.push_str(&list("gained", &done.gained, 6));
    out.push_str(&list(if dry_run { "would be lost" } else { "lost" }, &done.lost, usize::MAX));
    out.push_str(&list("other files than with the mail (compare them with `forge patch show`)", &done.differs, usize::MAX));
    out
}

/// The first of some releases, and how many more there are.
fn list(what: &str, releases: &[Revision], most: usize) -> String {
    let names: Vec<&str> = releases.iter().take(most).map(Revision::as_str).collect();
    let more = match releases.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if names.is_empty() { String::new() } else { format!("\n{what}: {}{more}", names.join(", ")) }
}
