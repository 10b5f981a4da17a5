//! Which commit is which patch. Commits lose their ids when they are moved, changed or split; what is left of them is looked
//! at from the surest sign to the weakest, and no patch is taken twice.

use crate::git::work::Commit;

/// Tells for each commit, in order, which of the `old` commits it was. The old ones are those that a series was opened with.
pub fn match_commits(
    old: &[Commit],
    new: &[Commit],
    is_same_change: &mut dyn FnMut(&Commit, &Commit) -> bool,
) -> Vec<Option<usize>> {
    let mut taken = vec![false; old.len()];
    let mut found: Vec<Option<usize>> = vec![None; new.len()];
    let mut round = |sign: &mut dyn FnMut(&Commit, &Commit) -> bool| {
        for (commit, found) in new.iter().zip(&mut found) {
            if found.is_some() {
                continue;
            }
            let mut alike = (0..old.len()).filter(|i| !taken[*i]).filter(|i| sign(&old[*i], commit));
            // A sign that fits several proves nothing, but for the first of several that are all alike.
            if let Some(first) = alike.next() {
                taken[first] = true;
                *found = Some(first);
            }
        }
    };
    round(&mut |a, b| a.id == b.id);
    round(&mut |a, b| author(a) == author(b) && a.step.message == b.step.message);
    // `git commit --amend` keeps author and date, `git rebase` everything.
    round(&mut |a, b| author(a) == author(b) && subject(a) == subject(b));
    round(&mut |a, b| author(a) == author(b) && is_same_change(a, b));
    round(&mut |a, b| author(a) == author(b));
    round(&mut |a, b| subject(a) == subject(b));
    round(&mut |a, b| is_same_change(a, b));
    found
}

/// Who a commit is by, and when.
pub fn author(commit: &Commit) -> (&str, &str, i64, i32) {
    (&commit.step.author, &commit.step.email, commit.step.time, commit.step.offset_minutes)
}

/// The first line of a commit's message.
pub fn subject(commit: &Commit) -> &str {
    commit.step.message.lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::history::Step;
    use crate::names::{CommitId, TreeId};

    fn commit(id: u32, time: i64, message: &str) -> Commit {
        let id = format!("{id:040x}");
        Commit {
            id: CommitId::new(id.clone()).unwrap(),
            parents: Vec::new(),
            step: Step {
                tree: TreeId::new(id).unwrap(),
                author: "A".into(),
                email: "a@example.org".into(),
                time,
                offset_minutes: 0,
                message: message.into(),
            },
        }
    }

    #[test]
    fn commits_are_found_again() {
        let old = [commit(1, 10, "one\n"), commit(2, 20, "two\n\nbody\n"), commit(3, 30, "three\n"), commit(4, 40, "four\n")];
        let never = &mut |_: &Commit, _: &Commit| false;
        // Reordered, reworded, amended, one dropped, one new.
        let new = [commit(9, 30, "three\n"), commit(1, 10, "one\n"), commit(8, 20, "zwei\n"), commit(7, 99, "new\n")];
        assert_eq!(match_commits(&old, &new, never), [Some(2), Some(0), Some(1), None]);
        // Both halves of a split keep author and date: the one that keeps the message is the patch.
        let new = [commit(9, 20, "first half\n"), commit(8, 20, "two\n\nbody\n")];
        assert_eq!(match_commits(&old, &new, never), [None, Some(1)]);
        let changed = &mut |a: &Commit, b: &Commit| a.step.time == 40 && b.step.time == 77;
        assert_eq!(match_commits(&old, &[commit(9, 77, "vier\n")], changed), [Some(3)]);
    }
}
