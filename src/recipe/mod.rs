//! Recipes: as written (`raw`), as meant ([`model`]), and the way from one to the other ([`load`]) with every error of a file
//! at once ([`wrong`]). [`find`] says which recipe is meant, [`rule`] how a release is built, [`vars`] what `{version}` is.

mod check;
mod check_build;
mod check_expect;
pub mod error;
pub mod find;
pub mod graph;
pub mod load;
pub mod model;
pub mod policy;
mod raw;
mod read;
pub mod rewrite;
pub mod rule;
pub mod targets;
pub mod vars;
pub mod words;
pub mod wrong;
