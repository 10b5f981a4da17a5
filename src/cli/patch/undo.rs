//! `forge patch undo`.

use serde_json::json;

use crate::cli::args_patch::PatchUndoArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::pipeline::undo;

pub(super) fn run(context: &Context, args: &PatchUndoArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    let done = undo(&files, &context.exec, context.reporter(), &context.state(), context.uid())?;
    if args.json {
        context.json(&json!({"schema": 1, "undone": done.what, "folders": done.folders}))?;
        return Ok(DONE);
    }
    let folders: Vec<String> = done.folders.iter().map(|folder| folder.display().to_string()).collect();
    context.print(&format!("took the last {} back: {}", done.what, folders.join(", ")))?;
    Ok(DONE)
}
