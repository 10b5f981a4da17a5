//! How conflicts were resolved, to do the same where they come again: git-rerere(1), but kept with the project and shared.
//!
//! A conflict is what stands between its markers: ours, the text that both come from, theirs. What stands around it, the file and
//! the release do not count.

use serde::{Deserialize, Serialize};

use crate::git::objects::Objects;

/// One conflict in a file, without its markers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflicting {
    /// The text of the release.
    pub ours: String,
    /// The text that the patch was written for.
    pub base: String,
    /// The text of the patch.
    pub theirs: String,
}

/// A file of `patches/UPSTREAM/.resolutions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// Where the conflict was, for people.
    pub file: String,
    /// The patch that it was in, for people.
    pub patch: String,
    /// The release that it was on, for people.
    pub release: String,
    /// What stood there instead.
    pub resolution: String,
    /// The conflict.
    pub conflict: Conflicting,
}

impl Conflicting {
    /// The name of its file: the object id of its three texts, abbreviated. Whoever finds the file compares the texts.
    pub fn key(&self) -> String {
        let text = [self.ours.as_str(), &self.base, &self.theirs].join("\0");
        Objects::blob_id_of(text.as_bytes()).as_str()[..16].to_owned()
    }
}

/// A part of a file with markers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(String),
    /// With its markers, too: to be left as it is.
    Conflict(Conflicting, String),
}

/// Takes a file with `diff3` markers apart. `None` where its markers are not in order.
fn parts(text: &str) -> Option<Vec<Part>> {
    let mut out = vec![Part::Plain(String::new())];
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !line.starts_with("<<<<<<< ") {
            match out.last_mut() {
                Some(Part::Plain(plain)) => plain.push_str(line),
                _ => out.push(Part::Plain(line.to_owned())),
            }
            continue;
        }
        let mut raw = line.to_owned();
        let mut side = |end: &dyn Fn(&str) -> bool| {
            let mut text = String::new();
            for line in lines.by_ref() {
                raw.push_str(line);
                if end(line) {
                    return Some(text);
                }
                text.push_str(line);
            }
            None
        };
        let ours = side(&|line| line.starts_with("||||||| "))?;
        let base = side(&|line| line.trim_end() == "=======")?;
        let theirs = side(&|line| line.starts_with(">>>>>>> "))?;
        out.push(Part::Conflict(Conflicting { ours, base, theirs }, raw));
    }
    Some(out)
}

/// What stands in the place of each conflict in the resolved file. `None` where that cannot be told: what stands between the
/// conflicts was changed too, or is there more than once.
pub fn learn(marked: &str, resolved: &str) -> Option<Vec<(Conflicting, String)>> {
    let parts = parts(marked)?;
    let mut rest = resolved;
    let mut open: Option<Conflicting> = None;
    let mut out = Vec::new();
    let last = parts.len() - 1;
    for (at, part) in parts.into_iter().enumerate() {
        match (part, open.take()) {
            (Part::Plain(plain), None) => rest = rest.strip_prefix(plain.as_str())?,
            (Part::Plain(plain), Some(conflict)) => {
                let found = if at == last { rest.len().checked_sub(plain.len())? } else { rest.find(&plain)? };
                let (text, behind) = rest.split_at_checked(found)?;
                let is_line = text.is_empty() || text.ends_with('\n');
                if !is_line || !behind.starts_with(plain.as_str()) || (at != last && behind[1..].contains(&plain)) {
                    return None;
                }
                rest = &behind[plain.len()..];
                out.push((conflict, text.to_owned()));
            }
            (Part::Conflict(conflict, _), None) => open = Some(conflict),
            // Nothing stands between the two.
            (Part::Conflict(..), Some(_)) => return None,
        }
    }
    out.extend(open.map(|conflict| (conflict, std::mem::take(&mut rest).to_owned())));
    rest.is_empty().then_some(out)
}

/// Puts what is known in the place of conflicts. Gives the text, and how many are left; `None` where markers are not in order.
pub fn apply(marked: &str, mut known: impl FnMut(&Conflicting) -> Option<String>) -> Option<(String, usize)> {
    let (mut text, mut left) = (String::new(), 0);
    for part in parts(marked)? {
        match part {
            Part::Plain(plain) => text.push_str(&plain),
            Part::Conflict(conflict, raw) => match known(&conflict) {
                Some(resolution) => text.push_str(&resolution),
                None => {
                    left += 1;
                    text.push_str(&raw);
                }
            },
        }
    }
    Some((text, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKED: &str = "top\n<<<<<<< v2\na\n||||||| v1\nb\n=======\nc\n>>>>>>> x.patch\nbetween\n<<<<<<< v2\n||||||| v1\n=======\n\
                          new\n>>>>>>> x.patch\nend\n";

    fn conflict(ours: &str, base: &str, theirs: &str) -> Conflicting {
        Conflicting { ours: ours.into(), base: base.into(), theirs: theirs.into() }
    }

    #[test]
    fn what_was_done_is_learned_and_done_again() {
        let learned = learn(MARKED, "top\na and c\nbetween\nend\n").unwrap();
        let wanted = [(conflict("a\n", "b\n", "c\n"), "a and c\n".to_owned()), (conflict("", "", "new\n"), String::new())];
        assert_eq!(learned, wanted);
        let find = |one: &Conflicting| learned.iter().find(|(c, _)| c == one).map(|(_, text)| text.clone());
        assert_eq!(apply(MARKED, find).unwrap(), ("top\na and c\nbetween\nend\n".to_owned(), 0));
        // Elsewhere, with other labels; what is not known stays as it is.
        let other = "<<<<<<< v3\na\n||||||| v2\nb\n=======\nc\n>>>>>>> y\n<<<<<<< v3\n1\n||||||| v2\n2\n=======\n3\n>>>>>>> y\n";
        let (text, left) = apply(other, find).unwrap();
        assert_eq!((text.as_str(), left), ("a and c\n<<<<<<< v3\n1\n||||||| v2\n2\n=======\n3\n>>>>>>> y\n", 1));
        assert_ne!(wanted[0].0.key(), wanted[1].0.key());
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_learned() {
        // Changed around it, more than once there, half a marker.
        assert_eq!(learn(MARKED, "TOP\na\nbetween\nend\n"), None);
        assert_eq!(learn(MARKED, "top\na\nbetween\nbetween\nend\n"), None);
        assert_eq!(learn(MARKED, "top\na\nend\n"), None);
        assert_eq!(learn("<<<<<<< v2\na\n=======\nb\n", "a\n"), None);
        assert_eq!(apply("<<<<<<< v2\na\n", |_| None), None);
        // A conflict at the end of a file.
        let marked = "x\n<<<<<<< a\n1\n||||||| b\n=======\n2\n>>>>>>> c\n";
        assert_eq!(learn(marked, "x\n12").unwrap()[0].1, "12");
    }
}
