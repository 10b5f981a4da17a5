//! Ctrl-C and its relatives. A signal sets a flag and rings a pipe; stages look at the flag between steps, and a run that
//! waits for a child waits for the pipe as well. The pipe is never emptied: once rung, every waiter sees it.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{OFlags, fcntl_setfl};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// forge was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("interrupted by {}", signal_name(*signal))]
pub struct Interrupted {
    /// The signal's number.
    pub signal: i32,
}

impl Interrupted {
    /// What a shell expects of a program that a signal ended: 128 and the signal's number.
    pub fn exit_code(&self) -> i32 {
        128 + self.signal
    }
}

/// The name of a signal, or its number where it is none of the usual ones.
pub(super) fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// Tells whether forge was asked to stop. Clones share one flag.
#[derive(Debug, Clone)]
pub struct Interrupt(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    signal: Arc<AtomicUsize>,
    bell: PipeReader,
    rope: PipeWriter,
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP, except those that the parent had ignored (`nohup forge ...`). One signal is
    /// enough: children are ended, files are left whole, and forge exits with 128 and the number.
    pub fn install() -> io::Result<Self> {
        let interrupt = Self::by_hand()?;
        let inner = interrupt.0.as_ref().expect("by_hand makes a flag");
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if is_ignored(signal) {
                continue;
            }
            // The flag comes first: who hears the bell must find it.
            signal_hook::flag::register_usize(signal, Arc::clone(&inner.signal), signal as usize)?;
            signal_hook::low_level::pipe::register(signal, inner.rope.try_clone()?)?;
        }
        Ok(interrupt)
    }

    /// A flag that only [`Interrupt::raise`] sets.
    pub fn by_hand() -> io::Result<Self> {
        let (bell, rope) = io::pipe()?;
        // A handler must not block on a full pipe, nor `forgive` on an empty one.
        fcntl_setfl(&bell, OFlags::NONBLOCK)?;
        fcntl_setfl(&rope, OFlags::NONBLOCK)?;
        Ok(Self(Some(Arc::new(Inner { signal: Arc::default(), bell, rope }))))
    }

    /// Never interrupted.
    pub fn never() -> Self {
        Self(None)
    }

    /// Fails once forge was asked to stop. Costs one atomic load.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.as_ref().map_or(0, |inner| inner.signal.load(Ordering::SeqCst)) {
            0 => Ok(()),
            signal => Err(Interrupted { signal: signal as i32 }),
        }
    }

    /// Does what the arrival of `signal` does.
    pub fn raise(&self, signal: i32) {
        if let Some(inner) = &self.0 {
            inner.signal.store(signal as usize, Ordering::SeqCst);
            let _ = (&inner.rope).write(b"!");
        }
    }

    /// Becomes readable when the flag is set.
    pub(super) fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|inner| inner.bell.as_fd())
    }

    /// Forgets a signal: the one that a program in the foreground got from the same keys.
    pub(super) fn forgive(&self) {
        if let Some(inner) = &self.0 {
            while matches!((&inner.bell).read(&mut [0; 64]), Ok(n) if n > 0) {}
            inner.signal.store(0, Ordering::SeqCst);
        }
    }
}

/// True where the parent started us with the signal ignored. Linux tells in `SigIgn` of /proc/self/status (proc(5)), a
/// hexadecimal mask with bit 0 for signal 1; elsewhere there is no safe way to ask, and the answer is no.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_signal_sets_the_flag_of_every_clone() {
        let interrupt = Interrupt::install().unwrap();
        let clone = interrupt.clone();
        clone.check().unwrap();
        // Not HUP, which nohup has the tests ignore.
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert_eq!(clone.check(), Err(Interrupted { signal: SIGTERM }));
        assert_eq!(clone.check().unwrap_err().to_string(), "interrupted by SIGTERM");
        assert_eq!(interrupt.check().unwrap_err().exit_code(), 143);
        interrupt.forgive();
        clone.check().unwrap();
        Interrupt::never().raise(SIGINT);
        Interrupt::never().check().unwrap();
    }
}
