//! `forge report`.

use serde_json::json;

use crate::cli::args::ReportArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::names::ComponentName;
use crate::pipeline::{Options, report};
use crate::report::markdown;

pub(super) fn run(context: &Context, args: &ReportArgs) -> Result<u8, CliError> {
    let project = context.project(&args.recipe)?;
    let name = |text: &String| ComponentName::new(text.as_str()).map_err(|e| CliError::usage(e.to_string(), "name a component"));
    let only: Vec<ComponentName> = args.components.iter().map(name).collect::<Result<_, _>>()?;
    let options = Options { offline: true, ..Options::default() };
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let lock = context.lock(&project)?;
    let report = report(&session, &lock, &only, &context.state())?;
    context.end_progress();
    if args.json {
        let mut document = json!({"schema": 1});
        document["report"] = serde_json::to_value(&report).unwrap_or_default();
        context.json(&document)?;
    } else {
        context.print(&markdown(&report))?;
    }
    Ok(DONE)
}
