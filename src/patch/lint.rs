//! What an upstream's reviewer, or whoever carries a series on, would object to. Nothing of it keeps a patch from applying.

use serde::Serialize;

use crate::names::{PatchName, SeriesName};
use crate::patch::content::Content;
use crate::patch::diff::{Dialect, Kind};
use crate::patch::hunk::LineKind;
use crate::patch::patch_file::PatchFile;
use crate::patch::series::{Form, Series};

/// Something to object to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The series.
    pub series: SeriesName,
    /// The patch's file.
    pub file: PatchName,
    /// A line of it, from 1.
    pub line: Option<usize>,
    /// Which kind of thing.
    pub kind: FindingKind,
    /// What it is, in words.
    pub text: String,
}

/// What there is to object to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Blanks at the end of an added line.
    TrailingSpace,
    /// A line that a merge has left.
    ConflictMarker,
    /// Neither a subject nor a DEP-3 description.
    NoDescription,
    /// Neither an author nor a DEP-3 origin.
    NoAuthor,
    /// The release that it was written on is not recorded, though others of the series have one.
    NoBase,
    /// New files together with changes of old ones: the new ones would hold on more releases by themselves.
    Mixed,
    /// It holds on fewer releases than an edit in its place would. Found by judging releases, not here.
    Rots,
}

/// Everything about a series, in its order.
pub fn lint(series: &Series) -> Vec<Finding> {
    let forms: Vec<&Form> = series.patches().iter().flat_map(|patch| &patch.forms).collect();
    let bases = series.dialect() == Dialect::Git && forms.iter().any(|form| form.base.is_some());
    let mut found = Vec::new();
    for form in forms {
        let mut add = |line, kind, text: String| {
            found.push(Finding { series: series.name().clone(), file: form.file.clone(), line, kind, text });
        };
        if form.content.message().is_none() {
            let text = match &form.content {
                Content::Edit(_) => "it says nothing about itself: give it a `description`",
                Content::Diff(_) => "it says nothing about itself: give it a subject, or a DEP-3 `Description`",
            };
            add(None, FindingKind::NoDescription, text.to_owned());
        }
        let Content::Diff(patch) = &form.content else { continue };
        if patch.mail.author.is_empty() && patch.mail.email.is_empty() && patch.mail.field("Origin").is_none() {
            add(None, FindingKind::NoAuthor, "it has no author: give it a `From`, or a DEP-3 `Author` or `Origin`".to_owned());
        }
        if bases && form.base.is_none() {
            let text = "series.toml does not say which release it was written on: give it a `base`".to_owned();
            add(None, FindingKind::NoBase, text);
        }
        lines(patch, &mut add);
        let is_new = |kind| matches!(kind, Kind::Create);
        if patch.files.iter().any(|f| is_new(f.kind)) && patch.files.iter().any(|f| !is_new(f.kind)) {
            let text =
                "it adds files and changes others: the new files, in a patch of their own, would hold wherever they are free";
            add(None, FindingKind::Mixed, text.to_owned());
        }
    }
    found
}

/// What is wrong with added lines; of one kind in one file, the first stands for all.
fn lines(patch: &PatchFile, add: &mut impl FnMut(Option<usize>, FindingKind, String)) {
    for file in &patch.files {
        let (mut blanks, mut markers) = (Vec::new(), Vec::new());
        for hunk in file.hunks() {
            for (at, line) in hunk.lines.iter().enumerate().filter(|(_, line)| line.kind == LineKind::Insert) {
                let number = hunk.line + 1 + at;
                let text = line.text.strip_suffix(b"\n").unwrap_or(&line.text);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                if text.ends_with(b" ") || text.ends_with(b"\t") {
                    blanks.push(number);
                }
                if text.starts_with(b"<<<<<<< ") || text.starts_with(b">>>>>>> ") {
                    markers.push(number);
                }
            }
        }
        let more = |lines: &[usize]| if lines.len() > 1 { format!(", and in {} more", lines.len() - 1) } else { String::new() };
        if let Some(first) = blanks.first() {
            let text = format!("adds blanks at the end of a line of {}{}", file.new, more(&blanks));
            add(Some(*first), FindingKind::TrailingSpace, text);
        }
        if let Some(first) = markers.first() {
            let text = format!("adds a conflict marker to {}{}", file.new, more(&markers));
            add(Some(*first), FindingKind::ConflictMarker, text);
        }
    }
}
