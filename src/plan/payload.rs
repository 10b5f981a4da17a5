//! What is appended to a binary: the zip at the end of another one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::names::Sha256;

/// The zip at the end of a donor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The donor.
    pub donor: PathBuf,
    /// Where the zip begins in it: the end of its executable.
    pub start: u64,
    /// The size of the zip in bytes.
    pub size: u64,
    /// The checksum of the zip.
    pub sha256: Sha256,
    /// How many files are in it.
    pub members: usize,
}
