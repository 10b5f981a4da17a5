//! The only door to git: objects, trees and checkouts in process (`git2`, private to this folder), remotes through the `git`
//! program, so that authentication, proxies and `url.insteadOf` are those of the user.
//!
//! [`remote`] asks what there is, [`store`] brings commits, [`survey`] many of them without their files ([`past`] with what lies between them), [`objects`] reads and writes them, [`checkout`] makes folders of
//! trees and trees of folders, [`diff`] compares trees, [`stamp`] and [`history`] make repositories for others to read, [`work`] one to work in.

pub mod checkout;
pub mod diff;
mod error;
pub mod history;
mod kept;
pub mod look;
pub mod merge;
pub mod objects;
mod objects_error;
pub mod past;
mod program;
pub mod remote;
pub mod stamp;
pub mod store;
pub mod survey;
pub mod work;
mod work_git;

pub use error::GitError;

#[cfg(test)]
pub(crate) mod testing;
