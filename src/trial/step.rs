//! Taking one step, and judging what came of it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::exec::{Captured, Exec, ExecError, Status};
use crate::names::{redact, visible};
use crate::recipe::scope::Scope;
use crate::recipe::trial::{Action, Step};
use crate::trial::engine::{TrialError, last_line};
use crate::trial::evidence::{Seen, Taken, Verdict};
use crate::trial::hosts::Hosts;

/// What a command may print.
const OUTPUT: usize = 4 << 20;
/// How many lines of it are kept.
const LINES: usize = 30;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// Says what is in folders, or that something is there that is none.
const LOOK: &str =
    r#"for p; do if [ -d "$p" ]; then find "$p" -mindepth 1; elif [ -e "$p" ] || [ -L "$p" ]; then echo "$p"; fi; done"#;

/// Where a step is taken.
#[derive(Debug, Clone, Copy)]
pub enum Place<'p> {
    /// On this host, by its place in the list.
    Host(usize),
    /// On this machine, in this folder.
    Outside(&'p Path),
}

/// One try.
struct Try {
    seen: Option<Seen>,
    wrong: Vec<String>,
}

/// Takes a step. `scope` has every variable that it may name. An error is one of the engine or of the user, not of the step.
pub fn take(exec: &Exec, hosts: &mut Hosts<'_>, step: &Step, place: Place<'_>, scope: &Scope) -> Result<Taken, TrialError> {
    let begun = Instant::now();
    let step = &concrete(step, scope);
    let host = match place {
        Place::Host(at) => hosts.all().get(at).map(|host| host.name.clone()),
        Place::Outside(_) => None,
    };
    let (command, filled) = match fill(step, scope) {
        Ok(filled) => (shown(step, &filled), filled),
        Err(reason) => return Ok(ended(step, host, String::new(), Try { seen: None, wrong: vec![reason] }, begun)),
    };
    let within = Duration::from_secs(step.within);
    let mut tries = 0;
    loop {
        let left = within.saturating_sub(begun.elapsed()).max(Duration::from_secs(1));
        tries += 1;
        let mut tried = once(exec, hosts, step, place, &filled, left)?;
        if let Some(seen) = &mut tried.seen {
            seen.tries = tries;
        }
        if tried.wrong.is_empty() || !step.retry || begun.elapsed() + PAUSE >= within {
            return Ok(ended(step, host, command, tried, begun));
        }
        exec.interrupt().check().map_err(ExecError::from)?;
        std::thread::sleep(PAUSE);
    }
}

/// The step with variables filled in its name and in what is looked for, where they have values.
fn concrete(step: &Step, scope: &Scope) -> Step {
    let text = |text: &str| scope.fill(text);
    Step {
        name: text(&step.name).unwrap_or_else(|_| step.name.clone()),
        stdout: step.stdout.with_texts(text).unwrap_or_else(|_| step.stdout.clone()),
        stderr: step.stderr.with_texts(text).unwrap_or_else(|_| step.stderr.clone()),
        ..step.clone()
    }
}

/// The texts of a step with variables filled in, in the order of [`Action::texts`].
fn fill(step: &Step, scope: &Scope) -> Result<Vec<String>, String> {
    step.action.texts().into_iter().map(|text| scope.fill(text).map_err(|(_, error)| error.to_string())).collect()
}

/// What a step does, as a shell takes it or in words.
fn shown(step: &Step, filled: &[String]) -> String {
    let joined = shlex::try_join(filled.iter().map(String::as_str)).unwrap_or_default();
    match step.action {
        Action::Run(_) | Action::Outside { .. } => joined,
        Action::Reboot => "(the host is started anew)".to_owned(),
        Action::Empty(_) => format!("find {joined}"),
        Action::Put(_) => {
            let pairs: Vec<String> = filled.chunks(2).map(|pair| pair.join(" from ")).collect();
            format!("(put {})", pairs.join(", "))
        }
    }
}

/// What a step expects, in words.
pub(in crate::trial) fn expected(step: &Step) -> String {
    match step.action {
        Action::Reboot => "it boots again".to_owned(),
        Action::Empty(_) => "nothing".to_owned(),
        Action::Put(_) => "it is there".to_owned(),
        Action::Run(_) | Action::Outside { .. } => {
            let mut words = vec![format!("exit {}", step.exit)];
            words.extend(step.stdout.words().into_iter().map(|rule| format!("stdout {rule}")));
            words.extend(step.stderr.words().into_iter().map(|rule| format!("stderr {rule}")));
            if step.retry {
                words.push(format!("within {} s", step.within));
            }
            words.join(", ")
        }
    }
}

/// A step that is not taken.
pub fn left_out(step: &Step, scope: &Scope) -> Taken {
    let step = &concrete(step, scope);
    let fill = |text: &str| scope.fill(text).unwrap_or_else(|_| text.to_owned());
    let texts: Vec<String> = step.action.texts().into_iter().map(fill).collect();
    Taken {
        step: step.name.clone(),
        host: None,
        command: shown(step, &texts),
        expected: expected(step),
        seen: None,
        wrong: Vec::new(),
        verdict: Verdict::NotRun,
        took_ms: 0,
    }
}

