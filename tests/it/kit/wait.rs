//! Waiting for other processes, and seeing them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::kit::names;

/// Waits until something is so, for a minute at most.
#[track_caller]
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Processes whose command line has this text.
pub(crate) fn running(text: &str) -> Vec<String> {
    let all = names(Path::new("/proc")).into_iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let lines = all.filter_map(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok());
    lines.map(|l| String::from_utf8_lossy(&l).replace('\0', " ")).filter(|l| l.contains(text)).collect()
}
