//! One component: what it comes to, and its table of releases by patches.

use crate::matrix::fold::{BRANCHES, Row, Run, cell, count, rows};
use crate::matrix::html::cards::{Cards, sign};
use crate::matrix::html::escape::escape;
use crate::matrix::model::{CheckResult, Column, Judged};
use crate::matrix::remarks::short;
use crate::matrix::tally::Tally;

/// More patches than this do not fit beside each other on most screens.
const FITTING: usize = 6;

/// The word of a check that did not pass.
pub(super) const FAILED: &str = CheckResult::Failed.word();

/// Whether a check of a release failed.
pub(super) fn failed(release: &Judged) -> bool {
    [release.compile, release.test].contains(&Some(CheckResult::Failed))
}

/// The line of a component at the top of the page: a bar for every release, oldest first, and the same in words.
pub(super) fn overview(column: &Column, number: usize) -> String {
    let mut strip = String::new();
    let mut last = "";
    for release in column.releases.iter().rev().filter(|release| release.row != BRANCHES) {
        let first = if release.row == last { "" } else { " first" };
        last = &release.row;
        let word = if release.verdict.applies() && failed(release) { FAILED } else { release.verdict.word() };
        strip.push_str(&format!("<i class=\"s-{word}{first}\"></i>"));
    }
    format!(
        "<li><a href=\"#c{number}\">{}</a><span class=\"strip\" aria-hidden=\"true\">{strip}</span><span class=\"words\">{}</span></li>\n",
        escape(column.component.as_str()),
        escape(&Tally::of(column).words())
    )
}

/// The section of a component.
pub(super) fn section<'a>(column: &'a Column, number: usize, cards: &mut Cards<'a>) -> String {
    let name = escape(column.component.as_str());
    let promise = column.holds.as_ref().map(|holds| format!(", promised <code>{}</code>", escape(holds))).unwrap_or_default();
    let range = escape(&column.range);
    let legend: String = column.patches.iter().map(|patch| format!("<li>{}</li>", escape(short(column, patch)))).collect();
    let grid = Grid { column, cards, number, checks: checks(column) };
    let wide = if column.patches.len() + grid.checks.len() > FITTING { " wide" } else { "" };
    let table = grid.table();
    format!(
        "<section id=\"c{number}\" class=\"component{wide}\" aria-labelledby=\"h{number}\">\
         <h2 id=\"h{number}\">{name}</h2><p class=\"range\"><code>{range}</code>{promise}</p>\
         <ol class=\"patches\" aria-label=\"Patches\">{legend}</ol>\
         <div class=\"scroller\">{table}</div></section>\n"
    )
}

/// The checks that ran on any release.
fn checks(column: &Column) -> Vec<&'static str> {
    let mut out = Vec::new();
    if column.releases.iter().any(|release| release.compile.is_some()) {
        out.push("compile");
    }
    if column.releases.iter().any(|release| release.test.is_some()) {
        out.push("test");
    }
    out
}

struct Grid<'a, 'c> {
    column: &'a Column,
    cards: &'c mut Cards<'a>,
    number: usize,
    checks: Vec<&'static str>,
}

