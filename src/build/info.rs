//! The build info that Go puts into every binary: the proof of what was linked. Format: the comments of
//! `debug/buildinfo` in Go's own source (inline strings, Go 1.18 and later).

use std::fs::File;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection, ReadCache, ReadRef};

use crate::names::Target;

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Why there is no build info to read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InfoError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is no executable at all.
    #[error("{} is no executable: {reason}", path.display())]
    NoExecutable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is no executable, or none of Go.
    #[error("{} has no Go build info: {reason}", path.display())]
    None {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// One module of a binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoModule {
    /// Its path.
    pub path: String,
    /// Its version.
    pub version: String,
    /// Its `h1:` sum; empty for the main module and for folders.
    pub sum: String,
    /// What stands in its place.
    pub replace: Option<Box<InfoModule>>,
}

/// What `go version -m` prints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildInfo {
    /// The version of Go, with its `go`.
    pub go: String,
    /// Path of the main package.
    pub path: String,
    /// The main module.
    pub main: Option<InfoModule>,
    /// Every other module.
    pub deps: Vec<InfoModule>,
    /// Settings such as `-tags` and `GOOS`.
    pub settings: Vec<(String, String)>,
}

impl BuildInfo {
    /// The module of this path.
    pub fn module(&self, path: &str) -> Option<&InfoModule> {
        self.deps.iter().chain(&self.main).find(|m| m.path == path)
    }
    /// A setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
    /// The platform.
    pub fn target(&self) -> Option<Target> {
        Target::new(&format!("{}/{}", self.setting("GOOS")?, self.setting("GOARCH")?)).ok()
    }
}

/// Reads the build info of a binary.
pub fn read_build_info(path: &Path) -> Result<BuildInfo, InfoError> {
    // Of a file of hundreds of megabytes only the sections that are asked for are read.
    let file = File::open(path).map_err(|source| InfoError::Io { path: path.to_owned(), source })?;
    parse(&ReadCache::new(file)).map_err(|reason| InfoError::None { path: path.to_owned(), reason })
}

fn parse<'d>(data: impl ReadRef<'d>) -> Result<BuildInfo, String> {
    let file = object::File::parse(data).map_err(|e| format!("it is no executable ({e})"))?;
    let named = file.sections().filter(|s| matches!(s.name(), Ok(".go.buildinfo" | "__go_buildinfo" | ".data")));
    for section in named {
        let Ok(data) = section.data() else { continue };
        // The linker aligns the header to 16 bytes.
        for start in (0..data.len()).step_by(16) {
            if data[start..].starts_with(MAGIC)
                && let Some(info) = inline(&data[start..])
            {
                return Ok(info);
            }
        }
    }
    Err("there is none in it".into())
}

fn inline(data: &[u8]) -> Option<BuildInfo> {
    const INLINE: u8 = 2;
    if data.get(15)? & INLINE == 0 {
        return None;
    }
    let mut rest = data.get(32..)?;
    let go = string(&mut rest)?;
    let module = string(&mut rest)?;
    // 16 bytes of marker stand before and behind the text (runtime/debug, modinfo).
    let text = module.get(16..module.len().checked_sub(16)?).unwrap_or_default();
    let mut info = BuildInfo { go: String::from_utf8_lossy(go).into_owned(), ..BuildInfo::default() };
    let mut last_is_main = false;
    for line in String::from_utf8_lossy(text).lines() {
        let mut fields = line.split('\t');
        let kind = fields.next()?;
        let mut field = || fields.next().unwrap_or_default().to_owned();
        match kind {
            "path" => info.path = field(),
            "mod" | "dep" => {
                let module = InfoModule { path: field(), version: field(), sum: field(), replace: None };
                last_is_main = kind == "mod";
                if last_is_main { info.main = Some(module) } else { info.deps.push(module) }
            }
            "=>" => {
                let module = InfoModule { path: field(), version: field(), sum: field(), replace: None };
                let last = if last_is_main { info.main.as_mut() } else { info.deps.last_mut() };
                last?.replace = Some(Box::new(module));
            }
            "build" => {
                let (name, value) = line.strip_prefix("build\t")?.split_once('=')?;
                let unquote = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
                info.settings.push((unquote(name), unquote(value)));
            }
            _ => {}
        }
    }
    Some(info)
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (mut length, mut shift) = (0_usize, 0_u32);
    loop {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(text)
}
