//! Writing the list of a series: what changes is changed in place, comments and layout stay.

use std::collections::BTreeSet;

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value, value};

use crate::files::Draft;
use crate::names::{PatchName, Revision};
use crate::patch::diff::Dialect;
use crate::patch::series::Series;

/// One patch of a list to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// One that the series has. Twice in a list, it becomes two.
    Kept {
        /// Its place in [`Series::patches`].
        index: usize,
        /// What becomes of one of its forms.
        change: Option<FormChange>,
    },
    /// One that the series has, from now on for older releases only.
    Ended {
        /// Its place in [`Series::patches`].
        index: usize,
        /// Up to where.
        bound: Bound,
    },
    /// Another one.
    New {
        /// Its file.
        file: PatchName,
        /// The release that it was written on.
        base: Option<Revision>,
    },
}

/// What becomes of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormChange {
    /// The form's file as it is listed.
    pub file: PatchName,
    /// The file that takes its place; perhaps the same.
    pub by: PatchName,
    /// The release that this one was written on.
    pub base: Option<Revision>,
    /// Whether the form stays, beside the other one.
    pub beside: bool,
}

/// Where a patch ends to be needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The first release without it.
    pub below: Revision,
    /// Why.
    pub reason: String,
}

impl Bound {
    /// Where no more is known than the release.
    pub fn since(release: &Revision) -> Self {
        Self { below: release.clone(), reason: format!("upstream has it since {release}") }
    }
}

/// A list that cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RelistError {
    /// `series.toml` is not what was read.
    #[error("series.toml cannot be changed: {0}")]
    #[diagnostic(help("did it change in the meantime? try again"))]
    Toml(String),
    /// Forms in a quilt folder.
    #[error("a quilt `series` has no place for a second form of {0}")]
    #[diagnostic(help("list the patches in a series.toml instead, and remove the file `series`"))]
    QuiltForm(PatchName),
    /// Versions in a quilt folder.
    #[error("a quilt `series` cannot say that {patch} is not for {below} and what comes after it")]
    #[diagnostic(help(
        "the upstream has it: remove its line; or list the patches in a series.toml, and remove the file `series`"
    ))]
    QuiltVersions {
        /// The patch.
        patch: PatchName,
        /// The first release without it.
        below: Revision,
    },
}

/// Makes the list of a series' folder say this, and nothing else. `draft` holds the folder's files. A folder without a list is
/// given one where its order is not that of the names. Says whether the list changed.
pub fn relist(series: &Series, draft: &mut Draft, plan: &[Planned]) -> Result<bool, RelistError> {
    let same = |(at, planned): (usize, &Planned)| matches!(planned, Planned::Kept { index, change: None } if *index == at);
    if plan.len() == series.patches().len() && plan.iter().enumerate().all(same) {
        return Ok(false);
    }
    let (name, text) = match (draft.get("series.toml"), series.dialect()) {
        (Some(bytes), _) => ("series.toml", toml(&String::from_utf8_lossy(bytes), plan)?),
        (None, Dialect::Quilt) => {
            let bytes = draft.get("series").map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
            ("series", quilt(series, &bytes, plan)?)
        }
        (None, Dialect::Git) => {
            let files: Vec<&PatchName> = plan.iter().map(|planned| file_of(series, planned)).collect();
            if files.is_sorted() && !plan.iter().any(needs_list) {
                return Ok(false);
            }
            // The order of the names does not say it any more.
            let listed: String =
                series.patches().iter().map(|p| format!("[[patch]]\nfile = \"{}\"\n", p.forms[0].file)).collect();
            ("series.toml", toml(&listed, plan)?)
        }
    };
    let changed = draft.get(name).is_none_or(|bytes| bytes != text.as_bytes());
    draft.insert(name.to_owned(), text.into_bytes());
    Ok(changed)
}

/// Whether names of files are not enough to say it.
fn needs_list(planned: &Planned) -> bool {
    match planned {
        Planned::Kept { change, .. } => change.as_ref().is_some_and(|change| change.beside),
        Planned::Ended { .. } => true,
        Planned::New { .. } => false,
    }
}

