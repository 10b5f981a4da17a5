//! `forge list`.

use serde_json::json;

use crate::cli::args::ListArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE, ENVIRONMENT};
use crate::event::Event;
use crate::pipeline::picks;
use crate::recipe::load::{RecipeRef, known, load};

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let files = context.files()?;
    let mut documents = Vec::new();
    let mut code = DONE;
    for (name, origin) in known(&files)? {
        let recipe = match load(&files, &RecipeRef::Name(name.clone())) {
            Ok(loaded) => loaded.recipe,
            Err(error) => {
                // One wrong file does not hide the others.
                for problem in error.problems() {
                    context.reporter().report(Event::Warning { text: problem.plain() });
                }
                code = ENVIRONMENT;
                continue;
            }
        };
        let components: Vec<_> = recipe
            .components
            .values()
            .map(|c| {
                let wanted: Vec<String> = picks(c).iter().map(|p| p.wanted.to_string()).collect();
                json!({"component": c.name, "upstream": c.upstream.name, "program": c.is_program(), "wanted": wanted, "series": c.series})
            })
            .collect();
        documents.push((name, origin, recipe.description, components));
    }
    if args.json {
        let recipes: Vec<_> = documents
            .iter()
            .map(|(name, origin, description, components)| {
                json!({"recipe": name, "origin": origin.to_string(), "description": description, "components": components})
            })
            .collect();
        context.json(&json!({"schema": 1, "recipes": recipes}))?;
        return Ok(code);
    }
    for (name, origin, description, components) in documents {
        let built_in = if origin.is_built_in() { " (built in)" } else { "" };
        context.print(&format!("{name}{built_in}: {description}"))?;
        for component in components {
            let words = |key: &str| {
                let list = component[key].as_array().cloned().unwrap_or_default();
                list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>().join(", ")
            };
            let wanted = match words("wanted") {
                text if text.is_empty() => "as its users require".to_owned(),
                text => text,
            };
            let series = match words("series") {
                text if text.is_empty() => String::new(),
                text => format!(", series {text}"),
            };
            context.print(&format!("  {} {wanted}{series}", component["component"].as_str().unwrap_or_default()))?;
        }
    }
    Ok(code)
}
