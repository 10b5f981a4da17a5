//! A series: the folder `patches/UPSTREAM/SERIES`, read into memory and parsed once.

use std::collections::BTreeSet;

use crate::files::{Files, Listing, Origin};
use crate::names::{PatchName, RelPath, Revision, SeriesName, Sha256, UpstreamName, nearest};
use crate::patch::content::Content;
use crate::patch::diff::Dialect;
use crate::patch::edit;
use crate::patch::patch_file::{PATCH_LIMIT, PatchFile, sha256};
use crate::patch::quilt;
use crate::patch::series_error::{ListProblem, SeriesError, SeriesErrors};
use crate::patch::series_list::{Entry, List};
use crate::patch::series_toml;
use crate::release::Req;

/// The largest series.toml, quilt `series` or structural edit.
const LIST_LIMIT: u64 = 1024 * 1024;

/// An ordered list of patches for one upstream.
#[derive(Debug, Clone)]
pub struct Series {
    upstream: UpstreamName,
    name: SeriesName,
    description: Option<String>,
    origin: Origin,
    dialect: Dialect,
    patches: Vec<Patch>,
}

/// One patch of a series.
#[derive(Debug, Clone)]
pub struct Patch {
    /// Its file name; for a patch with several forms, what their names begin with in common.
    pub name: PatchName,
    /// The releases that it is for; all where absent.
    pub versions: Option<Req>,
    /// Why it is for those.
    pub reason: Option<String>,
    /// Its forms, of which exactly one must apply. Never empty; most patches have one.
    pub forms: Vec<Form>,
}

/// One form of a patch.
#[derive(Debug, Clone)]
pub struct Form {
    /// The file in the series' folder.
    pub file: PatchName,
    /// Where the file was found.
    pub origin: Origin,
    /// The release that it was written on.
    pub base: Option<Revision>,
    /// The N of `-pN`.
    pub strip: usize,
    /// The patch.
    pub content: Content,
}

impl Series {
    /// Reads a series: with a `series.toml`, else with a quilt `series`, else every `*.patch` and `*.edit.toml` by name. All errors at once.
    pub fn load(files: &Files, upstream: &UpstreamName, name: &SeriesName) -> Result<Self, SeriesErrors> {
        let one = |error: SeriesError| SeriesErrors { errors: vec![error] };
        // Both names have passed a grammar that makes them a single part of a path.
        let folder = RelPath::new(format!("patches/{upstream}/{name}")).map_err(|problem| one(SeriesError::Path { problem }))?;
        let listing = files.list(&folder).map_err(|e| one(SeriesError::Files(e)))?;
        let Some(listing) = listing else {
            return Err(one(not_found(files, upstream, name)));
        };
        let mut errors = Vec::new();
        let list = read_list(files, &listing, &mut errors)?;
        errors.extend(unlisted(&listing, &list));
        let patches = load_patches(files, &listing, &list, &mut errors);
        if !errors.is_empty() {
            return Err(SeriesErrors { errors });
        }
        Ok(Self {
            upstream: upstream.clone(),
            name: name.clone(),
            description: list.description,
            origin: listing.origin,
            dialect: list.dialect,
            patches,
        })
    }

    /// The upstream that it is for.
    pub fn upstream(&self) -> &UpstreamName {
        &self.upstream
    }
    /// Its name.
    pub fn name(&self) -> &SeriesName {
        &self.name
    }
    /// What series.toml says it is about.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
    /// The folder.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// Whose rules it follows: quilt's for a folder with a quilt `series`, else git's.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
    /// The patches in order.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// Changes with everything that can change a result or how it is reported: names, order, ranges, options, content.
    pub fn digest(&self) -> Sha256 {
        let mut text = format!("forge series 1\n{} {} {:?}\n", self.upstream, self.name, self.dialect);
        for patch in &self.patches {
            let versions = patch.versions.as_ref().map_or("*", Req::as_str);
            text.push_str(&format!("patch {} {versions:?} {:?}\n", patch.name, patch.reason));
            for form in &patch.forms {
                text.push_str(&format!("form {} -p{} {}\n", form.file, form.strip, form.content.sha256()));
            }
        }
        sha256(text.as_bytes())
    }
}

fn not_found(files: &Files, upstream: &UpstreamName, name: &SeriesName) -> SeriesError {
    let mut known = BTreeSet::new();
    if let Ok(parent) = RelPath::new(format!("patches/{upstream}")) {
        known.extend(files.list(&parent).ok().flatten().map(|l| l.folders).unwrap_or_default());
        known.extend(files.list_built_in(&parent).map(|l| l.folders).unwrap_or_default());
    }
    let nearest = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    SeriesError::NotFound { upstream: upstream.clone(), name: name.clone(), nearest, known: known.into_iter().collect() }
}

