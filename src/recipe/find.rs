//! Which recipe is meant: the project's folder, found upward, and the recipe, where nobody named one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::load::RecipeRef;
use crate::files::Origin;
use crate::names::{ComponentName, NameError, RecipeName};

/// The outcome of looking for the folder that holds `recipes/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// This one.
    Found(PathBuf),
    /// None: the search ended at this folder, and why.
    Stopped {
        /// The last folder that was looked at.
        at: PathBuf,
        /// Why the search ended there.
        why: Stop,
    },
}

/// Why a search went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is the root of a git repository.
    Repository,
    /// It is the user's home.
    Home,
    /// The folder, or `recipes` in it, belongs to somebody else, who could have put anything there.
    OtherOwner,
    /// It is the root of the file system, or cannot be looked at.
    Top,
}

impl Search {
    /// The folder, where there is one.
    pub fn root(&self) -> Option<&Path> {
        match self {
            Self::Found(root) => Some(root),
            Self::Stopped { .. } => None,
        }
    }
}

/// Looks for a folder that holds `recipes/`, from `start` (absolute) upward. The repository root and the home folder are the
/// last to be examined; a folder of another owner than `uid` is not used, and nothing above it.
pub fn find_root(start: &Path, home: Option<&Path>, uid: u32) -> Search {
    let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
    let home = home.map(|home| fs::canonicalize(home).unwrap_or_else(|_| home.to_owned()));
    for folder in start.ancestors() {
        let stopped = |why| Search::Stopped { at: folder.to_owned(), why };
        let Ok(meta) = fs::metadata(folder) else { return stopped(Stop::Top) };
        if meta.uid() != uid {
            return stopped(Stop::OtherOwner);
        }
        match fs::metadata(folder.join("recipes")) {
            Ok(recipes) if recipes.is_dir() && recipes.uid() != uid => return stopped(Stop::OtherOwner),
            Ok(recipes) if recipes.is_dir() => return Search::Found(folder.to_owned()),
            _ => {}
        }
        // A worktree and a submodule have a file of that name.
        if fs::symlink_metadata(folder.join(".git")).is_ok() {
            return stopped(Stop::Repository);
        }
        if home.as_deref() == Some(folder) {
            return stopped(Stop::Home);
        }
    }
    Search::Stopped { at: start, why: Stop::Top }
}

/// The recipe, and maybe the component, of a work folder `ROOT/work/RECIPE/COMPONENT` that `folder` is in.
pub fn of_work_folder(root: &Path, folder: &Path) -> Option<(RecipeName, Option<ComponentName>)> {
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let below = folder.strip_prefix(root.join("work")).ok()?;
    let mut parts = below.iter().map(|part| part.to_str());
    let recipe = RecipeName::new(parts.next()??).ok()?;
    let component = parts.next().flatten().and_then(|part| ComponentName::new(part).ok());
    Some((recipe, component))
}

/// No recipe was named, and none can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ChooseError {
    /// What was given is neither a name nor a file.
    #[error(transparent)]
    #[diagnostic(help("give the name of a recipe, or a file with a `/` or `.toml` in its name"))]
    Name(#[from] NameError),
    /// There are several.
    #[error("it is not said which recipe is meant")]
    Several {
        /// All there are, and how to say it.
        #[help]
        help: String,
    },
    /// There is none.
    #[error("there are no recipes here")]
    #[diagnostic(help("`forge new GIT-URL` writes one; docs/recipes.md explains it"))]
    None,
}

