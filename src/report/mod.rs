//! An account of what was patched, built and observed, for an upstream's issue tracker: [`Report`] is what is known,
//! [`markdown`] how it is told. What was not run says so.

mod header;
mod markdown;
mod model;

pub use header::sections;
pub use markdown::markdown;
pub use model::{Built, Kept, Outcome, PatchTold, PlanTold, Release, Report, SeriesTold, Trial, Upstream};
