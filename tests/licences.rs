//! What forge is made of may be given away under its own licence, compiles with the Rust that it promises, and comes from
//! crates.io alone.

use std::collections::BTreeSet;

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// Licences whose terms an Apache-2.0 program can keep.
const COMPATIBLE: [&str; 9] =
    ["0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];

/// Crates that bring a C library along: its licence is not in the manifest.
const BUNDLED: [(&str, &str); 5] = [
    ("libgit2-sys", "libgit2: GPL-2.0 with an exception that lets its compiled form be linked into any program"),
    ("libz-sys", "zlib: Zlib"),
    ("ring", "BoringSSL's cryptography, for https: Apache-2.0 AND ISC, as its manifest says"),
    ("tree-sitter", "the parser's runtime: MIT; in it parts of ICU, under Unicode's licence"),
    ("tree-sitter-language", "a name for grammars, no library of its own"),
];

/// The packages that this machine's forge and its tests are made of: those of others need not be downloaded. Neither network nor a change of Cargo.lock.
fn metadata() -> Metadata {
    #[expect(clippy::disallowed_methods, reason = "Cargo tells a test nothing about the machine that it runs on")]
    let rustc = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(rustc.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let options = ["--locked", "--offline", "--filter-platform", host].map(str::to_owned);
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(options)
        .exec()
        .unwrap()
}

fn named(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// Whether a licence expression leaves a choice that is compatible. SPDX: AND binds tighter than OR; `/` is an old OR.
fn is_compatible(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let fits = any(&words, &mut at);
    assert_eq!(at, words.len(), "{expression:?} is no licence expression");
    fits
}

fn any(words: &[&str], at: &mut usize) -> bool {
    let mut fits = all(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        fits |= all(words, at);
    }
    fits
}

fn all(words: &[&str], at: &mut usize) -> bool {
    let mut fits = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        fits &= one(words, at);
    }
    fits
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let word = words.get(*at).expect("a licence");
    *at += 1;
    if *word == "(" {
        let fits = any(words, at);
        assert_eq!(words.get(*at), Some(&")"));
        *at += 1;
        return fits;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words[*at + 1]);
        *at += 2;
    }
    COMPATIBLE.contains(&licence.as_str())
}

#[test]
fn licence_expressions_are_read() {
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-2.0) AND Zlib", "Apache-2.0 WITH LLVM-exception"] {
        assert!(is_compatible(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT AND MPL-2.0) OR LGPL-2.1", "GPL-2.0 WITH Classpath-exception-2.0"] {
        assert!(!is_compatible(bad), "{bad}");
    }
}

#[test]
fn every_licence_goes_with_apache_2_0() {
    let fits = |p: &Package| p.license.as_deref().is_some_and(is_compatible);
    let metadata = metadata();
    none(metadata.packages.iter().filter(|p| !fits(p)).map(|p| format!("{}: {:?}", named(p), p.license)).collect());
    let links: BTreeSet<&str> = metadata.packages.iter().filter(|p| p.links.is_some()).map(|p| p.name.as_str()).collect();
    let known = |name: &&str| BUNDLED.iter().any(|(known, _)| known == name);
    let unknown = links.into_iter().filter(|name| !known(name));
    none(unknown.map(|name| format!("{name} links a library: look at that library's licence, too")).collect());
}

#[test]
fn nothing_needs_a_newer_rust_than_is_promised() {
    let metadata = metadata();
    let ours = metadata.root_package().and_then(|p| p.rust_version.clone()).expect("Cargo.toml has a rust-version");
    let newer = |p: &&Package| p.rust_version.as_ref().is_some_and(|theirs| *theirs > ours);
    none(metadata.packages.iter().filter(newer).map(|p| format!("{} needs Rust {:?}", named(p), p.rust_version)).collect());
}

#[test]
fn everything_comes_from_crates_io() {
    let from = |p: &Package| p.source.as_ref().is_none_or(|s| s.repr == "registry+https://github.com/rust-lang/crates.io-index");
    let metadata = metadata();
    none(metadata.packages.iter().filter(|p| !from(p)).map(|p| format!("{}: {:?}", named(p), p.source)).collect());
    let local: Vec<String> = metadata.packages.iter().filter(|p| p.source.is_none()).map(named).collect();
    assert_eq!(local, [concat!("k0s-forge ", env!("CARGO_PKG_VERSION"))]);
}
