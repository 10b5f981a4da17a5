//! `forge new`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args_new::NewArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::event::Event;
use crate::files::Files;
use crate::names::{ComponentName, GitUrl, NameError, RecipeName};
use crate::pipeline::{NewError, NewOptions, NewWorld, PipelineError, Scaffolded, local_source, new_recipe};
use crate::recipe::find::{Search, Stop};
use crate::recipe::scaffold::listed;

pub(super) fn run(context: &Context, args: &NewArgs) -> Result<u8, CliError> {
    let wrong = |e: NameError| CliError::usage(e.to_string(), "names have letters, digits, `.`, `_` and `-`");
    let options = NewOptions {
        url: url(context, &args.url)?,
        name: args.name.as_ref().map(ComponentName::new).transpose().map_err(wrong)?,
        recipe: args.recipe.as_ref().map(RecipeName::new).transpose().map_err(wrong)?,
        package: args.package.clone(),
        into: args.into.as_ref().map(ComponentName::new).transpose().map_err(wrong)?,
        dry_run: args.dry_run,
    };
    let (files, store) = (project(context)?, context.store()?);
    let world = NewWorld { files: &files, store: &store, exec: &context.exec, reporter: context.reporter() };
    let done = new_recipe(world, &options)?;
    context.end_progress();
    if args.json {
        tell_json(context, args.dry_run, &done)?
    } else {
        tell(context, args.dry_run, &files, &done)?
    }
    Ok(DONE)
}

/// The project around the current folder, which is one itself where there is none.
fn project(context: &Context) -> Result<Files, CliError> {
    let files = context.files()?;
    if files.root().is_some() {
        return Ok(files);
    }
    match context.search() {
        Search::Stopped { at, why: Stop::OtherOwner } if at == here(context) => {
            Err(PipelineError::from(NewError::OtherOwner(at)).into())
        }
        _ => Ok(Files::new(Some(here(context)))),
    }
}

fn here(context: &Context) -> PathBuf {
    let here = context.absolute(Path::new("."));
    here.canonicalize().unwrap_or(here)
}

/// What was typed: a folder where there is one of that name, else a URL.
fn url(context: &Context, text: &str) -> Result<GitUrl, CliError> {
    let folder = context.absolute(Path::new(text));
    if text.is_empty() || text.contains("://") || !folder.is_dir() {
        let help = "say something like https://HOST/PATH.git, user@host:path, or a folder that is there";
        return GitUrl::new(text).map_err(|e| CliError::usage(e.to_string(), help));
    }
    // The name is only for its errors, which are told in other words here.
    let any = ComponentName::new("new").map_err(|e| CliError::usage(e.to_string(), ""))?;
    let (url, dirty) = local_source(&context.exec, &any, &folder).map_err(|error| match error {
        PipelineError::Override { reason, .. } => NewError::Folder(reason).into(),
        other => other,
    })?;
    if dirty {
        let text = format!("{} has uncommitted changes, which do not count", folder.display());
        context.reporter().report(Event::Warning { text });
    }
    let text = format!("{url} is a folder of this machine: elsewhere, `git` of the upstream has to say another place");
    context.reporter().report(Event::Notice { text });
    Ok(url)
}

fn tell_json(context: &Context, dry_run: bool, done: &Scaffolded) -> Result<(), CliError> {
    let what = |is_new: bool| if is_new { "new" } else { "changed" };
    let files: Vec<_> = done.files.iter().map(|f| json!({"path": f.path, "what": what(f.is_new), "text": f.text})).collect();
    context.json(&json!({
        "schema": 1, "dry_run": dry_run, "recipe": done.recipe, "component": done.component, "release": done.release,
        "module": done.module, "package": done.package, "others": done.others, "files": files,
        "upstream_file": done.upstream.as_ref().map(ToString::to_string),
    }))
}

fn tell(context: &Context, dry_run: bool, files: &Files, done: &Scaffolded) -> Result<(), CliError> {
    let told = |text: String| context.reporter().report(Event::Notice { text });
    if let Some(origin) = &done.upstream {
        told(format!("how {} is built is known already: {origin}", done.component));
    }
    if !done.others.is_empty() {
        let package = done.package.as_deref().unwrap_or_default();
        told(format!("{package} is built; there are also {}: --package chooses", listed(&done.others)));
    }
    for file in &done.files {
        let path = files.root().map_or_else(|| file.path.as_path().to_owned(), |root| file.path.below(root));
        match (dry_run, file.is_new) {
            (true, _) => context.print(&format!("# {}\n{}", path.display(), file.text))?,
            (false, true) => context.print(&format!("{}", path.display()))?,
            (false, false) => context.print(&format!("{}: [component.{}] added", path.display(), done.component))?,
        }
    }
    match (&done.recipe, done.files.is_empty()) {
        (Some(_), _) if dry_run => {}
        (Some(recipe), _) => told(format!("next: forge build --recipe {recipe}")),
        (None, nothing) => {
            let nothing = if nothing { "; nothing was written" } else { "" };
            told(format!(
                "{} is a library, for programs that require it{nothing}. Next: the same command with --recipe NAME of a program",
                done.module
            ));
        }
    }
    Ok(())
}
