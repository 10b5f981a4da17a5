//! A failure as text for people: no colours, short lines, control characters visible. JSON is the other way to read it.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::names::visible;
use crate::patch::explain_edit::{explain_broken, explain_edit};
use crate::patch::outcome::{Cause, FileFailure, FileProblem, FormFailure, HunkFailure, HunkProblem, PatchFailure};

/// Lines shown of one hunk.
const SHOWN: usize = 40;

/// Renders a failure: which patch, where in the patch file, where in the tree, expected and found, and what to do next.
/// `component` is the word for the command that comes next.
pub fn explain(failure: &PatchFailure, component: &str) -> String {
    let mut out = Text::default();
    out.line(0, &format!("{}/{} does not apply", failure.at.series, failure.at.patch));
    let mut hint = format!("next: correct the patch against `forge tree {component} --unpatched --out DIR`");
    match &failure.cause {
        Cause::NoForm { forms } => {
            for form in forms {
                if forms.len() > 1 {
                    out.line(1, &format!("form {}:", form.form));
                }
                explain_form(&mut out, form);
            }
            if forms.iter().any(|f| f.already_applied) {
                hint = "next: is it needed here? `versions` in series.toml limits a patch to releases".to_owned();
            }
        }
        Cause::SeveralForms { forms, differ_in } => {
            let names: Vec<_> = forms.iter().map(|f| f.as_str()).collect();
            out.line(1, &format!("{} forms apply, with different results: {}", forms.len(), names.join(", ")));
            for path in differ_in {
                out.line(2, &format!("they differ in {path}"));
            }
            hint = "next: exactly one form may apply; give the others more context, or `versions`".to_owned();
        }
    }
    if !failure.perhaps_because_of.is_empty() {
        let names: Vec<_> = failure.perhaps_because_of.iter().map(|p| p.patch.as_str()).collect();
        out.line(1, &format!("perhaps only because of {}, which touches the same files", names.join(", ")));
    }
    out.line(0, &hint);
    out.0
}

/// One thing that is wrong, and its place in the patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A few lines.
    pub text: String,
    /// The patch file, as messages name it.
    pub origin: String,
    /// The line there.
    pub line: usize,
}

/// What is wrong, one by one. Without places where forms contradict each other.
pub fn reasons(failure: &PatchFailure) -> Vec<Reason> {
    let Cause::NoForm { forms } = &failure.cause else { return Vec::new() };
    let mut out = Vec::new();
    for form in forms {
        let prefix = if forms.len() > 1 { format!("form {}: ", form.form) } else { String::new() };
        for file in &form.files {
            let mut text = Text::default();
            explain_file(&mut text, form, file);
            let line = match &file.problem {
                FileProblem::Hunks { failures, .. } => failures.first().map(|f| f.patch_line),
                FileProblem::Edits { failures, .. } => failures.first().map(|f| f.patch_line),
                _ => None,
            };
            // The place is told beside the text.
            let lines: Vec<&str> = text.0.lines().filter(|l| !l.trim_start().starts_with("patch: ")).collect();
            let text =
                prefix.clone() + lines.iter().map(|l| l.strip_prefix("  ").unwrap_or(l)).collect::<Vec<_>>().join("\n").as_str();
            out.push(Reason { text, origin: form.origin.clone(), line: line.unwrap_or(file.patch_line) });
        }
    }
    out
}

fn explain_form(out: &mut Text, form: &FormFailure) {
    for file in &form.files {
        explain_file(out, form, file);
        if form.already_in.contains(&file.path) && !form.already_applied {
            out.line(2, "this change is already there: its reverse applies exactly");
        }
    }
    if form.already_applied {
        out.line(1, "all of it is already there: its reverse applies exactly");
    } else if form.good_files > 0 {
        let (sections, verb) = if form.good_files == 1 { ("section", "fits") } else { ("sections", "fit") };
        out.line(1, &format!("{} other {sections} of it {verb}", form.good_files));
    }
}

