//! The matrix for a terminal, folded by runs of equal releases.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::matrix::failures::{Failure, What, failures};
use crate::matrix::fold::{count, rows};
use crate::matrix::model::{Column, Matrix, State, Verdict};
use crate::matrix::remarks::remarks;
use crate::matrix::tally::Tally;
use crate::names::visible;

/// Releases and rows get this much room at most; what is longer pushes the rest of its line aside.
const LABEL: usize = 44;
const ROW: usize = 16;

/// The longest verdict, `clean-offset`.
const VERDICT: usize = 12;

/// Remarks up to this length are repeated rather than moved into a note.
const SHORT: usize = 14;

/// Renders the matrix: a table for each component, then every distinct reason, then a line for each component. `width` is the
/// terminal's; colours are escape sequences.
pub fn table(matrix: &Matrix, width: usize, colored: bool) -> String {
    let mut out = Page { width: width.max(40), colored, text: String::new() };
    let mut numbered: Vec<Vec<(usize, Failure<'_>)>> = Vec::new();
    let mut last = 0;
    for column in &matrix.components {
        let of_column = failures(column, |_| true).into_iter().map(|failure| {
            last += 1;
            (last, failure)
        });
        numbered.push(of_column.collect());
    }
    for (column, failures) in matrix.components.iter().zip(&numbered) {
        out.component(column, failures);
    }
    for (column, failures) in matrix.components.iter().zip(&numbered) {
        for (number, failure) in failures {
            out.reason(column, *number, failure);
        }
    }
    for column in &matrix.components {
        out.summary(column);
    }
    out.text
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

fn color(verdict: Verdict) -> Style {
    let of = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match verdict {
        Verdict::Clean => of(AnsiColor::Green),
        Verdict::CleanOffset => of(AnsiColor::Yellow),
        Verdict::Upstreamed => of(AnsiColor::Blue).bold(),
        Verdict::MissingFile | Verdict::Conflict => of(AnsiColor::Red).bold(),
        Verdict::Unbuildable => of(AnsiColor::Magenta).bold(),
    }
}

fn color_of(what: &What<'_>) -> Style {
    match what {
        What::Patch { state: State::Upstreamed, .. } => color(Verdict::Upstreamed),
        What::Unbuildable => color(Verdict::Unbuildable),
        What::Patch { .. } | What::Compile | What::Test => color(Verdict::Conflict),
    }
}

struct Page {
    width: usize,
    colored: bool,
    text: String,
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.colored { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn component(&mut self, column: &Column, numbered: &[(usize, Failure<'_>)]) {
        let promise = column.holds.as_ref().map(|holds| format!(", promised {}", one_line(holds))).unwrap_or_default();
        let range = self.paint(DIM, &format!("{}{promise}", one_line(&column.range)));
        let name = self.paint(BOLD, column.component.as_str());
        self.line(&format!("{name}  {range}"));
        let lines = lines(column, numbered);
        let widths = Widths::of(&lines);
        let notes = Notes::of(&lines, self.width.saturating_sub(widths.before() + VERDICT + 2));
        for line in &lines {
            self.run(line, &widths, &notes);
        }
        for (remark, letter) in notes.0.iter().zip(b'a'..) {
            self.wrapped(&format!("  {}", char::from(letter)), remark, 6);
        }
        self.line("");
    }

    fn run(&mut self, line: &Line, widths: &Widths, notes: &Notes) {
        let Widths { row, label, count } = *widths;
        let before = format!("  {:row$}  {:label$}  {:>count$}  ", line.row, line.label, line.count);
        let verdict = self.paint(color(line.verdict), line.verdict.word());
        let remarks: Vec<String> =
            line.remarks.iter().map(|remark| notes.letter(remark).unwrap_or_else(|| remark.clone())).collect();
        // As many as fit stay in the line, the first ones first: verdicts of equal runs then look equal.
        let room = self.width.saturating_sub(before.chars().count() + VERDICT + 2);
        let fit = (0..=remarks.len()).rev().find(|n| remarks[..*n].join("; ").chars().count() <= room).unwrap_or_default();
        let gap = " ".repeat(VERDICT + 2 - line.verdict.word().len());
        let inline = self.paint(DIM, &remarks[..fit].join("; "));
        self.line(format!("{before}{verdict}{gap}{inline}").trim_end());
        for remark in &remarks[fit..] {
            self.wrapped("", remark, 4 + row);
        }
    }

    /// A remark, broken into lines that begin at a column; the first has a mark before it.
    fn wrapped(&mut self, mark: &str, text: &str, indent: usize) {
        for (at, line) in wrap(text, self.width.saturating_sub(indent + 2)).iter().enumerate() {
            let (mark, hang) = if at == 0 { (mark, 0) } else { ("", 2) };
            let line = self.paint(DIM, line);
            self.line(&format!("{mark:space$}{line}", space = indent + hang));
        }
    }

    fn reason(&mut self, column: &Column, number: usize, failure: &Failure<'_>) {
        let title =
            self.paint(color_of(&failure.what), &format!("[{number}] {} {}", column.component, one_line(&failure.what.title())));
        self.line(&title);
        let releases = format!("{}: {}", count(failure.releases.len(), "release"), failure.concerns(column));
        for line in wrap(&one_line(&releases), self.width.saturating_sub(4)) {
            let line = self.paint(DIM, &line);
            self.line(&format!("    {line}"));
        }
        if let Some(place) = failure.at {
            let place = self.paint(DIM, &one_line(&format!("{}:{}", place.file, place.line)));
            self.line(&format!("    {place}"));
        }
        for line in visible(&failure.text).lines() {
            self.line(&format!("    | {}", line.replace("##[", "# #[")));
        }
        self.line("");
    }

    fn summary(&mut self, column: &Column) {
        let tally = Tally::of(column);
        let good = tally.promised == tally.promised_clean && tally.compiled.1 + tally.tested.1 == 0;
        let style = color(if good { Verdict::Clean } else { Verdict::Conflict });
        let name = self.paint(style, &format!("{}:", column.component));
        self.line(&format!("{name} {}", tally.words()));
    }
}

/// A run, its texts fit to be shown.
struct Line {
    /// Only in the first run of a row.
    row: String,
    label: String,
    count: String,
    verdict: Verdict,
    remarks: Vec<String>,
}

fn lines(column: &Column, numbered: &[(usize, Failure<'_>)]) -> Vec<Line> {
    let mut out = Vec::new();
    for row in rows(column) {
        for (at, run) in row.runs.iter().enumerate() {
            out.push(Line {
                row: if at == 0 { one_line(row.name) } else { String::new() },
                label: one_line(&run.label()),
                count: if run.releases.len() > 1 { format!("({})", run.releases.len()) } else { String::new() },
                verdict: run.newest().verdict,
                remarks: remarks(column, run, numbered).iter().map(|remark| one_line(remark)).collect(),
            });
        }
    }
    out
}

struct Widths {
    row: usize,
    label: usize,
    count: usize,
}

impl Widths {
    fn of(lines: &[Line]) -> Self {
        let longest = |text: fn(&Line) -> &str| lines.iter().map(|line| text(line).chars().count()).max().unwrap_or_default();
        Self { row: longest(|l| &l.row).min(ROW), label: longest(|l| &l.label).min(LABEL), count: longest(|l| &l.count) }
    }

    fn before(&self) -> usize {
        self.row + self.label + self.count + 8
    }
}

/// Remarks that several runs share, where they have no room in their lines: said once, below the table, by a letter.
struct Notes(Vec<String>);

impl Notes {
    fn of(lines: &[Line], room: usize) -> Self {
        let mut notes: Vec<String> = Vec::new();
        if lines.iter().any(|line| line.remarks.join("; ").chars().count() > room) {
            for remark in lines.iter().flat_map(|line| &line.remarks) {
                let users = lines.iter().filter(|line| line.remarks.contains(remark)).count();
                if users > 1 && remark.chars().count() > SHORT && !notes.contains(remark) {
                    notes.push(remark.clone());
                }
            }
        }
        notes.truncate(26);
        Self(notes)
    }

    fn letter(&self, remark: &str) -> Option<String> {
        let at = self.0.iter().position(|note| note == remark)?;
        (b'a'..).nth(at).map(|letter| char::from(letter).to_string())
    }
}

/// Somebody's text on one line, nothing in it that moves the cursor. CI systems read commands (`::error::`, `##[...]`) from logs,
/// also behind spaces: words that begin like one are broken up, as a line may come to begin with them. Whole lines of others get
/// a bar before them instead.
fn one_line(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ").replace("##[", "# #[").replace(" ::", " : :");
    match text.strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => text,
    }
}

/// Breaks at spaces; words longer than the width stay whole, to be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                let _ = write!(line, " {word}");
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{column, hostile, judged, k0s, k0sctl, matrix, nixos, patch};

    #[test]
    fn a_component_fits_into_eighty_columns() {
        let text = table(&matrix(vec![k0s()]), 80, false);
        let head: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(
            head,
            [
                "k0s  >=1.24 and main, promised >=1.24",
                "  branches  main                                   clean         not promised; a",
                "  1.36      v1.36.1+k0s.0 .. v1.36.10+k0s.0  (10)  clean         a",
                "            v1.36.0+k0s.0                          clean         a; compiles",
            ]
        );
        let offsets = text.split_once("  (8)  ").unwrap().1;
        let expected = "clean-offset  b\n            0004-docs.patch: docs/install.md: hunk 2 stands 1 lines further\n              \
                        down in v1.29.8+k0s.0, differently in others\n";
        assert!(offsets.starts_with(expected), "{offsets}");
        assert!(text.contains("\n  a   form 0003-reset.2.edit.toml\n  b   form 0003-reset.1.edit.toml\n"), "{text}");
        for line in table(&nixos(), 80, false)
            .lines()
            .filter(|l| !l.contains("| ") && !l.contains("; 3 compiled") && !l.contains("; 13 "))
        {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn reasons_are_told_once_with_their_releases_and_the_last_line_sums_up() {
        let text = table(&matrix(vec![k0sctl()]), 80, false);
        assert!(text.contains(
            "        v0.25.0 .. v0.25.1  (2)  conflict      a\n  0.24  v0.24.0 .. v0.24.2  (3)  conflict      not promised; a\n"
        ));
        assert!(text.contains("\n  a   0003-unit-path.patch: conflict up to v0.25.1 [4]\n"), "{text}");
        let reason = text.split_once("\n[4] ").unwrap().1;
        let expected = "k0sctl nixos/0003-unit-path.patch: conflict\n    23 releases: v0.18.0 .. v0.25.1\n    \
                        patches/k0sctl/nixos/0003-unit-path.patch:41\n    | phase/install_workers.go:142: hunk 1 of 3 finds other text\n";
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(text.matches("finds other text").count(), 1);
        let last = text.lines().last().unwrap();
        assert_eq!(last, format!("k0sctl: {}", Tally::of(&k0sctl()).words()));
    }

    #[test]
    fn notes_are_used_only_where_lines_have_no_room() {
        assert!(!table(&matrix(vec![k0s()]), 240, false).contains("\n  a   "));
        let branch = judged("main", vec![patch("a.patch", State::Clean, &[])]);
        let text = table(&matrix(vec![column("k0s", &["s/a.patch"], vec![branch])]), 0, false);
        assert_eq!(text, "k0s  *, promised *\n  branches  main    clean\n\nk0s: 1 of 1 promised release clean\n");
    }

    #[test]
    fn colours_are_there_when_asked_for_and_change_no_text() {
        let colored = table(&nixos(), 80, true);
        assert!(colored.contains("\u{1b}[32mclean\u{1b}[0m"));
        assert_eq!(
            anstream::adapter::strip_str(&colored).to_string().replace(' ', ""),
            table(&nixos(), 80, false).replace(' ', "")
        );
    }

    #[test]
    fn nothing_of_others_moves_the_cursor_or_becomes_a_command() {
        let text = table(&hostile(), 80, false);
        assert!(text.contains("alert(1)"));
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
        for line in text.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line}");
        }
        assert_eq!(one_line("::error::x ::y a::b ##[z]"), ": :error::x : :y a::b # #[z]");
    }
}
