//! What can be in the way of a new recipe.

use std::path::PathBuf;

use crate::names::{ComponentName, GitUrl, NameError, RecipeName, Revision, UpstreamName, few, visible};
use crate::recipe::scaffold::AddError;

/// Why no recipe was written. No file has changed then.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NewError {
    /// The address gives no name.
    #[error("{url} gives no name for the component: {source}")]
    #[diagnostic(help("say one: `forge new {url} NAME`"))]
    NoName {
        /// The address.
        url: GitUrl,
        /// What is wrong with its last part.
        source: NameError,
    },
    /// The current folder would not be looked into.
    #[error("{} belongs to another user: no recipe would be read there", .0.display())]
    #[diagnostic(help("change to a folder of your own"))]
    OtherOwner(PathBuf),
    /// The folder is no repository, or its path cannot be written down.
    #[error("{0}")]
    #[diagnostic(help("say the URL of a git repository, or a folder that is the root of one"))]
    Folder(String),
    /// There is nothing in the repository.
    #[error("{0} has neither releases nor a branch that its HEAD stands for")]
    #[diagnostic(help("is it the right repository? `git ls-remote URL` shows what it has"))]
    Empty(GitUrl),
    /// There is no module.
    #[error("{url} is no Go module: {release} has no go.mod at its root")]
    #[diagnostic(help("{}", elsewhere(found)))]
    NotGo {
        /// The address.
        url: GitUrl,
        /// What was looked at.
        release: Revision,
        /// Folders with a go.mod.
        found: Vec<String>,
    },
    /// A go.mod that names no module.
    #[error("{url} {release}: go.mod has no module line")]
    #[diagnostic(help("it is not what `go mod init` writes: mend it upstream"))]
    NoModule {
        /// The address.
        url: GitUrl,
        /// What was looked at.
        release: Revision,
    },
    /// It is not said which program is meant.
    #[error("{url} has several programs: {}", shown(found))]
    #[diagnostic(help("choose one, such as --package {}; for another one run `forge new` again with a NAME", visible(&found[0])))]
    Several {
        /// The address.
        url: GitUrl,
        /// The packages.
        found: Vec<String>,
    },
    /// The package is no program.
    #[error("{url} {release} has no program {}", visible(package))]
    #[diagnostic(help("{}", if found.is_empty() { "it has none at all: it is a library".to_owned() } else { format!("it has {}", shown(found)) }))]
    NoProgram {
        /// The address.
        url: GitUrl,
        /// What was looked at.
        release: Revision,
        /// What was asked for.
        package: String,
        /// What there is.
        found: Vec<String>,
    },
    /// An upstream of that name is another one.
    #[error("there is an upstream {name} already, from elsewhere: {origin}")]
    #[diagnostic(help("take another name for the component: `forge new {url} NAME`"))]
    UpstreamTaken {
        /// The name.
        name: UpstreamName,
        /// Its file.
        origin: String,
        /// The address.
        url: GitUrl,
    },
    /// The upstream's file says which program it is.
    #[error("{origin} says already how {name} is built: --package has no effect")]
    #[diagnostic(help("drop --package; or take another name for the component: `forge new {url} NAME --package PACKAGE`"))]
    Described {
        /// The name.
        name: UpstreamName,
        /// Its file.
        origin: String,
        /// The address.
        url: GitUrl,
    },
    /// A recipe of the program would be hidden.
    #[error("the recipe {0} is built into forge: a file of that name would take its place")]
    #[diagnostic(help("say another one with --recipe NAME"))]
    BuiltIn(RecipeName),
    /// The recipe cannot take the component.
    #[error("{}: {source}", path.display())]
    #[diagnostic(help("take another name for the component, or another recipe with --recipe NAME; nothing was changed"))]
    Add {
        /// The recipe.
        path: PathBuf,
        /// Why.
        source: AddError,
    },
    /// A library, and several programs that might require it.
    #[error("{module} is a library, and the recipe {recipe} has no program, or several")]
    #[diagnostic(help("say with --into COMPONENT which of its programs shall have it"))]
    IntoWhich {
        /// The library.
        module: String,
        /// The recipe.
        recipe: RecipeName,
    },
    /// `--into` with a program.
    #[error("--into is for libraries, and {0} is a program")]
    #[diagnostic(help("drop --into"))]
    NotALibrary(ComponentName),
    /// `--into` without a recipe that has programs.
    #[error("--into {0} needs a recipe that has that component")]
    #[diagnostic(help("say which one with --recipe NAME; `forge list` shows them"))]
    IntoNothing(ComponentName),
}

fn shown(packages: &[String]) -> String {
    few(packages, 12).join(", ")
}

fn elsewhere(folders: &[String]) -> String {
    match folders {
        [] => "forge builds Go modules; for anything else there is nothing that it could do".to_owned(),
        _ => format!("there is one in {}, and forge builds modules at the root of their repository", shown(folders)),
    }
}
