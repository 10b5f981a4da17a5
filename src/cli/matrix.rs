//! `forge matrix`.

use std::path::Path;

use crate::cli::args_matrix::{Annotate, MatrixArgs};
use crate::cli::build::selections;
use crate::cli::context::Context;
use crate::cli::exit::{self, CliError, DONE};
use crate::disk;
use crate::event::Event;
use crate::matrix::{self, CheckResult, Judged, Matrix};
use crate::names::Revision;
use crate::pipeline::{MatrixOptions, PipelineError, Trust, keep_matrix};

pub(super) fn run(context: &Context, args: &MatrixArgs) -> Result<u8, CliError> {
    let project = context.project(&args.session.recipe)?;
    let mut options = context.options(&args.session, &project.recipe)?;
    // What is compiled is checked, and goes.
    options.without_released = true;
    if !args.compile && !args.test {
        options.trust = Trust::Sources;
    }
    let selections = selections(&args.components)?;
    let new_since = args.new_since.as_ref().map(|tag| {
        Revision::new(tag.clone()).map_err(|e| CliError::usage(e.to_string(), "say --new-since v1.2.3, a tag of the upstream"))
    });
    let asked = MatrixOptions {
        new_since: new_since.transpose()?,
        trees: args.record.is_some(),
        blame: args.blame,
        newest: args.newest,
        compile: args.compile || args.test,
        test: args.test,
        jobs: args.jobs.map(usize::from),
    };
    let store = context.store()?;
    let session = context.session(&project, &store, &options);
    let lock = context.lock(&project)?;
    let matrix = crate::pipeline::matrix(&session, &selections, &lock.lock, &asked)?;
    context.end_progress();
    if selections.is_empty() && !asked.newest && asked.new_since.is_none() {
        // What was looked at as a whole is told in reports.
        keep_matrix(&session, &matrix, &context.state())?;
    }
    let write = |path: &Path, text: String| -> Result<(), CliError> {
        let path = context.absolute(path);
        disk::write_atomic(&path, text.as_bytes(), 0o644).map_err(PipelineError::from)?;
        context.reporter().report(Event::Notice { text: format!("wrote {}", path.display()) });
        Ok(())
    };
    if let Some(path) = &args.html {
        write(path, matrix::html(&matrix))?;
    }
    if let Some(path) = &args.record {
        write(path, matrix::record(&matrix))?;
    }
    if let Some(path) = &args.code_quality {
        write(path, matrix::code_quality(&matrix))?;
    }
    if args.annotate == Some(Annotate::Github) {
        let text = matrix::github(&matrix);
        if !text.is_empty() {
            context.output.complaint(&text);
        }
    }
    if args.json {
        context.json(&matrix::document(&matrix))?;
    } else if args.markdown {
        context.print(&matrix::markdown(&matrix))?;
    } else {
        let (width, colored) = (context.output.width(), context.output.has_colored_results());
        context.print(&matrix::table(&matrix, width, colored))?;
    }
    Ok(code(&matrix))
}

/// 3 where a release fails that counts, 5 where it does not compile or test.
fn code(matrix: &Matrix) -> u8 {
    let mut counts = matrix.components.iter().flat_map(|c| &c.releases).filter(|r| r.promised);
    let red = |r: &Judged| [r.compile, r.test].contains(&Some(CheckResult::Failed));
    if counts.clone().any(|r| !r.verdict.is_good()) {
        exit::PATCH
    } else if counts.any(red) {
        exit::FACT
    } else {
        DONE
    }
}
