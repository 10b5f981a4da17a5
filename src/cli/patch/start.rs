//! `forge patch start`.

use serde_json::json;

use crate::cli::args_patch::PatchStartArgs;
use crate::cli::build::selections;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE, PATCH};
use crate::patch::explain;
use crate::pipeline::{Aborted, Opened, Pick, PipelineError, StartOptions, abort, resume, start};

pub(super) fn run(context: &Context, args: &PatchStartArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    if args.abort {
        let space = context.workspace(&files)?;
        let dir = space.dir.clone();
        let text = match abort(space)? {
            Aborted::Removed => format!("{} is gone again", dir.display()),
            Aborted::Restored => format!("{} is as it was", dir.display()),
        };
        context.print(&text)?;
        return Ok(DONE);
    }
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let text = match (&args.component, context.work_state()?) {
        (Some(component), _) => component.clone(),
        (None, Some(state)) => state.component.to_string(),
        (None, None) => {
            let help = "say COMPONENT: `forge list` shows them; without it, forge means the work folder that it runs in";
            return Err(CliError::usage("it is not said which component to work on", help));
        }
    };
    let selection = selections(std::slice::from_ref(&text))?.remove(0);
    let component = project.recipe.component(&selection.component).map_err(PipelineError::from)?;
    let opened = if args.go_on || args.skip {
        let space = context.workspace(&project.files)?;
        resume(&session, component, space, args.skip, &mut lock)?
    } else {
        if args.session.locked && selection.wanted.is_some() {
            return Err(PipelineError::LockedAdHoc(text).into());
        }
        let pick = selection.wanted.map(|wanted| Pick { wanted, named: None, ad_hoc: true });
        let dir = match (&args.dir, context.work_dir()) {
            (Some(dir), _) => Some(context.absolute(dir)),
            // Where the work folder is not the usual one, it is the one that is meant from inside.
            (None, work) => work.filter(|_| args.component.is_none()),
        };
        let recipe = context.recipe_name(&args.session.recipe, &project);
        start(&session, component, &StartOptions { pick, dir, recipe, uid: context.uid(), merge: false }, &mut lock)?
    };
    context.end_progress();
    tell(context, args.json, component.name.as_str(), &opened)
}

pub(super) fn tell(context: &Context, json: bool, component: &str, opened: &Opened) -> Result<u8, CliError> {
    let dir = opened.dir.display();
    let stopped = opened.stopped.as_ref();
    if json {
        let waiting = stopped.map(|s| json!({"patch": s.patch, "from": s.conflict.from, "files": s.conflict.files}));
        let document = json!({
            "schema": 1, "dir": opened.dir, "component": component, "release": opened.release, "commits": opened.commits,
            "waiting": waiting,
        });
        context.json(&document)?;
        return Ok(if stopped.is_some() { PATCH } else { DONE });
    }
    let how = match opened.was_there {
        None | Some(true) => "",
        Some(false) => ", as it was",
    };
    context.print(&format!("{dir}: {component} {}, {} commits{how}", opened.release, opened.commits))?;
    let Some(stopped) = stopped else { return Ok(DONE) };
    let mut help = Vec::new();
    match (&stopped.conflict.from, stopped.conflict.files.is_empty()) {
        (Some(from), false) => help.push(format!("merged as it applies to {from}; mend {}", stopped.conflict.files.join(", "))),
        (Some(from), true) => {
            help.push(format!("merged as it applies to {from}, without conflicts: look at `git diff --cached`"))
        }
        (None, _) => help.push("make its change by hand".to_owned()),
    }
    help.push("then `git add` the files and `forge patch start --continue`; or --skip the patch; or --abort".to_owned());
    context.complain(
        &format!("{} does not apply to {}", stopped.patch, opened.release),
        vec![explain(&stopped.failure, component)],
        help,
    );
    Ok(PATCH)
}
