//! Arguments of `forge patch` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{RecipeArgs, SessionArgs};

#[derive(Debug, Subcommand)]
pub(super) enum PatchCommand {
    /// Open a work folder: a git repository at the release, with one commit for each patch
    ///
    /// Change, reorder, split, drop and add commits with any git tool, then save. Where the folder is there already and has
    /// nothing to lose, it is brought to the series as it is now. A patch that does not apply opens with conflict markers: mend
    /// the files, `git add` them, and go on with --continue.
    Start(PatchStartArgs),
    /// Write the commits of the work folder back to the series
    ///
    /// What did not change keeps its bytes. A changed commit that came from a structural edit becomes an edit again where forge
    /// can tell how, and is refused otherwise.
    Save(PatchSaveArgs),
    /// Say where the work folder stands, and what is different from its series
    Status(PatchStatusArgs),
    /// Bring a series to another release, by three-way merging where a patch does not apply
    ///
    /// What applies there stays as it is. What can be merged gets a form for the release, which takes the place of the old one only
    /// where no release is lost by it. What conflicts is left in a work folder: mend it, `forge patch start --continue`, and save.
    Rebase(PatchRebaseArgs),
    /// Put patches from elsewhere behind those of a series
    ///
    /// Git mails, boxes of them, diffs, quilt folders, folders of patches, or the commits of a branch. They have to apply to the
    /// release, without fuzz.
    Import(PatchImportArgs),
    /// Write a series as it stands on a release, for git or quilt
    Export(PatchExportArgs),
    /// Make a structural edit of a mail, which holds on more releases
    ///
    /// Derived on the recipe's release and proved there: the same files, byte for byte. New files stay in the mail. All releases
    /// are judged with the mail and with the edit; nothing is written where one would be lost.
    ToEdit(PatchToEditArgs),
    /// Take the last save, import, rebase or to-edit back
    Undo(PatchUndoArgs),
    /// Say what a reviewer would object to: blanks at ends of lines, missing descriptions and authors, context that rots
    ///
    /// Looks at the files of the series, and at the releases that a matrix has put into the store. Exit code 1 where something was
    /// found.
    Lint(PatchLintArgs),
    /// Show the diff that each patch makes on a release
    ///
    /// Structural edits find their place by syntax; this is what they come to. The diffs, one after another, are a patch that
    /// `git apply` takes.
    Show(PatchShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct PatchStartArgs {
    /// The component; COMPONENT@REQ is another release, resolved afresh [default: that of the work folder]
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) component: Option<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// The work folder [default: work/RECIPE/COMPONENT beside `recipes`]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Commit what is staged for the patch that did not apply, and go on
    #[arg(long = "continue", conflicts_with_all = ["component", "dir", "skip", "abort"])]
    pub(super) go_on: bool,
    /// Leave the patch out that did not apply, and go on
    #[arg(long, conflicts_with_all = ["component", "dir", "abort"])]
    pub(super) skip: bool,
    /// Take the start back that waits at a patch
    #[arg(long, conflicts_with_all = ["component", "dir"])]
    pub(super) abort: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchSaveArgs {
    /// Make a mail of this edit, whose commit is more than an edit now; it then holds on fewer releases
    #[arg(long, value_name = "PATCH")]
    pub(super) as_mail: Vec<String>,
    /// Where a patch did not apply, replace it instead of keeping both forms
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Say what would be written, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchStatusArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchRebaseArgs {
    /// The component and the release to bring its series to
    #[arg(value_name = "COMPONENT@VERSION")]
    pub(super) component: String,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// The work folder for what conflicts [default: work/RECIPE/COMPONENT beside `recipes`]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Replace old forms, even where that loses releases
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchImportArgs {
    /// Files and folders; with --from-branch a clone
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// Take these commits of a clone: those after A up to B
    #[arg(long, value_name = "A..B")]
    pub(super) from_branch: Option<String>,
    /// For which component; @REQ is another release to apply them to [default: that of the work folder]
    #[arg(long, value_name = "COMPONENT[@REQ]")]
    pub(super) into: Option<String>,
    /// Into which of its series [default: its last]
    #[arg(long, value_name = "SERIES")]
    pub(super) series: Option<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Say what would be imported, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchExportArgs {
    /// The component; COMPONENT@REQ is another release, resolved afresh [default: that of the work folder]
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) component: Option<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(super) form: ExportForm,
    /// The clone that the branch is made in
    #[arg(long, value_name = "DIR", default_value = ".", requires = "branch")]
    pub(super) clone: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct ExportForm {
    /// Git mails, into a new or empty folder
    #[arg(long, value_name = "DIR")]
    pub(super) mails: Option<PathBuf>,
    /// Git mails, into one new file
    #[arg(long, value_name = "FILE")]
    pub(super) mbox: Option<PathBuf>,
    /// A quilt folder, new or empty
    #[arg(long, value_name = "DIR")]
    pub(super) quilt: Option<PathBuf>,
    /// Commits on top of the release, as a new branch of a clone
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PatchToEditArgs {
    /// The patch
    #[arg(value_name = "[SERIES/]PATCH")]
    pub(super) patch: String,
    /// The component; COMPONENT@REQ is another release to derive it on [default: that of the work folder, else the one that has it]
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) component: Option<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Replace the mail even where that loses releases
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Print the edit and what would come of it, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchUndoArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchLintArgs {
    /// The component [default: that of the work folder, else all]
    #[arg(value_name = "COMPONENT")]
    pub(super) component: Option<String>,
    #[command(flatten)]
    pub(super) recipe: RecipeArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PatchShowArgs {
    /// The component; COMPONENT@REQ is another release, resolved afresh
    #[arg(value_name = "COMPONENT[@REQ]")]
    pub(super) component: String,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}
