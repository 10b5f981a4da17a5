//! Reads a recipe and the upstreams that it names, from disk or from the program, and reports every mistake of every file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::check::{self, Context};
use super::check_build;
use super::error::{Problem, RecipeErrors, Sink};
use super::model::{Recipe, Upstream};
use super::raw::{RawRecipe, RawUpstream};
use super::wrong::Wrong;
use crate::files::{Files, FilesError, Found, Listing, Origin, read_limited};
use crate::names::{NameError, RecipeName, RelPath, UpstreamName, nearest};

/// The largest recipe or upstream file.
pub(crate) const TOML_LIMIT: u64 = 1 << 20;

/// Which recipe is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeRef {
    /// `recipes/NAME.toml` of the project, else the one built into the program.
    Name(RecipeName),
    /// This file, wherever it is.
    File(PathBuf),
}

impl RecipeRef {
    /// Reads what `--recipe` and `FORGE_RECIPE` take: something with a `/` or ending in `.toml` is a file.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains('/') || text.ends_with(".toml") {
            return Ok(Self::File(PathBuf::from(text)));
        }
        RecipeName::new(text).map(Self::Name)
    }
}

/// A recipe without mistakes.
#[derive(Debug)]
pub struct Loaded {
    /// The recipe.
    pub recipe: Recipe,
    /// The project that it belongs to, which is where its series are: for a recipe by file, that file's own.
    pub files: Files,
    /// What a careful author would want to know.
    pub warnings: Vec<Problem>,
}

/// All recipes of a project, by name: those on disk, and of those in the program the others.
pub fn known(files: &Files) -> Result<Vec<(RecipeName, Origin)>, FilesError> {
    let mut recipes = BTreeMap::new();
    let Ok(folder) = RelPath::new("recipes") else { return Ok(Vec::new()) };
    let listings = files.list_built_in(&folder).into_iter().chain(files.list(&folder)?);
    for listing in listings {
        for name in stems(&listing).filter_map(|stem| RecipeName::new(stem).ok()) {
            let file = format!("{name}.toml");
            let origin = match &listing.origin {
                Origin::Disk(folder) => Origin::Disk(folder.join(file)),
                Origin::BuiltIn(folder) => folder.join(&file).map_or_else(|_| listing.origin.clone(), Origin::BuiltIn),
            };
            recipes.insert(name, origin);
        }
    }
    Ok(recipes.into_iter().collect())
}

fn stems(listing: &Listing) -> impl Iterator<Item = &str> {
    listing.files.iter().filter_map(|file| file.strip_suffix(".toml"))
}

/// Reads a recipe. All mistakes of its file and of the upstream files that it names come back together.
pub fn load(files: &Files, which: &RecipeRef) -> Result<Loaded, RecipeErrors> {
    let (name, found, files) = match which {
        RecipeRef::Name(name) => match read_named(files, "recipes", name.as_str())? {
            Some(found) => (name.clone(), found, files.clone()),
            None => return Err(unknown(name, files)?),
        },
        RecipeRef::File(path) => {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let name = RecipeName::new(stem).map_err(RecipeErrors::FileName)?;
            let bytes = read_limited(path, TOML_LIMIT)?;
            (name, Found { bytes, origin: Origin::Disk(path.clone()) }, Files::new(Some(root_of(path))))
        }
    };
    let Some((text, mut sink)) = open(&found) else { return Err(not_text(&found)) };
    let (table, whole) = parse(&text, &mut sink);
    let raw = RawRecipe::read(&table, &mut sink);
    let mut upstreams = Upstreams::default();
    let (mut recipe, mut in_templates) = (None, Vec::new());
    if whole {
        let (origin, budget) = (&found.origin, Default::default());
        let mut context = Context { files: &files, origin, upstreams: &mut upstreams, budget, in_templates: Vec::new() };
        recipe = check::recipe(&raw, name, &mut context, &mut sink);
        in_templates = context.in_templates;
    } else {
        only_certain(&text, &mut sink);
    }
    let (mut problems, warnings) = sink.into_sorted();
    problems.append(&mut upstreams.problems);
    problems.append(&mut in_templates);
    match recipe {
        Some(recipe) if problems.is_empty() => Ok(Loaded { recipe, files, warnings }),
        _ => Err(RecipeErrors::Wrong { problems }),
    }
}

/// Reads an upstream's file; `None` where there is none of that name.
pub fn find_upstream(files: &Files, name: &UpstreamName) -> Result<Option<Upstream>, RecipeErrors> {
    let Some(found) = read_named(files, "recipes/upstreams", name.as_str())? else { return Ok(None) };
    let mut upstreams = Upstreams::default();
    match upstreams.read_file(name, &found, files) {
        Some(upstream) => Ok(Some(upstream)),
        None => Err(RecipeErrors::Wrong { problems: upstreams.problems }),
    }
}

fn unknown(name: &RecipeName, files: &Files) -> Result<RecipeErrors, FilesError> {
    let known = known(files)?;
    let names = || known.iter().map(|(name, _)| name.as_str());
    let near = nearest(name.as_str(), names()).and_then(|near| known.iter().find(|(name, _)| name.as_str() == near));
    let near = near.map(|(name, _)| name.clone());
    let help = if known.is_empty() {
        "there are no recipes; `forge new GIT-URL` writes one".to_owned()
    } else {
        format!("there are {}", names().collect::<Vec<_>>().join(", "))
    };
    Ok(RecipeErrors::Unknown { name: name.clone(), near, help })
}