fn file_of<'a>(series: &'a Series, planned: &'a Planned) -> &'a PatchName {
    match planned {
        Planned::Kept { change: Some(change), .. } => &change.by,
        Planned::Kept { index, .. } | Planned::Ended { index, .. } => &series.patches()[*index].forms[0].file,
        Planned::New { file, .. } => file,
    }
}

/// The text above the first table is the file's, but for what stands right above it.
fn split_head(prefix: &str) -> (&str, &str) {
    let cut = prefix.rfind("\n\n").map_or(0, |at| at + 2);
    prefix.split_at(cut)
}

fn prefix_of(table: &Table) -> String {
    table.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn toml(text: &str, plan: &[Planned]) -> Result<String, RelistError> {
    let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| RelistError::Toml(e.message().to_owned()))?;
    let listed = document.remove("patch").unwrap_or(Item::ArrayOfTables(ArrayOfTables::new()));
    let listed = listed.into_array_of_tables().map_err(|_| RelistError::Toml("`patch` is no array of tables".into()))?;
    let mut tables: Vec<Table> = listed.into_iter().collect();
    let mut head = String::new();
    if let Some(first) = tables.first_mut() {
        let prefix = prefix_of(first);
        let (above, own) = split_head(&prefix);
        head = above.to_owned();
        first.decor_mut().set_prefix(format!("\n{own}"));
    } else if !document.is_empty() || !document.trailing().as_str().unwrap_or_default().trim().is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing("");
        head = if trailing.trim().is_empty() { String::new() } else { format!("{}\n\n", trailing.trim_end()) };
    }
    let mut out = ArrayOfTables::new();
    let mut taken = BTreeSet::new();
    let listed = |index: usize| {
        let gone = || RelistError::Toml(format!("it has no patch {}", index + 1));
        tables.get(index).cloned().ok_or_else(gone)
    };
    for (at, planned) in plan.iter().enumerate() {
        let mut table = match planned {
            Planned::Ended { index, bound } => {
                let mut table = listed(*index)?;
                end(&mut table, bound);
                table
            }
            Planned::Kept { index, change } => {
                let mut table = listed(*index)?;
                // Of a patch that becomes two, the first has what is written above it.
                if !taken.insert(*index) {
                    table.decor_mut().set_prefix("\n");
                }
                if let Some(change) = change {
                    change_form(&mut table, change)?;
                }
                table
            }
            Planned::New { file, base } => {
                let mut table = Table::new();
                table.decor_mut().set_prefix("\n");
                table.insert("file", value(file.as_str()));
                if let Some(base) = base {
                    table.insert("base", value(base.as_str()));
                }
                table
            }
        };
        if at == 0 {
            let own = prefix_of(&table);
            let own = own.trim_start_matches('\n');
            let gap = if head.is_empty() && !document.is_empty() { "\n" } else { "" };
            table.decor_mut().set_prefix(format!("{head}{gap}{own}"));
        }
        table.set_position(Some(at as isize + 1));
        out.push(table);
    }
    if out.is_empty() {
        document.set_trailing(head);
    } else {
        document.insert("patch", Item::ArrayOfTables(out));
    }
    Ok(document.to_string())
}

/// Takes away the releases from a bound on. A reason that is there stays.
fn end(table: &mut Table, bound: &Bound) {
    let below = format!("<{}", bound.below.as_str().trim_start_matches('v'));
    let versions = match table.get("versions").and_then(Item::as_str) {
        // Every alternative ends there.
        Some(old) => old.split("||").map(|one| format!("{}, {below}", one.trim())).collect::<Vec<_>>().join(" || "),
        None => below,
    };
    table.insert("versions", value(versions));
    if !table.contains_key("reason") {
        table.insert("reason", value(bound.reason.as_str()));
    }
}

