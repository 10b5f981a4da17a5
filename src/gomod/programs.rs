//! The programs of a module: its folders that hold a `package main` with `func main`.

use std::collections::{BTreeMap, BTreeSet};

use crate::gomod::source::GoSource;
use crate::names::Target;

/// The Go packages of a module that lies at the root of a tree, as `go build` sees them: no tests, nothing of `vendor`,
/// `testdata`, nested modules and folders that begin with `_` or `.`.
#[derive(Debug, Default)]
pub struct Packages {
    /// By folder; the root is empty.
    folders: BTreeMap<String, Package>,
}

#[derive(Debug, Default)]
struct Package {
    is_main: bool,
    has_main: bool,
    imports: BTreeSet<String>,
    text: Vec<u8>,
}

/// True for files that belong to a package of the module at the root. `modules` are the folders of nested modules.
pub fn is_of_module(path: &str, modules: &[&str]) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let left_out = |part: &str| part.starts_with(['_', '.']) || part == "testdata" || part == "vendor";
    let nested = modules.iter().any(|module| path.strip_prefix(module).is_some_and(|rest| rest.starts_with('/')));
    let file = path.rsplit('/').next().unwrap_or(path);
    file.ends_with(".go")
        && !file.ends_with("_test.go")
        && !file.starts_with(['_', '.'])
        && !folder.split('/').any(left_out)
        && !nested
}

impl Packages {
    /// Takes a file of the module, by its path in the tree.
    pub fn add(&mut self, path: &str, text: &[u8], target: &Target) {
        let Some(source) = GoSource::read(text, target).filter(|source| !source.excluded) else { return };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let package = self.folders.entry(folder.to_owned()).or_default();
        package.is_main |= source.package == "main";
        package.has_main |= source.package == "main" && source.has_main;
        package.imports.extend(source.imports);
        package.text.extend_from_slice(text);
    }

    /// The programs as `go build` takes them: `.`, `./cmd/x`. Folders that no import path can name are left out, as by go.
    pub fn programs(&self) -> Vec<String> {
        let mains = self.folders.iter().filter(|(folder, package)| package.is_main && package.has_main && can_be_named(folder));
        mains.map(|(folder, _)| if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") }).collect()
    }

    /// True where a package has this identifier somewhere: a variable that the linker sets has to be there.
    pub fn mentions(&self, folder: &str, identifier: &str) -> bool {
        let Some(package) = self.folders.get(folder) else { return false };
        let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        memchr::memmem::find_iter(&package.text, identifier).any(|at| {
            let before = at.checked_sub(1).and_then(|before| package.text.get(before));
            !is_part(before) && !is_part(package.text.get(at + identifier.len()))
        })
    }

    /// The folders that a program is made of, in the module `module`: itself, and what it imports.
    pub fn closure(&self, program: &str, module: &str) -> BTreeSet<&str> {
        let start = program.trim_start_matches('.').trim_start_matches('/');
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = self.folders.get_key_value(start).map(|(folder, _)| folder.as_str()).into_iter().collect();
        while let Some(folder) = open.pop() {
            if found.insert(folder) {
                let inside = self.folders[folder].imports.iter().filter_map(|path| below(path, module));
                open.extend(inside.filter_map(|path| self.folders.get_key_value(path).map(|(folder, _)| folder.as_str())));
            }
        }
        found
    }

    /// True where one of the folders imports `path`.
    pub fn imports(&self, folders: &BTreeSet<&str>, path: &str) -> bool {
        folders.iter().any(|folder| self.folders.get(*folder).is_some_and(|package| package.imports.contains(path)))
    }

    /// True where one of the folders has `text` in a file.
    pub fn has_text(&self, folders: &BTreeSet<&str>, text: &str) -> bool {
        let has =
            |folder: &&str| self.folders.get(*folder).is_some_and(|p| memchr::memmem::find(&p.text, text.as_bytes()).is_some());
        folders.iter().any(has)
    }
}

/// The folder of a package of a module, by its import path.
pub fn below<'p>(path: &'p str, module: &str) -> Option<&'p str> {
    match path.strip_prefix(module)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// After golang.org/x/mod/module.CheckImportPath.
fn can_be_named(folder: &str) -> bool {
    let part = |part: &str| {
        !part.starts_with('-') && !part.ends_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+".contains(&b))
    };
    folder.is_empty() || folder.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(files: &[(&str, &str)]) -> Packages {
        let mut packages = Packages::default();
        for (path, text) in files {
            packages.add(path, text.as_bytes(), &Target::host());
        }
        packages
    }

    #[test]
    fn programs_are_folders_with_main() {
        let main = "package main\nfunc main() {}\n";
        let found = packages(&[
            ("main.go", main),
            ("cmd/a/flags.go", "package main\n"),
            ("cmd/a/main.go", main),
            ("cmd/half/x.go", "package main\n"),
            ("lib/x.go", "package lib\nfunc main() {}\n"),
            ("gen/x.go", "//go:build ignore\n\npackage main\nfunc main() {}\n"),
            ("cmd/we ird/main.go", main),
            ("-x/main.go", main),
        ]);
        assert_eq!(found.programs(), [".", "./cmd/a"]);
    }

    #[test]
    fn only_files_of_the_module_count() {
        let modules = ["tools", "a/b"];
        for path in ["main.go", "cmd/x/main.go", "toolsx/a.go", "a/bc.go"] {
            assert!(is_of_module(path, &modules), "{path}");
        }
        for path in
            ["a_test.go", "x.txt", "vendor/a/b.go", "a/testdata/x.go", "_x/a.go", ".x/a.go", "tools/x.go", "a/b/c/x.go", "_a.go"]
        {
            assert!(!is_of_module(path, &modules), "{path}");
        }
    }

    #[test]
    fn a_program_is_made_of_what_it_imports() {
        let found = packages(&[
            ("cmd/a/main.go", "package main\nimport \"x.example/m/lib\"\nfunc main() {}\n"),
            ("lib/x.go", "package lib\nimport _ \"x.example/m/deep\"\nvar Version string\n"),
            ("deep/x.go", "package deep\nimport \"C\"\n"),
            ("other/x.go", "package other\nimport \"unsafe\"\n"),
        ]);
        let closure = found.closure("./cmd/a", "x.example/m");
        assert_eq!(closure.iter().copied().collect::<Vec<_>>(), ["cmd/a", "deep", "lib"]);
        assert!(found.imports(&closure, "C") && !found.imports(&closure, "unsafe"));
        assert!(found.mentions("lib", "Version") && !found.mentions("lib", "Versio") && !found.mentions("no", "Version"));
    }
}
