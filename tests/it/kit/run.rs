//! Running forge, and what it said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use regex::Regex;

/// forge, or another program, with arguments and an environment of its own.
pub(crate) struct Cmd {
    program: PathBuf,
    root: PathBuf,
    cwd: PathBuf,
    vars: BTreeMap<OsString, OsString>,
    args: Vec<OsString>,
}

impl Cmd {
    pub(super) fn new(root: &Path, cwd: PathBuf, vars: BTreeMap<OsString, OsString>, args: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_forge").into();
        Self { program, root: root.to_owned(), cwd, vars, args: args.iter().map(Into::into).collect() }
    }

    /// Another program, by its path, with the same arguments.
    pub(crate) fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    pub(crate) fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = folder.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.vars.remove(std::ffi::OsStr::new(name));
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// As a command of the standard library, with no input.
    pub(crate) fn std(&self) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the kit is the tests' only door to other programs")]
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.cwd).env_clear().envs(&self.vars).stdin(Stdio::null());
        command
    }

    /// Starts it, with its output captured.
    pub(crate) fn spawn(&self) -> Child {
        self.std().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Ran {
        let out = self.std().output().unwrap();
        self.ran(&out)
    }

    /// What a child of [`Cmd::spawn`] left.
    pub(crate) fn ran(&self, out: &Output) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let shown: Vec<_> = self.args.iter().map(|a| a.to_string_lossy()).collect();
        Ran {
            root: self.root.display().to_string(),
            command: format!("{} {}", self.program.file_name().unwrap_or_default().display(), shown.join(" ")),
            code: out.status.code().unwrap_or_else(|| -out.status.signal().unwrap_or_default()),
            stdout: String::from_utf8(out.stdout.clone()).expect("forge prints UTF-8"),
            stderr: String::from_utf8(out.stderr.clone()).expect("forge prints UTF-8"),
        }
    }
}

/// How a run of forge ended.
#[derive(Debug)]
pub(crate) struct Ran {
    root: String,
    command: String,
    /// The exit code; a signal as a negative number.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Everything, for messages of failing tests.
    fn all(&self) -> String {
        format!("$ {}\nexit code {}\n-- stdout\n{}-- stderr\n{}", self.command, self.code, self.stdout, self.stderr)
    }

    /// The exit code must be this one.
    #[track_caller]
    pub(crate) fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// It must have succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> &Self {
        self.code(0)
    }

    /// stderr without line breaks and frames of miette, so that a sentence is found wherever it was wrapped.
    pub(crate) fn said(&self) -> String {
        let bare = self.stderr.replace(['│', '×', '╰', '─', '▶'], " ");
        bare.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// stderr must contain this; line breaks do not matter.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.said().contains(text), "stderr lacks {text:?}\n{}", self.all());
        self
    }

    /// stderr must not contain this.
    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) -> &Self {
        assert!(!self.said().contains(text), "stderr has {text:?}\n{}", self.all());
        self
    }

    /// stdout must contain this.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}\n{}", self.all());
        self
    }

    /// stdout as one JSON document, which names its schema.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let value: serde_json::Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}", self.all()));
        assert_eq!(value["schema"], 1, "{}", self.all());
        value
    }

    /// stdout with `[ROOT]`, `[HASH]`, `[TIME]` and `[GO]` for what differs between runs and machines.
    pub(crate) fn out(&self) -> String {
        self.redacted(&self.stdout)
    }

    /// stderr in the same way.
    pub(crate) fn err(&self) -> String {
        self.redacted(&self.stderr)
    }

    fn redacted(&self, text: &str) -> String {
        static HASH: OnceLock<Regex> = OnceLock::new();
        static TIME: OnceLock<Regex> = OnceLock::new();
        let hash = HASH.get_or_init(|| Regex::new(r"\b([0-9a-f]{64}|[0-9a-f]{40})\b").unwrap());
        let time = TIME.get_or_init(|| Regex::new(r"\b[0-9]+(\.[0-9]+)? (ms|s|min)\b").unwrap());
        let text = text.replace(&self.root, "[ROOT]").replace(super::go_version().trim_start_matches("go"), "[GO]");
        time.replace_all(&hash.replace_all(&text, "[HASH]"), "[TIME]").into_owned()
    }
}
