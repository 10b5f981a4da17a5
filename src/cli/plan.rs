//! `forge plan`.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::args::PlanArgs;
use crate::cli::build::{options, selected};
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::pipeline::{Trust, plan_all, scripts};
use crate::plan::BuildPlan;

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<u8, CliError> {
    let project = context.project(&args.what.session.recipe)?;
    let mut options = options(context, &args.what, &project)?;
    options.trust = Trust::Locked;
    let selected = selected(&args.what, &project)?;
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    if args.sh {
        let scripts = scripts(&session, &selected, &mut lock)?;
        context.end_progress();
        let [(_, text)] = scripts.as_slice() else {
            let names: Vec<String> = scripts.iter().map(|(plan, _)| format!("{} for {}", plan.component, plan.target)).collect();
            let message = format!("a script is one build, and this would be {}: {}", names.len(), names.join(", "));
            return Err(CliError::usage(message, "name one component and one --target"));
        };
        context.print_bytes(text)?;
        return Ok(DONE);
    }
    let plan = plan_all(&session, &selected, &mut lock)?;
    context.end_progress();
    if args.json {
        let mut document = json!({"schema": 1});
        document["plan"] = serde_json::to_value(&plan).unwrap_or_default();
        context.json(&document)?;
    } else {
        let texts: Vec<String> = plan.builds.iter().map(human).collect();
        context.print(&texts.join("\n"))?;
    }
    Ok(DONE)
}

fn human(plan: &BuildPlan) -> String {
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "  {key:<9} {value}");
    };
    line("source", &plan.sources.origin.shown());
    line("tree", plan.sources.tree.as_str());
    for patch in &plan.sources.patches {
        line("patch", patch);
    }
    line("patched", plan.sources.result.as_str());
    for part in &plan.parts {
        let origin = part.sources.as_ref().map_or_else(|| "a copied folder".to_owned(), |s| s.origin.shown());
        let version = part.version.as_ref().map(|v| format!("{v}, ")).unwrap_or_default();
        line("place", &format!("./.forge/{}: {version}{origin}", part.name));
        for patch in part.sources.iter().flat_map(|s| &s.patches) {
            line("patch", &format!("{}: {patch}", part.name));
        }
    }
    if let Some(module) = &plan.module {
        for edit in &module.edit.0 {
            line("go.mod", &format!("go mod edit {edit}"));
        }
        if module.tidy {
            line("go.mod", "go mod tidy (when it was locked)");
        }
    }
    line("go", plan.build.go.as_str());
    for (name, value) in &plan.build.env {
        line("env", &format!("{name}={value}"));
    }
    for command in &plan.build.prepare {
        line("prepare", &shlex::try_join(command.iter().map(String::as_str)).unwrap_or_default());
    }
    if let Some(time) = plan.build.stamp {
        line("stamp", &format!("one git commit at {time}, tagged {}", plan.version));
    }
    for file in plan.build.make.iter().flat_map(|make| &make.touch) {
        line("touch", file.as_str());
    }
    let program = if plan.build.make.is_some() { "make" } else { "go" };
    line("run", &format!("{program} {}", shlex::try_join(plan.build.args.iter().map(String::as_str)).unwrap_or_default()));
    if let Some(make) = &plan.build.make {
        line("driver", make.driver.name());
        line("takes", make.output.as_str());
    }
    if let Some(payload) = &plan.payload {
        line("append", &format!("{} bytes of {}, {} files", payload.size, payload.origin(), payload.members));
    }
    for expect in &plan.expect {
        line("expect", expect);
    }
    line("output", &plan.file_name);
    line("key", plan.key.as_str());
    format!("{} {} for {}\n{out}", plan.component, plan.version, plan.target)
}
