//! Imports that come with a change: lines that are nothing else become `imports` of an edit, which puts them where gofmt would.

use crate::patch::edit::derive::{Region, Work};
use crate::patch::edit::model::{Change, Edit, Import};
use crate::patch::edit::syntax::Go;

/// Regions, without those that only bring imports.
pub(crate) struct ByImports {
    pub(crate) imports: Vec<Import>,
    pub(crate) rest: Vec<Region>,
}

/// Takes the regions out that only bring imports.
pub(crate) fn split(work: &Work<'_>, regions: Vec<Region>) -> ByImports {
    let mut out = ByImports { imports: Vec::new(), rest: Vec::new() };
    for region in regions {
        match work.go.as_ref().and_then(|go| brought(work, go, &region)) {
            Some(imports) => out.imports.extend(imports),
            None => out.rest.push(region),
        }
    }
    out
}

/// The imports that a region brings, where it does nothing else.
fn brought(work: &Work<'_>, go: &Go, region: &Region) -> Option<Vec<Import>> {
    let at = work.offset(region.old.start);
    // Above the first thing that is declared.
    let is_import = |kind: &str| matches!(kind, "package_clause" | "import_declaration");
    let above = go.top().filter(|top| go.node(*top).named).all(|top| is_import(go.node(top).kind) || at <= go.start(top));
    if !region.old.is_empty() || !above {
        return None;
    }
    let mut imports = Vec::new();
    for line in &work.new[region.new.clone()] {
        let line = line.trim();
        let line = line.strip_prefix("import").map_or(line, str::trim_start);
        if matches!(line, "" | "(" | ")") {
            continue;
        }
        if !line.ends_with('"') {
            return None;
        }
        imports.push(Import::parse(line)?);
    }
    (!imports.is_empty()).then_some(imports)
}

/// Gives the imports to the first edit of Go code; false where there is none.
pub(crate) fn attach(edits: &mut [Edit], wanted: Vec<Import>) -> bool {
    let mut of_go = edits.iter_mut().filter_map(|edit| match &mut edit.change {
        Change::Go { imports, .. } => Some(imports),
        Change::Text { .. } => None,
    });
    of_go.next().map(|imports| imports.extend(wanted)).is_some()
}
