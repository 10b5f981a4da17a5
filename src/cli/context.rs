//! What a command needs of the world: environment, store, project, recipe.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::args::{Global, RecipeArgs, SessionArgs};
use crate::cli::exit::CliError;
use crate::event::{Event, Reporter};
use crate::exec::{Environment, Exec, Interrupt};
use crate::files::Files;
use crate::names::{ComponentName, GitUrl, RecipeName};
use crate::pipeline::{Asked, LockFile, Options, PipelineError, Session, Trust, Workspace, local_source};
use crate::recipe::find::{Search, choose, find_root};
use crate::recipe::load::{Loaded, RecipeRef, known, load};
use crate::recipe::model::Recipe;
use crate::store::Store;
use crate::ui::{Human, Notes, Output, Verbosity, render};
use crate::work::WorkState;

/// The world of one run.
pub(super) struct Context {
    pub(super) exec: Exec,
    pub(super) output: Output,
    reporter: Human,
    store: Option<PathBuf>,
    cwd: PathBuf,
}

/// A recipe with its project.
pub(super) struct Project {
    pub(super) files: Files,
    pub(super) recipe: Recipe,
}

/// What a command opens that is about sources and series, and runs nothing of them.
pub(super) struct Sources {
    pub(super) project: Project,
    pub(super) options: Options,
    pub(super) store: Store,
    pub(super) lock: LockFile,
}

impl Context {
    #[expect(clippy::disallowed_methods, reason = "cli reads the environment for everybody")]
    pub(super) fn new(global: &Global, vars: Vec<(OsString, OsString)>) -> Result<Self, CliError> {
        let environment = |message: String, help: &str| CliError::Environment { message, help: Some(help.to_owned()) };
        let interrupt = Interrupt::install().map_err(|e| environment(format!("cannot watch for signals: {e}"), "try again"))?;
        let cwd =
            std::env::current_dir().map_err(|e| environment(format!("the current folder: {e}"), "change to one that exists"))?;
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        Ok(Self {
            exec: Exec::new(Environment::from_vars(vars), interrupt),
            output: Output,
            reporter: Human::new(verbosity),
            store: global.store.clone(),
            cwd,
        })
    }

    pub(super) fn reporter(&self) -> &dyn Reporter {
        &self.reporter
    }

    pub(super) fn end_progress(&self) {
        self.reporter.end();
    }

    fn var(&self, name: &str) -> Option<PathBuf> {
        self.exec.environment().get(name).filter(|v| !v.is_empty()).map(PathBuf::from)
    }

