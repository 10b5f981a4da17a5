//! `forge patch save`.

use serde_json::{Value, json};

use crate::cli::args_patch::PatchSaveArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::names::PatchName;
use crate::pipeline::{SaveOptions, Saved, What, save};

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
    let saved = save(space, &options)?;
    if args.json {
        let patches = patches(&saved);
        let document = json!({
            "schema": 1, "dry_run": args.dry_run, "patches": patches, "reordered": saved.reordered, "bytes": saved.bytes,
        });
        context.json(&document)?;
    } else {
        context.print(&text(&saved, args.dry_run))?;
    }
    Ok(DONE)
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
        What::New => "new",
        What::Dropped => "dropped",
    }
}
