//! `forge patch lint`.

use serde_json::json;

use crate::cli::args_patch::PatchLintArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE, ENVIRONMENT};
use crate::names::{ComponentName, visible};
use crate::pipeline::{PipelineError, lint_series};
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
    let (looked_at, findings) = lint_series(&project.files, &components)?;
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
