//! Edits that do not fit, as text for people: where it was looked, what is like it, where else it is.

use crate::patch::edit::{Broken, EditFailure, EditProblem, Elsewhere, Similar};
use crate::patch::explain::Text;
use crate::patch::outcome::{FileFailure, FormFailure};

/// Places shown of a list.
const SHOWN: usize = 8;

pub(crate) fn explain_edit(out: &mut Text, form: &FormFailure, file: &FileFailure, failure: &EditFailure) {
    let (path, edit) = (&file.path, &failure.edit);
    let patch = format!("patch: {}:{}", form.origin, failure.patch_line);
    let mut say = |head: String| {
        out.line(1, &head);
        out.line(2, &patch);
    };
    match &failure.problem {
        EditProblem::NoSuchDeclaration { wanted, nearest, elsewhere } => {
            say(format!("{path}: {edit} looks in {}, which the file does not declare", wanted.join(" or ")));
            if !nearest.is_empty() {
                out.line(2, &format!("most like it: {}", nearest.join(", ")));
            }
            explain_elsewhere(out, path.as_str(), elsewhere);
        }
        EditProblem::Count { wanted, searched, from_line, expected, found, similar, elsewhere } => {
            let place = match searched {
                Some(name) => format!("{path}:{from_line}: {edit} finds {} in {name}", number(found.len(), *expected)),
                None => format!("{path}: {edit} finds {} in the whole file", number(found.len(), *expected)),
            };
            say(place);
            for one in wanted {
                out.line(2, &format!("wanted: {}", one_line(one)));
            }
            if !found.is_empty() {
                out.line(2, &format!("found in {}", lines(found)));
            }
            explain_similar(out, path.as_str(), similar);
            explain_elsewhere(out, path.as_str(), elsewhere);
        }
        EditProblem::TooCostly => say(format!("{path}: the pattern of {edit} takes too long; give it fewer `$$$`")),
        EditProblem::NoStatement { line } => {
            say(format!("{path}:{line}: {edit} matches here, in no statement, field, entry or element"));
        }
        EditProblem::NotWhole { line } => {
            say(format!("{path}:{line}: {edit} matches here, but `delete` takes whole statements only"));
        }
        EditProblem::NoBody { searched } => say(format!("{path}: {edit} needs a function with a body, not {searched}")),
        EditProblem::Overlap { with, line } => say(format!("{path}:{line}: {edit} changes the same text as {with}")),
        EditProblem::NotInText { line } => {
            say(format!("{path}:{line}: {edit} finds its line here, which is not inside one raw string or comment"));
        }
        EditProblem::EndsText { line } => {
            say(format!("{path}:{line}: the text of {edit} would end the raw string or comment that it goes into"));
        }
        EditProblem::NoPackage => say(format!("{path}: {edit} has imports to add, and the file has no place for them")),
    }
}

pub(crate) fn explain_broken(out: &mut Text, broken: &Broken) {
    match broken {
        Broken::Syntax { line, text } => out.line(2, &format!("line {line}: syntax error at {}", one_line(text))),
        Broken::TopLevel { line, text } => out.line(2, &format!("line {line}: not at this place of a file: {text}")),
        Broken::NoCall { line, text } => out.line(2, &format!("line {line}: no call: {text}")),
        Broken::Declarations { added, removed } => {
            if !added.is_empty() {
                out.line(2, &format!("it would declare {}; new declarations go into new files", added.join(", ")));
            }
            if !removed.is_empty() {
                out.line(2, &format!("it would no longer declare {}", removed.join(", ")));
            }
            if added.is_empty() && removed.is_empty() {
                out.line(2, "its declarations would stand in another order");
            }
        }
    }
}

fn number(found: usize, expected: usize) -> String {
    match (found, expected) {
        (0, 1) => "nothing".to_owned(),
        (found, 1) => format!("{found} places, not one,"),
        (found, expected) => format!("{found} of {expected} places"),
    }
}

fn lines(found: &[usize]) -> String {
    let mut shown: Vec<String> = found.iter().take(SHOWN).map(usize::to_string).collect();
    if found.len() > SHOWN {
        shown.push(format!("{} more", found.len() - SHOWN));
    }
    format!("line{} {}", if found.len() == 1 { "" } else { "s" }, shown.join(", "))
}

fn explain_similar(out: &mut Text, path: &str, similar: &[Similar]) {
    for (index, one) in similar.iter().enumerate() {
        if index == 0 {
            out.line(2, "most similar there:");
        }
        out.line(3, &format!("{path}:{}: {}", one.line, one.text.replace('\t', " ")));
    }
}

fn explain_elsewhere(out: &mut Text, path: &str, elsewhere: &[Elsewhere]) {
    for one in elsewhere.iter().take(SHOWN) {
        let inside = one.inside.as_ref().map_or_else(|| "outside of functions".to_owned(), |name| format!("in {name}"));
        out.line(2, &format!("the pattern matches at {path}:{} {inside}", one.line));
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
