//! Two stacks of commits side by side, as git-range-diff(1) tells it. Which commit is which patch is known here: nothing is
//! guessed, and only what differs costs time.

use crate::git::diff::{text_hunks, tree_diff};
use crate::git::objects::{Objects, ObjectsError};
use crate::git::work::Commit;
use crate::names::visible;
use crate::work::stack::subject;

/// Digits of an id, as forge abbreviates them elsewhere.
const DIGITS: usize = 12;

/// A commit of one of the stacks, by its place there.
#[derive(Debug, Clone)]
pub struct Placed {
    /// From 1 on.
    pub place: usize,
    /// The commit.
    pub commit: Commit,
}

/// What was a commit, and what it is now. One of them may be missing.
pub type Pair = (Option<Placed>, Option<Placed>);

/// Tells of each pair, in the given order, whether it is the same (`=`), another (`!`, with what differs in message and change),
/// gone (`<`) or new (`>`). The parents are where the changes of the commits are taken from: they must be among the `objects`.
pub fn compare(objects: &Objects, pairs: &[Pair]) -> Result<String, ObjectsError> {
    let most = pairs.iter().flat_map(|(old, new)| [old, new]).flatten().map(|placed| placed.place).max().unwrap_or(1);
    let width = most.to_string().len();
    let mut out = String::new();
    for (old, new) in pairs {
        let mut differs = Vec::new();
        let sign = match (old, new) {
            (Some(a), Some(b)) if a.commit.id == b.commit.id => '=',
            (Some(a), Some(b)) => {
                let (before, after) = (text_of(objects, &a.commit)?, text_of(objects, &b.commit)?);
                if before != after {
                    differs = hunks(objects, &before, &after)?;
                }
                if before == after { '=' } else { '!' }
            }
            (Some(_), None) => '<',
            (None, Some(_)) => '>',
            (None, None) => continue,
        };
        let side = |placed: &Option<Placed>| match placed {
            Some(Placed { place, commit }) => format!("{place:>width$}:  {}", &commit.id.as_str()[..DIGITS]),
            None => format!("{:>width$}:  {}", "-", "-".repeat(DIGITS)),
        };
        let told = new.as_ref().or(old.as_ref()).map(|placed| visible(subject(&placed.commit))).unwrap_or_default();
        out.push_str(&format!("{} {sign} {} {told}\n", side(old), side(new)));
        for line in differs {
            out.push_str(&format!("    {line}\n"));
        }
    }
    Ok(out)
}

/// A commit as it is compared: its message, and its change without ids and line numbers, which differ on every release.
fn text_of(objects: &Objects, commit: &Commit) -> Result<String, ObjectsError> {
    let mut out = String::from(" ## Commit message ##\n");
    for line in commit.step.message.trim_end().lines() {
        out.push_str(&format!("    {line}\n"));
    }
    let Some(parent) = commit.parents.first() else { return Ok(out) };
    let diff = tree_diff(objects, &objects.commit_tree(parent)?, &commit.step.tree)?;
    let mut in_header = false;
    for line in String::from_utf8_lossy(&diff).split_inclusive('\n') {
        if let Some(names) = line.strip_prefix("diff --git ") {
            in_header = true;
            // Both names are the same one, but for their first letter.
            let name = names[..names.trim_end().len() / 2].trim_matches('"');
            out.push_str(&format!("\n ## {} ##\n", name.strip_prefix("a/").unwrap_or(name)));
            continue;
        }
        if let Some(rest) = line.strip_prefix("@@ ") {
            in_header = false;
            let context = rest.split_once(" @@").map_or("\n", |(_, context)| context);
            out.push_str(&format!("@@{context}"));
            continue;
        }
        if line.starts_with("GIT binary patch") {
            in_header = false;
        }
        if !in_header || line.contains("mode ") {
            out.push_str(line);
        }
    }
    Ok(out)
}