    /// A folder of the XDG base directory specification; relative values are to be ignored, it says.
    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.var(variable)
            .filter(|p| p.is_absolute())
            .or_else(|| Some(self.var("HOME")?.join(below_home)))
            .map(|p| p.join("forge"))
    }

    /// Opens the store.
    pub(super) fn store(&self) -> Result<Store, CliError> {
        Ok(Store::open(&self.store_path()?)?)
    }

    /// Where the store is: `--store`, `FORGE_STORE`, or the cache folder.
    pub(super) fn store_path(&self) -> Result<PathBuf, CliError> {
        let path = self.store.clone().or_else(|| self.var("FORGE_STORE")).or_else(|| self.xdg("XDG_CACHE_HOME", ".cache"));
        let Some(path) = path else {
            let message = "there is no folder for the store: HOME is not set".to_owned();
            return Err(CliError::Environment { message, help: Some("set HOME, or say --store DIR".into()) });
        };
        Ok(self.absolute(&path))
    }

    /// The folder for what deviates from locks of built-in recipes.
    pub(super) fn state(&self) -> PathBuf {
        self.xdg("XDG_STATE_HOME", ".local/state").unwrap_or_else(|| PathBuf::from(".forge-state"))
    }

    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// The user.
    pub(super) fn uid(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// The work folder that the current folder is in.
    pub(super) fn work_dir(&self) -> Option<PathBuf> {
        WorkState::find(&self.cwd)
    }

    /// What is remembered of that work folder.
    pub(super) fn work_state(&self) -> Result<Option<WorkState>, CliError> {
        let Some(dir) = self.work_dir() else { return Ok(None) };
        Ok(WorkState::read(&dir, self.uid()).map_err(PipelineError::from)?)
    }

    /// Opens that work folder.
    pub(super) fn workspace<'a>(&'a self, files: &'a Files) -> Result<Workspace<'a>, CliError> {
        Ok(Workspace::open(files, &self.exec, self.reporter(), &self.cwd, self.uid())?)
    }

    /// How a work folder names the recipe: by its name, or by its file where that is nowhere in the project.
    pub(super) fn recipe_name(&self, args: &RecipeArgs, project: &Project) -> String {
        match RecipeRef::parse(args.recipe.as_deref().unwrap_or_default()) {
            Ok(RecipeRef::File(file)) => self.absolute(&file).display().to_string(),
            _ => project.recipe.name.to_string(),
        }
    }

    /// The project of the work folder around the current folder, else the one around the current folder itself.
    pub(super) fn files(&self) -> Result<Files, CliError> {
        if let (Some(dir), Some(state)) = (self.work_dir(), self.work_state()?) {
            let root = state.project_of(&dir);
            if !root.is_dir() {
                let message = format!("the project {} of this work folder is not there", root.display());
                let help = "put it back there; or move what you need out of this folder and start again in the project";
                return Err(CliError::Environment { message, help: Some(help.to_owned()) });
            }
            return Ok(Files::new(Some(root)));
        }
        Ok(self.files_around())
    }

    /// Looks for the project around the current folder.
    pub(super) fn search(&self) -> Search {
        let home = self.var("HOME");
        find_root(&self.cwd, home.as_deref(), self.uid())
    }

    fn files_around(&self) -> Files {
        match self.search() {
            Search::Found(root) => Files::new(Some(root)),
            Search::Stopped { at, why } => {
                let text = format!("no recipes folder up to {} ({why:?}); using the built-in recipes", at.display());
                self.reporter().report(Event::Detail { text });
                Files::new(None)
            }
        }
    }

    /// Finds and reads the recipe, and says which file it is.
    pub(super) fn project(&self, args: &RecipeArgs) -> Result<Project, CliError> {
        let files = self.files()?;
        let variable = self.var("FORGE_RECIPE").map(|v| v.to_string_lossy().into_owned());
        let given = args.recipe.clone().or(variable);
        let work = match given {
            Some(_) => None,
            None => self.work_state()?.map(|state| state.recipe),
        };
        let which = match work.as_deref().map(RecipeRef::parse) {
            Some(Ok(which)) => which,
            _ => choose(given.as_deref(), None::<&RecipeName>, &known(&files)?)?,
        };
        let Loaded { recipe, files, warnings } = load(&files, &which)?;
        self.reporter().report(Event::RecipeFound { origin: recipe.origin.to_string() });
        for warning in warnings {
            self.reporter().report(Event::Warning { text: warning.plain() });
        }
        Ok(Project { files, recipe })
    }

    /// What the shared options mean.
    pub(super) fn options(&self, args: &SessionArgs, recipe: &Recipe) -> Result<Options, CliError> {
        let mut options = Options { locked: args.locked, offline: args.offline, ..Options::default() };
        for text in &args.source {
            let example = "say --source k0s=URL or --source k0s=DIR";
            let (name, origin) =
                text.split_once('=').ok_or_else(|| CliError::usage(format!("--source {text:?} names no origin"), example))?;
            let name = ComponentName::new(name).map_err(|e| CliError::usage(e.to_string(), example))?;
            recipe.component(&name).map_err(crate::pipeline::PipelineError::from)?;
            let folder = self.absolute(Path::new(origin));
            let url = if !origin.is_empty() && folder.is_dir() {
                let (url, dirty) = local_source(&self.exec, &name, &folder)?;
                if dirty {
                    let text = format!("{} has uncommitted changes, which are not built", folder.display());
                    self.reporter().report(Event::Warning { text });
                    options.dirty.push(name.clone());
                }
                url
            } else {
                GitUrl::new(origin).map_err(|e| CliError::usage(e.to_string(), example))?
            };
            options.sources.insert(name, url);
        }
        Ok(options)
    }

    pub(super) fn session<'a>(&'a self, project: &'a Project, store: &'a Store, options: &'a Options) -> Session<'a> {
        let (files, recipe) = (&project.files, &project.recipe);
        Session { files, store, exec: &self.exec, reporter: self.reporter(), recipe, options, asked: Asked::default() }
    }

    /// Project, options, store and lock of such a command.
    pub(super) fn sources(&self, args: &SessionArgs) -> Result<Sources, CliError> {
        let project = self.project(&args.recipe)?;
        let mut options = self.options(args, &project.recipe)?;
        options.trust = Trust::Sources;
        let (store, lock) = (self.store()?, self.lock(&project)?);
        Ok(Sources { project, options, store, lock })
    }

    pub(super) fn lock(&self, project: &Project) -> Result<LockFile, CliError> {
        Ok(LockFile::read(&project.recipe, &project.files, &self.state())?)
    }

    /// Tells what went wrong where something else went well.
    pub(super) fn complain(&self, message: &str, details: Vec<String>, help: Vec<String>) {
        let error = CliError::Environment { message: message.to_owned(), help: None };
        self.output.complaint(&render(&error, &Notes { details, help, ..Notes::default() }, Output.has_colored_errors()));
    }

    /// Prints a JSON document.
    pub(super) fn json(&self, value: &serde_json::Value) -> Result<(), CliError> {
        self.print(&serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// Prints a result.
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        self.written(self.output.result(text))
    }

    /// Prints bytes as they are.
    pub(super) fn print_bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.written(self.output.bytes(bytes))
    }

    fn written(&self, result: std::io::Result<()>) -> Result<(), CliError> {
        result.map_err(|e| CliError::Environment { message: format!("cannot write to standard output: {e}"), help: None })
    }
}
