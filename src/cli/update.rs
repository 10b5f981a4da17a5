//! `forge update`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::{RecipeArgs, UpdateArgs};
use crate::cli::build::selections;
use crate::cli::context::{Context, Project};
use crate::cli::exit::{CliError, DONE};
use crate::event::Event;
use crate::files::Origin;
use crate::pipeline::{Options, PipelineError, Selection, select, update};
use crate::recipe::rewrite::set_version;

pub(super) fn run(context: &Context, args: &UpdateArgs) -> Result<u8, CliError> {
    let project = context.project(&args.recipe)?;
    let selections = selections(&args.components)?;
    let mut before = None;
    let done = rewrite_and_resolve(context, args, project, selections, &mut before);
    if done.is_err()
        && let Some((path, before)) = before
    {
        // A recipe that cannot be resolved is not left behind.
        crate::disk::write_atomic(&path, before.as_bytes(), 0o644).map_err(PipelineError::from)?;
        context.reporter().report(Event::Notice { text: format!("{} is as it was", path.display()) });
    }
    done
}

/// `before` becomes the recipe's file and text where it is rewritten.
fn rewrite_and_resolve(
    context: &Context,
    args: &UpdateArgs,
    mut project: Project,
    mut selections: Vec<Selection>,
    before: &mut Option<(PathBuf, String)>,
) -> Result<u8, CliError> {
    for selection in &mut selections {
        let component = project.recipe.component(&selection.component).map_err(PipelineError::from)?;
        let Some(wanted) = selection.wanted.take() else { continue };
        let Origin::Disk(path) = &project.recipe.origin else {
            let help = "copy it to recipes/NAME.toml of your own and change that";
            return Err(CliError::usage(format!("the recipe {} is built in and cannot be rewritten", project.recipe.name), help));
        };
        let change = set_version(path, &component.name, &wanted, args.dry_run)?;
        context.reporter().report(Event::Notice { text: format!("{}: {}", path.display(), change.shown) });
        if !args.dry_run {
            before.get_or_insert((path.clone(), change.before));
            let again = RecipeArgs { recipe: Some(path.display().to_string()) };
            project = context.project(&again)?;
        }
    }
    resolve(context, args, &project, &selections)
}

fn resolve(context: &Context, args: &UpdateArgs, project: &Project, selections: &[Selection]) -> Result<u8, CliError> {
    let options = Options { without_released: args.dry_run, ..Options::default() };
    let selected = select(&project.recipe, selections, true)?;
    let store = context.store()?;
    let session = context.session(project, &store, &options);
    let mut lock = context.lock(project)?;
    let moved = update(&session, &selected, &mut lock, args.dry_run)?;
    context.end_progress();
    if args.json {
        let changes: Vec<_> = moved
            .changes
            .iter()
            .map(|c| {
                let release = |e: &Option<crate::plan::LockEntry>| e.as_ref().map(|e| e.release.clone());
                json!({"component": c.name, "from": release(&c.old), "to": release(&c.new), "changes": c.lines()})
            })
            .collect();
        let beyond: Vec<_> =
            moved.beyond.iter().map(|(c, from, to)| json!({"component": c, "locked": from, "newest": to})).collect();
        context.json(&json!({"schema": 1, "dry_run": args.dry_run, "changes": changes, "beyond_lines": beyond}))?;
        return Ok(DONE);
    }
    let mut lines: Vec<String> = moved.changes.iter().flat_map(crate::plan::LockChange::lines).collect();
    if lines.is_empty() {
        lines.push("everything is up to date".into());
    }
    for (component, locked, newest) in &moved.beyond {
        lines.push(format!("{component} {newest} is newer than every line of the recipe (newest locked: {locked})"));
    }
    context.print(&lines.join("\n"))?;
    Ok(DONE)
}