impl<'a> Grid<'a, '_> {
    fn table(mut self) -> String {
        let mut out = String::from(
            "<table><thead><tr><th scope=\"col\">Release</th><th scope=\"col\"><span class=\"name\">Verdict</span></th>",
        );
        for (at, patch) in self.column.patches.iter().enumerate() {
            let name = escape(short(self.column, patch));
            out.push_str(&format!(
                "<th scope=\"col\"><span class=\"n\" aria-hidden=\"true\">{}</span><span class=\"name\">{name}</span></th>",
                at + 1
            ));
        }
        for check in &self.checks {
            let letter = initial(check);
            out.push_str(&format!(
                "<th scope=\"col\" class=\"check\"><span class=\"n\" aria-hidden=\"true\">{letter}</span><span class=\"name\">{check}</span></th>"
            ));
        }
        out.push_str("</tr></thead>\n");
        let column = self.column;
        for (at, row) in rows(column).iter().enumerate() {
            out.push_str(&self.row(row, at));
        }
        out.push_str("</table>");
        out
    }

    fn row(&mut self, row: &Row<'a>, at: usize) -> String {
        let id = format!("r{}-{at}", self.number);
        let releases = if row.name == BRANCHES { String::new() } else { count(row.len(), "release") };
        let mut out = format!(
            "<tbody><tr class=\"minor\"><th id=\"{id}\" scope=\"rowgroup\" colspan=\"2\">{} <small>{releases}</small></th>",
            escape(row.name)
        );
        // On a narrow screen columns have numbers only, and the head is far away.
        let numbers = (1..=self.column.patches.len()).map(|n| n.to_string());
        for number in numbers.chain(self.checks.iter().map(|check| initial(check).to_owned())) {
            out.push_str(&format!("<td aria-hidden=\"true\"><span>{number}</span></td>"));
        }
        out.push_str("</tr>\n");
        for run in &row.runs {
            for (at, release) in run.releases.iter().enumerate() {
                out.push_str(&self.release(release, run, at));
            }
        }
        out.push_str("</tbody>\n");
        out
    }

    fn release(&mut self, release: &'a Judged, run: &Run<'a>, at: usize) -> String {
        let column = self.column;
        let Some(place) = column.releases.iter().position(|other| std::ptr::eq(other, release)) else { return String::new() };
        let version = escape(release.version.as_str());
        let mut head = format!("<span class=\"version\">{version}</span>");
        if !release.promised && column.holds.is_some() {
            head.push_str("<span class=\"tag\">not promised</span>");
        }
        if !release.required_by.is_empty() {
            head.push_str(&format!("<span class=\"tag\">for {}</span>", count(release.required_by.len(), "release")));
        }
        if at == 0 && run.releases.len() > 1 {
            let oldest = escape(run.oldest().version.as_str());
            head.push_str(&format!("<span class=\"run\">and {} down to {oldest}</span>", run.releases.len() - 1));
        }
        let more = if at > 0 { " class=\"more\"" } else { "" };
        let verdict = release.verdict.word();
        let check = if failed(release) { format!(" data-check=\"{FAILED}\"") } else { String::new() };
        let mut out = format!("<tr{more} data-verdict=\"{verdict}\"{check}><th scope=\"row\">{head}</th>");
        let card = self.cards.release(column, place, release);
        out.push_str(&button(verdict, card, &format!("{version}: {verdict}")));
        for (at, name) in column.patches.iter().enumerate() {
            match cell(release, at, name) {
                Some(patch) => {
                    let card = self.cards.patch(column, place, at, patch);
                    let label = format!("{version}, {}: {}", escape(short(column, name)), patch.state);
                    out.push_str(&button(patch.state.word(), card, &label));
                }
                None => out.push_str("<td class=\"nothing\"></td>"),
            }
        }
        for check in self.checks.clone() {
            match if check == "compile" { release.compile } else { release.test } {
                Some(result) => {
                    let card = self.cards.check(column, place, check, result);
                    out.push_str(&button(result.word(), card, &format!("{version}, {check}: {result}")));
                }
                None => out.push_str("<td class=\"nothing\"></td>"),
            }
        }
        out.push_str("</tr>\n");
        out
    }
}

/// A cell that opens a card, also where no script runs.
fn button(word: &str, card: usize, label: &str) -> String {
    format!(
        "<td class=\"s-{word}\"><button type=\"button\" popovertarget=\"w{card}\" aria-label=\"{label}\">\
         <span class=\"sign\" aria-hidden=\"true\">{}</span><span class=\"word\">{word}</span></button></td>",
        sign(word)
    )
}

fn initial(check: &str) -> &str {
    check.get(..1).unwrap_or_default()
}
