//! What can be in the way of working on a series.

use std::path::PathBuf;

use crate::names::{CommitId, ComponentName, PatchName, RelPath, Revision, SeriesName};
use crate::patch::LetterError;
use crate::patch::edit::Inexpressible;

/// Why a step in the life of a series was not taken. Nothing has changed then.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LifeError {
    /// Work folders belong to a project on disk.
    #[error("there is no project here whose series could be worked on")]
    #[diagnostic(help("make a folder `recipes` beside the `patches` that you are going to write, and start there"))]
    NoProject,
    /// Something else is where the work folder would be.
    #[error("{} is not empty, and no work folder of forge", path.display())]
    #[diagnostic(help("move it away, or choose another folder with `--dir DIR`"))]
    Unknown {
        /// The folder.
        path: PathBuf,
    },
    /// The work folder is about another component.
    #[error("{} is a work folder of {found} of the recipe {recipe}", path.display())]
    #[diagnostic(help("choose another folder with `--dir DIR`"))]
    Other {
        /// The folder.
        path: PathBuf,
        /// Its component.
        found: ComponentName,
        /// Its recipe.
        recipe: String,
    },
    /// Commits that are not in the series would be lost.
    #[error("{} has commits that are not saved", path.display())]
    #[diagnostic(help(
        "`forge patch status` there shows them, `forge patch save` puts them into the series; or remove the folder"
    ))]
    Unsaved {
        /// The folder.
        path: PathBuf,
    },
    /// Changes that are in no commit would be lost.
    #[error("{} has changes that are in no commit: {}", path.display(), files.join(", "))]
    #[diagnostic(help("commit them, or put them aside with `git stash -u`"))]
    Dirty {
        /// The folder.
        path: PathBuf,
        /// Some of the files.
        files: Vec<String>,
    },
    /// git is at something.
    #[error("git is in the midst of {what} in {}", path.display())]
    #[diagnostic(help("finish it first, with git; `git status` says how"))]
    InProgress {
        /// The folder.
        path: PathBuf,
        /// What.
        what: &'static str,
    },
    /// A patch waits for its resolution.
    #[error("{} waits at {patch}, which does not apply to {release}", path.display())]
    #[diagnostic(help(
        "mend the files there and `git add` them, then `forge patch start --continue`; or `forge patch start --abort`"
    ))]
    Waiting {
        /// The folder.
        path: PathBuf,
        /// The patch.
        patch: PatchName,
        /// The release.
        release: Revision,
    },
    /// Nothing waits.
    #[error("nothing waits to be continued in {}", path.display())]
    #[diagnostic(help("every patch of the series has its commit; `forge patch status` shows where you are"))]
    NotWaiting {
        /// The folder.
        path: PathBuf,
    },
    /// Files still have conflicts.
    #[error("not resolved yet: {}", files.join(", "))]
    #[diagnostic(help("mend each file and `git add` it (or `git rm` it), then `forge patch start --continue`"))]
    Unresolved {
        /// The files.
        files: Vec<String>,
    },
    /// There is no resolution.
    #[error("nothing is staged that would take the place of {patch}")]
    #[diagnostic(help(
        "make its change and `git add` it, then `forge patch start --continue`; or leave the patch out with `forge patch start --skip`"
    ))]
    NothingStaged {
        /// The patch.
        patch: PatchName,
    },
    /// A file is staged with its conflict markers.
    #[error("conflict markers are left in {}", files.join(", "))]
    #[diagnostic(help("mend the files and `git add` them again, then `forge patch start --continue`"))]
    Markers {
        /// The files.
        files: Vec<String>,
    },
    /// The series is not the one that was opened.
    #[error("the series {series} has changed since this work folder was opened or saved")]
    #[diagnostic(help(
        "keep your commits (`git branch mine`), open the series as it is now (`git reset --hard refs/forge/saved`, then `forge patch start {component}`), and `git cherry-pick` what is yours"
    ))]
    SeriesChanged {
        /// The series.
        series: SeriesName,
        /// The component.
        component: ComponentName,
    },
    /// The history does not stand on the release.
    #[error("what is checked out in {} does not contain the release {release}", path.display())]
    #[diagnostic(help("`git rebase refs/forge/base` puts your commits on it; `git reflog` finds what seems lost"))]
    NoBase {
        /// The folder.
        path: PathBuf,
        /// The release.
        release: Revision,
    },
    /// A merge is no patch.
    #[error("the commit {commit} is a merge, which is no patch")]
    #[diagnostic(help("`git rebase refs/forge/base` makes a straight line of the history"))]
    Merge {
        /// The commit, abbreviated, and its subject.
        commit: String,
    },
    /// Series follow one after another.
    #[error("the commit {commit} is of the series {series}, but stands behind commits of {after}, which is applied later")]
    #[diagnostic(help(
        "series apply one after another, as the recipe lists them: put the commits of each together with `git rebase -i refs/forge/base`"
    ))]
    Mixed {
        /// The commit, abbreviated, and its subject.
        commit: String,
        /// Its series.
        series: SeriesName,
        /// The series before it.
        after: SeriesName,
    },
    /// Changed edits that no edit says.
    #[error("{} came from structural edits, and what they are now is no edit any more that forge can derive", list(patches))]
    #[diagnostic(help(
        "change the edit by hand, in the series (docs/edits.md); or `forge patch save --as-mail {}` makes it a mail, which holds on fewer releases: `forge matrix` tells on which",
        patches.first().map_or("PATCH", PatchName::as_str)
    ))]
    NeedsMail {
        /// The patches.
        patches: Vec<PatchName>,
    },
    /// `--as-mail` of something else.
    #[error("{patch} is no changed edit of this series")]
    #[diagnostic(help("`--as-mail` takes the file name of an edit whose commit has changed: {}", list(changed)))]
    NotAnEdit {
        /// What was given.
        patch: PatchName,
        /// What could have been.
        changed: Vec<PatchName>,
    },
    /// A message that no mail carries.
    #[error("the commit {commit} cannot be written as a git mail: {source}")]
    #[diagnostic(help("reword it: `git rebase -i refs/forge/base`, and `reword` the commit"))]
    Letter {
        /// The commit, abbreviated, and its subject.
        commit: String,
        /// Why.
        source: LetterError,
    },
    /// What would be written does not give the trees of the commits.
    #[error("the series as it would be saved does not give what is committed: {why}")]
    #[diagnostic(help("{help}"))]
    NotTheSame {
        /// At which patch, and why.
        why: String,
        /// What to do.
        help: String,
    },
    /// A file is in the place.
    #[error("{} is there already", path.display())]
    #[diagnostic(help("remove it, or give another name"))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Modules and folders have no commits.
    #[error("{component} does not come from a git repository: there is no commit for a branch to begin at")]
    #[diagnostic(help("export it as mails, with `--mails DIR` or `--mbox FILE`"))]
    NoUpstreamCommit {
        /// The component.
        component: ComponentName,
    },
    /// The branch is there.
    #[error("{} has a branch {name} already", clone.display())]
    #[diagnostic(help("give another name, or delete the branch first: `git branch -D {name}`"))]
    BranchExists {
        /// The clone.
        clone: PathBuf,
        /// The branch.
        name: Revision,
    },
    /// The repository is another one.
    #[error("{} does not have the release {release} (commit {commit})", clone.display())]
    #[diagnostic(help("is it a clone of the upstream? `git fetch --tags` there brings its releases"))]
    NotACloneOf {
        /// The repository.
        clone: PathBuf,
        /// The release.
        release: Revision,
        /// Its commit.
        commit: CommitId,
    },
    /// What would be exported does not give the tree.
    #[error("the series cannot be exported in this form: {why}")]
    #[diagnostic(help("quilt cannot make binary files; `--mails DIR` and `--mbox FILE` carry everything that git knows"))]
    NotExported {
        /// Why.
        why: String,
    },
    /// Neither one form nor two keep every release.
    #[error("the series would not hold any more on {}", releases.iter().map(Revision::as_str).collect::<Vec<_>>().join(", "))]
    #[diagnostic(help(
        "nothing was written: give the patch a `versions` in series.toml, and a second entry for the others; or `--overwrite`"
    ))]
    WouldLose {
        /// The releases.
        releases: Vec<Revision>,
    },
    /// There are no patches in what was given.
    #[error("{}: {why}", path.display())]
    #[diagnostic(help(
        "give a git mail, an mbox, a diff, a quilt folder, or a folder of `*.patch`; or `--from-branch A..B` with a clone"
    ))]
    NotImportable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The series is none of the component's.
    #[error("{component} has no series {series}")]
    #[diagnostic(help("it has {}", known.iter().map(SeriesName::as_str).collect::<Vec<_>>().join(", ")))]
    NoSuchSeries {
        /// The component.
        component: ComponentName,
        /// What was given.
        series: SeriesName,
        /// What there is.
        known: Vec<SeriesName>,
    },
    /// The component has no such patch.
    #[error("{component} has no patch {patch}")]
    #[diagnostic(help("its series have {}", known.join(", ")))]
    NoSuchPatch {
        /// The component.
        component: ComponentName,
        /// What was given.
        patch: String,
        /// What there is, `SERIES/PATCH`.
        known: Vec<String>,
    },
    /// No component has it, or more than one patch is called that.
    #[error("{patch} is not the name of one patch of the recipe: {}", if known.is_empty() { "there is none".to_owned() } else { known.join(", ") })]
    #[diagnostic(help("say `forge patch to-edit SERIES/PATCH COMPONENT`; `forge list` shows the components"))]
    NotOnePatch {
        /// What was given.
        patch: String,
        /// Those that are meant perhaps, `COMPONENT SERIES/PATCH`.
        known: Vec<String>,
    },
    /// Nothing to derive.
    #[error("{patch} {why}: there is no edit to derive")]
    #[diagnostic(help("`forge patch to-edit` takes a mail or diff that changes files of the upstream"))]
    NothingToDerive {
        /// The patch.
        patch: PatchName,
        /// Why.
        why: String,
    },
    /// What no edit does.
    #[error("{patch} {what} {file}, which no edit does")]
    #[diagnostic(help(
        "nothing was written: put that into a patch of its own, which stays a mail: `forge patch start`, and split the commit"
    ))]
    NoEditDoes {
        /// The patch.
        patch: PatchName,
        /// What it does.
        what: &'static str,
        /// To which file.
        file: RelPath,
    },
    /// A region that no edit says.
    #[error("{patch} cannot be written as an edit on {release}: {source}")]
    #[diagnostic(help(
        "nothing was written: put that part into a patch of its own, which stays a mail: `forge patch start`, and split the commit; or write the edit by hand (docs/edits.md)"
    ))]
    Inexpressible {
        /// The patch.
        patch: PatchName,
        /// The release.
        release: Revision,
        /// Where, and why.
        source: Inexpressible,
    },
    /// Edits have no place there.
    #[error("the series {series} cannot list an edit for {patch}: {why}")]
    #[diagnostic(help("{help}"))]
    NoPlaceForEdit {
        /// The series.
        series: SeriesName,
        /// The patch.
        patch: PatchName,
        /// Why.
        why: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// There is nothing to take back.
    #[error("there is nothing to take back")]
    #[diagnostic(help("the last save, import, rebase or to-edit of this project can be taken back, and those before it"))]
    NothingToUndo,
    /// Files were changed in the meantime.
    #[error("{} changed after the {what}: {}", folder.display(), files.join(", "))]
    #[diagnostic(help("taking the {what} back would lose these changes; put them aside first, for example with `git stash`"))]
    ChangedSince {
        /// The series' folder.
        folder: PathBuf,
        /// What is to be taken back.
        what: String,
        /// The files.
        files: Vec<String>,
    },
}

fn list(patches: &[PatchName]) -> String {
    patches.iter().map(PatchName::as_str).collect::<Vec<_>>().join(", ")
}
