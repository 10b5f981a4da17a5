//! `forge patch lint`: every series of some components, each once.

use std::collections::BTreeSet;

use crate::files::Files;
use crate::patch::{Finding, Series, lint};
use crate::pipeline::error::PipelineError;
use crate::recipe::model::Component;

/// How many patches there are, and what there is to object to. Needs no release and no store.
pub fn lint_series(files: &Files, components: &[&Component]) -> Result<(usize, Vec<Finding>), PipelineError> {
    let all: BTreeSet<_> = components.iter().flat_map(|c| c.series.iter().map(|name| (&c.upstream.name, name))).collect();
    let (mut patches, mut findings) = (0, Vec::new());
    for (upstream, name) in all {
        let series = Series::load(files, upstream, name)?;
        patches += series.patches().len();
        findings.extend(lint(&series));
    }
    Ok((patches, findings))
}
