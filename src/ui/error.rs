//! Errors as people read them: what, where, expected and found, and the next command.

use std::fmt::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::names::{redact, visible};

/// What is told below the message of an error.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Paragraphs, indented; their text is somebody else's and is made visible.
    pub details: Vec<String>,
    /// Where to look further, a line each.
    pub places: Vec<String>,
    /// The next steps.
    pub help: Vec<String>,
}

/// Renders an error. Errors with places in files are drawn with their source; the others are a line, details and help.
pub fn render(error: &dyn Diagnostic, notes: &Notes, color: bool) -> String {
    if error.source_code().is_some() || error.related().is_some_and(|mut r| r.next().is_some()) {
        return drawn(error, color);
    }
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let mut out = String::new();
    let _ = write!(out, "{red}error{red:#}: {}", plain(error));
    for detail in notes.details.iter().chain(&notes.places) {
        for line in visible(&redact(detail)).lines() {
            let _ = write!(out, "\n  {line}");
        }
    }
    let own = error.help().map(|h| h.to_string());
    for help in own.iter().chain(&notes.help) {
        let cyan = anstyle::Style::new().fg_color(Some(anstyle::AnsiColor::Cyan.into()));
        let _ = write!(out, "\n {cyan}help{cyan:#}: {}", visible(&redact(help)));
    }
    out
}

/// The message of an error with those behind it, on one line and without secrets.
pub fn plain(error: &dyn Diagnostic) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Transparent wrappers and messages that quote their cause would say the same thing twice.
        if !message.contains(&text) {
            let _ = write!(message, ": {text}");
        }
        cause = inner.source();
    }
    visible(&redact(&message))
}

fn drawn(error: &dyn Diagnostic, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1).with_links(false);
    let mut out = String::new();
    match handler.render_report(&mut out, error) {
        Ok(()) => out,
        Err(_) => error.to_string(),
    }
}
