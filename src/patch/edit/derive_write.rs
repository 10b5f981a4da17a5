//! Writing derived edits as somebody would.

use std::fmt::Write as _;

use toml_edit::Value;

use crate::patch::edit::model::{Action, Change, Edit, Side, TextAction};
use crate::patch::edit::rewrite::literal;

/// The text of an edit file.
pub(crate) fn file(description: Option<&str>, edits: &[Edit]) -> String {
    let mut out = String::new();
    if let Some(description) = description.map(str::trim).filter(|text| !text.is_empty()) {
        let value = if description.contains('\n') { literal(description) } else { Value::from(description) };
        let _ = writeln!(out, "description = {value}");
    }
    for edit in edits {
        if !out.is_empty() {
            out.push('\n');
        }
        let (place, rows) = rows(edit);
        out.push_str(place);
        let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        for (key, value) in rows {
            let _ = write!(out, "\n{key:width$} = {value}");
        }
        out.push('\n');
    }
    out
}

fn rows(edit: &Edit) -> (&'static str, Vec<(&'static str, Value)>) {
    let mut rows: Vec<(&'static str, Value)> =
        edit.files.first().map(|file| ("file", literal(file.as_str()))).into_iter().collect();
    match &edit.change {
        Change::Go { scope, action, imports } => {
            rows.extend(scope.first().map(|name| ("in", literal(name))));
            let pattern = |action: &Action| action.patterns().first().map_or_else(|| Value::from(""), |p| literal(p.as_str()));
            match action {
                Action::Insert { side, code, .. } => {
                    rows.push((side_key(*side), pattern(action)));
                    rows.push(("insert", literal(code.as_str())));
                }
                Action::Delete { .. } => rows.push(("delete", pattern(action))),
                Action::Change { code, .. } => {
                    rows.push(("change", pattern(action)));
                    rows.push(("with", literal(code.as_str())));
                }
                Action::First { code } => {
                    rows.push(("first", Value::from(true)));
                    rows.push(("insert", literal(code.as_str())));
                }
                Action::Rename { to } => rows.push(("rename", literal(to))),
            }
            if !imports.is_empty() {
                let said = |import: &crate::patch::edit::model::Import| match &import.name {
                    Some(name) => format!("{name} {}", import.path),
                    None => import.path.clone(),
                };
                rows.push(("imports", Value::from_iter(imports.iter().map(said))));
            }
            ("[[edit]]", rows)
        }
        Change::Text { line, action } => {
            rows.push(("line", literal(line)));
            let (key, new, text) = match action {
                TextAction::Insert { side, text } => (side_key(*side), "insert", text),
                TextAction::Change { text } => ("change", "with", text),
            };
            rows.push((key, Value::from(true)));
            rows.push((new, literal(text)));
            ("[[text]]", rows)
        }
    }
}

fn side_key(side: Side) -> &'static str {
    match side {
        Side::Before => "before",
        Side::After => "after",
    }
}
