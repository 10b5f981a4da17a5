//! A trial as people read it: a line for each step, and below it what was expected and what was seen.

use std::fmt::Write as _;

use crate::trial::evidence::{Evidence, Seen, Taken, Verdict};

/// Lines of an output that are shown where a step is not well.
const MANY: usize = 12;

/// Renders a trial.
pub fn table(evidence: &Evidence, colored: bool) -> String {
    let mut out = format!("{}: {}\n", evidence.scenario, evidence.description);
    let _ = writeln!(out, "{}, {}, {}", evidence.engine, evidence.image, evidence.systemd);
    for tried in &evidence.tried {
        let binaries: Vec<String> = tried.binaries.iter().map(|part| format!("{} {}", part.component, part.version)).collect();
        let binaries = if binaries.is_empty() { String::new() } else { format!(" {}", binaries.join(", ")) };
        let (hosts, boot) = (tried.hosts.join(", "), seconds(tried.boot_ms));
        let _ = writeln!(out, "\n{}{binaries}, on {hosts} (ready after {boot})\n", tried.with.name());
        for step in &tried.steps {
            one(&mut out, step, tried.hosts.len() > 1, colored);
        }
    }
    let count = |verdict: Verdict| evidence.steps().filter(|step| step.verdict == verdict).count();
    let (good, bad, left) = (count(Verdict::Ok), count(Verdict::Failed), count(Verdict::NotRun));
    let mut words = vec![format!("{good} steps as expected")];
    words.extend((bad > 0).then(|| format!("{bad} not")));
    words.extend((left > 0).then(|| format!("{left} not taken")));
    let _ = writeln!(out, "\n{}, in {}", words.join(", "), seconds(evidence.took_ms));
    out
}

fn one(out: &mut String, step: &Taken, several: bool, colored: bool) {
    let (mark, color) = match step.verdict {
        Verdict::Ok => ("ok", anstyle::AnsiColor::Green),
        Verdict::Failed => ("FAILED", anstyle::AnsiColor::Red),
        Verdict::NotRun => ("-", anstyle::AnsiColor::Yellow),
    };
    let style = if colored { anstyle::Style::new().bold().fg_color(Some(color.into())) } else { anstyle::Style::new() };
    let at = step.host.as_ref().filter(|_| several).map(|host| format!(" [{host}]")).unwrap_or_default();
    let time = if step.verdict == Verdict::NotRun { String::new() } else { format!("  {}", seconds(step.took_ms)) };
    let _ = writeln!(out, "{style}{mark:<7}{style:#}{}{at}{time}", one_line(&step.step));
    if step.verdict == Verdict::NotRun {
        return;
    }
    let mut line = |key: &str, text: &str| {
        let _ = writeln!(out, "       {key:<9}{}", text.replace('\n', "\n                "));
    };
    line("ran", &one_line(&step.command));
    line("expected", &step.expected);
    match &step.seen {
        Some(seen) if step.verdict == Verdict::Ok => line("seen", &seen_briefly(seen)),
        Some(seen) => line("seen", &seen_words(seen, MANY)),
        None if step.verdict == Verdict::Ok => line("seen", "so it is"),
        None => {}
    }
    if step.verdict == Verdict::Failed {
        line("wrong", &step.wrong.join("; "));
    }
}

/// What was seen of what was looked for; else the last line.
pub fn seen_briefly(seen: &Seen) -> String {
    if seen.found.is_empty() { seen_words(seen, 1) } else { format!("{}{}, {}", seen.status, tries(seen), seen.found.join(", ")) }
}

fn tries(seen: &Seen) -> String {
    if seen.tries > 1 { format!(" at try {}", seen.tries) } else { String::new() }
}

/// What was seen, in words, with at most so many lines of each output.
fn seen_words(seen: &Seen, lines: usize) -> String {
    let mut out = format!("{}{}", seen.status, tries(seen));
    for (name, text) in [("stdout", &seen.stdout), ("stderr", &seen.stderr)] {
        let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        match &all[all.len().saturating_sub(lines)..] {
            [] => {}
            [line] => {
                let _ = write!(out, ", {name}: {line}");
            }
            many => {
                let _ = write!(out, ", {name}:\n  {}", many.join("\n  "));
            }
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
