//! `forge trial`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::args::TrialArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE, FACT};
use crate::event::Event;
use crate::names::{ComponentName, Target};
use crate::pipeline::{TrialOptions, trial};
use crate::recipe::scenario::{DEFAULT, ScenarioRef, load_scenario};
use crate::trial::{Base, table};

pub(super) fn run(context: &Context, args: &TrialArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let mut options = context.options(&args.session, &project.recipe)?;
    // Hosts are of this machine's kind.
    options.targets = vec![Target::host()];
    let asked = asked(context, args, &project)?;
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let mut lock = context.lock(&project)?;
    let (evidence, kept) = trial(&session, &mut lock, &asked)?;
    context.end_progress();
    if args.json {
        let mut document = json!({"schema": 1});
        document["trial"] = serde_json::to_value(&evidence).unwrap_or_default();
        document["good"] = json!(evidence.is_good());
        context.json(&document)?;
    } else {
        context.print(&table(&evidence, context.output.has_colored_results()))?;
    }
    for text in kept {
        context.reporter().report(Event::Notice { text });
    }
    Ok(if evidence.is_good() { DONE } else { FACT })
}

fn asked(context: &Context, args: &TrialArgs, project: &crate::cli::context::Project) -> Result<TrialOptions, CliError> {
    let text = args.scenario.as_deref().unwrap_or(DEFAULT);
    let which = ScenarioRef::parse(text).map_err(|e| CliError::usage(format!("--scenario: {e}"), "a name, or a file"))?;
    let which = match which {
        ScenarioRef::File(path) => ScenarioRef::File(context.absolute(&path)),
        name @ ScenarioRef::Name(_) => name,
    };
    let payload = args.payload.as_ref().map(|path| context.absolute(path));
    if let Some(path) = payload.as_ref().filter(|path| !path.exists()) {
        let message = format!("--payload: there is no {}", path.display());
        return Err(CliError::usage(message, "a folder of binaries, or a build that has them at its end"));
    }
    let mut roles = BTreeMap::new();
    for text in &args.hosts {
        let example = "say --hosts controller=2, at most 9 of a role";
        let wrong = || CliError::usage(format!("--hosts {text:?} is not ROLE=N"), example);
        let (role, count) = text.split_once('=').ok_or_else(wrong)?;
        let role = ComponentName::new(role).map_err(|e| CliError::usage(e.to_string(), example))?;
        roles.insert(role, count.parse().ok().filter(|count| (1..=9).contains(count)).ok_or_else(wrong)?);
    }
    let base = match (&args.base_image, args.from_packages) {
        (Some(image), _) if image.is_empty() || image.starts_with('-') => {
            return Err(CliError::usage(format!("--base-image {image:?} is no image"), "say --base-image NAME:TAG"));
        }
        (Some(image), _) => Base::Image(image.clone()),
        (None, true) => Base::Packages,
        (None, false) => Base::Scenario,
    };
    let mut words = vec!["forge".to_owned(), "trial".to_owned(), "--recipe".to_owned(), project.recipe.name.to_string()];
    words.extend(args.scenario.iter().flat_map(|scenario| ["--scenario".to_owned(), scenario.clone()]));
    words.extend(args.hosts.iter().flat_map(|hosts| ["--hosts".to_owned(), hosts.clone()]));
    words.extend(args.base_image.iter().flat_map(|image| ["--base-image".to_owned(), image.clone()]));
    words.extend(args.from_packages.then(|| "--from-packages".to_owned()));
    words.extend(args.payload.iter().flat_map(|path| ["--payload".to_owned(), path.display().to_string()]));
    Ok(TrialOptions {
        scenario: load_scenario(&project.files, &which)?,
        base,
        roles,
        keep: args.keep,
        payload,
        state: context.state(),
        command: shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default(),
    })
}
