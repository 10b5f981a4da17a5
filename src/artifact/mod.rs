//! Finished builds: kept in the store under their build key, delivered to the output folder with a checksum.

mod deliver;
mod record;

pub use deliver::{ArtifactError, Delivered, deliver, delivered_already};
pub use record::{Record, Stored, find, keep, sha256_bytes, sha256_file};
