//! One run of one program: what to start, and what came of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::error::ExecError;
use super::interrupt::signal_name;
use super::pump::{self, From};
use super::tools::Exec;
use crate::names::{redact, visible};

/// How many bytes [`Run::capture`] keeps of each stream.
pub const OUTPUT_LIMIT: usize = 256 << 20;

/// A line longer than this many bytes is passed on in pieces.
const LINE_LIMIT: usize = 64 << 10;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It ended by itself with this code.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It took longer than it was allowed to and was killed.
    TimedOut,
}

impl Status {
    /// True for exit code 0.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for Status {
    /// A verb: what the program did.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit code {code}"),
            Self::Signalled(signal) => write!(f, "was ended by {}", signal_name(*signal)),
            Self::TimedOut => f.write_str("took too long and was stopped"),
        }
    }
}

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// The command line that ran, without secrets.
    pub command: String,
}

impl Captured {
    /// The same where the program succeeded, else [`ExecError::Failed`] with the last lines of its standard error.
    pub fn checked(self) -> Result<Self, ExecError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(ExecError::Failed { status: self.status, tail: self.stderr_tail(20), command: self.command })
    }

    /// The last `lines` lines of standard error, without secrets and control characters.
    pub fn stderr_tail(&self, lines: usize) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let all: Vec<&str> = text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
        visible(&redact(&all[all.len().saturating_sub(lines)..].join("\n")))
    }
}

