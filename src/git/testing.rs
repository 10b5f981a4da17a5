//! Repositories that tests make with the real git, isolated from the configuration of the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exec::testing::isolated_environment;
use crate::exec::{Environment, Exec, Interrupt, Tool};
use crate::names::{CommitId, GitUrl};

/// An upstream in a temporary folder.
pub(crate) struct Upstream {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) exec: Exec,
}

impl Upstream {
    pub(crate) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(crate) fn with_format(format: &str) -> Self {
        let up = Self { dir: tempfile::tempdir().unwrap(), exec: Exec::new(isolated_environment(), Interrupt::never()) };
        std::fs::create_dir(up.path()).unwrap();
        up.git(&["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        up
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("upstream")
    }

    pub(crate) fn url(&self) -> GitUrl {
        GitUrl::new(format!("file://{}", self.path().display())).unwrap()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.exec, &self.path(), args)
    }

    /// Writes the files (`""` as content of a name that ends in `/` makes nothing) and commits all.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> CommitId {
        CommitId::new(self.commit_only(files, message)).unwrap()
    }

    pub(crate) fn commit_only(&self, files: &[(&str, &str)], message: &str) -> String {
        for (name, content) in files {
            let path = self.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The same door with git settings, as a user's configuration would have them.
    pub(crate) fn exec_with(&self, settings: &[(&str, &str)]) -> Exec {
        let mut vars: Vec<(OsString, OsString)> =
            self.exec.environment().iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        vars.push(("GIT_CONFIG_COUNT".into(), settings.len().to_string().into()));
        for (i, (key, value)) in settings.iter().enumerate() {
            vars.push((format!("GIT_CONFIG_KEY_{i}").into(), (*key).into()));
            vars.push((format!("GIT_CONFIG_VALUE_{i}").into(), (*value).into()));
        }
        Exec::new(Environment::from_vars(vars), Interrupt::never())
    }
}

/// Runs plain git in a folder; it must succeed. Gives its output without the last newline.
pub(crate) fn git(exec: &Exec, dir: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    let run = exec.run(Tool::Git).unwrap().cwd(dir).args(who).args(args.iter().copied());
    let got = run.capture().unwrap().checked().unwrap();
    String::from_utf8(got.stdout).unwrap().trim_end().to_owned()
}