fn change_form(table: &mut Table, change: &FormChange) -> Result<(), RelistError> {
    let missing = || RelistError::Toml(format!("it does not list {}", change.file));
    let is_it = |form: &dyn TableLike| form.get("file").and_then(Item::as_str) == Some(change.file.as_str());
    if let Some(forms) = table.get_mut("one_of") {
        if let Some(forms) = forms.as_array_mut() {
            let at = forms.iter().position(|form| form.as_inline_table().is_some_and(|t| is_it(t))).ok_or_else(missing)?;
            if change.beside {
                let mut form = inline(change);
                let decor = forms.get(at).map(|f| f.decor().clone()).unwrap_or_default();
                *form.decor_mut() = decor;
                forms.insert_formatted(at + 1, Value::InlineTable(form));
            } else if let Some(form) = forms.get_mut(at).and_then(Value::as_inline_table_mut) {
                set_form(form, change);
            }
            return Ok(());
        }
        let forms = forms.as_array_of_tables_mut().ok_or_else(missing)?;
        if change.beside {
            let mut form = Table::new();
            set_form(&mut form, change);
            forms.push(form);
        } else {
            set_form(forms.iter_mut().find(|form| is_it(*form)).ok_or_else(missing)?, change);
        }
        return Ok(());
    }
    if !is_it(table) {
        return Err(missing());
    }
    if !change.beside {
        set_form(table, change);
        return Ok(());
    }
    let mut old = InlineTable::new();
    for key in ["file", "base"] {
        if let Some(item) = table.remove(key).and_then(|item| item.into_value().ok()) {
            old.insert(key, item.decorated(" ", ""));
        }
    }
    let mut forms = Array::new();
    for mut form in [old, inline(change)] {
        form.decor_mut().set_prefix("\n  ");
        if let Some(last) = form.iter().last().map(|(key, _)| key.to_owned())
            && let Some(last) = form.get_mut(&last)
        {
            last.decor_mut().set_suffix(" ");
        }
        forms.push_formatted(Value::InlineTable(form));
    }
    forms.set_trailing("\n");
    forms.set_trailing_comma(true);
    table.insert("one_of", value(forms));
    Ok(())
}

fn inline(change: &FormChange) -> InlineTable {
    let mut form = InlineTable::new();
    set_form(&mut form, change);
    form
}

/// Sets file and base, where they are not the same already.
fn set_form(form: &mut dyn TableLike, change: &FormChange) {
    let base = change.base.as_ref().map(Revision::as_str);
    for (key, text) in [("file", Some(change.by.as_str())), ("base", base)] {
        let Some(text) = text else {
            form.remove(key);
            continue;
        };
        match form.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) if old.as_str() == Some(text) => {}
            Some(old) => {
                let decor = old.decor().clone();
                *old = Value::from(text);
                *old.decor_mut() = decor;
            }
            None => {
                form.insert(key, value(text));
            }
        }
    }
}

/// The lines of a quilt `series` in another order. Comments stay above the line that follows them.
fn quilt(series: &Series, text: &str, plan: &[Planned]) -> Result<String, RelistError> {
    let is_patch = |line: &str| !line.trim_start().is_empty() && !line.trim_start().starts_with('#');
    let mut blocks: Vec<String> = Vec::new();
    let mut block = String::new();
    for line in text.split_inclusive('\n') {
        block.push_str(line);
        if is_patch(line) {
            if !block.ends_with('\n') {
                block.push('\n');
            }
            blocks.push(std::mem::take(&mut block));
        }
    }
    let mut out = String::new();
    for planned in plan {
        match planned {
            Planned::Kept { change: Some(change), .. } if change.beside => {
                return Err(RelistError::QuiltForm(change.file.clone()));
            }
            Planned::Ended { index, bound } => {
                let patch = series.patches()[*index].name.clone();
                return Err(RelistError::QuiltVersions { patch, below: bound.below.clone() });
            }
            Planned::Kept { index, change } => {
                let old = &series.patches()[*index].forms[0].file;
                let gone = || RelistError::Toml(format!("`series` does not list {old}"));
                let lines = blocks.get(*index).ok_or_else(gone)?;
                match change {
                    // What forge writes is for -p1, which is what a line without options says.
                    Some(change) => {
                        let above = lines.trim_end_matches('\n').rfind('\n').map_or("", |at| &lines[..=at]);
                        out.push_str(&format!("{above}{}\n", change.by));
                    }
                    None => out.push_str(lines),
                }
            }
            Planned::New { file, .. } => out.push_str(&format!("{file}\n")),
        }
    }
    out.push_str(&block);
    Ok(out)
}

#[cfg(test)]
#[path = "series_write_tests.rs"]
mod tests;
