//! Tells Cargo that the recipes, patches and demo sources are part of the program.

#![expect(clippy::disallowed_macros, reason = "a build script talks to Cargo by printing")]

fn main() {
    for folder in ["recipes", "patches", "demo"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
