//! Finding what a hunk that matches nowhere was probably about, for people to look at. Nothing is ever applied there.

use std::collections::HashMap;

use crate::patch::hunk::{Hunk, LineKind};
use crate::patch::outcome::HunkProblem;
use crate::patch::place::Text;

/// Lines that stand in more places than this in the file say little about where the hunk belongs (`}`, an empty line).
const TOO_COMMON: usize = 40;

/// Describes a hunk whose old text is nowhere: with the most similar place of the file.
pub(crate) fn mismatch(text: &Text<'_>, hunk: &Hunk, recorded: usize) -> HunkProblem {
    let expected: Vec<&[u8]> = hunk.lines.iter().filter(|l| l.kind != LineKind::Insert).map(|l| &*l.text).collect();
    let best = most_similar(text, &expected, recorded);
    let from = best.unwrap_or_else(|| recorded.min(text.len().saturating_sub(expected.len())));
    let to = from.saturating_add(expected.len()).min(text.len());
    let found: Vec<&[u8]> = (from..to).map(|i| text.line(i)).collect();
    let differing =
        (0..expected.len().max(found.len())).filter(|i| expected.get(*i) != found.get(*i)).map(|i| from + i + 1).collect();
    let show = |lines: &[&[u8]]| lines.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    HunkProblem::Mismatch {
        expected_at: recorded + 1,
        expected: show(&expected),
        found_at: best.map(|line| line + 1),
        found: show(&found),
        differing,
    }
}

/// Every line of the hunk that stands in the file votes for where the hunk would begin.
fn most_similar(text: &Text<'_>, expected: &[&[u8]], recorded: usize) -> Option<usize> {
    let mut wanted: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, line) in expected.iter().enumerate() {
        wanted.entry(line.trim_ascii()).or_default().push(index);
    }
    wanted.remove(&b""[..]);
    let mut found: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for index in 0..text.len() {
        let line = text.line(index).trim_ascii();
        if wanted.contains_key(line) {
            found.entry(line).or_default().push(index);
        }
    }
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (line, indexes) in &wanted {
        let places = found.get(line).map_or(&[][..], Vec::as_slice);
        if places.len() * indexes.len() > TOO_COMMON {
            continue;
        }
        for place in places {
            for index in indexes {
                if let Some(start) = place.checked_sub(*index) {
                    *votes.entry(start).or_default() += 1;
                }
            }
        }
    }
    votes
        .into_iter()
        .max_by_key(|(start, votes)| (*votes, std::cmp::Reverse((start.abs_diff(recorded), *start))))
        .map(|(start, _)| start)
}
