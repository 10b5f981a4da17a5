//! Pure from here: the lock as a file and as a value, the argument list of `go build`, and the plan. No I/O in this folder.

mod args;
mod key;
mod lock;
mod make;
mod make_line;
mod model;
mod payload;
mod script;

pub use args::{ArgsError, EditArgs, GoArgs};
pub(crate) use key::hex;
pub use key::{BuildKey, KeyBuilder};
pub use lock::{BuildLock, FromMake, Lock, LockChange, LockEntry, LockError, ModLock, Origin, Pick};
pub use make::{ENGINE_ENV, MakeBuild, MakeLock};
pub use make_line::{MakeLine, MakeLineError, go_build_line};
pub use model::{BuildPlan, GoBuild, Host, Part, Plan, PlanError, Request, Sources, edit_args, plan_build};
pub use payload::{Asset, Payload};
pub use script::{Diffs, STAMP_MESSAGE, script};
