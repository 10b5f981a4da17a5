//! Rewriting a recipe in place: one value changes, comments and layout stay.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, value};

use crate::disk::write_atomic;
use crate::files::read_limited;
use crate::names::ComponentName;
use crate::release::{Release, Wanted};

use super::error::RecipeErrors;
use crate::files::FilesError;

/// What a rewrite did.
#[derive(Debug)]
pub struct Rewrite {
    /// The change in a few words.
    pub shown: String,
    /// The file before.
    pub before: String,
}

/// Sets what a component is made of: a range becomes its first line, a tag, branch or commit its `version`. With `dry_run`
/// nothing is written.
pub fn set_version(path: &Path, component: &ComponentName, wanted: &Wanted, dry_run: bool) -> Result<Rewrite, RecipeErrors> {
    let io = |source: std::io::Error| RecipeErrors::Files(FilesError::Read { path: path.to_owned(), source });
    let before = String::from_utf8_lossy(&read_limited(path, 1 << 20)?).into_owned();
    let mut document: DocumentMut = before.parse().map_err(|e: toml_edit::TomlError| io(std::io::Error::other(e.to_string())))?;
    let table = document.get_mut("component").and_then(|c| c.get_mut(component.as_str())).and_then(Item::as_table_like_mut);
    let Some(table) = table else { return Err(io(std::io::Error::other(format!("it has no table [component.{component}]")))) };
    let text = wanted.to_string();
    let shown = match wanted {
        Wanted::Range(_) => {
            table.remove("version");
            table.remove("as");
            // In place, so that the key keeps its alignment and the list its comments.
            let was = match table.get_mut("lines").and_then(Item::as_array_mut).filter(|lines| !lines.is_empty()) {
                Some(lines) => lines.replace(0, text.as_str()).as_str().map(str::to_owned),
                None => {
                    table.insert("lines", value(Array::from_iter([text.as_str()])));
                    None
                }
            };
            format!("{component}: first line {} -> {text}", was.unwrap_or_else(|| "none".into()))
        }
        Wanted::Revision(_) | Wanted::Commit(_) => {
            let was = table.get("version").or(table.get("lines")).map(|item| item.to_string().trim().to_owned());
            table.remove("lines");
            if matches!(wanted, Wanted::Revision(tag) if Release::parse(tag).is_some()) {
                // It named the branch or commit that was there before; a version has no other name.
                table.remove("as");
            }
            match table.get_mut("version") {
                Some(item) => *item = value(text.as_str()),
                None => {
                    table.insert("version", value(text.as_str()));
                }
            }
            format!("{component}: version {} -> {text:?}", was.unwrap_or_else(|| "none".into()))
        }
    };
    if !dry_run {
        write_atomic(path, document.to_string().as_bytes(), 0o644).map_err(|e| io(std::io::Error::other(e.to_string())))?;
    }
    Ok(Rewrite { shown, before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        std::fs::write(&path, "# top\n[component.k0s]   # why\nlines  = [\"~1.36\", \"~1.35\"] # two\nseries = []\n").unwrap();
        let name = ComponentName::new("k0s").unwrap();
        let done = set_version(&path, &name, &Wanted::parse("~1.37").unwrap(), false).unwrap();
        assert_eq!(done.shown, "k0s: first line ~1.36 -> ~1.37");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# top\n[component.k0s]   # why\nlines  = [\"~1.37\", \"~1.35\"]"), "{text}");
        set_version(&path, &name, &Wanted::parse("v1.36.3+k0s.2").unwrap(), true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        set_version(&path, &name, &Wanted::parse("v1.36.3+k0s.2").unwrap(), false).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("version = \"v1.36.3+k0s.2\"") && !text.contains("lines"), "{text}");
    }
    #[test]
    fn a_version_drops_the_name_that_a_branch_went_by() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        let name = ComponentName::new("x").unwrap();
        for (wanted, keeps) in [("v1.2.3", false), ("next", true), (&*"a".repeat(40), true), ("~1.2", false)] {
            std::fs::write(&path, "[component.x]\nversion = \"main\"\nas = \"v1.0.0\"\n").unwrap();
            set_version(&path, &name, &Wanted::parse(wanted).unwrap(), false).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap().contains("as ="), keeps, "{wanted}");
        }
    }
}
