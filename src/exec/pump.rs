//! Starts a child, moves bytes to and from it, and sees to its end. One thread polls all that can happen; a second one only
//! waits for the leader, without reaping it, so that the number of its group stays ours until the group is dead.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use signal_hook::consts::SIGINT;

use super::error::ExecError;
use super::interrupt::Interrupted;
use super::run::{Run, Status};

/// How long a child may take to end after TERM.
const GRACE: Duration = Duration::from_secs(3);

/// How much is read after the leader's end: all that a pipe can hold, but not all that a stray writer can write.
const AFTERMATH: usize = 4 << 20;

/// The stream that bytes came from. All is `Stdout` where the two are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Stdout,
    Stderr,
}

type Take<'t> = &'t mut dyn FnMut(From, &[u8]) -> Result<(), ExecError>;

/// Why the child is being ended before its time.
enum Stopping {
    Interrupted(Interrupted),
    TimedOut,
}

/// Runs to the end. `take` gets all output; its error ends the child.
pub(super) fn pump(mut run: Run<'_>, merged: bool, take: Take<'_>) -> Result<Status, ExecError> {
    run.exec.interrupt().check()?;
    let command = run.shown();
    let lost = |source: io::Error| ExecError::Io { command: command.clone(), source };

    let mut pipes = Pipes::default();
    let expression = prepare(&mut run, merged, &mut pipes).map_err(lost)?;
    let handle = start(&expression).map_err(|source| match &run.cwd {
        Some(cwd) if !cwd.is_dir() => ExecError::NoFolder { command: command.clone(), cwd: cwd.clone() },
        _ => ExecError::Spawn { command: command.clone(), source },
    })?;
    drop(expression); // and with it our copies of the child's ends of the pipes

    let pid = handle.pids().first().and_then(|pid| Pid::from_raw(*pid as i32)).expect("a started program has a number");
    std::thread::scope(|scope| {
        let mut child = Child { handle, pid, grouped: !run.foreground, reaped: false };
        let (done, alive) = io::pipe().map_err(lost)?;
        std::thread::Builder::new()
            .name("wait".into())
            .spawn_scoped(scope, move || {
                wait_without_reaping(pid);
                drop(alive);
            })
            .map_err(lost)?;
        let stopped = attend(&run, &child, &mut pipes, &done, take).map_err(|e| e.or_lost(lost))?;
        child.signal(Signal::KILL); // what the leader left behind
        if !matches!(stopped, Some(Stopping::Interrupted(_))) {
            pipes.drain(AFTERMATH, take).map_err(|e| e.or_lost(lost))?;
        }
        let status = child.reap().map_err(lost)?;
        match stopped {
            Some(Stopping::Interrupted(interrupted)) => Err(interrupted.into()),
            Some(Stopping::TimedOut) => Ok(Status::TimedOut),
            None => Ok(status),
        }
    })
}

/// An error of the pipes, or one that `take` returned.
enum Trouble {
    Pipe(io::Error),
    Taker(ExecError),
}

impl Trouble {
    fn or_lost(self, lost: impl Fn(io::Error) -> ExecError) -> ExecError {
        match self {
            Self::Pipe(error) => lost(error),
            Self::Taker(error) => error,
        }
    }
}

/// Moves bytes until the leader has ended (or, after a signal that it does not heed, must be killed).
fn attend(
    run: &Run<'_>,
    child: &Child,
    pipes: &mut Pipes,
    done: &PipeReader,
    take: Take<'_>,
) -> Result<Option<Stopping>, Trouble> {
    let interrupt = run.exec.interrupt();
    let limit = run.timeout.and_then(|t| Instant::now().checked_add(t));
    let mut stopping: Option<(Stopping, Instant)> = None;
    loop {
        let mut fds = vec![PollFd::from_borrowed_fd(done.as_fd(), PollFlags::IN)];
        // After the first signal nothing more is to be learned from it.
        fds.extend(interrupt.bell().filter(|_| stopping.is_none()).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        fds.extend(pipes.interests().map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)));
        let until = stopping.as_ref().map(|(_, grace)| *grace).or(limit);
        let wait = until.map(|at| timespec(at.saturating_duration_since(Instant::now())));
        match poll(&mut fds, wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Trouble::Pipe(errno.into())),
        }
        let ended = !fds[0].revents().is_empty();
        drop(fds);
        pipes.serve(take)?;
        if ended {
            return Ok(stopping.map(|(why, _)| why));
        }
        match &stopping {
            Some((_, grace)) if Instant::now() >= *grace => {
                return Ok(stopping.map(|(why, _)| why));
            }
            Some(_) => {}
            None => match interrupt.check() {
                // The keys that interrupt forge interrupted the program in the foreground already.
                Err(Interrupted { signal: SIGINT }) if run.foreground => interrupt.forgive(),
                Err(interrupted) => {
                    child.signal(Signal::TERM);
                    child.signal(Signal::CONT); // a stopped process would not hear TERM
                    stopping = Some((Stopping::Interrupted(interrupted), Instant::now() + GRACE));
                }
                Ok(()) if limit.is_some_and(|limit| Instant::now() >= limit) => return Ok(Some(Stopping::TimedOut)),
                Ok(()) => {}
            },
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    // poll(2) counts milliseconds on some systems; a rounded-down rest would spin.
    Timespec { tv_sec: duration.as_secs().min(1 << 30) as i64, tv_nsec: i64::from(duration.subsec_nanos()) }
}

/// Our ends of the child's pipes. All are non-blocking.
#[derive(Default)]
struct Pipes {
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
    stdin: Option<(PipeWriter, Vec<u8>, usize)>,
}

