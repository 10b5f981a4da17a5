//! The only door to child processes.
//!
//! An [`Exec`] carries the environment that `cli` took a snapshot of and the [`Interrupt`] that it installed. It finds tools
//! and makes [`Run`]s; a run either captures ([`Run::capture`]) or passes lines on as they come ([`Run::stream`]).
//!
//! Every child is the leader of a session of its own, so it has no terminal to ask on, and one signal reaches all that it
//! started. No run outlives its leader by more than the time to kill the rest: a grandchild that keeps the pipe open cannot
//! hang us. An interrupt sends TERM, waits up to three seconds, then sends KILL. If forge itself is killed, Linux signals the
//! child.

mod env;
mod error;
mod interrupt;
mod marked;
mod pump;
mod run;
mod tools;

pub use env::Environment;
pub use error::ExecError;
pub use interrupt::{Interrupt, Interrupted};
pub use marked::{EngineObject, Marked};
pub use run::{Captured, OUTPUT_LIMIT, Run, Status};
pub use tools::{Exec, Tool};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
