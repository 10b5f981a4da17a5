//! `forge patch export`.

use serde_json::json;

use crate::cli::args_patch::PatchExportArgs;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE};
use crate::cli::patch::which::which;
use crate::names::Revision;
use crate::pipeline::{ExportTarget, PipelineError, export};

pub(super) fn run(context: &Context, args: &PatchExportArgs) -> Result<u8, CliError> {
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let (name, pick) = which(context, args.component.as_deref(), args.session.locked)?;
    let component = project.recipe.component(&name).map_err(PipelineError::from)?;
    let target = target(context, args)?;
    let done = export(&session, component, pick, &target, &mut lock)?;
    context.end_progress();
    if args.json {
        let document = json!({
            "schema": 1, "component": name, "release": done.release, "patches": done.patches, "tree": done.tree, "commit": done.commit,
        });
        context.json(&document)?;
        return Ok(DONE);
    }
    let mut text: String = done.patches.iter().map(|patch| format!("{}\n", crate::names::visible(patch))).collect();
    text.push_str(&format!("{name} {}: {} patches, which give the tree {}", done.release, done.patches.len(), done.tree));
    context.print(&text)?;
    Ok(DONE)
}

fn target(context: &Context, args: &PatchExportArgs) -> Result<ExportTarget, CliError> {
    let form = &args.form;
    if let Some(dir) = &form.mails {
        return Ok(ExportTarget::Mails(context.absolute(dir)));
    }
    if let Some(dir) = &form.quilt {
        return Ok(ExportTarget::Quilt(context.absolute(dir)));
    }
    if let Some(file) = &form.mbox {
        return Ok(ExportTarget::Mbox(context.absolute(file)));
    }
    let name = form.branch.clone().unwrap_or_default();
    let name =
        Revision::new(name).map_err(|e| CliError::usage(e.to_string(), "give the name of a branch that does not exist yet"))?;
    Ok(ExportTarget::Branch { clone: context.absolute(&args.clone), name })
}