/// A program about to be run. Built by value; nothing happens before [`Run::capture`] or [`Run::stream`].
/// Without [`Run::stdin`] its standard input is empty.
#[derive(Debug)]
#[must_use = "a run does nothing before `capture` or `stream`"]
pub struct Run<'a> {
    pub(super) exec: &'a Exec,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) timeout: Option<Duration>,
    pub(super) foreground: bool,
    pub(super) death: Signal,
    pub(super) keep: Vec<Arc<OwnedFd>>,
    shown: String,
    inherit: bool,
    changes: BTreeMap<OsString, Option<OsString>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(exec: &'a Exec, program: PathBuf, shown: String, death: Signal) -> Self {
        Self {
            exec,
            program,
            args: Vec::new(),
            cwd: None,
            stdin: None,
            timeout: None,
            foreground: false,
            death,
            keep: Vec::new(),
            shown,
            inherit: true,
            changes: BTreeMap::new(),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs in this folder instead of forge's own.
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.changes.insert(name.into(), Some(value.into()));
        self
    }

    /// Takes a variable away.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.changes.insert(name.into(), None);
        self
    }

    /// Starts with an empty environment: also what was set so far is gone.
    pub fn env_clear(mut self) -> Self {
        self.inherit = false;
        self.changes.clear();
        self
    }

    /// Feeds these bytes to standard input, then closes it.
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Kills the program (and all that it started) when it is still there after this time.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Lets the program, and all that it starts, inherit this descriptor: a lock that is held through it ends no sooner than
    /// they do, even if forge is killed.
    pub fn keep_open(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.keep.push(Arc::new(descriptor.into()));
        self
    }

    /// Gives the program forge's own terminal: standard streams are inherited, nothing is captured or streamed, Ctrl-C is
    /// for the program. For interactive shells only.
    pub fn foreground(mut self) -> Self {
        self.foreground = true;
        self
    }

    /// The command line, quoted as a POSIX shell takes it, without secrets. The folder is not part of it.
    pub fn shown(&self) -> String {
        let args = self.args.iter().map(|arg| arg.to_string_lossy());
        let words = std::iter::once(self.shown.as_str().into()).chain(args).map(|word: std::borrow::Cow<'_, str>| {
            let word = visible(&redact(&word));
            shlex::Quoter::new().allow_nul(true).quote(&word).map_or_else(|_| word.clone(), |quoted| quoted.into_owned())
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The environment that the child will have.
    pub fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut vars: BTreeMap<OsString, OsString> = BTreeMap::new();
        if self.inherit {
            vars.extend(self.exec.environment().iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => vars.insert(name.clone(), value.clone()),
                None => vars.remove(name),
            };
        }
        vars
    }

    /// The folder that the program runs in, where it is not forge's own.
    pub fn folder(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }

    /// The arguments after the program's name.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// Runs the program and keeps what it prints, at most [`OUTPUT_LIMIT`] bytes of each stream. A non-zero exit is no error.
    pub fn capture(self) -> Result<Captured, ExecError> {
        self.capture_limited(OUTPUT_LIMIT)
    }

    /// Like [`Run::capture`] with another limit, in bytes.
    pub fn capture_limited(self, limit: usize) -> Result<Captured, ExecError> {
        let command = self.shown();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = pump::pump(self, false, &mut |from, bytes| {
            let kept = match from {
                From::Stdout => &mut stdout,
                From::Stderr => &mut stderr,
            };
            if kept.len() + bytes.len() > limit {
                return Err(ExecError::TooMuchOutput { command: command.clone(), limit });
            }
            kept.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(Captured { status, stdout, stderr, command })
    }

    /// Runs the program and gives every line that it prints to `sink` as soon as it is there: standard output and error in
    /// the order in which they were written, without the line's end (`\n`, `\r` or `\r\n`), bytes that are not UTF-8
    /// replaced. A line of more than 64 KiB comes in pieces. The text is the child's own: neither redacted nor made visible.
    pub fn stream(self, sink: &mut dyn FnMut(&str)) -> Result<Status, ExecError> {
        let mut lines = Lines::default();
        let status = pump::pump(self, true, &mut |_, bytes| {
            lines.feed(bytes, sink);
            Ok(())
        })?;
        lines.finish(sink);
        Ok(status)
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
struct Lines {
    partial: Vec<u8>,
    /// A piece of the current line was passed on already: at a `\r`, or because the line was too long.
    cut: bool,
}

impl Lines {
    fn feed(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(&str)) {
        while let Some(at) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            self.push(&bytes[..at], sink);
            let newline = bytes[at] == b'\n';
            // An empty line is a line; nothing before a `\r`, or between `\r` and `\n`, is none.
            if !self.partial.is_empty() || newline && !self.cut {
                sink(&String::from_utf8_lossy(&self.partial));
                self.partial.clear();
                self.cut = true;
            }
            self.cut &= !newline;
            bytes = &bytes[at + 1..];
        }
        self.push(bytes, sink);
    }

    fn push(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(&str)) {
        while self.partial.len() + bytes.len() > LINE_LIMIT {
            let mut take = LINE_LIMIT - self.partial.len();
            // Not in the middle of a UTF-8 character (continuation bytes are 10xxxxxx), which has at most four bytes.
            for _ in 0..3 {
                if take > 0 && bytes[take] & 0xc0 == 0x80 {
                    take -= 1;
                }
            }
            self.partial.extend_from_slice(&bytes[..take]);
            sink(&String::from_utf8_lossy(&self.partial));
            self.partial.clear();
            self.cut = true;
            bytes = &bytes[take..];
        }
        self.partial.extend_from_slice(bytes);
    }

    fn finish(&mut self, sink: &mut dyn FnMut(&str)) {
        if !self.partial.is_empty() {
            sink(&String::from_utf8_lossy(&self.partial));
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut out = Vec::new();
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.feed(chunk, &mut |l| out.push(l.to_owned()));
        }
        lines.finish(&mut |l| out.push(l.to_owned()));
        out
    }

    #[test]
    fn lines_end_at_newline_and_carriage_return() {
        assert_eq!(lines(&[b"a\nb"]), ["a", "b"]);
        assert_eq!(lines(&[b"1%\r2%\r", b"\n\nx\r", b"\n\r\ny"]), ["1%", "2%", "", "x", "", "y"]);
        assert_eq!(lines(&[b"\xc3", b"\xbc\xff\n"]), ["ü\u{fffd}"]);
    }

    #[test]
    fn long_lines_come_in_pieces_and_lose_nothing() {
        let long = "é".repeat(LINE_LIMIT) + "\n\nx";
        let got = lines(&[b"a", long.as_bytes()]);
        assert!(got.iter().all(|l| l.len() <= LINE_LIMIT && !l.contains('\u{fffd}')));
        assert_eq!(got.concat(), format!("a{}x", "é".repeat(LINE_LIMIT)));
        assert_eq!(got.iter().filter(|l| l.is_empty()).count(), 1);
    }
}
