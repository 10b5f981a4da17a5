//! `forge new`: a recipe and an upstream file for a repository, from what its newest release says of itself. Nothing of the
//! repository runs: its go.mod is read by go, its sources and its Makefile by syntax (`new_look`). Both files are written when
//! everything is known, the upstream's first: after a kill between the two the same command does the rest.

use std::path::Path;

use crate::disk::{create_dir_all, write_atomic, write_new};
use crate::event::Reporter;
use crate::exec::Exec;
use crate::files::{Files, Found, Origin};
use crate::names::{ComponentName, GitUrl, RecipeName, RelPath, Revision, Target};
use crate::pipeline::error::PipelineError;
use crate::pipeline::inside::not_required;
use crate::pipeline::new_error::NewError;
use crate::pipeline::new_look::Look;
use crate::pipeline::select::picks;
use crate::pipeline::session::{Asked, Options, Session};
use crate::recipe::load::{RecipeRef, TOML_LIMIT, find_upstream, load};
use crate::recipe::model::{Recipe, Source, Upstream};
use crate::recipe::scaffold::{self, NewComponent, NewPick, NewSource};
use crate::store::Store;

/// What a new recipe needs of the world.
#[derive(Clone, Copy)]
pub struct NewWorld<'a> {
    /// The project; its folder need not hold `recipes` yet.
    pub files: &'a Files,
    /// The store.
    pub store: &'a Store,
    /// The door to children.
    pub exec: &'a Exec,
    /// Who is told what happens.
    pub reporter: &'a dyn Reporter,
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct NewOptions {
    /// The repository.
    pub url: GitUrl,
    /// What the component is called; as the repository where absent.
    pub name: Option<ComponentName>,
    /// The recipe; called as the component where absent.
    pub recipe: Option<RecipeName>,
    /// Which of several programs.
    pub package: Option<String>,
    /// The component that a library is replaced in.
    pub into: Option<ComponentName>,
    /// Nothing is written.
    pub dry_run: bool,
}

/// A file of the project as it is now, or would be.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Below the project's folder.
    pub path: RelPath,
    /// True where it was not there before.
    pub is_new: bool,
    /// Its text.
    pub text: String,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Scaffolded {
    /// The component.
    pub component: ComponentName,
    /// The recipe; `None` for a library that no recipe has a use for yet.
    pub recipe: Option<RecipeName>,
    /// The upstream's file, where it was there already.
    pub upstream: Option<Origin>,
    /// The release that was looked at.
    pub release: Revision,
    /// The Go module.
    pub module: String,
    /// The program; `None` for a library, and where the upstream's file knows.
    pub package: Option<String>,
    /// Other programs of the repository.
    pub others: Vec<String>,
    /// The files; an upstream's first.
    pub files: Vec<NewFile>,
}

/// Writes a recipe for a repository, or adds a component to one.
pub fn new_recipe(world: NewWorld<'_>, options: &NewOptions) -> Result<Scaffolded, PipelineError> {
    let component = match &options.name {
        Some(name) => name.clone(),
        None => {
            let no_name = |source| NewError::NoName { url: options.url.clone(), source };
            ComponentName::new(options.url.last_part()).map_err(no_name)?
        }
    };
    let name = scaffold::upstream_name(&component);
    let recipe_name = options.recipe.clone().unwrap_or_else(|| scaffold::recipe_name(&component));
    let place = place_of(world.files, &recipe_name, &component)?;
    let known = find_upstream(world.files, &name)?;
    let look = Look::at(world, &component, &options.url)?;
    let mut done = Scaffolded {
        component: component.clone(),
        recipe: Some(recipe_name.clone()),
        upstream: known.as_ref().map(|upstream| upstream.origin.clone()),
        release: look.release.clone(),
        module: look.module.to_string(),
        package: None,
        others: Vec::new(),
        files: Vec::new(),
    };
    let is_library = match &known {
        Some(upstream) => {
            check_known(upstream, &look, options)?;
            upstream.builds.is_empty()
        }
        None => {
            let built = look.build(options)?;
            let source = match &built {
                Some(_) => NewSource::Git(look.home.clone(), look.tags),
                None => NewSource::Module(look.module.clone()),
            };
            let text = scaffold::upstream(&source, built.as_ref());
            done.files.push(NewFile { path: RelPath::new(format!("recipes/upstreams/{name}.toml"))?, is_new: true, text });
            let is_library = built.is_none();
            if let Some(built) = built {
                done.others = built.others;
                done.package = Some(built.package);
            }
            is_library
        }
    };
    let pick = match (is_library, &place, &options.into) {
        (false, _, Some(_)) => return Err(NewError::NotALibrary(component).into()),
        (false, _, None) => Some(look.pick.clone()),
        (true, Place::New, Some(into)) => return Err(NewError::IntoNothing(into.clone()).into()),
        // Alone in a recipe it would be nothing to build.
        (true, Place::New, None) => None,
        (true, Place::There(_, recipe), into) => Some(user_of(world, recipe, into.as_ref(), &look, &component)?),
    };
    match pick {
        None => done.recipe = None,
        Some(pick) => {
            // What an upstream file says of Go is not known here.
            let old_go = if known.is_none() && !is_library { look.old_go() } else { None };
            let component = NewComponent { name: component, pick, old_go };
            done.files.push(recipe_file(&recipe_name, &component, &place, &look.home)?);
        }
    }
    if !options.dry_run {
        world.exec.interrupt().check().map_err(crate::exec::ExecError::from)?;
        let root = world.files.root().ok_or(crate::pipeline::LifeError::NoProject)?;
        write(root, &done.files)?;
    }
    Ok(done)
}

