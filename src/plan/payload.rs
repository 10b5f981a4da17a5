//! What is appended to a binary: the zip at the end of another one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::names::{Sha256, WebUrl};

/// A released program, as a lock has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Asset {
    /// Where upstream has it.
    pub asset: WebUrl,
    /// What it is.
    pub sha256: Sha256,
}

/// The zip at the end of a donor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The donor.
    pub donor: PathBuf,
    /// Where the donor comes from, where it is the program that upstream released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Asset>,
    /// Where the zip begins in it: the end of its executable.
    pub start: u64,
    /// The size of the zip in bytes.
    pub size: u64,
    /// The checksum of the zip.
    pub sha256: Sha256,
    /// The CRC-32 of the zip, as a whole: enough to know a copy by, and read as fast as the copy is.
    pub crc32: u32,
    /// How many files are in it.
    pub members: usize,
}

impl Payload {
    /// What it is taken from, in words.
    pub fn origin(&self) -> String {
        match &self.release {
            Some(asset) => format!("{} (sha256 {})", asset.asset, asset.sha256),
            None => self.donor.display().to_string(),
        }
    }
}
