//! The only door to HTTP: files by `https`, `http` and `file`, for what git and go do not fetch themselves.
//!
//! A [`Net`] knows the proxies and certificates of the environment that `cli` took a snapshot of. A file comes in pieces, no
//! longer than a limit that the caller names; between two of them it is seen whether forge was asked to stop. Whatever comes is
//! untrusted: who fetches compares a checksum.

mod certificates;
mod error;
mod fetch;
mod proxy;

pub use error::NetError;
pub use fetch::{Net, Sink};
