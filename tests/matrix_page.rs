//! The page of a matrix as files, for `.ci/page` to look at in a browser: one like that of a real recipe, and one whose every text
//! tries to break out.

use std::fs;
use std::path::Path;

use forge::{matrix, names};

#[path = "../src/matrix/testing.rs"]
mod testing;

#[test]
fn pages_are_files_of_their_own() {
    for (name, matrix) in [("matrix", testing::nixos()), ("hostile", testing::hostile())] {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
        let page = matrix::html(&matrix);
        fs::write(&file, &page).unwrap();
        assert!(page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"));
        // 232 releases: what is the same everywhere is there once.
        assert!(page.len() < 600_000, "{} has {} bytes", file.display(), page.len());
    }
}