fn read_named(files: &Files, folder: &str, name: &str) -> Result<Option<Found>, FilesError> {
    // Names have a grammar that makes every one of them a good file name.
    let Ok(path) = RelPath::new(format!("{folder}/{name}.toml")) else { return Ok(None) };
    files.read(&path, TOML_LIMIT)
}

/// The folder that relative paths of a recipe file are relative to.
fn root_of(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("."));
    match folder.parent() {
        Some(parent) if folder.file_name().is_some_and(|name| name == "recipes") => parent.to_owned(),
        _ => folder.to_owned(),
    }
}

pub(crate) fn open(found: &Found) -> Option<(String, Sink)> {
    let text = std::str::from_utf8(&found.bytes).ok()?;
    Some((text.to_owned(), Sink::new(&found.origin.to_string(), text)))
}

pub(crate) fn not_text(found: &Found) -> RecipeErrors {
    RecipeErrors::Wrong { problems: not_utf8(found) }
}

fn not_utf8(found: &Found) -> Vec<Problem> {
    let text = String::from_utf8_lossy(&found.bytes);
    let offset = std::str::from_utf8(&found.bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let mut sink = Sink::new(&found.origin.to_string(), &text);
    // Up to there the bytes are the same, then the replacement character has three.
    sink.push(offset..offset + 3, Wrong::NotUtf8 { offset });
    sink.into_sorted().0
}

/// The table, as far as it can be read, and whether that is all of it.
pub(crate) fn parse<'a>(text: &'a str, sink: &mut Sink) -> (Spanned<DeTable<'a>>, bool) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        sink.push(error.span().unwrap_or(0..0), Wrong::Syntax(error.message().to_owned()));
    }
    (table, errors.is_empty())
}

/// What a parser guesses after a syntax error can be wrong. Problems in the same line go, and where a header is broken
/// those behind it too, since their keys may have landed in another table.
pub(crate) fn only_certain(text: &str, sink: &mut Sink) {
    let mut broken = Vec::new();
    let mut end = text.len();
    for span in sink.spans(|wrong| matches!(wrong, Wrong::Syntax(_))) {
        let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let stop = text.get(span.end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| span.end + at);
        if text.get(start..).is_some_and(|line| line.trim_start().starts_with('[')) {
            end = end.min(start);
        }
        broken.push(start..stop);
    }
    sink.retain(|span, wrong| {
        matches!(wrong, Wrong::Syntax(_)) || span.start < end && !broken.iter().any(|line| line.contains(&span.start))
    });
}

/// What became of an upstream file.
pub(crate) enum Lookup {
    /// Good.
    Found(Box<Upstream>),
    /// It has mistakes, which are in [`Upstreams::problems`].
    Wrong,
    /// It is there and cannot be read.
    Unreadable(String),
    /// There is none; these are there.
    Missing(Vec<String>),
}

/// The upstream files of one recipe, each read once.
#[derive(Default)]
pub(crate) struct Upstreams {
    read: BTreeMap<UpstreamName, Option<Upstream>>,
    /// The mistakes of all of them.
    pub(crate) problems: Vec<Problem>,
}

impl Upstreams {
    /// Looks one up.
    pub(crate) fn get(&mut self, name: &UpstreamName, files: &Files) -> Lookup {
        if let Some(read) = self.read.get(name) {
            return read.clone().map_or(Lookup::Wrong, |upstream| Lookup::Found(Box::new(upstream)));
        }
        let found = match read_named(files, "recipes/upstreams", name.as_str()) {
            Ok(Some(found)) => found,
            Ok(None) => return Lookup::Missing(known_upstreams(files)),
            Err(error) => return Lookup::Unreadable(error.to_string()),
        };
        let upstream = self.read_file(name, &found, files);
        self.read.insert(name.clone(), upstream.clone());
        upstream.map_or(Lookup::Wrong, |upstream| Lookup::Found(Box::new(upstream)))
    }

    fn read_file(&mut self, name: &UpstreamName, found: &Found, files: &Files) -> Option<Upstream> {
        let Some((text, mut sink)) = open(found) else {
            self.problems.extend(not_utf8(found));
            return None;
        };
        let (table, whole) = parse(&text, &mut sink);
        let raw = RawUpstream::read(&table, &mut sink);
        let mut upstream = None;
        if whole {
            if raw.git.is_none() && raw.module.is_none() && raw.path.is_none() {
                let help = "write where the sources come from, for example git = \"https://...\"";
                sink.push(0..0, Wrong::Missing { table: format!("upstream {name}"), key: "git`, `module` or `path", help });
            }
            upstream = check_build::parts(&raw, false, files, &mut sink).into_upstream(name.clone(), found.origin.clone());
        } else {
            only_certain(&text, &mut sink);
        }
        let clean = sink.is_clean();
        self.problems.extend(sink.into_sorted().0);
        upstream.filter(|_| clean)
    }
}

fn known_upstreams(files: &Files) -> Vec<String> {
    let Ok(folder) = RelPath::new("recipes/upstreams") else { return Vec::new() };
    let on_disk = files.list(&folder).ok().flatten();
    let mut names: Vec<String> =
        on_disk.iter().chain(&files.list_built_in(&folder)).flat_map(|listing| stems(listing).map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
