//! The only place that prints: events for people, results for scripts, errors with their next step.

mod error;
mod human;
mod output;

pub use error::{Notes, plain, render};
pub use human::{Human, Verbosity};
pub use output::{Output, child_line};
