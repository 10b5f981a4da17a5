//! Standard output carries results and nothing else; standard error all the rest.

use std::io::{self, Write};

use anstream::ColorChoice;

/// Where results go. A closed pipe (`forge list | head`) is no error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Output;

impl Output {
    /// Chooses colours for both streams.
    pub fn set_color(choice: ColorChoice) {
        choice.write_global();
    }

    /// Whether errors are drawn in colours.
    pub fn has_colored_errors(&self) -> bool {
        anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
    }

    /// Whether results are drawn in colours.
    pub fn has_colored_results(&self) -> bool {
        anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
    }

    /// Columns that a table may take: the terminal's, else 100.
    pub fn width(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        size.map(|s| usize::from(s.ws_col)).filter(|columns| *columns >= 40).unwrap_or(100)
    }

    /// Writes a result, a line or many.
    pub fn result(&self, text: &str) -> io::Result<()> {
        self.bytes(if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }.as_bytes())
    }

    /// Writes bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        ignore_closed(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Writes text with colours, which stay where the other end takes them.
    pub fn help(&self, text: &str) -> io::Result<()> {
        ignore_closed(anstream::stdout().lock().write_all(text.as_bytes()))
    }

    /// Writes to standard error; nothing is left to tell it to where that fails.
    pub fn complaint(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }
}

fn ignore_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line of a child as it may be shown. CI systems read commands from logs (`::set-env`, `##[...]`): nothing that a child
/// prints may become one, so it never stands at the beginning of a line, and the older marker is broken up.
pub fn child_line(line: &str) -> String {
    format!("| {}", line.replace("##[", "# #["))
}
