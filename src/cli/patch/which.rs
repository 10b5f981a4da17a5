//! Which component and release: as it was said, else those of the work folder.

use crate::cli::build::selections;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::names::ComponentName;
use crate::pipeline::{Pick, PipelineError};
use crate::release::Wanted;

/// Reads `COMPONENT[@REQ]`. Where nothing is said, a work folder means its component at its release.
pub(super) fn which(context: &Context, said: Option<&str>, locked: bool) -> Result<(ComponentName, Option<Pick>), CliError> {
    let ad_hoc = |wanted| Pick { wanted, named: None, ad_hoc: true };
    let Some(said) = said else {
        let Some(state) = context.work_state()? else {
            let help = "`forge list` shows the components; without one, forge means the work folder that it runs in";
            return Err(CliError::usage("it is not said which component is meant", help));
        };
        return Ok((state.component, Some(ad_hoc(Wanted::Revision(state.release)))));
    };
    let selection = selections(&[said.to_owned()])?.remove(0);
    if locked && selection.wanted.is_some() {
        return Err(PipelineError::LockedAdHoc(said.to_owned()).into());
    }
    Ok((selection.component, selection.wanted.map(ad_hoc)))
}
