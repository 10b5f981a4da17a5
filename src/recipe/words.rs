//! The words of `replace` and `require`, which are go.mod's own with `@` before a version.

use super::model::{Replace, Require};
use crate::names::{ComponentName, ModulePath, ModuleQuery, NameError};

/// A replacement or a requirement that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A name in it that its grammar refuses.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A module stands alone, without what replaces it.
    #[error("{text:?} says only what is replaced")]
    NoArrow {
        /// What was written.
        text: String,
    },
    /// More than one arrow.
    #[error("{text:?} has more than one `=>`")]
    Arrows {
        /// What was written.
        text: String,
    },
    /// A replacement module without a version.
    #[error("the replacement {text:?} has no version")]
    NoVersion {
        /// What was written.
        text: String,
    },
    /// A folder with a version or a character that no path should have.
    #[error("the folder {text:?} must be a path without a version, quotes or control characters")]
    Folder {
        /// What was written.
        text: String,
    },
    /// A requirement without a version.
    #[error("the requirement {text:?} has no version")]
    NoRequiredVersion {
        /// What was written.
        text: String,
    },
}

impl WordsError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoArrow { .. } => "write \"OLD => NEW@VERSION\", \"OLD => ../folder\", or the name of a component",
            Self::Arrows { .. } => "each replacement is a string of its own in the list",
            Self::NoVersion { .. } => "write NEW@VERSION, where VERSION may be a branch; a folder begins with ./, ../ or /",
            Self::Folder { .. } => "a folder is written like ../service",
            Self::NoRequiredVersion { .. } => "write MODULE@VERSION, for example a.example/b@v1.2.3",
            Self::Name(_) => return None,
        };
        Some(help.into())
    }
}

/// Reads one entry of `replace`: the name of a component, or `OLD[@VERSION] => NEW@VERSION` or `OLD[@VERSION] => FOLDER`.
pub fn parse_replace(text: &str) -> Result<Replace, WordsError> {
    let shown = || super::wrong::shown(text);
    let text = text.trim();
    let Some((left, right)) = text.split_once("=>") else {
        if text.contains(['/', '@', '=', ' ']) {
            return Err(WordsError::NoArrow { text: shown() });
        }
        return Ok(Replace::Component(ComponentName::new(text)?));
    };
    if right.contains("=>") {
        return Err(WordsError::Arrows { text: shown() });
    }
    let (old, old_version) = module(left.trim())?;
    let right = right.trim();
    if is_folder(right) {
        if right.contains(['@', '"', '\'', '`', '\\']) || right.chars().any(char::is_control) {
            return Err(WordsError::Folder { text: super::wrong::shown(right) });
        }
        return Ok(Replace::Path { old, old_version, folder: right.to_owned() });
    }
    let (new, new_version) = module(right)?;
    let new_version = new_version.ok_or_else(|| WordsError::NoVersion { text: super::wrong::shown(right) })?;
    Ok(Replace::Module { old, old_version, new, new_version })
}

/// Reads one entry of `require`: `MODULE@VERSION`.
pub fn parse_require(text: &str) -> Result<Require, WordsError> {
    let (module, version) = module(text.trim())?;
    let version = version.ok_or_else(|| WordsError::NoRequiredVersion { text: super::wrong::shown(text) })?;
    Ok(Require { module, version })
}

/// As the go command tells a folder from a module.
fn is_folder(text: &str) -> bool {
    matches!(text, "." | "..") || text.starts_with("./") || text.starts_with("../") || text.starts_with('/')
}

/// `MODULE`, `MODULE@VERSION`, or as in go.mod `MODULE VERSION`.
fn module(text: &str) -> Result<(ModulePath, Option<ModuleQuery>), NameError> {
    match text.split_once('@').or_else(|| text.split_once(char::is_whitespace)) {
        Some((path, version)) => Ok((ModulePath::new(path.trim())?, Some(ModuleQuery::new(version.trim())?))),
        None => Ok((ModulePath::new(text)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse_replace(text) {
            Ok(Replace::Component(name)) => format!("component {name}"),
            Ok(Replace::Module { old, old_version, new, new_version }) => {
                format!("{old} {} -> {new} {new_version}", old_version.map(String::from).unwrap_or("*".into()))
            }
            Ok(Replace::Path { old, old_version, folder }) => {
                format!("{old} {} -> {folder}", old_version.map(String::from).unwrap_or("*".into()))
            }
            Err(error) => format!("{error}{}", error.help().map(|h| format!(" ({h})")).unwrap_or_default()),
        }
    }

    #[test]
    fn replacements_read_like_go_mod() {
        let write = "write \"OLD => NEW@VERSION\", \"OLD => ../folder\", or the name of a component";
        for (text, expected) in [
            ("service", "component service".to_owned()),
            ("a.b/c@v1.2.2 => d.e/f@test-nixos", "a.b/c v1.2.2 -> d.e/f test-nixos".into()),
            ("a.b/c=>d.e/f@v1", "a.b/c * -> d.e/f v1".into()),
            ("a.b/c v1.2.2 => d.e/f v1.3.0", "a.b/c v1.2.2 -> d.e/f v1.3.0".into()),
            ("a.b/c => ../dir", "a.b/c * -> ../dir".into()),
            ("a.b/c@v1 => /srv/x y", "a.b/c v1 -> /srv/x y".into()),
            ("a.b/c => .", "a.b/c * -> .".into()),
            ("a.b/c", format!("\"a.b/c\" says only what is replaced ({write})")),
            ("a.b/c@v1=d@v2", format!("\"a.b/c@v1=d@v2\" says only what is replaced ({write})")),
            ("-service", "\"-service\" is not a component name: it must start with a letter or a digit".into()),
            ("", "\"\" is not a component name: it is empty".into()),
            ("a => b@v1 => c@v1", "\"a => b@v1 => c@v1\" has more than one `=>` (each replacement is a string of its own in the list)".into()),
            (
                "a.b/c => d.e/f",
                "the replacement \"d.e/f\" has no version (write NEW@VERSION, where VERSION may be a branch; a folder begins with ./, ../ or /)".into(),
            ),
            (
                "a.b/c => ../d@v1",
                "the folder \"../d@v1\" must be a path without a version, quotes or control characters (a folder is written like ../service)".into(),
            ),
            ("=> d@v1", "\"\" is not a Go module path: 1 to 250 characters are expected".into()),
            ("a@ => d@v1", "\"\" is not a module version: 1 to 250 characters are expected".into()),
            ("a => d@-v1", "\"-v1\" is not a module version: a leading `-` would be read as an option".into()),
            ("a => d@v1@v2", "\"v1@v2\" is not a module version: `@` is not allowed".into()),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn requirements_have_a_version() {
        assert!(parse_require("a.b/c@v1.2.3").is_ok());
        assert_eq!(parse_require("a.b/c").unwrap_err().to_string(), "the requirement \"a.b/c\" has no version");
        assert!(parse_require("a.b/c@").is_err());
        assert!(parse_require("@v1").is_err());
    }
}
