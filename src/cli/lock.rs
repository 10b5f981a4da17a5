//! `forge lock`.

use serde_json::json;

use crate::cli::args::SelectArgs;
use crate::cli::build::selections;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::pipeline::{check_tags, resolve_all, select};

pub(super) fn run(context: &Context, args: &SelectArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let options = context.options(&args.session, &project.recipe)?;
    let selected = select(&project.recipe, &selections(&args.components)?, true)?;
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let resolved = resolve_all(&session, &selected, &mut lock)?;
    if !options.offline {
        check_tags(&session, &lock.lock)?;
    }
    context.end_progress();
    if args.json {
        let entries: Vec<_> = resolved.iter().map(|r| &r.entry).collect();
        context.json(&json!({"schema": 1, "lock": lock.path(), "entries": entries}))?;
    } else {
        context.print(&lock.path().display().to_string())?;
    }
    Ok(DONE)
}
