//! `forge patch show`.

use serde_json::{Value, json};

use crate::cli::args_patch::PatchShowArgs;
use crate::cli::build::selections;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::names::visible;
use crate::patch::Status;
use crate::pipeline::{Pick, PipelineError, ShownPatch, show_patches};

pub(super) fn run(context: &Context, args: &PatchShowArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let options = context.options(&args.session, &project.recipe)?;
    let selection = selections(std::slice::from_ref(&args.component))?.remove(0);
    let component = project.recipe.component(&selection.component).map_err(PipelineError::from)?;
    if args.session.locked && selection.wanted.is_some() {
        return Err(PipelineError::LockedAdHoc(args.component.clone()).into());
    }
    let pick = selection.wanted.map(|wanted| Pick { wanted, named: None, ad_hoc: true });
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let (release, patches) = show_patches(&session, component, pick, &mut lock)?;
    context.end_progress();
    if args.json {
        let documents: Vec<Value> = patches.iter().map(document).collect();
        context.json(&json!({"schema": 1, "component": component.name, "release": release, "patches": documents}))?;
        return Ok(DONE);
    }
    let mut text = format!("# {} {release}\n", component.name);
    if patches.is_empty() {
        text.push_str("# no patches\n");
    }
    for patch in &patches {
        text.push_str(&human(patch));
    }
    context.print(&text)?;
    Ok(DONE)
}

/// A heading that `git apply` takes for a comment, and the diff. Patches may hold anything: control characters are shown.
fn human(patch: &ShownPatch) -> String {
    let at = &patch.step.at;
    let head = match &patch.step.status {
        Status::Applied { form, .. } if form.as_str() != at.patch.as_str() => format!("{}/{}, form {form}", at.series, at.patch),
        Status::Applied { .. } => format!("{}/{}", at.series, at.patch),
        Status::Skipped { reason } => format!("{}/{} is skipped: {reason}", at.series, at.patch),
    };
    let mut out = format!("\n# {}\n", visible(&head));
    let diff = String::from_utf8_lossy(&patch.diff);
    for line in diff.split_inclusive('\n') {
        // The line ending is the file's business.
        let text = line.trim_end_matches(['\r', '\n']);
        out.push_str(&visible(text));
        out.push_str(&line[text.len()..]);
    }
    out
}

fn document(patch: &ShownPatch) -> Value {
    let mut value = json!(patch.step);
    if let Some(object) = value.as_object_mut() {
        object.insert("diff".to_owned(), json!(String::from_utf8_lossy(&patch.diff)));
    }
    value
}
