//! Platforms that are not this machine's: what comes out is what was asked for, by its header too.

use std::fs;

use crate::kit::{Program, Sandbox, names};

/// The first bytes of ELF, PE and Mach-O files, and where the machine stands in them: ELF at 18 (System V ABI), PE four bytes
/// behind the offset at 0x3c (PE format, 3.3), Mach-O at 4 (mach-o/loader.h).
fn machine(bytes: &[u8]) -> (&'static str, u32) {
    let short = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    match bytes[..4] {
        [0x7f, b'E', b'L', b'F'] => ("ELF", short(18)),
        [b'M', b'Z', ..] => ("PE", short(long(0x3c) as usize + 4)),
        [0xcf, 0xfa, 0xed, 0xfe] => ("Mach-O", long(4)),
        _ => ("nothing known", 0),
    }
}

#[test]
fn foreign_platforms_share_a_tree_and_have_their_own_headers() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let prepared = sandbox.root().join("prepared");
    sandbox.edit(
        "recipes/upstreams/app.toml",
        "packages",
        &format!("prepare = [[\"sh\", \"-c\", \"echo x >> {}\"]]\npackages", prepared.display()),
    );
    let wanted = [
        ("linux/arm", "", ("ELF", 40)),
        ("linux/riscv64", "", ("ELF", 243)),
        ("windows/amd64", ".exe", ("PE", 0x8664)),
        ("darwin/arm64", "", ("Mach-O", 0x0100_000c)),
    ];
    let mut args = vec!["build", "--json", "--jobs", "2"];
    args.extend(wanted.iter().flat_map(|(target, ..)| ["--target", target]));
    let ran = sandbox.forge(&args);
    let artifacts = ran.ok().artifacts();
    assert_eq!(artifacts.len(), wanted.len());
    for (artifact, (target, exe, header)) in artifacts.iter().zip(wanted) {
        assert_eq!(artifact["target"], target);
        let path = format!("dist/app-v1.2.3-app-{}{exe}", target.replace('/', "-"));
        assert_eq!(artifact["path"], path);
        assert_eq!(machine(&fs::read(sandbox.project().join(&path)).unwrap()), header, "{target}");
    }
    assert_eq!(fs::read_to_string(prepared).unwrap(), "x\n", "one tree was prepared, once");
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_make_that_ignores_the_platform_is_refused() {
    let sandbox = Sandbox::new();
    let up = sandbox.upstream("app", Program { makefile: true, ..Program::default() });
    let host = "app:\n\tenv -u GOOS -u GOARCH CGO_ENABLED=0 go build -o app .\n";
    up.release_with("v1.2.3", &[("Makefile", host)]);
    // A binary of this machine with build info that says something else: only its header tells.
    up.release_with("v1.2.4", &[("Makefile", &format!("{host}\tsed -i s/GOARCH=amd64/GOARCH=arm64/ app\n"))]);
    up.release_with("v1.2.5", &[("Makefile", "app:\n\tprintf '#!/bin/sh\\n' > app\n")]);
    let block = "[[build]]\ndriver = \"make\"\ngoal = \"app\"\noutput = \"app\"\n";
    sandbox.write("recipes/upstreams/app.toml", &format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n{block}", up.url()));
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    let ran = sandbox.forge(&["build", "app@v1.2.3", "--target", "linux/s390x"]);
    ran.code(5).says("header: it is Elf of 64 bits").says("wanted Elf of 64 bits, S390x, big-endian for linux/s390x");
    ran.says("build info: built for linux/").says("wanted linux/s390x");
    if cfg!(target_arch = "x86_64") {
        let ran = sandbox.forge(&["build", "app@v1.2.4", "--target", "linux/arm64"]);
        ran.code(5).says("header: it is Elf of 64 bits, X86_64").lacks("build info:");
    }
    let ran = sandbox.forge(&["build", "app@v1.2.5", "--target", "linux/arm64"]);
    ran.code(5).says("is no executable");
    assert!(!sandbox.has("dist") || names(&sandbox.project().join("dist")).is_empty());
}
