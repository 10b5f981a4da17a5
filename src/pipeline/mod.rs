//! Composes the stages: resolve a recipe against its lock, lay out, build, check, deliver. Prints nothing and reads no
//! environment; `cli` gives it what it needs.

mod blame;
mod build;
mod capture;
mod checks;
mod doctor;
mod error;
mod inside;
mod lineup;
mod lineup_modules;
mod local;
mod lockfile;
mod matrix;
mod objects;
mod operations;
mod outcome;
mod outdated;
mod parts;
mod patches;
mod payload;
mod queue;
mod resolve;
mod resolve_all;
mod select;
mod session;
mod shell;
mod show;
mod site;
mod tree;
mod verified;

pub use build::build_all;
pub use doctor::{Finding, Health, examine};
pub use error::PipelineError;
pub use local::local_source;
pub use lockfile::LockFile;
pub use matrix::{MatrixOptions, matrix};
pub use outcome::{Artifact, Failure, Outcome, Stage};
pub use outdated::{Moved, check_tags, fetch, update};
pub use patches::{ShownPatch, show_patches};
pub use resolve::{Mode, Resolved, ResolvedPart, variables_of};
pub use resolve_all::resolve_all;
pub use select::{Pick, Selected, Selection, picks, select};
pub use session::{Asked, Options, Session, Trust};
pub use shell::shell;
pub use show::{plan_all, scripts};
pub use tree::{Kind as TreeKind, write_tree};
