//! The operations of a recipe on go.mod, in the words of `go mod edit`.

use crate::gomod::file::{GoModFile, ModuleVersion};
use crate::names::{GoVersion, ModulePath, ModuleQuery, RelPath};
use crate::plan::EditArgs;

/// One change to go.mod, with every version exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `old[@version] => ./dir`: a folder inside the main tree.
    ReplaceByFolder {
        /// The module that is replaced.
        old: ModulePath,
        /// Only this version of it.
        old_version: Option<ModuleQuery>,
        /// The folder, relative to the tree.
        folder: RelPath,
    },
    /// `old[@version] => new@version`
    ReplaceByModule {
        /// The module that is replaced.
        old: ModulePath,
        /// Only this version of it.
        old_version: Option<ModuleQuery>,
        /// The replacement.
        new: ModulePath,
        /// Its exact version.
        new_version: ModuleQuery,
    },
    /// `require module version`
    Require {
        /// The module.
        module: ModulePath,
        /// Its exact version.
        version: ModuleQuery,
    },
    /// The `go` line.
    Go(GoVersion),
}

impl Operation {
    /// The module that this replaces and what has to stand in its place.
    pub fn replacement(&self) -> Option<(&ModulePath, Option<&ModuleQuery>, ModuleVersion)> {
        match self {
            Self::ReplaceByFolder { old, old_version, folder } => {
                Some((old, old_version.as_ref(), ModuleVersion { path: format!("./{folder}"), version: String::new() }))
            }
            Self::ReplaceByModule { old, old_version, new, new_version } => {
                Some((old, old_version.as_ref(), ModuleVersion { path: new.to_string(), version: new_version.to_string() }))
            }
            Self::Require { .. } | Self::Go(_) => None,
        }
    }
}

/// All operations of a component, in the recipe's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Operations {
    /// The edits.
    pub edits: Vec<Operation>,
    /// Whether `go mod tidy` runs after them.
    pub tidy: bool,
}

impl Operations {
    /// True where go.mod stays as it is.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && !self.tidy
    }

    /// The arguments for `go mod edit`. Replacements that `file` already has for the same module are dropped where they would
    /// win over ours: one that names a version on the left beats one that does not.
    pub fn edit_args(&self, file: &GoModFile) -> EditArgs {
        let mut args = Vec::new();
        for edit in &self.edits {
            match edit {
                Operation::ReplaceByFolder { .. } | Operation::ReplaceByModule { .. } => {
                    let Some((old, old_version, new)) = edit.replacement() else { continue };
                    if old_version.is_none() {
                        for there in file.replaced(old).into_iter().filter(|there| !there.version.is_empty()) {
                            args.push(format!("-dropreplace={}@{}", there.path, there.version));
                        }
                    }
                    let at = |v: &str| if v.is_empty() { String::new() } else { format!("@{v}") };
                    let left = format!("{old}{}", at(old_version.map_or("", ModuleQuery::as_str)));
                    args.push(format!("-replace={left}={}{}", new.path, at(&new.version)));
                }
                Operation::Require { module, version } => args.push(format!("-require={module}@{version}")),
                Operation::Go(version) => args.push(format!("-go={}", go_line(version))),
            }
        }
        EditArgs(args)
    }
}

/// The `go` line that asks for this version: before 1.21 it names the language only, and an older go refuses more
/// (<https://go.dev/ref/mod#go-mod-file-go>).
fn go_line(version: &GoVersion) -> String {
    let mut parts = version.as_str().split('.');
    match (parts.next(), parts.next().map(|m| (m, m.parse::<u32>()))) {
        (Some(major), Some((minor, Ok(number)))) if number < 21 => format!("{major}.{minor}"),
        _ => version.to_string(),
    }
}