/// The recipe: what was given (`--recipe`, else `FORGE_RECIPE`), else that of the work folder, else the only one. The only
/// one on disk counts as the only one, whatever is built in.
pub fn choose(given: Option<&str>, work: Option<&RecipeName>, known: &[(RecipeName, Origin)]) -> Result<RecipeRef, ChooseError> {
    if let Some(given) = given {
        return Ok(RecipeRef::parse(given)?);
    }
    if let Some(work) = work {
        return Ok(RecipeRef::Name(work.clone()));
    }
    let on_disk: Vec<_> = known.iter().filter(|(_, origin)| !origin.is_built_in()).collect();
    let candidates = if on_disk.is_empty() { known.iter().collect() } else { on_disk };
    match candidates[..] {
        [] => Err(ChooseError::None),
        [(name, _)] => Ok(RecipeRef::Name(name.clone())),
        _ => {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            Err(ChooseError::Several { help: format!("say --recipe NAME; there are {}", names.join(", ")) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf, u32) {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        let uid = fs::metadata(&path).unwrap().uid();
        (folder, path, uid)
    }

    #[test]
    fn the_search_goes_up_to_the_folder_with_recipes() {
        let (_keep, top, uid) = folder();
        fs::create_dir_all(top.join("recipes")).unwrap();
        fs::create_dir_all(top.join("a/b")).unwrap();
        assert_eq!(find_root(&top.join("a/b"), None, uid), Search::Found(top.clone()));
        // A file of that name is none, and the folder itself is no project.
        fs::write(top.join("a/recipes"), "").unwrap();
        assert_eq!(find_root(&top.join("recipes"), None, uid).root(), Some(&*top));
    }

    #[test]
    fn the_search_ends_at_a_repository_at_home_and_at_other_owners() {
        let (_keep, top, uid) = folder();
        fs::create_dir_all(top.join("recipes")).unwrap();
        fs::create_dir_all(top.join("repo/.git")).unwrap();
        fs::create_dir_all(top.join("repo/a")).unwrap();
        fs::create_dir_all(top.join("home/a")).unwrap();
        let stopped = |at: &str, why| Search::Stopped { at: top.join(at), why };
        assert_eq!(find_root(&top.join("repo/a"), None, uid), stopped("repo", Stop::Repository));
        assert_eq!(find_root(&top.join("home/a"), Some(&top.join("home")), uid), stopped("home", Stop::Home));
        assert_eq!(find_root(&top.join("home/a"), None, uid + 1), stopped("home/a", Stop::OtherOwner));
        // Repository root and home are examined themselves.
        fs::create_dir_all(top.join("repo/recipes")).unwrap();
        fs::create_dir_all(top.join("home/recipes")).unwrap();
        assert_eq!(find_root(&top.join("repo/a"), None, uid).root(), Some(&*top.join("repo")));
        assert_eq!(find_root(&top.join("home/a"), Some(&top.join("home")), uid).root(), Some(&*top.join("home")));
    }

    #[test]
    fn a_work_folder_says_its_recipe() {
        let (_keep, top, _) = folder();
        let of = |folder: &str| {
            let (recipe, component) = of_work_folder(&top, &top.join(folder))?;
            Some(format!("{recipe} {}", component.map(String::from).unwrap_or_default()))
        };
        assert_eq!(of("work/nixos/k0s/cmd").as_deref(), Some("nixos k0s"));
        assert_eq!(of("work/nixos").as_deref(), Some("nixos "));
        assert_eq!(of("work"), None);
        assert_eq!(of("recipes"), None);
    }

    #[test]
    fn the_recipe_is_the_given_one_the_work_folders_or_the_only_one() {
        let name = |text: &str| RecipeName::new(text).unwrap();
        let disk = |text: &str| (name(text), Origin::Disk(PathBuf::from(text)));
        let built_in = |text: &str| (name(text), Origin::BuiltIn("recipes/x.toml".parse().unwrap()));
        let known = [disk("mine"), built_in("demo"), built_in("stock")];
        let by_name = |text: &str| Ok(RecipeRef::Name(name(text)));
        assert_eq!(choose(Some("a"), Some(&name("b")), &known), by_name("a"));
        assert_eq!(choose(Some("./a"), None, &known), Ok(RecipeRef::File("./a".into())));
        assert_eq!(choose(Some("a.toml"), None, &known), Ok(RecipeRef::File("a.toml".into())));
        assert_eq!(choose(None, Some(&name("b")), &known), by_name("b"));
        assert_eq!(choose(None, None, &known), by_name("mine"));
        assert_eq!(choose(None, None, &known[1..2]), by_name("demo"));
        assert!(matches!(choose(None, None, &known[1..]), Err(ChooseError::Several { .. })));
        assert!(matches!(choose(None, None, &[]), Err(ChooseError::None)));
        assert!(matches!(choose(Some("-x"), None, &known), Err(ChooseError::Name(_))));
    }
}
