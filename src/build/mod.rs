//! From a rewritten module to a binary whose facts have been checked.

mod compile;
mod containers;
mod enter;
mod expect;
mod header;
mod info;
mod log;
mod make;
mod packages;
mod payload;
mod tree;

pub use compile::{BuildError, Built, CompileError, Place, Pointer, compile, prepare};
pub use containers::engine;
pub use enter::{Visitor, enter};
pub use expect::{CheckError, Checked, check};
pub use info::{BuildInfo, InfoError, InfoModule, read_build_info};
pub use log::BuildLog;
pub use make::touch;
pub use packages::{Packages, Verb, check_module, check_packages};
pub use payload::{PayloadError, graft, inspect};
pub use tree::{LaidOut, LayoutError, TreePart, lay_out};