fn read_list(files: &Files, listing: &Listing, errors: &mut Vec<SeriesError>) -> Result<List, SeriesErrors> {
    let read = |name: &str| {
        let found = listing.files.iter().any(|f| f == name).then(|| files.read_in(listing, name, LIST_LIMIT));
        found.transpose().map(Option::flatten).map_err(|e| SeriesErrors { errors: vec![SeriesError::Files(e)] })
    };
    if let Some(found) = read("series.toml")? {
        return Ok(series_toml::parse(&found, &listing.files, errors));
    }
    if let Some(found) = read("series")? {
        return Ok(quilt::parse(&found, &listing.files, errors));
    }
    let mut list = List { dialect: Dialect::Git, description: None, entries: Vec::new(), excused: Vec::new() };
    for file in &listing.files {
        if is_patch(file) {
            match PatchName::new(file.clone()) {
                Ok(name) => list.entries.push(Entry::plain(name)),
                Err(problem) => {
                    errors.push(SeriesError::Path { problem });
                    list.excused.push(file.clone());
                }
            }
        }
    }
    if list.entries.is_empty() && errors.is_empty() {
        errors.push(SeriesError::Empty { folder: listing.origin.clone() });
    }
    Ok(list)
}

/// Files that look like patches and are in no list: most likely somebody forgot the line.
fn unlisted(listing: &Listing, list: &List) -> Vec<SeriesError> {
    let is_listed = |file: &String| {
        list.excused.contains(file) || list.entries.iter().any(|e| e.forms.iter().any(|f| f.file.as_str() == file.as_str()))
    };
    listing
        .files
        .iter()
        .filter(|file| is_patch(file))
        .filter(|file| !is_listed(file))
        .map(|file| SeriesError::Unlisted { file: file.clone(), folder: listing.origin.clone() })
        .collect()
}

fn load_patches(files: &Files, listing: &Listing, list: &List, errors: &mut Vec<SeriesError>) -> Vec<Patch> {
    let mut patches = Vec::new();
    for entry in &list.entries {
        let mut forms = Vec::new();
        for form in &entry.forms {
            let limit = if is_edit(form.file.as_str()) { LIST_LIMIT } else { PATCH_LIMIT };
            let found = match files.read_in(listing, form.file.as_str(), limit) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    errors.push(SeriesError::Vanished { file: form.file.clone(), folder: listing.origin.clone() });
                    continue;
                }
                Err(e) => {
                    errors.push(SeriesError::Files(e));
                    continue;
                }
            };
            let content = if is_edit(form.file.as_str()) {
                edit::parse(&found, errors).map(Content::Edit)
            } else {
                match PatchFile::parse(&found.bytes, form.strip, list.dialect) {
                    Ok(patch) => Some(Content::Diff(patch)),
                    Err(problem) => {
                        errors.push(SeriesError::Patch { origin: found.origin.clone(), problem });
                        None
                    }
                }
            };
            forms.extend(content.map(|content| Form {
                file: form.file.clone(),
                origin: found.origin,
                base: form.base.clone(),
                strip: form.strip,
                content,
            }));
        }
        if let Some(first) = forms.first() {
            let name = if forms.len() == 1 { first.file.clone() } else { common_name(&forms) };
            patches.push(Patch { name, versions: entry.versions.clone(), reason: entry.reason.clone(), forms });
        }
    }
    patches
}

/// What the names of the forms begin with: `help-text` for `help-text.1.31.patch` and `help-text.1.33.patch`.
fn common_name(forms: &[Form]) -> PatchName {
    let first = &forms[0].file;
    let mut common = first.as_str();
    for form in forms {
        let same = common.bytes().zip(form.file.as_str().bytes()).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    // A version that they share in part says nothing: cut at the last separator.
    let cut = common.find(['.']).map_or(common, |dot| &common[..dot]);
    PatchName::new(cut.trim_end_matches(['-', '_', '.'])).unwrap_or_else(|_| first.clone())
}

/// Whether a file is a structural edit, by its name.
pub(crate) fn is_edit(file: &str) -> bool {
    file.ends_with(".edit.toml")
}

/// Whether a file is a patch of some kind, by its name.
fn is_patch(file: &str) -> bool {
    file.ends_with(".patch") || is_edit(file)
}

/// What a listed name is, if it is not a patch in the folder.
pub(crate) fn check_listed(file: &str, listed: &[String]) -> Result<PatchName, ListProblem> {
    let name = PatchName::new(file).map_err(ListProblem::Name)?;
    if listed.iter().any(|f| f == file) {
        return Ok(name);
    }
    let near = nearest(file, listed.iter().map(String::as_str).filter(|f| is_patch(f)));
    Err(ListProblem::NoSuchFile { file: name, nearest: near.map(str::to_owned) })
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
