//! go.mod and the `go` command: its pinned environment, module downloads, the rewriting of go.mod, and the proof that a
//! replacement is in force.

mod bootstrap;
mod edit;
mod file;
mod go;
mod goproxy;
mod host;
mod module;
mod official;
mod pin;
mod programs;
mod rewrite;
mod source;
mod unpack;

pub use bootstrap::{BootstrapError, bootstrap, in_store, managed};
pub use edit::{Operation, Operations};
pub use file::{GoModFile, ModuleVersion};
pub use go::{Go, GoEnv, GoError, lacks_buildvcs, toolchain_of};
pub use host::{GoBin, Lack, MODULE, c_compiler, c_env, find_go};
pub use module::{DownloadedModule, list_versions};
pub use pin::{Pin, scan_pin};
pub use programs::{Packages, below, is_of_module};
pub use rewrite::{RewriteError, Rewritten, complete, download_needed, prove, rewrite};
