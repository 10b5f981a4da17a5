//! Work folders: where somebody changes a series by committing. [`state`] is what forge remembers of one, [`stack`] tells which
//! commit is which patch, [`compare`] what differs between two stacks, [`resolutions`] how conflicts were resolved, [`replace`] writes a series' folder as a whole, [`undo`] keeps what was there before.

pub mod compare;
pub mod replace;
pub mod resolutions;
pub mod stack;
pub mod state;
pub mod undo;

pub use state::{OpenedPatch, OpenedSeries, Stopped, WorkError, WorkState};
