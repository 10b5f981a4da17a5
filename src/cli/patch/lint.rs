//! `forge patch lint`.

use serde_json::json;

use crate::cli::args_patch::PatchLintArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE, ENVIRONMENT};
use crate::event::Event;
use crate::names::{ComponentName, visible};
use crate::pipeline::{Options, PipelineError, Trust, lint_context, lint_series};
use crate::recipe::model::Component;

pub(super) fn run(context: &Context, args: &PatchLintArgs) -> Result<u8, CliError> {
    let project = context.project(&args.recipe)?;
    let said = match (&args.component, context.work_state()?) {
        (Some(name), _) => {
            let help = "`forge list` shows the components";
            Some(ComponentName::new(name.clone()).map_err(|e| CliError::usage(e.to_string(), help))?)
        }
        (None, state) => state.map(|state| state.component),
    };
    let components: Vec<&Component> = match &said {
        Some(name) => vec![project.recipe.component(name).map_err(PipelineError::from)?],
        None => project.recipe.components.values().collect(),
    };
    let (looked_at, mut findings) = lint_series(&project.files, &components)?;
    // A matrix fills the store; this makes none.
    if context.store_path()?.is_dir() {
        let options = Options { trust: Trust::Sources, offline: true, ..Options::default() };
        let (store, mut lock) = (context.store()?, context.lock(&project)?);
        let session = context.session(&project, &store, &options);
        findings.extend(lint_context(&session, &components, &mut lock)?);
        context.end_progress();
    } else {
        let text = "not asked whether edits would hold on more releases: there is no store".to_owned();
        context.reporter().report(Event::Detail { text });
    }
    if args.json {
        context.json(&json!({"schema": 1, "patches": looked_at, "findings": findings}))?;
    } else {
        let mut text = String::new();
        for one in &findings {
            let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
            text.push_str(&format!("{}/{}{line}: {}\n", one.series, one.file, visible(&one.text)));
        }
        text.push_str(&format!("{looked_at} patches, {} findings", findings.len()));
        context.print(&text)?;
    }
    Ok(if findings.is_empty() { DONE } else { ENVIRONMENT })
}
