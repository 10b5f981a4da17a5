//! Events as people read them: a spinner on a terminal, plain lines in a log.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::event::{Event, Reporter};
use crate::names::visible;
use crate::ui::output::child_line;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// What happens.
    Normal,
    /// Everything that children print, too.
    Verbose,
}

/// Shows events on standard error.
pub struct Human {
    verbosity: Verbosity,
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
    /// Several builds run: the spinner names them all, and stays while there are any.
    several: AtomicBool,
}

impl Human {
    /// A reporter for this process's standard error.
    pub fn new(verbosity: Verbosity) -> Self {
        Self { verbosity, terminal: std::io::stderr().is_terminal(), bar: Mutex::new(None), several: AtomicBool::new(false) }
    }

    fn line(&self, verb: &str, text: &str) {
        let style = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Green.into()));
        let line = format!("{style}{verb:>12}{style:#} {}", visible(text));
        self.raw(&line);
    }

    fn raw(&self, line: &str) {
        let bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let print = || {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        };
        match &*bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn begin(&self, verb: &str, text: &str) {
        if !self.terminal {
            self.line(verb, text);
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {prefix} {wide_msg:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_prefix(format!("{verb} {}", visible(text)));
        bar.set_message("");
    }

    /// Takes the spinner away: what follows is no progress.
    pub fn end(&self) {
        let mut bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = bar.take() {
            bar.finish_and_clear();
        }
    }

    fn message(&self, text: String) {
        let bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = &*bar {
            bar.set_message(text);
        }
    }
}

impl Drop for Human {
    fn drop(&mut self) {
        self.end();
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

impl Reporter for Human {
    fn report(&self, event: Event) {
        let normal = self.verbosity >= Verbosity::Normal;
        let verbose = self.verbosity >= Verbosity::Verbose;
        match event {
            Event::RecipeFound { origin } if normal => self.line("Recipe", &origin),
            // The spinner tells of all of them.
            Event::StageStarted { .. } if self.terminal && self.several.load(Ordering::Relaxed) => {}
            Event::StageStarted { component, what, detail } if normal => {
                self.begin(&capitalized(what), &format!("{component} {detail}"));
            }
            Event::StageDone { component, what, detail } if normal => {
                if !self.several.load(Ordering::Relaxed) {
                    self.end();
                }
                self.line(&capitalized(what), &format!("{component} {detail}"));
            }
            Event::FetchStarted { what, from } if normal => self.begin("Fetching", &format!("{what} from {from}")),
            Event::FetchDone { what } if normal => {
                self.end();
                self.line("Fetched", &what);
            }
            Event::Building { builds } if normal => {
                self.several.store(!builds.is_empty(), Ordering::Relaxed);
                match builds.is_empty() {
                    true => self.end(),
                    false if self.terminal => self.begin("Building", &builds.join(", ")),
                    false => {}
                }
            }
            Event::Progress { what, done, total } if normal => match total {
                0 => self.message(format!("{what}: {done}")),
                total => self.message(format!("{what}: {}%", done.saturating_mul(100) / total)),
            },
            Event::ChildLine { tool, line } if verbose => self.raw(&format!("{tool:>12} {}", child_line(&line))),
            Event::ChildLine { line, .. } if normal => self.message(line),
            Event::Waiting { lock } if normal => self.line("Waiting", &format!("for another forge ({})", lock.display())),
            Event::Contacting { url } if verbose => self.line("Asking", &url.to_string()),
            Event::Notice { text } if normal => self.line("Note", &text),
            Event::Warning { text } => self.line("Warning", &text),
            Event::Detail { text } if verbose => self.line("Detail", &text),
            _ => {}
        }
    }
}
