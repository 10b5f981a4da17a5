//! Structural edits: places found by Go's syntax, not by line numbers or context.
//!
//! A pattern is a piece of Go that is only cut into tokens; the parsed file decides what a match is (see `matcher.rs`). The
//! actions work on statements, fields and entries (`site.rs`, `lines.rs`), all edits of a patch on one text (`run.rs`), and
//! what comes out must be as good Go as it was before (`check.rs`). A pattern that is not found, or too often, is a value
//! that says where it looked and what is like it.

mod align;
mod check;
mod code;
mod decl;
mod derive;
mod derive_anchor;
mod derive_go;
mod derive_imports;
mod derive_text;
mod derive_write;
mod error;
mod imports;
mod lex;
mod lines;
mod matcher;
mod model;
mod near;
mod pattern;
mod problem;
mod read;
mod rewrite;
mod run;
mod site;
mod splice;
mod syntax;
mod table;
mod text;
mod tree;

pub use derive::{Hold, Inexpressible, Why, derive};
pub use error::EditError;
pub use model::{Action, Change, Edit, EditFile, Import, Side, TextAction};
pub use pattern::{Pattern, PatternError, Template};
pub use problem::{Broken, EditFailure, EditProblem, Elsewhere, Similar};
pub use rewrite::{Wanted, rewrite};

pub(crate) use decl::declared_at;
pub(crate) use read::parse;
pub(crate) use run::{Failed, edit};
pub(crate) use syntax::{GO_LIMIT, Go};
