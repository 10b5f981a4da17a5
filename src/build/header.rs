//! The header of an executable: the system, processor and byte order that it is made for. Says of a file whose it is also
//! where its build info is silent or was carried over from elsewhere.

use std::fs::File;
use std::path::Path;

use object::{Architecture, BinaryFormat, Endianness, Object, ReadCache};

use crate::build::info::InfoError;
use crate::names::Target;

/// What an executable is, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    format: BinaryFormat,
    architecture: Architecture,
    wide: bool,
    endianness: Endianness,
}

/// What is wrong with the header of a binary for this platform; `None` where it is as it should be, and for platforms whose
/// headers are not known here.
pub(in crate::build) fn wrong_header(binary: &Path, target: &Target) -> Result<Option<String>, InfoError> {
    let Some(wanted) = wanted(target) else { return Ok(None) };
    let file = File::open(binary).map_err(|source| InfoError::Io { path: binary.to_owned(), source })?;
    let found = Header::read(&ReadCache::new(file))
        .map_err(|error| InfoError::NoExecutable { path: binary.to_owned(), reason: error.to_string() })?;
    let is_wrong = found != wanted;
    Ok(is_wrong.then(|| format!("header: it is {}, wanted {} for {target}", found.shown(), wanted.shown())))
}

/// What Go makes for a platform: `go tool dist list`, and the linkers' `cmd/link/internal/ld`.
fn wanted(target: &Target) -> Option<Header> {
    use Architecture as A;
    let (architecture, wide, endianness) = match target.arch() {
        "386" => (A::I386, false, Endianness::Little),
        "amd64" => (A::X86_64, true, Endianness::Little),
        "arm" => (A::Arm, false, Endianness::Little),
        "arm64" => (A::Aarch64, true, Endianness::Little),
        "loong64" => (A::LoongArch64, true, Endianness::Little),
        "ppc64" => (A::PowerPc64, true, Endianness::Big),
        "ppc64le" => (A::PowerPc64, true, Endianness::Little),
        "riscv64" => (A::Riscv64, true, Endianness::Little),
        "s390x" => (A::S390x, true, Endianness::Big),
        _ => return None,
    };
    let format = match target.os() {
        "windows" => BinaryFormat::Pe,
        "darwin" | "ios" => BinaryFormat::MachO,
        "android" | "dragonfly" | "freebsd" | "illumos" | "linux" | "netbsd" | "openbsd" | "solaris" => BinaryFormat::Elf,
        _ => return None,
    };
    Some(Header { format, architecture, wide, endianness })
}

impl Header {
    fn read<'d>(data: impl object::ReadRef<'d>) -> object::Result<Self> {
        let file = object::File::parse(data)?;
        Ok(Self { format: file.format(), architecture: file.architecture(), wide: file.is_64(), endianness: file.endianness() })
    }

    fn shown(self) -> String {
        let order = if self.endianness == Endianness::Little { "little-endian" } else { "big-endian" };
        let bits = if self.wide { 64 } else { 32 };
        format!("{:?} of {bits} bits, {:?}, {order}", self.format, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of an ELF file without anything behind it (class, data and machine as in the System V ABI).
    fn elf(class: u8, data: u8, machine: u16) -> Vec<u8> {
        let number = |n: u16| if data == 1 { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut out = vec![0; 64];
        out[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, data, 1]);
        out[16..18].copy_from_slice(&number(2));
        out[18..20].copy_from_slice(&number(machine));
        out
    }

    #[test]
    fn an_elf_header_fits_one_platform_alone() {
        let made = [
            ("386", elf(1, 1, 3)),
            ("amd64", elf(2, 1, 62)),
            ("arm", elf(1, 1, 40)),
            ("arm64", elf(2, 1, 183)),
            ("loong64", elf(2, 1, 258)),
            ("ppc64", elf(2, 2, 21)),
            ("ppc64le", elf(2, 1, 21)),
            ("riscv64", elf(2, 1, 243)),
            ("s390x", elf(2, 2, 22)),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (arch, bytes) in &made {
            let path = folder.path().join(arch);
            std::fs::write(&path, bytes).unwrap();
            for (other, _) in &made {
                let target = Target::new(&format!("linux/{other}")).unwrap();
                let wrong = wrong_header(&path, &target).unwrap();
                assert_eq!(wrong.is_none(), arch == other, "{arch} for {other}: {wrong:?}");
            }
            for os in ["windows", "darwin"] {
                let target = Target::new(&format!("{os}/{arch}")).unwrap();
                assert!(wrong_header(&path, &target).unwrap().is_some(), "{os}/{arch}");
            }
        }
        let target = Target::new("linux/amd64").unwrap();
        let said = wrong_header(&folder.path().join("s390x"), &target).unwrap().unwrap();
        let (found, wanted) = ("Elf of 64 bits, S390x, big-endian", "Elf of 64 bits, X86_64, little-endian");
        assert_eq!(said, format!("header: it is {found}, wanted {wanted} for linux/amd64"));
    }

    #[test]
    fn what_is_no_executable_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let target = Target::new("linux/amd64").unwrap();
        assert!(matches!(wrong_header(&path, &target), Err(InfoError::NoExecutable { .. })));
        assert_eq!(wrong_header(&path, &Target::new("js/wasm").unwrap()).unwrap(), None);
    }
}