fn explain_file(out: &mut Text, form: &FormFailure, file: &FileFailure) {
    let (path, at) = (&file.path, format!("{}:{}", form.origin, file.patch_line));
    let what = match &file.problem {
        FileProblem::Hunks { failures, of } => {
            for failure in failures {
                explain_hunk(out, form, file, failure, *of);
            }
            return;
        }
        FileProblem::Edits { failures, .. } => {
            for failure in failures {
                explain_edit(out, form, file, failure);
            }
            return;
        }
        FileProblem::NotGoAnyMore { broken } => {
            out.line(1, &format!("{path} would be no Go any more:"));
            broken.iter().for_each(|b| explain_broken(out, b));
            out.line(2, &format!("patch: {at}"));
            return;
        }
        FileProblem::TooLarge { bytes } => format!("has {bytes} bytes, which is too large to be parsed"),
        FileProblem::Missing => "is not in this tree".to_owned(),
        FileProblem::AlreadyExists => "is already in this tree".to_owned(),
        FileProblem::FolderInTheWay => "is a folder in this tree".to_owned(),
        FileProblem::FileInTheWay { at } => format!("cannot be made: {at} is a file in this tree"),
        FileProblem::ThroughLink { at } => format!("is refused: {at} is a symbolic link"),
        FileProblem::Submodule => "is a submodule in this tree".to_owned(),
        FileProblem::WrongMode { expected, found } => {
            format!("has mode {:o}, and {:o} is expected", found.bits(), expected.bits())
        }
        FileProblem::RestAfterDelete { lines } => format!("is to be deleted, but has {lines} more lines"),
        FileProblem::OtherBinary { expected: Some(expected), found } => format!("is not blob {expected}, but {found}"),
        FileProblem::OtherBinary { expected: None, .. } => "is not empty".to_owned(),
        FileProblem::BrokenBinary { reason: Some(reason) } => format!("cannot be made: {reason}"),
        FileProblem::BrokenBinary { reason: None } => "would not become the announced blob".to_owned(),
        FileProblem::Twice => "is changed twice by this patch, in ways that contradict each other".to_owned(),
    };
    out.line(1, &format!("{path} {what}"));
    out.line(2, &format!("patch: {at}"));
}

fn explain_hunk(out: &mut Text, form: &FormFailure, file: &FileFailure, failure: &HunkFailure, of: usize) {
    let path = &file.path;
    let what = match &failure.problem {
        HunkProblem::Mismatch { expected_at, expected, found_at, found, differing: _ } => {
            out.line(1, &format!("{path}:{expected_at}: hunk {} of {of} finds other text", failure.hunk));
            out.line(2, &format!("patch: {}:{}", form.origin, failure.patch_line));
            let place = found_at.unwrap_or(*expected_at);
            match found_at {
                Some(at) if at != expected_at => out.line(2, &format!("most similar: {path}:{at}")),
                Some(_) => {}
                None => out.line(2, "nothing similar is in the file"),
            }
            out.line(2, &format!("- expected, + found from line {place}:"));
            compare(out, expected, found);
            return;
        }
        HunkProblem::Ambiguous { expected_at, places } => {
            let places: Vec<_> = places.iter().map(usize::to_string).collect();
            format!("is in several places ({}), expected at {expected_at}", places.join(", "))
        }
        HunkProblem::NotAtTop { found } => format!("belongs to the top of the file, but its text is at line {found}"),
        HunkProblem::NotAtEnd { found, lines } => {
            format!("belongs to the end of the file (line {lines}), but its text is at line {found}")
        }
        HunkProblem::Overlap { found } => format!("has its text only at line {found}, where an earlier hunk stands"),
        HunkProblem::NoContext => "has no context to find its place by".to_owned(),
    };
    out.line(1, &format!("{path}: hunk {} of {of} {what}", failure.hunk));
    out.line(2, &format!("patch: {}:{}", form.origin, failure.patch_line));
}

/// Expected and found lines as a list with `-` and `+`.
fn compare(out: &mut Text, expected: &[String], found: &[String]) {
    let mut rows = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, expected, found) {
        let (old, new) = (op.old_range(), op.new_range());
        match op {
            DiffOp::Equal { .. } => rows.extend(expected[old].iter().map(|l| (' ', l))),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                rows.extend(expected[old].iter().map(|l| ('-', l)));
                rows.extend(found[new].iter().map(|l| ('+', l)));
            }
        }
    }
    let rest = rows.len().saturating_sub(SHOWN);
    for (sign, line) in rows.into_iter().take(SHOWN) {
        let text = line.strip_suffix('\n').unwrap_or(line);
        let end = if line.ends_with('\n') { "" } else { "  (no newline at the end)" };
        let tabs = text.replace('\t', "    ");
        out.line(3, &format!("{sign} {}{end}", shorten(&tabs)));
    }
    if rest > 0 {
        out.line(3, &format!("... and {rest} lines more"));
    }
}

fn shorten(text: &str) -> String {
    const WIDTH: usize = 100;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH).chain("...".chars()).collect()
}

#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn line(&mut self, depth: usize, text: &str) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(visible(text).replace('\n', "\\n").as_str());
        self.0.push('\n');
    }
}