impl Pipes {
    fn interests(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let readers = [&self.stdout, &self.stderr].into_iter().flatten().map(|r| (r.as_fd(), PollFlags::IN));
        readers.chain(self.stdin.iter().map(|(w, ..)| (w.as_fd(), PollFlags::OUT)))
    }

    /// Moves what can be moved now, one buffer of each stream.
    fn serve(&mut self, take: Take<'_>) -> Result<usize, Trouble> {
        let mut moved = 0;
        for (from, slot) in [(From::Stdout, &mut self.stdout), (From::Stderr, &mut self.stderr)] {
            let Some(reader) = slot else { continue };
            let mut buffer = [0; 64 << 10];
            match reader.read(&mut buffer) {
                Ok(0) => *slot = None,
                Ok(n) => {
                    moved += n;
                    take(from, &buffer[..n]).map_err(Trouble::Taker)?;
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(e) => return Err(Trouble::Pipe(e)),
            }
        }
        if let Some((writer, bytes, at)) = &mut self.stdin {
            match writer.write(&bytes[*at..]) {
                Ok(n) => *at += n,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                // A program need not read all that it is given.
                Err(e) if e.kind() == ErrorKind::BrokenPipe => *at = bytes.len(),
                Err(e) => return Err(Trouble::Pipe(e)),
            }
            if *at == bytes.len() {
                self.stdin = None;
            }
        }
        Ok(moved)
    }

    /// Reads what is left in the pipes, without waiting for more.
    fn drain(&mut self, limit: usize, take: Take<'_>) -> Result<(), Trouble> {
        self.stdin = None;
        let mut total = 0;
        while total < limit {
            match self.serve(take)? {
                0 => break,
                n => total += n,
            }
        }
        Ok(())
    }
}

/// A started program. Dropped before it was reaped (an error, a panic of the taker), it is killed with its group.
struct Child {
    handle: duct::Handle,
    pid: Pid,
    grouped: bool,
    reaped: bool,
}

impl Child {
    /// Signals the whole group. That it is gone already, or that macOS forbids to signal a zombie, is no error.
    fn signal(&self, signal: Signal) {
        let _ = if self.grouped { kill_process_group(self.pid, signal) } else { kill_process(self.pid, signal) };
    }

    fn reap(&mut self) -> io::Result<Status> {
        self.reaped = true;
        let status = self.handle.wait()?.status;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Status::Exited(code),
            (None, signal) => Status::Signalled(signal.unwrap_or_default()),
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            let _ = self.reap();
        }
    }
}

/// Returns when the process has ended, and leaves it a zombie: its number cannot be given to another one meanwhile.
fn wait_without_reaping(pid: Pid) {
    while matches!(waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT), Err(rustix::io::Errno::INTR)) {}
}

fn prepare(run: &mut Run<'_>, merged: bool, pipes: &mut Pipes) -> io::Result<duct::Expression> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    let mut expression = duct::cmd(&run.program, &run.args).full_env(run.environment()).unchecked();
    if let Some(cwd) = &run.cwd {
        expression = expression.dir(cwd);
    }
    if !run.foreground {
        let (reader, writer) = io::pipe()?;
        fcntl_setfl(&reader, OFlags::NONBLOCK)?;
        pipes.stdout = Some(reader);
        expression = if merged {
            expression.stderr_to_stdout().stdout_file(writer)
        } else {
            let (reader, errors) = io::pipe()?;
            fcntl_setfl(&reader, OFlags::NONBLOCK)?;
            pipes.stderr = Some(reader);
            expression.stdout_file(writer).stderr_file(errors)
        };
        expression = match run.stdin.take() {
            Some(bytes) => {
                let (reader, writer) = io::pipe()?;
                fcntl_setfl(&writer, OFlags::NONBLOCK)?;
                pipes.stdin = Some((writer, bytes, 0));
                expression.stdin_file(reader)
            }
            None => expression.stdin_null(),
        };
    }
    let (grouped, death) = (!run.foreground, if run.foreground { Signal::HUP } else { run.death });
    let parent = rustix::process::getpid();
    let keep = run.keep.clone();
    Ok(expression.before_spawn(move |command| {
        let keep = keep.clone();
        // SAFETY: between fork and exec only system calls are made; they neither allocate nor take locks.
        #[expect(unsafe_code, reason = "the child must set up its session and death signal between fork and exec")]
        unsafe {
            command.pre_exec(move || set_up(grouped, death, parent, &keep));
        }
        Ok(())
    }))
}

/// Runs in the child. A session of its own rather than just a group: without a terminal nothing can ask a question there,
/// or be stopped by the terminal for having tried to.
fn set_up(grouped: bool, death: Signal, parent: Pid, keep: &[Arc<OwnedFd>]) -> io::Result<()> {
    for descriptor in keep {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
    }
    if grouped {
        rustix::process::setsid()?;
    }
    #[cfg(target_os = "linux")]
    {
        // The signal comes at the end of the thread that spawned, which is the one that waits in `pump`.
        rustix::process::set_parent_process_death_signal(Some(death))?;
        if rustix::process::getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error())); // forge died meanwhile
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (death, parent);
    Ok(())
}

/// Starts, and tries again where the program file is still open for writing: another thread's fork may hold a copy of the
/// descriptor for the moment until its exec (the reason for <https://go.dev/issue/22315>).
fn start(expression: &duct::Expression) -> io::Result<duct::Handle> {
    let mut pause = Duration::from_millis(1);
    loop {
        match expression.start() {
            Err(e) if e.kind() == ErrorKind::ExecutableFileBusy && pause < Duration::from_millis(500) => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            started => return started,
        }
    }
}
