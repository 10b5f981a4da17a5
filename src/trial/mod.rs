//! Trials: binaries on disposable hosts with a systemd of their own. [`Engine`] is the container engine, [`Hosts`] what runs in
//! it and is gone afterwards, [`take`] takes the steps, [`Evidence`] is what came of them, [`table`] how that is shown.

mod engine;
mod evidence;
mod hosts;
mod image;
mod step;
mod table;

pub use engine::{Engine, TrialError};
pub use evidence::{Evidence, Part, Seen, Taken, Tried, Verdict};
pub use hosts::{Host, Hosts, Wanted};
pub use image::{Base, base_image};
pub use step::{Place, left_out, take};
pub use table::{seen_briefly, table};
