//! `forge show`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::args::ShowArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::patch::Series;
use crate::pipeline::{PipelineError, picks, variables_of};
use crate::plan::LockEntry;
use crate::recipe::model::{Component, Replace, Source};
use crate::recipe::vars::Variables;

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<u8, CliError> {
    let project = context.project(&args.recipe)?;
    let recipe = &project.recipe;
    let lock = context.lock(&project)?;
    if args.variables {
        return variables(context, args, recipe, lock.lock.entries());
    }
    let mut components = Vec::new();
    let mut text =
        format!("{}: {}\nrecipe: {}\nlock: {}\n", recipe.name, recipe.description, recipe.origin, lock.path().display());
    let targets: Vec<String> = recipe.targets.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "targets: {}", targets.join(", "));
    for component in recipe.build_order() {
        let series: Vec<Series> = component
            .series
            .iter()
            .map(|name| Series::load(&project.files, &component.upstream.name, name))
            .collect::<Result<_, _>>()
            .map_err(PipelineError::from)?;
        let entries: Vec<&LockEntry> = lock.lock.entries().iter().filter(|e| e.name == component.name).collect();
        text.push_str(&human(component, &series, &entries));
        components.push(document(component, &series, &entries));
    }
    if args.json {
        let document = json!({"schema": 1, "recipe": recipe.name, "origin": recipe.origin.to_string(), "description": recipe.description,
                              "targets": targets, "lock": lock.path(), "components": components});
        context.json(&document)?;
    } else {
        context.print(&text)?;
    }
    Ok(DONE)
}

fn source(component: &Component) -> String {
    match &component.upstream.source {
        Source::Git(url) => url.to_string(),
        Source::Module(module) => format!("Go module {module}"),
        Source::Path(folder) => format!("folder {folder}"),
    }
}

fn replaces(component: &Component) -> Vec<String> {
    let at = |v: &Option<crate::names::ModuleQuery>| v.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
    component
        .replace
        .iter()
        .map(|replace| match replace {
            Replace::Component(name) => format!("component {name}, at ./.forge/{name}"),
            Replace::Module { old, old_version, new, new_version } => format!("{old}{} => {new}@{new_version}", at(old_version)),
            Replace::Path { old, old_version, folder } => format!("{old}{} => {folder}", at(old_version)),
        })
        .collect()
}

/// Where the programs are whose payload is taken.
fn released(component: &Component) -> Option<&str> {
    component.upstream.payload.as_ref().filter(|rule| rule.from_release)?.asset.as_deref()
}

fn human(component: &Component, series: &[Series], entries: &[&LockEntry]) -> String {
    let mut out = format!("\n{}\n", component.name);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "  {key:<9} {value}");
    };
    line("source", &source(component));
    line("upstream", &component.upstream.origin.to_string());
    let wanted: Vec<String> = picks(component).iter().map(|p| p.wanted.to_string()).collect();
    line("wants", &if wanted.is_empty() { "the version that its users require".to_owned() } else { wanted.join(", ") });
    for entry in entries {
        line("locked", &format!("{} {}", entry.release, entry.origin.shown()));
    }
    for series in series {
        line("series", &format!("{} ({})", series.name(), series.origin()));
        for patch in series.patches() {
            let forms = if patch.forms.len() > 1 { format!(", {} forms", patch.forms.len()) } else { String::new() };
            let versions = patch.versions.as_ref().map(|v| format!(", only {v}")).unwrap_or_default();
            line("", &format!("{}{forms}{versions}", patch.name));
        }
    }
    for replace in replaces(component) {
        line("replace", &replace);
    }
    if component.tidy {
        line("go.mod", "go mod tidy, when it is locked");
    }
    if component.upstream.builds.iter().any(|b| b.flags_from_make) {
        line("flags", "from `make -n`: locking runs the Makefile's $(shell ...) parts as you");
    }
    if component.upstream.builds.iter().any(|b| b.prepare.is_some()) {
        line("prepare", "some releases run commands in the tree before the build");
    }
    if let Some(asset) = released(component) {
        line("payload", &format!("of the released {asset}"));
    }
    for (target, asset) in entries.iter().flat_map(|entry| &entry.payload) {
        line("", &format!("locked for {target}: {} (sha256 {})", asset.asset, asset.sha256));
    }
    if let Some(holds) = &component.holds {
        line("holds", holds.as_str());
    }
    out
}

fn document(component: &Component, series: &[Series], entries: &[&LockEntry]) -> Value {
    let series: Vec<_> = series
        .iter()
        .map(|s| json!({"series": s.name(), "origin": s.origin().to_string(), "patches": s.patches().iter().map(|p| &p.name).collect::<Vec<_>>()}))
        .collect();
    let locked: Vec<_> = entries
        .iter()
        .map(|e| json!({"version": e.release, "origin": e.origin, "tree": e.tree, "patched": e.result, "go": e.go, "payload": e.payload}))
        .collect();
    let wanted: Vec<String> = picks(component).iter().map(|p| p.wanted.to_string()).collect();
    json!({"component": component.name, "upstream": component.upstream.name, "upstream_file": component.upstream.origin.to_string(),
           "source": source(component), "wanted": wanted, "payload": released(component), "series": series, "replace": replaces(component), "locked": locked})
}

/// The variables of every locked release.
fn variables(
    context: &Context,
    args: &ShowArgs,
    recipe: &crate::recipe::model::Recipe,
    entries: &[LockEntry],
) -> Result<u8, CliError> {
    let programs: Vec<&LockEntry> = entries.iter().filter(|e| e.build.is_some()).collect();
    if programs.is_empty() {
        let help = format!("`forge lock --recipe {}` resolves it", recipe.name);
        return Err(CliError::Environment {
            message: "nothing is locked yet, so no variable has a value".into(),
            help: Some(help),
        });
    }
    let mut documents = Vec::new();
    let mut text = String::new();
    for entry in programs {
        for target in &recipe.targets {
            let values = variables_of(entry, target);
            let _ = writeln!(text, "{} {} for {target}", entry.name, entry.release);
            let mut map = serde_json::Map::new();
            for (name, meaning) in Variables::explained() {
                let value = values.value(name).ok();
                let _ = writeln!(text, "  {{{name}}} = {}  ({meaning})", value.as_deref().unwrap_or("-"));
                map.insert(name.to_owned(), json!(value));
            }
            documents.push(json!({"component": entry.name, "version": entry.release, "target": target, "variables": map}));
        }
    }
    if args.json {
        context.json(&json!({"schema": 1, "variables": documents}))?
    } else {
        context.print(&text)?
    }
    Ok(DONE)
}
