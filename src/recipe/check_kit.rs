//! `[values]` and `[[kit]]`: what an operator gets beside the binaries.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::error::{Problem, Sink};
use super::model::{KitContent, KitFile};
use super::raw::{RawComponent, RawKitFile};
use super::read::Text;
use super::scope::Scope;
use super::wrong::{Wrong, shown};
use crate::files::{Files, Found};
use crate::names::{ComponentName, EnvName, RelPath, nearest};

/// The largest template.
const TEMPLATE_LIMIT: u64 = 1 << 20;

/// The checksums of a kit; forge writes them.
pub const SUMS: &str = "SHA256SUMS";

/// Checks the recipe's own values.
pub(crate) fn values(raw: &Option<Spanned<Vec<(Text, Text)>>>, sink: &mut Sink) -> BTreeMap<EnvName, String> {
    let mut values = BTreeMap::new();
    for (name, value) in raw.iter().flat_map(|pairs| pairs.get_ref()) {
        if Scope::is_taken(name.get_ref()) {
            let reason = "a variable of this name is there already";
            sink.push(name.span(), Wrong::Text { key: "values", text: shown(name.get_ref()), reason });
        } else if let Ok(name) = EnvName::new(name.get_ref().as_str()) {
            values.insert(name, value.get_ref().clone());
        } else {
            let reason = "letters, digits and `_` make the name of a value";
            sink.push(name.span(), Wrong::Text { key: "values", text: shown(name.get_ref()), reason });
        }
    }
    values
}

/// Checks the files of a kit. Mistakes inside of templates go to `problems`.
pub(crate) fn kit(
    raw: &[RawKitFile],
    components: &[RawComponent],
    scope: &Scope,
    files: &Files,
    problems: &mut Vec<Problem>,
    sink: &mut Sink,
) -> Vec<KitFile> {
    let mut kit: Vec<KitFile> = Vec::new();
    let mut seen = BTreeSet::new();
    for raw in raw {
        let Some(text) = &raw.name else {
            let help = "the name of the file in the kit, such as name = \"README.md\"";
            sink.push(raw.span.clone(), Wrong::Missing { table: "[[kit]]".into(), key: "name", help });
            continue;
        };
        let content = content(raw, components, scope, files, problems, sink);
        let Some(name) = sink.take(text.span(), RelPath::new(text.get_ref().as_str())) else { continue };
        if name.as_str() == SUMS {
            let reason = "forge itself writes the checksums";
            sink.push(text.span(), Wrong::Text { key: "name", text: shown(SUMS), reason });
        }
        let clashes = |other: &RelPath| {
            let (a, b) = (name.as_path(), other.as_path());
            a.starts_with(b) || b.starts_with(a)
        };
        if !seen.insert(name.clone()) || kit.iter().any(|file| clashes(&file.name)) {
            sink.push(text.span(), Wrong::Twice { what: "file", text: shown(name.as_str()) });
        } else if let Some(content) = content {
            kit.push(KitFile { name, content });
        }
    }
    kit
}

fn content(
    raw: &RawKitFile,
    components: &[RawComponent],
    scope: &Scope,
    files: &Files,
    problems: &mut Vec<Problem>,
    sink: &mut Sink,
) -> Option<KitContent> {
    match (&raw.binary, &raw.template) {
        (Some(_), Some(template)) => {
            let help = "each file is a [[kit]] of its own";
            sink.push(template.span(), Wrong::Both { first: "binary", second: "template", help });
            None
        }
        (None, None) => {
            let help = "`binary` names a component whose binary it is, `template` a file of the project";
            sink.push(raw.span.clone(), Wrong::Missing { table: "[[kit]]".into(), key: "binary` or `template", help });
            None
        }
        (Some(binary), None) => {
            let names = || components.iter().map(|component| component.name.get_ref().as_str());
            if !names().any(|known| known == binary.get_ref()) {
                let near = nearest(binary.get_ref(), names()).map(shown);
                let known = names().map(shown).collect();
                sink.push(binary.span(), Wrong::NoComponent { name: shown(binary.get_ref()), near, known });
                return None;
            }
            ComponentName::new(binary.get_ref().as_str()).ok().map(KitContent::Binary)
        }
        (None, Some(path)) => {
            let found = read(path, files, sink)?;
            let origin = found.origin.to_string();
            let Ok(text) = String::from_utf8(found.bytes) else {
                let reason = "it is not UTF-8 text".to_owned();
                sink.push(path.span(), Wrong::NoFile { path: shown(path.get_ref()), reason });
                return None;
            };
            if let Err((span, error)) = scope.check(&text) {
                let mut inner = Sink::new(&origin, &text);
                inner.push(span, error);
                problems.extend(inner.into_sorted().0);
                return None;
            }
            Some(KitContent::Template { text, origin })
        }
    }
}

/// Reads a file that a recipe names.
pub(crate) fn read(path: &Text, files: &Files, sink: &mut Sink) -> Option<Found> {
    let from = sink.take(path.span(), RelPath::new(path.get_ref().as_str()))?;
    let reason = match files.read(&from, TEMPLATE_LIMIT) {
        Ok(Some(found)) => return Some(found),
        Ok(None) => "there is no such file in the project".to_owned(),
        Err(error) => error.to_string(),
    };
    sink.push(path.span(), Wrong::NoFile { path: from.to_string(), reason });
    None
}
