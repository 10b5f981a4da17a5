//! `forge patch save`.

use serde_json::{Value, json};

use crate::cli::args::SessionArgs;
use crate::cli::args_patch::PatchSaveArgs;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE};
use crate::names::{PatchName, Revision, visible};
use crate::pipeline::{Ended, Judgement, PipelineError, SaveOptions, Saved, What, Workspace, save, save_judged};

pub(super) fn run(context: &Context, args: &PatchSaveArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    let space = context.workspace(&files)?;
    let name = |text: &String| {
        PatchName::new(text.clone()).map_err(|e| CliError::usage(e.to_string(), "give the name of a file of the series"))
    };
    let options = SaveOptions {
        dry_run: args.dry_run,
        as_mail: args.as_mail.iter().map(name).collect::<Result<_, _>>()?,
        overwrite: args.overwrite,
        state: context.state(),
        ..SaveOptions::default()
    };
    let (saved, judged) = match space.asks_releases() && !args.overwrite {
        true => asking(context, space, &options)?,
        false => (save(space, &options)?, None),
    };
    context.end_progress();
    if args.json {
        let mut document = json!({
            "schema": 1, "dry_run": args.dry_run, "patches": patches(&saved), "reordered": saved.reordered, "bytes": saved.bytes,
        });
        if let Some(object) = document.as_object_mut() {
            object.extend(judgement(judged.as_ref()));
        }
        context.json(&document)?;
    } else {
        let told = judged.as_ref().map(told).unwrap_or_default();
        context.print(format!("{}{told}", text(&saved, args.dry_run)).trim_end())?;
    }
    Ok(DONE)
}

/// A save that looks at all releases of the component.
fn asking(context: &Context, space: Workspace<'_>, options: &SaveOptions) -> Result<(Saved, Option<Judgement>), CliError> {
    let args = SessionArgs::of_recipe(space.state.recipe.clone());
    let Sources { project, options: session_options, store, lock } = context.sources(&args)?;
    let session = context.session(&project, &store, &session_options);
    let component = project.recipe.component(&space.state.component).map_err(PipelineError::from)?;
    Ok(save_judged(&session, component, space, options, &lock.lock)?)
}

/// What all releases say, for a document; the keys are there where they were not asked, too.
pub(super) fn judgement(judged: Option<&Judgement>) -> serde_json::Map<String, Value> {
    let ended = |e: &Ended| json!({"series": e.series, "patch": e.patch, "below": e.bound.below, "reason": e.bound.reason, "needed": e.needed});
    let ended: Vec<Value> = judged.iter().flat_map(|j| &j.ended).map(ended).collect();
    let releases = |of: fn(&Judgement) -> &Vec<Revision>| judged.map(of).cloned().unwrap_or_default();
    let value = json!({
        "before": judged.map(|j| &j.held.0), "after": judged.map(|j| &j.held.1),
        "gained": releases(|j| &j.gained), "lost": releases(|j| &j.lost), "ended": ended,
    });
    value.as_object().cloned().unwrap_or_default()
}

/// The same for people, below what was written.
pub(super) fn told(judged: &Judgement) -> String {
    let mut out = format!("\n\nbefore: {}\nafter:  {}\n", judged.held.0, judged.held.1);
    for (what, releases) in [("gained", &judged.gained), ("lost", &judged.lost)] {
        let names: Vec<&str> = releases.iter().map(|r| r.as_str()).collect();
        if !names.is_empty() {
            out.push_str(&format!("{what}: {}\n", names.join(", ")));
        }
    }
    for Ended { series, patch, bound, needed } in &judged.ended {
        let rest = match needed {
            true => "older releases need it",
            false => "no release needs it any more: remove it from the series",
        };
        out.push_str(&format!("{series}/{patch}: {}; {rest}\n", visible(&bound.reason)));
    }
    out
}

/// Each patch and what was done to it.
pub(super) fn patches(saved: &Saved) -> Vec<Value> {
    saved.patches.iter().map(|p| json!({"series": p.series, "file": p.file, "what": word(p.what)})).collect()
}

pub(super) fn text(saved: &Saved, dry_run: bool) -> String {
    let kept = saved.patches.iter().filter(|p| p.what == What::Kept).count();
    if saved.is_unchanged() {
        return format!("nothing to save: {kept} patches are as they were");
    }
    let mut out = String::new();
    for patch in saved.patches.iter().filter(|p| p.what != What::Kept) {
        out.push_str(&format!("{:>12} {}/{}\n", word(patch.what), patch.series, patch.file));
    }
    if saved.reordered {
        out.push_str(&format!("{:>12} the patches\n", "reordered"));
    }
    let did = if dry_run { "would be written" } else { "written" };
    out.push_str(&format!("{} bytes {did}, {kept} patches are as they were", saved.bytes));
    out
}

fn word(what: What) -> &'static str {
    match what {
        What::Kept => "kept",
        What::Changed => "changed",
        What::FormAdded => "form added",
        What::EditToMail => "edit to mail",
        What::Ended => "ended",
        What::New => "new",
        What::Dropped => "dropped",
    }
}
