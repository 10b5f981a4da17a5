//! `forge shell`: a build that stops before its first command and lets the user type.

use std::fs;
use std::path::PathBuf;

use crate::build::{Visitor, enter};
use crate::event::Event;
use crate::exec::Status;
use crate::files::Origin;
use crate::names::Target;
use crate::pipeline::error::PipelineError;
use crate::pipeline::lockfile::LockFile;
use crate::pipeline::resolve_all::resolve_all;
use crate::pipeline::select::{Selected, picks};
use crate::pipeline::session::Session;
use crate::pipeline::site::source_folder;
use crate::plan::{BuildPlan, Pick};
use crate::recipe::model::{Component, Replace};

/// Lays out what a build would, and runs the visitor there. `begin` is called right before. Gives how the visitor ended, and
/// with `keep` where the tree is.
pub fn shell(
    session: &Session<'_>,
    selected: &Selected<'_>,
    lock: &mut LockFile,
    visitor: &Visitor,
    keep: bool,
    begin: &dyn Fn(),
) -> Result<(Status, Option<PathBuf>), PipelineError> {
    let component = selected.component;
    let resolved = resolve_all(session, std::slice::from_ref(selected), lock)?.remove(0);
    let host = Target::host();
    let target = session.targets().iter().find(|target| **target == host).unwrap_or(&session.targets()[0]);
    let plan = session.plan(component, &resolved, target)?;
    let go = session.go(&plan.build.go)?;
    let work = session.store.work_dir(component.name.as_str())?;
    let (tree, scratch) = (work.path().join(source_folder(&plan)), work.path().join("target"));
    session.lay_out_build(component, &resolved, &plan, &tree)?;
    fs::create_dir_all(&scratch).map_err(|source| PipelineError::Io { path: scratch.clone(), source })?;
    for text in commands(&plan, &scratch.display().to_string()) {
        session.reporter.report(Event::Notice { text });
    }
    begin();
    let status = enter(&go, session.exec, &plan, &tree, work.path(), &scratch, visitor)?;
    let kept = if keep {
        Some(session.store.keep_failed(work, &format!("shell-{}", plan.file_name))?.join(source_folder(&plan)))
    } else {
        None
    };
    Ok((status, kept))
}

/// What the build would run now.
fn commands(plan: &BuildPlan, scratch: &str) -> Vec<String> {
    let joined = |program: Option<&str>, words: &[String]| {
        let words = program.into_iter().chain(words.iter().map(String::as_str)).map(|w| w.replace("{target_dir}", scratch));
        let words: Vec<String> = words.collect();
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
    };
    let mut out: Vec<String> = plan.build.prepare.iter().map(|c| format!("prepare: {}", joined(None, c))).collect();
    let program = if plan.build.make.is_some() { "make" } else { "go" };
    out.push(format!("build: {}", joined(Some(program), &plan.build.args)));
    out
}

impl Session<'_> {
    /// The command that leads into the tree of a build like this one.
    pub(super) fn shell_line(&self, component: &Component, plan: &BuildPlan) -> String {
        let first = picks(component).first().map(|pick| pick.key());
        let what = match first {
            Some(Pick::Wanted(wanted)) if wanted == plan.wanted => component.name.to_string(),
            _ => format!("{}@{}", component.name, plan.version),
        };
        let by_name = self.files.root().map(|root| root.join(format!("recipes/{}.toml", self.recipe.name)));
        let recipe = match &self.recipe.origin {
            Origin::Disk(path) if Some(path) != by_name.as_ref() => path.display().to_string(),
            _ => self.recipe.name.to_string(),
        };
        let mut words = vec!["forge".to_owned(), "shell".to_owned(), what, "--recipe".to_owned(), recipe];
        words.extend(["--target".to_owned(), plan.target.to_string()]);
        words.extend(self.options.driver.iter().flat_map(|driver| ["--driver".to_owned(), driver.name().to_owned()]));
        for (name, url) in &self.options.sources {
            words.extend(["--source".to_owned(), format!("{name}={url}")]);
        }
        for replace in &self.options.replaces {
            let text = match replace {
                Replace::Module { old, new, new_version, .. } => format!("{old}={new}@{new_version}"),
                Replace::Path { old, folder, .. } => format!("{old}={folder}"),
                Replace::Component(name) => name.to_string(),
            };
            words.extend(["--replace".to_owned(), text]);
        }
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
    }
}
