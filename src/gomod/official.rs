//! The Go that forge fetches where there is none, and what it must be. It only has to be able to fetch the others, and to check
//! them against the checksum database.

use crate::names::Target;

/// The release.
pub(super) const BOOTSTRAP: &str = "1.26.7";

/// What a platform's toolchain is known by.
pub(super) struct Official {
    platform: &'static str,
    /// SHA-256 of `https://go.dev/dl/goVERSION.OS-ARCH.tar.gz`, as go.dev lists it.
    pub(super) archive: &'static str,
    /// The sum of `golang.org/toolchain@v0.0.1-goVERSION.OS-ARCH`, as sum.golang.org has it.
    pub(super) module: &'static str,
}

/// The archives' hashes are those of go.dev's list, as Docker's official image and Homebrew have them too; the modules' sums were
/// checked by the go command against the checksum database.
const KNOWN: [Official; 4] = [
    Official {
        platform: "linux/amd64",
        archive: "ffb5f8de10c62550dfddab66b36b57030721e0a44a3218e9e1181d7b59f121ca",
        module: "h1:BbG1DRIqH1ZVMRnQg/4M6jtOJjMFUusUjI+kXRBWqE8=",
    },
    Official {
        platform: "linux/arm64",
        archive: "5a4ec883379d51ee9ce1040d5e87f8d35e20387574dd8c947feb01eabc3c1b37",
        module: "h1:3daC5cZuthisv2y8yd9iERt0sN0KIW5fFKNTbnxpDEA=",
    },
    Official {
        platform: "darwin/amd64",
        archive: "92e8b34bff3c89ab16404c595669ac8cb004cc2f676dcbd1f5b87a6b8def3b47",
        module: "h1:FK6EXnmzSxZIG6nc7bJX2iHVysMyd/xx0AY67uc0kcY=",
    },
    Official {
        platform: "darwin/arm64",
        archive: "020a1e8224811be75163e920bc77e0926a1390a6aeea19bdcf23f74b9d749f6d",
        module: "h1:jWj4WmeR+bP8+MHTebl847bOhnuXofJYymxz4gpwX+c=",
    },
];

/// What is known of the toolchain of a platform.
pub(super) fn official(platform: &Target) -> Option<&'static Official> {
    KNOWN.iter().find(|known| known.platform == platform.to_string())
}
