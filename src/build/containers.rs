//! Containers of a build: upstream's make calls `docker`, and gets a door in front of it that marks every container with the
//! build's work folder. Containers are no children of forge; by the mark they are found and ended with the build, and those
//! that a killed forge left, by the next one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::compile::BuildError;
use crate::exec::{EngineObject, Exec, ExecError, Marked, Tool};
use crate::gomod::GoEnv;
use crate::plan::ENGINE_ENV;

/// The mark: a label whose value is the work folder.
const LABEL: &str = "forge.work";

/// How long the engine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// docker, or podman where that is all there is.
pub fn engine(exec: &Exec) -> Result<Tool, ExecError> {
    match exec.find(Tool::Docker) {
        Ok(_) => Ok(Tool::Docker),
        Err(missing) => exec.find(Tool::Podman).map(|_| Tool::Podman).map_err(|_| missing),
    }
}

/// The containers of one build. Dropped, it ends them.
pub(in crate::build) struct Containers<'a> {
    exec: &'a Exec,
    engine: Tool,
    work: PathBuf,
}

impl<'a> Containers<'a> {
    /// Puts the door into the work folder, and ends what builds without a work folder left running.
    pub(in crate::build) fn begin(exec: &'a Exec, work: &Path) -> Result<Self, BuildError> {
        let engine = engine(exec)?;
        let program = exec.find(engine)?;
        let door = work.join("bin/docker");
        let fail = BuildError::io(&door);
        fs::create_dir_all(work.join("bin")).map_err(&fail)?;
        let quoted = |path: &Path| shlex::try_quote(&path.to_string_lossy()).map_or_else(|_| String::new(), |q| q.into_owned());
        let mark = format!("--label {LABEL}={}", quoted(work));
        let program = quoted(&program);
        let text = format!(
            "#!/bin/sh\n\
             case ${{1-}} in\n\
             run | create) verb=$1 && shift && exec {program} \"$verb\" {mark} \"$@\" ;;\n\
             container) case ${{2-}} in run | create) verb=$2 && shift 2 && exec {program} container \"$verb\" {mark} \"$@\" ;; esac ;;\n\
             esac\n\
             exec {program} \"$@\"\n"
        );
        fs::write(&door, text).map_err(&fail)?;
        fs::set_permissions(&door, fs::Permissions::from_mode(0o755)).map_err(&fail)?;
        let containers = Self { exec, engine, work: work.to_owned() };
        containers.sweep();
        Ok(containers)
    }

    /// What make needs to find the engine: the door comes first in PATH.
    pub(in crate::build) fn add_to(&self, env: &mut GoEnv) {
        let mut path = OsString::from(self.work.join("bin"));
        if let Some(rest) = self.exec.environment().get("PATH") {
            path.push(":");
            path.push(rest);
        }
        env.set("PATH", path);
        for name in ENGINE_ENV {
            if let Some(value) = self.exec.environment().get(name) {
                env.set(name, value);
            }
        }
    }

    /// Ends and removes every container of this build. One that is being made at this moment shows up in the second look.
    pub(in crate::build) fn end(&self) {
        let work = self.work.display().to_string();
        for look in 0..2 {
            let found = self.marked(Some(&work));
            if found.is_empty() && (look > 0 || self.exec.interrupt().check().is_ok()) {
                return;
            }
            self.remove(&found);
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Ends the containers whose work folder is gone.
    fn sweep(&self) {
        self.remove(self.marked(None).iter().filter(|one| !Path::new(&one.mark).exists()));
    }

    /// Containers of one work folder, or of all. An engine that does not answer has nothing that could be ended.
    fn marked(&self, work: Option<&str>) -> Vec<Marked> {
        EngineObject::Container.marked(LABEL, work, &|words| self.ask(words))
    }

    fn remove<'m>(&self, containers: impl IntoIterator<Item = &'m Marked>) {
        EngineObject::Container.remove(containers, &|words| self.ask(words));
    }

    /// What the engine prints, whether it can do it or not.
    fn ask(&self, words: &[&str]) -> Option<String> {
        let exec = self.exec.for_cleaning_up();
        let done = exec.run(self.engine).ok()?.args(words.iter().copied()).timeout(PATIENCE).capture().ok()?;
        Some(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Gives files of other users to this one, by a container that may. Gives one that stays another's.
    pub(in crate::build) fn take_over(&self, tree: &Path, image: Option<&str>) -> Option<PathBuf> {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let foreign = foreign(tree, user)?;
        let (Some(image), Some(path)) = (image, tree.to_str()) else { return Some(foreign) };
        let (volume, owner) = (format!("{path}:{path}"), format!("{user}:{group}"));
        self.ask(&["run", "--rm", "--user", "0:0", "--entrypoint", "chown", "-v", &volume, "--", image, "-R", &owner, path]);
        self::foreign(tree, user)
    }
}

impl Drop for Containers<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.work.join("bin/docker"));
    }
}

/// A file below `folder` that belongs to somebody else.
fn foreign(folder: &Path, user: u32) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let (path, Ok(meta)) = (entry.path(), entry.metadata()) else { continue };
        if meta.uid() != user {
            return Some(path);
        }
        if meta.is_dir()
            && let Some(found) = foreign(&path, user)
        {
            return Some(found);
        }
    }
    None
}
