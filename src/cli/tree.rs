//! `forge tree`.

use crate::cli::args::TreeArgs;
use crate::cli::build::selections;
use crate::cli::context::{Context, Sources};
use crate::cli::exit::{CliError, DONE};
use crate::pipeline::{Pick, PipelineError, TreeKind, write_tree};

pub(super) fn run(context: &Context, args: &TreeArgs) -> Result<u8, CliError> {
    let Sources { project, options, store, mut lock } = context.sources(&args.session)?;
    let session = context.session(&project, &store, &options);
    let selection = selections(std::slice::from_ref(&args.component))?.remove(0);
    let component = project.recipe.component(&selection.component).map_err(PipelineError::from)?;
    if args.session.locked && selection.wanted.is_some() {
        return Err(PipelineError::LockedAdHoc(args.component.clone()).into());
    }
    let pick = selection.wanted.map(|wanted| Pick { wanted, named: None, ad_hoc: true });
    let kind = match (args.git, args.unpatched) {
        (true, _) => TreeKind::Git,
        (_, true) => TreeKind::Unpatched,
        _ => TreeKind::Build,
    };
    let (release, files) = write_tree(&session, component, pick, kind, &mut lock, &context.absolute(&args.out))?;
    context.end_progress();
    context.print(&format!("{}: {} {release}, {files} files", args.out.display(), component.name))?;
    Ok(DONE)
}