fn ended(step: &Step, host: Option<String>, command: String, tried: Try, begun: Instant) -> Taken {
    Taken {
        step: step.name.clone(),
        host,
        command: visible(&redact(&command)),
        expected: expected(step),
        seen: tried.seen,
        verdict: if tried.wrong.is_empty() { Verdict::Ok } else { Verdict::Failed },
        wrong: tried.wrong,
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn once(
    exec: &Exec,
    hosts: &mut Hosts<'_>,
    step: &Step,
    place: Place<'_>,
    filled: &[String],
    left: Duration,
) -> Result<Try, TrialError> {
    let done = match (&step.action, place) {
        (Action::Reboot, Place::Host(at)) => {
            return match hosts.reboot(at) {
                Ok(()) => Ok(Try { seen: None, wrong: Vec::new() }),
                Err(error @ (TrialError::NoBoot { .. } | TrialError::Refused { .. })) => {
                    Ok(Try { seen: None, wrong: vec![error.to_string()] })
                }
                Err(error) => Err(error),
            };
        }
        (Action::Put(_), Place::Host(at)) => {
            let mut wrong = Vec::new();
            for pair in filled.chunks(2) {
                let [to, from] = pair else { continue };
                let from = hosts.folder().join(from);
                if let Err(error) = from.metadata() {
                    wrong.push(format!("{}: {error}", from.display()));
                    continue;
                }
                let done = hosts.put(at, &from, to)?;
                if !done.status.success() {
                    wrong.push(format!("{to}: {}", last_line(&done)));
                }
            }
            return Ok(Try { seen: None, wrong });
        }
        (Action::Empty(_), Place::Host(at)) => {
            let words: Vec<String> =
                ["sh", "-c", LOOK, "sh"].into_iter().map(str::to_owned).chain(filled.iter().cloned()).collect();
            hosts.inside(at, &words, left, OUTPUT)
        }
        (Action::Run(_), Place::Host(at)) => hosts.inside(at, filled, left, OUTPUT),
        (Action::Outside { .. }, Place::Outside(folder)) => outside(exec, folder, filled, left).map_err(TrialError::from),
        (Action::Run(_) | Action::Empty(_) | Action::Put(_) | Action::Reboot, Place::Outside(_))
        | (Action::Outside { .. }, Place::Host(_)) => {
            return Ok(Try { seen: None, wrong: vec!["it cannot be taken there".to_owned()] });
        }
    };
    match done {
        Ok(done) => Ok(judge(step, &done)),
        Err(TrialError::Exec(error @ (ExecError::TooMuchOutput { .. } | ExecError::Spawn { .. }))) => {
            Ok(Try { seen: None, wrong: vec![error.to_string()] })
        }
        Err(error) => Err(error),
    }
}

/// A command of the recipe on this machine. Its home is the folder: keys, logs and known hosts stay there.
fn outside(exec: &Exec, folder: &Path, words: &[String], left: Duration) -> Result<Captured, ExecError> {
    let (name, args) = words.split_first().map_or(("", &[][..]), |(name, args)| (name.as_str(), args));
    let run = exec.named(name, folder)?.args(args).cwd(folder).env("HOME", folder.as_os_str());
    ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"]
        .into_iter()
        .fold(run, |run, name| run.env_remove(name))
        .timeout(left)
        .capture_limited(OUTPUT)
}

fn judge(step: &Step, done: &Captured) -> Try {
    let mut wrong = Vec::new();
    let status = match done.status {
        Status::Exited(code) => format!("exit {code}"),
        other => other.to_string(),
    };
    match (done.status, &step.action) {
        (Status::TimedOut, _) => wrong.push(format!("it did not end within {} s", step.within)),
        (_, Action::Empty(_)) if !done.stdout.is_empty() => wrong.push("there should be nothing".to_owned()),
        (Status::Exited(code), _) if code == step.exit => {}
        _ => wrong.push(format!("it should exit with {}", step.exit)),
    }
    let mut found = Vec::new();
    for (name, rule, bytes) in [("stdout", &step.stdout, &done.stdout), ("stderr", &step.stderr, &done.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        wrong.extend(rule.broken(&text).into_iter().map(|reason| format!("{name} {reason}")));
        found.extend(rule.found(&text).into_iter().map(|line| format!("{name}: {}", tail(line.as_bytes()))));
    }
    Try { seen: Some(Seen { status, stdout: tail(&done.stdout), stderr: tail(&done.stderr), found, tries: 1 }), wrong }
}

/// The last lines of an output, harmless and without secrets.
fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let kept = &lines[lines.len().saturating_sub(LINES)..];
    let short = kept.iter().map(|line| line.chars().take(400).collect::<String>()).collect::<Vec<_>>();
    visible(&redact(&short.join("\n")))
}
