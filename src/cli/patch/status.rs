//! `forge patch status`.

use serde_json::{Value, json};

use crate::cli::args_patch::PatchStatusArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::names::visible;
use crate::pipeline::{Place, StatusReport, status};

pub(super) fn run(context: &Context, args: &PatchStatusArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    let space = context.workspace(&files)?;
    let report = status(&space)?;
    if args.json {
        context.json(&document(&report))?;
    } else {
        context.print(&text(&report))?;
    }
    Ok(DONE)
}

fn word(place: Place) -> &'static str {
    match place {
        Place::Same => "same",
        Place::Moved => "moved",
        Place::Changed => "changed",
        Place::New => "new",
    }
}

fn document(report: &StatusReport) -> Value {
    let commits: Vec<Value> = report
        .commits
        .iter()
        .map(|c| json!({"commit": c.commit, "subject": c.subject, "patch": c.patch, "place": word(c.place)}))
        .collect();
    let series: Vec<Value> = report.series.iter().map(|(name, changed)| json!({"series": name, "changed": changed})).collect();
    json!({
        "schema": 1, "dir": report.dir, "recipe": report.recipe, "component": report.component, "release": report.release,
        "base": report.base, "series": series, "waiting": report.waiting.as_ref().map(|(patch, files)| json!({"patch": patch, "files": files})),
        "in_progress": report.in_progress, "uncommitted": report.loose, "commits": commits, "dropped": report.dropped,
        "range_diff": report.range_diff,
    })
}

fn text(report: &StatusReport) -> String {
    let mut out = format!("{}: {} {} of the recipe {}\n", report.dir.display(), report.component, report.release, report.recipe);
    for (series, changed) in &report.series {
        if *changed {
            out.push_str(&format!("the series {series} has changed since it was opened here\n"));
        }
    }
    if let Some((patch, files)) = &report.waiting {
        out.push_str(&format!("{patch} does not apply and waits for its resolution\n"));
        for file in files {
            out.push_str(&format!("  not resolved: {}\n", visible(file)));
        }
    }
    if let Some(what) = report.in_progress {
        out.push_str(&format!("git is in the midst of {what}\n"));
    }
    out.push('\n');
    for commit in &report.commits {
        let sign = match commit.place {
            Place::Same => ' ',
            Place::Moved => '=',
            Place::Changed => '~',
            Place::New => '+',
        };
        let patch = commit.patch.as_ref().map(|p| format!("  [{p}]")).unwrap_or_default();
        out.push_str(&format!("{sign} {} {}{patch}\n", &commit.commit.as_str()[..12], visible(&commit.subject)));
    }
    for patch in &report.dropped {
        out.push_str(&format!("-              {patch}\n"));
    }
    for file in &report.loose {
        out.push_str(&format!("  in no commit: {}\n", visible(file)));
    }
    if report.range_diff.is_empty() {
        out.push_str("\nthe commits are those of the series");
    } else {
        let lines: Vec<String> = report.range_diff.lines().map(visible).collect();
        out.push_str(&format!("\n{}", lines.join("\n")));
    }
    out
}
