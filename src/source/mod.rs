//! From an origin to a checkout: a tree in the store, verified against what was asked for.

mod checkout;
mod folder;
mod releases;

pub use checkout::{Checkout, GitCheckout, SourceError, as_module, from_git, from_module};
pub use folder::{digest_folder, digest_project_folder, folder_releases, from_folder, from_project_folder};
pub use releases::{Chosen, check_tag, choose, choose_release};
