//! `forge patch rebase`.

use serde_json::{Value, json};

use crate::cli::args_patch::PatchRebaseArgs;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE, PATCH};
use crate::cli::patch::save;
use crate::cli::patch::start::tell;
use crate::cli::patch::which::which;
use crate::names::visible;
use crate::patch::explain;
use crate::pipeline::{PipelineError, RebaseOptions, Rebased, Turn, rebase};

pub(super) fn run(context: &Context, args: &PatchRebaseArgs) -> Result<u8, CliError> {
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let (name, pick) = which(context, Some(&args.component), args.session.locked)?;
    let Some(to) = pick else {
        let help = format!("say the release, too: {name}@VERSION; `forge update --dry-run` tells what is new");
        return Err(CliError::usage(format!("it is not said which release {name} is rebased to"), help));
    };
    let component = project.recipe.component(&name).map_err(PipelineError::from)?;
    let wanted = RebaseOptions {
        to,
        overwrite: args.overwrite,
        dry_run: args.dry_run,
        dir: args.dir.as_ref().map(|dir| context.absolute(dir)),
        recipe: context.recipe_name(&args.session.recipe, &project),
        uid: context.uid(),
        state: context.state(),
    };
    let done = rebase(&session, component, &wanted, &mut lock)?;
    context.end_progress();
    if args.json {
        context.json(&document(name.as_str(), args.dry_run, &done))?;
    } else {
        context.print(&text(name.as_str(), args.dry_run, &done))?;
    }
    let Some(failure) = &done.failure else { return Ok(DONE) };
    match &done.waiting {
        // Where there is a document already, the work folder is in it.
        Some(opened) if !args.json => tell(context, false, name.as_str(), opened),
        Some(_) => Ok(PATCH),
        None => {
            let patch = &failure.at.patch;
            let help = vec!["without --dry-run, a work folder opens with it".to_owned()];
            context.complain(&format!("{patch} does not apply to {}", done.to), vec![explain(failure, name.as_str())], help);
            Ok(PATCH)
        }
    }
}

fn word(turn: Turn) -> &'static str {
    match turn {
        Turn::Applies => "applies",
        Turn::Skipped => "skipped",
        Turn::Merged => "merged",
        Turn::Upstreamed => "upstreamed",
        Turn::Conflict => "conflict",
    }
}

fn document(component: &str, dry_run: bool, done: &Rebased) -> Value {
    let patches: Vec<Value> =
        done.patches.iter().map(|p| json!({"series": p.series, "patch": p.patch, "turn": word(p.turn)})).collect();
    let mut document = json!({
        "schema": 1, "dry_run": dry_run, "component": component, "from": done.from, "to": done.to, "patches": patches,
        "saved": done.saved.as_ref().map(save::patches), "range_diff": done.range_diff,
        "dir": done.waiting.as_ref().map(|opened| &opened.dir),
    });
    if let Some(object) = document.as_object_mut() {
        object.extend(save::judgement(done.judged.as_ref()));
    }
    document
}

fn text(component: &str, dry_run: bool, done: &Rebased) -> String {
    let mut out = format!("{component}: {} -> {}\n", done.from, done.to);
    for patch in &done.patches {
        out.push_str(&format!("{:>12} {}/{}\n", word(patch.turn), patch.series, patch.patch));
    }
    if !done.range_diff.is_empty() {
        let lines: Vec<String> = done.range_diff.lines().map(visible).collect();
        out.push_str(&format!("\n{}\n", lines.join("\n")));
    }
    if let Some(saved) = &done.saved {
        out.push_str(&format!("\n{}\n", save::text(saved, dry_run)));
    }
    if let Some(judged) = &done.judged {
        out.push_str(&format!("\n{}", save::told(judged).trim_start_matches('\n')));
    }
    out.truncate(out.trim_end().len());
    out
}
