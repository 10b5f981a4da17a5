//! Scenarios: what disposable hosts are like. `recipes/scenarios/NAME.toml` of the project, or one that is built in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::check_kit;
use super::error::{RecipeErrors, Sink};
use super::load::{TOML_LIMIT, not_text, only_certain, open, parse};
use super::read::{List, Table, Text};
use super::scope::Scope;
use super::trial::Scenario;
use super::wrong::{Wrong, shown};
use crate::files::{Files, Found, Origin, read_limited};
use crate::names::{EnvName, NameError, RecipeName, RelPath, nearest};

/// The scenario where nobody names one.
pub const DEFAULT: &str = "nixos";

/// Which scenario is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScenarioRef {
    /// `recipes/scenarios/NAME.toml`.
    Name(RecipeName),
    /// This file.
    File(PathBuf),
}

impl ScenarioRef {
    /// Reads what `--scenario` takes: something with a `/` or ending in `.toml` is a file.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains('/') || text.ends_with(".toml") {
            return Ok(Self::File(PathBuf::from(text)));
        }
        RecipeName::new(text).map(Self::Name).map_err(|error| NameError { kind: "scenario name", ..error })
    }
}

/// Reads a scenario. All mistakes of its file come back together.
pub fn load_scenario(files: &Files, which: &ScenarioRef) -> Result<Scenario, RecipeErrors> {
    let (name, found) = match which {
        ScenarioRef::File(path) => {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            (name, Found { bytes: read_limited(path, TOML_LIMIT)?, origin: Origin::Disk(path.clone()) })
        }
        ScenarioRef::Name(name) => {
            let path = RelPath::new(format!("recipes/scenarios/{name}.toml")).map_err(RecipeErrors::FileName)?;
            match files.read(&path, TOML_LIMIT)? {
                Some(found) => (name.to_string(), found),
                None => return Err(unknown(files, name)),
            }
        }
    };
    let Some((text, mut sink)) = open(&found) else { return Err(not_text(&found)) };
    let (table, whole) = parse(&text, &mut sink);
    let scenario = read(name, Table::new("the scenario", 0..0, table.get_ref()), &mut sink);
    if !whole {
        only_certain(&text, &mut sink);
    }
    let (problems, _) = sink.into_sorted();
    if problems.is_empty() { Ok(scenario) } else { Err(RecipeErrors::Wrong { problems }) }
}

fn unknown(files: &Files, name: &RecipeName) -> RecipeErrors {
    let Ok(folder) = RelPath::new("recipes/scenarios") else {
        return RecipeErrors::Unknown { name: name.clone(), near: None, help: String::new() };
    };
    let listings = files.list(&folder).ok().flatten().into_iter().chain(files.list_built_in(&folder));
    let mut known: Vec<String> =
        listings.flat_map(|l| l.files).filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)).collect();
    known.sort();
    known.dedup();
    let near = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    RecipeErrors::NoScenario { name: name.to_string(), near, known }
}

fn read(name: String, mut table: Table<'_>, sink: &mut Sink) -> Scenario {
    let description = table.text("description", sink);
    let image = table.text("image", sink);
    let (packages, read_only) = (table.list("packages", sink), table.list("read_only", sink));
    let env = table.pairs("env", sink);
    let setup = table.lists("setup", sink);
    let values = check_kit::values(&table.pairs("values", sink), sink);
    table.finish(sink);
    let scope = Scope::new(&values, std::iter::empty());
    let filled = |text: &Text, sink: &mut Sink| {
        if let Err((_, error)) = scope.check(text.get_ref()) {
            sink.push(text.span(), error);
        }
        text.get_ref().clone()
    };
    let mut vars = Vec::new();
    for (name, value) in env.iter().flat_map(|pairs| pairs.get_ref()) {
        let value = filled(value, sink);
        vars.extend(sink.take(name.span(), EnvName::new(name.get_ref().as_str())).map(|name| (name, value)));
    }
    let mut commands = Vec::new();
    for command in setup.iter().flat_map(|lists| lists.get_ref()) {
        if command.get_ref().is_empty() {
            sink.push(command.span(), Wrong::Empty { key: "setup", help: "a program and its arguments" });
        }
        commands.push(command.get_ref().iter().map(|text| filled(text, sink)).collect());
    }
    let image = plain(image.as_ref(), "image", "an image is a word without a leading `-`", sink);
    Scenario {
        name,
        description: description.map(|text| text.get_ref().clone()).unwrap_or_default(),
        image,
        packages: plain_list(&packages, "packages", "a package is a word without a leading `-`", sink),
        read_only: folders(&read_only, sink),
        env: vars,
        setup: commands,
        values,
    }
}

/// A word that no program takes for an option.
fn plain(text: Option<&Text>, key: &'static str, reason: &'static str, sink: &mut Sink) -> String {
    let Some(text) = text else { return String::new() };
    let word = text.get_ref();
    if word.is_empty() || word.starts_with('-') || word.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',') {
        sink.push(text.span(), Wrong::Text { key, text: shown(word), reason });
    }
    word.clone()
}

fn plain_list(list: &List, key: &'static str, reason: &'static str, sink: &mut Sink) -> Vec<String> {
    list.iter().flat_map(|list| list.get_ref()).map(|text| plain(Some(text), key, reason, sink)).collect()
}

/// Absolute folders without `..`, `:` and `,`, which mean something to the engine.
fn folders(list: &List, sink: &mut Sink) -> Vec<String> {
    let mut folders = Vec::new();
    for text in list.iter().flat_map(|list| list.get_ref()) {
        let path = text.get_ref();
        let odd = !path.starts_with('/') || Path::new(path).components().any(|part| part.as_os_str() == "..") || path.len() < 2;
        if odd || path.contains([':', ',']) || path.chars().any(char::is_control) {
            let reason = "a folder is an absolute path without `..`, `:` and `,`";
            sink.push(text.span(), Wrong::Text { key: "read_only", text: shown(path), reason });
        }
        folders.push(path.clone());
    }
    folders
}

/// The recipe's values with those of a scenario in their place.
pub fn merged(own: &BTreeMap<EnvName, String>, scenario: &Scenario) -> BTreeMap<EnvName, String> {
    let mut values = own.clone();
    values.extend(scenario.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    values
}