/// The recipe that takes the component.
enum Place {
    New,
    There(Found, Box<Recipe>),
}

fn place_of(files: &Files, name: &RecipeName, component: &ComponentName) -> Result<Place, PipelineError> {
    let path = RelPath::new(format!("recipes/{name}.toml"))?;
    let Some(found) = files.read(&path, TOML_LIMIT)? else { return Ok(Place::New) };
    let Origin::Disk(path) = &found.origin else { return Err(NewError::BuiltIn(name.clone()).into()) };
    // What is added to a recipe with mistakes would be one more.
    let recipe = load(files, &RecipeRef::Name(name.clone()))?.recipe;
    if recipe.components.contains_key(component) {
        let source = scaffold::AddError::Taken(component.clone());
        return Err(NewError::Add { path: path.clone(), source }.into());
    }
    Ok(Place::There(found, Box::new(recipe)))
}

fn recipe_file(name: &RecipeName, component: &NewComponent, place: &Place, home: &GitUrl) -> Result<NewFile, PipelineError> {
    let path = RelPath::new(format!("recipes/{name}.toml"))?;
    let Place::There(found, _) = place else {
        let text = scaffold::recipe(component, home.expose(), &Target::host());
        return Ok(NewFile { path, is_new: true, text });
    };
    let text = String::from_utf8_lossy(&found.bytes);
    let text = scaffold::add(&text, component).map_err(|source| {
        let path = match &found.origin {
            Origin::Disk(path) => path.clone(),
            Origin::BuiltIn(path) => path.as_path().to_owned(),
        };
        NewError::Add { path, source }
    })?;
    Ok(NewFile { path, is_new: false, text })
}

/// An upstream file that is there counts, where it is about the same repository or module.
fn check_known(upstream: &Upstream, look: &Look, options: &NewOptions) -> Result<(), NewError> {
    let bare = |url: &GitUrl| url.expose().trim_end_matches('/').trim_end_matches(".git").to_owned();
    let same = match &upstream.source {
        Source::Git(url) => bare(url) == bare(&look.home),
        Source::Module(module) => *module == look.module,
        Source::Path(_) => false,
    };
    let (name, origin, url) = (upstream.name.clone(), upstream.origin.to_string(), look.home.clone());
    match (same, &options.package) {
        (false, _) => Err(NewError::UpstreamTaken { name, origin, url }),
        (true, Some(_)) => Err(NewError::Described { name, origin, url }),
        (true, None) => Ok(()),
    }
}

/// The program of the recipe that a library is for. It has to require it.
fn user_of(
    world: NewWorld<'_>,
    recipe: &Recipe,
    into: Option<&ComponentName>,
    look: &Look,
    component: &ComponentName,
) -> Result<NewPick, PipelineError> {
    let user = match into {
        Some(name) => Some(recipe.component(name)?).filter(|user| user.is_program()),
        None => {
            let mut programs = recipe.components.values().filter(|component| component.is_program());
            programs.next().filter(|_| programs.next().is_none())
        }
    };
    let Some(user) = user else {
        return Err(NewError::IntoWhich { module: look.module.to_string(), recipe: recipe.name.clone() }.into());
    };
    let NewWorld { files, store, exec, reporter } = world;
    let options = Options::default();
    let session = Session { files, store, exec, reporter, recipe, options: &options, asked: Asked::default() };
    if let Some(pick) = picks(user).first() {
        let base = session.base_of_pick(user, pick)?;
        let go_mod = session.go_mod_of(&base.checkout)?;
        if go_mod.pin(&look.module).is_none() {
            return Err(not_required(component, user, &base, &look.module, &go_mod));
        }
    }
    Ok(NewPick::Pinned { by: user.name.clone() })
}

/// Writes the files, or none.
fn write(root: &Path, files: &[NewFile]) -> Result<(), PipelineError> {
    let mut made: Vec<&Path> = Vec::new();
    let folders = [root.join("recipes"), root.join("recipes/upstreams")];
    for folder in &folders {
        if !folder.is_dir() && files.iter().any(|file| file.path.below(root).starts_with(folder)) {
            create_dir_all(folder)?;
            made.push(folder);
        }
    }
    for (at, file) in files.iter().enumerate() {
        let path = file.path.below(root);
        let written = if file.is_new {
            write_new(&path, file.text.as_bytes(), 0o644)
        } else {
            write_atomic(&path, file.text.as_bytes(), 0o644)
        };
        if let Err(error) = written {
            // Only the last file may be an old one: what came before it was not there.
            for file in &files[..at] {
                let _ = std::fs::remove_file(file.path.below(root));
            }
            for folder in made.iter().rev() {
                let _ = std::fs::remove_dir(folder);
            }
            return Err(error.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_takes_the_others_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = |path: &str| NewFile { path: RelPath::new(path).unwrap(), is_new: true, text: "x\n".into() };
        let (upstream, nowhere) = (file("recipes/upstreams/a.toml"), file("recipes/nowhere/a.toml"));
        assert!(write(dir.path(), &[upstream.clone(), nowhere]).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        write(dir.path(), &[upstream.clone(), file("recipes/a.toml")]).unwrap();
        // One that came meanwhile stays.
        std::fs::write(dir.path().join("recipes/b.toml"), "mine").unwrap();
        assert!(write(dir.path(), &[file("recipes/upstreams/b.toml"), file("recipes/b.toml")]).is_err());
        assert_eq!(std::fs::read(dir.path().join("recipes/b.toml")).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(dir.path().join("recipes/upstreams")).unwrap().count(), 1);
    }
}
