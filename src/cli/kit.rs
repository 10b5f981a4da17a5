//! `forge kit`.

use serde_json::json;

use crate::cli::args::KitArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::names::Target;
use crate::pipeline::{Binaries, kit};
use crate::recipe::model::Recipe;
use crate::recipe::targets::parse_target;

pub(super) fn run(context: &Context, args: &KitArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let mut options = context.options(&args.session, &project.recipe)?;
    let target = one_target(args.target.as_deref(), &project.recipe)?;
    options.targets = vec![target.clone()];
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let binaries = if args.copy { Binaries::Copied } else { Binaries::Linked };
    let files = kit(&session, &mut lock, &context.absolute(&args.out), binaries)?;
    context.end_progress();
    if args.json {
        context.json(&json!({"schema": 1, "kit": {"path": args.out, "target": target, "files": files}}))?;
    } else {
        let lines: Vec<String> =
            files.iter().map(|file| format!("{}  {}", file.sha256, args.out.join(file.name.as_path()).display())).collect();
        context.print(&lines.join("\n"))?;
    }
    Ok(DONE)
}

/// The platform that is asked for; else this machine's own where the recipe has it, else the recipe's first.
pub(super) fn one_target(given: Option<&str>, recipe: &Recipe) -> Result<Target, CliError> {
    if let Some(text) = given {
        return parse_target(text).map_err(|e| CliError::usage(format!("--target: {e}"), "OS/ARCH, such as linux/arm64"));
    }
    let host = Target::host();
    Ok(if recipe.targets.contains(&host) { host } else { recipe.targets[0].clone() })
}
