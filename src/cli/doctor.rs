//! `forge doctor`.

use serde_json::json;

use crate::cli::args::ListArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE, ENVIRONMENT};
use crate::event::Event;
use crate::pipeline::{Health, LockFile, examine};
use crate::plan::Lock;
use crate::recipe::load::{Loaded, RecipeRef, known, load};

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    let mut recipes = Vec::new();
    for (name, _) in known(&files)? {
        match load(&files, &RecipeRef::Name(name)) {
            Ok(Loaded { recipe, files, .. }) => {
                let lock = LockFile::read(&recipe, &files, &context.state()).map(|file| file.lock);
                let lock = lock.unwrap_or_else(|error| {
                    context.reporter().report(Event::Warning { text: error.to_string() });
                    Lock::default()
                });
                recipes.push((recipe, lock));
            }
            Err(error) => {
                error.problems().iter().for_each(|problem| context.reporter().report(Event::Warning { text: problem.plain() }))
            }
        }
    }
    let findings = examine(&context.exec, &recipes, &context.store_path()?);
    context.exec.interrupt().check().map_err(|i| crate::pipeline::PipelineError::Exec(i.into()))?;
    if args.json {
        let mut document = json!({"schema": 1});
        document["checks"] = serde_json::to_value(&findings).unwrap_or_default();
        context.json(&document)?;
    } else {
        let mut lines = Vec::new();
        for finding in &findings {
            let mark = match finding.health {
                Health::Good => "ok",
                Health::Notice => "note",
                Health::Missing => "MISSING",
            };
            lines.push(format!("{mark:<8}{:<12}{}", finding.check, finding.found));
            if finding.health != Health::Good && !finding.needed_by.is_empty() {
                let names: Vec<&str> = finding.needed_by.iter().map(|name| name.as_str()).collect();
                lines.push(format!("{:<20}needed by {}", "", names.join(", ")));
            }
            if let Some(mend) = &finding.mend {
                lines.push(format!("{:<20}{mend}", ""));
            }
        }
        context.print(&lines.join("\n"))?;
    }
    let healthy = findings.iter().all(|finding| finding.health != Health::Missing);
    Ok(if healthy { DONE } else { ENVIRONMENT })
}
