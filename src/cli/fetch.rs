//! `forge fetch`.

use serde_json::json;

use crate::cli::args::SelectArgs;
use crate::cli::build::selections;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::pipeline::{Trust, check_tags, fetch, select};

pub(super) fn run(context: &Context, args: &SelectArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let mut options = context.options(&args.session, &project.recipe)?;
    options.trust = Trust::Locked;
    let selected = select(&project.recipe, &selections(&args.components)?, true)?;
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    if !options.offline {
        check_tags(&session, &lock.lock)?;
    }
    let entries = fetch(&session, &selected, &mut lock)?;
    context.end_progress();
    if args.json {
        let fetched: Vec<_> = entries
            .iter()
            .map(|e| json!({"component": e.name, "version": e.release, "origin": e.origin, "tree": e.tree, "patched": e.result}))
            .collect();
        context.json(&json!({"schema": 1, "fetched": fetched}))?;
    } else {
        for entry in &entries {
            context.print(&format!("{} {} {}", entry.name, entry.release, entry.origin.shown()))?;
        }
    }
    Ok(DONE)
}
