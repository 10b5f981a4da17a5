//! `forge`: a patch-and-build toolchain for downstream forks of k0s, k0sctl and kardianos/service.
//!
//! Data flows one way, and each stage sees the foundations, the plan and its left neighbour only:
//! `RawRecipe -> Recipe -> Locked -> Plan -> Checkout -> PatchedTree -> RewrittenModule -> Built -> Stored`.
//!
//! Foundations are [`names`], [`release`], [`event`], [`files`], [`disk`], [`exec`] (the only module that spawns), [`git`]
//! (the only one that names git2), [`net`] (the only one that speaks HTTP) and [`go_syntax`]. Only `ui` prints; only `cli` reads the
//! environment. `tests/architecture.rs` and Clippy's disallowed methods hold these walls.

pub mod artifact;
pub mod build;
pub mod cli;
pub mod disk;
pub mod event;
pub mod exec;
pub mod files;
pub mod git;
pub mod go_syntax;
pub mod gomod;
pub mod matrix;
pub mod names;
pub mod net;
pub mod patch;
pub mod pipeline;
pub mod plan;
pub mod recipe;
pub mod release;
pub mod report;
pub mod source;
pub mod store;
pub mod trial;
pub mod ui;
pub mod work;
