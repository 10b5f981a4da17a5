//! Recipes: as written (`raw`), as meant ([`model`]), and the way from one to the other ([`load`]) with every error of a file
//! at once ([`wrong`]). [`find`] says which recipe is meant, [`rule`] how a release is built, [`vars`] what `{version}` is,
//! [`scope`] what is there for a kit, [`trial`] what is tried on hosts that a [`scenario`] describes. New ones are written by
//! [`scaffold`], from what [`hints`] reads.

mod check;
mod check_build;
mod check_expect;
pub mod check_kit;
mod check_payload;
mod check_plan;
pub mod check_trial;
pub mod error;
pub mod find;
pub mod graph;
pub mod hints;
pub mod load;
pub mod model;
pub mod policy;
mod raw;
mod read;
pub mod rewrite;
pub mod rule;
pub mod scaffold;
pub mod scenario;
pub mod scope;
pub mod targets;
pub mod trial;
pub mod vars;
pub mod words;
pub mod wrong;