/// What differs between two texts; of the numbers in a hunk's head, only the file that they stand for.
fn hunks(objects: &Objects, before: &str, after: &str) -> Result<Vec<String>, ObjectsError> {
    let lines: Vec<&str> = before.lines().collect();
    let hunks = text_hunks(objects, before.as_bytes(), after.as_bytes())?;
    let mut out = Vec::new();
    for line in String::from_utf8_lossy(&hunks).lines() {
        let Some(numbers) = line.strip_prefix("@@ -") else {
            out.push(line.to_owned());
            continue;
        };
        let first: usize = numbers.split([',', ' ']).next().and_then(|n| n.parse().ok()).unwrap_or(1);
        let above = lines.iter().take(first).rev().find_map(|line| line.strip_prefix(" ## ")?.strip_suffix(" ##"));
        out.push(format!("@@ {}", above.unwrap_or_default()).trim_end().to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::history::Step;
    use crate::git::objects::{Changes, Mode};
    use crate::git::work::WorkRepo;
    use crate::names::{CommitId, RelPath, TreeId};

    fn tree(repo: &WorkRepo, text: &str) -> TreeId {
        let file = RelPath::new("dir/a b.go").unwrap();
        repo.objects().write(None, &Changes::from([(file, Some((Mode::File, text.as_bytes().to_vec())))])).unwrap()
    }

    fn commit(repo: &WorkRepo, text: &str, message: &str, parent: Option<&CommitId>) -> Commit {
        let (author, email) = ("A".to_owned(), "a@example.org".to_owned());
        let step = Step { tree: tree(repo, text), author, email, time: 7, offset_minutes: 0, message: message.to_owned() };
        repo.read(&repo.commit(&step, parent).unwrap()).unwrap()
    }

    fn placed(place: usize, commit: &Commit) -> Option<Placed> {
        Some(Placed { place, commit: commit.clone() })
    }

    #[test]
    fn moved_changed_gone_and_new() {
        let dir = tempfile::tempdir().unwrap();
        let repo = WorkRepo::init(&dir.path().join("r")).unwrap();
        repo.objects().keep_in_memory().unwrap();
        let lines = |n: usize| (0..n).map(|n| format!("line {n}\n")).collect::<String>();
        let (one, two) = (lines(20), format!("top\n{}", lines(20)));
        let change = |text: &str, what: &str| text.replace("line 9\n", what);
        let (a, b) = (commit(&repo, &one, "a\n", None), commit(&repo, &two, "b\n", None));
        let old = commit(&repo, &change(&one, "new\n"), "say it\n\nwhy\n", Some(&a.id));
        let moved = commit(&repo, &change(&two, "new\n"), "say it\n\nwhy\n", Some(&b.id));
        let other = commit(&repo, &change(&two, "newer\n"), "say it\n\nwhy\n", Some(&b.id));
        let id = |commit: &Commit| commit.id.as_str()[..12].to_owned();
        let pairs = [
            (placed(1, &old), placed(1, &moved)),
            (placed(2, &old), placed(12, &other)),
            (placed(3, &old), None),
            (None, placed(4, &other)),
        ];
        let told = compare(repo.objects(), &pairs).unwrap();
        let wanted = [
            format!(" 1:  {} =  1:  {} say it", id(&old), id(&moved)),
            format!(" 2:  {} ! 12:  {} say it", id(&old), id(&other)),
            "    @@ dir/a b.go".to_owned(),
            "      line 7".to_owned(),
            "      line 8".to_owned(),
            "     -line 9".to_owned(),
            "    -+new".to_owned(),
            "    ++newer".to_owned(),
            "      line 10".to_owned(),
            "      line 11".to_owned(),
            "      line 12".to_owned(),
            format!(" 3:  {} <  -:  ------------ say it", id(&old)),
            format!(" -:  ------------ >  4:  {} say it", id(&other)),
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
        // Only the message.
        let reworded = commit(&repo, &change(&one, "new\n"), "say it\n\nwhy not\n", Some(&a.id));
        let told = compare(repo.objects(), &[(placed(1, &old), placed(1, &reworded))]).unwrap();
        assert!(told.contains("    @@ Commit message\n") && told.contains("\n    -    why\n    +    why not\n"), "{told}");
    }
}
