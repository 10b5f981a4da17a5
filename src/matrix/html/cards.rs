//! The reasons behind cells, once each: cells that have the same to say open the same card.

use std::collections::HashMap;

use crate::matrix::fold::{count, spans, stretch};
use crate::matrix::html::escape::escape;
use crate::matrix::model::{CheckResult, Checked, Column, Judged, PatchVerdict, Reason, State};

/// A sign for a word of the contract: nothing is told by colour alone.
pub(super) fn sign(word: &str) -> &'static str {
    match word {
        "clean" | "ok" => "\u{2713}",
        "clean-offset" => "\u{00b1}",
        "skipped" => "\u{2013}",
        "upstreamed" => "\u{2191}",
        "missing-file" => "?",
        "unbuildable" => "\u{2298}",
        _ => "\u{2717}",
    }
}

/// Every card of a page, in the order of their numbers.
#[derive(Default)]
pub(super) struct Cards<'a> {
    all: Vec<Card<'a>>,
    known: HashMap<String, usize>,
}

struct Card<'a> {
    column: &'a Column,
    about: About,
    title: String,
    word: &'static str,
    body: String,
    /// Whether it is worth paper.
    printed: bool,
    /// Places in the column, ascending.
    releases: Vec<usize>,
}

enum About {
    /// The one at this place.
    Patch(usize),
    Release,
    Check,
}

impl<'a> Cards<'a> {
    /// The card of a patch on a release.
    pub(super) fn patch(&mut self, column: &'a Column, release: usize, at: usize, patch: &PatchVerdict) -> usize {
        let mut body = format!("<p>{}</p>", patch.state.meaning());
        if let Some(form) = &patch.form {
            body.push_str(&format!("<p>Form: <code>{}</code></p>", escape(form.as_str())));
        }
        body.extend(patch.reasons.iter().map(reason));
        let card = Card {
            column,
            about: About::Patch(at),
            title: column.patches[at].clone(),
            word: patch.state.word(),
            body,
            printed: !matches!(patch.state, State::Clean),
            releases: vec![release],
        };
        self.add(card)
    }

    /// The card of a release itself.
    pub(super) fn release(&mut self, column: &'a Column, release: usize, judged: &Judged) -> usize {
        let mut body = format!("<p>{}</p><dl>", judged.verdict.meaning());
        let mut fact = |name: &str, value: &str| body.push_str(&format!("<dt>{name}</dt><dd>{}</dd>", escape(value)));
        if let Some(commit) = &judged.commit {
            fact("Commit", commit.as_str());
        }
        if let Some(tree) = &judged.tree {
            fact("Patched tree", tree.as_str());
        }
        if column.holds.is_some() {
            fact("Promised", if judged.promised { "yes" } else { "no" });
        }
        if let Some(module) = &judged.module {
            fact("Replaced by", module.as_str());
        }
        if !judged.required_by.is_empty() {
            fact("Required by", &judged.required_by.join(", "));
        }
        body.push_str("</dl>");
        let (title, word) = (format!("{} {}", column.component, judged.version), judged.verdict.word());
        self.add(Card { column, about: About::Release, title, word, body, printed: false, releases: vec![release] })
    }

    /// The card of compiling or testing a release.
    pub(super) fn check(&mut self, column: &'a Column, release: usize, name: &str, result: CheckResult) -> usize {
        let mut body = String::new();
        if let Some(Checked { go, packages, seconds, output }) = &column.releases[release].checked {
            let (go, packages) = (escape(go), escape(&packages.join(" ")));
            body = format!(
                "<dl><dt>Go</dt><dd>{go}</dd><dt>Packages</dt><dd>{packages}</dd><dt>Time</dt><dd>{seconds:.1} s</dd></dl>"
            );
            if result == CheckResult::Failed && !output.is_empty() {
                body.push_str(&format!("<pre>{}</pre>", escape(&output.join("\n"))));
            }
        }
        let printed = result == CheckResult::Failed;
        self.add(Card {
            column,
            about: About::Check,
            title: name.to_owned(),
            word: result.word(),
            body,
            printed,
            releases: vec![release],
        })
    }

    /// The number of a card like this one.
    fn add(&mut self, card: Card<'a>) -> usize {
        let key = [card.column.component.as_str(), &card.title, card.word, &card.body].join("\0");
        match self.known.get(&key) {
            Some(&number) => {
                self.all[number].releases.extend(card.releases);
                number
            }
            None => {
                self.known.insert(key, self.all.len());
                self.all.push(card);
                self.all.len() - 1
            }
        }
    }

    /// All of them, as elements that stay hidden until a cell opens them.
    pub(super) fn html(&self) -> String {
        self.all.iter().enumerate().map(|(number, card)| card.html(number)).collect()
    }
}

impl Card<'_> {
    fn html(&self, number: usize) -> String {
        let Self { title, word, body, .. } = self;
        let (title, sign, kind) = (escape(title), sign(word), if self.printed { "why" } else { "why plain" });
        // A release's card has its one release in the title.
        let (here, on) = match self.about {
            About::Release => ("", String::new()),
            _ => ("<p class=\"here\" hidden></p>", format!("<p class=\"on\">{}</p>", escape(&self.concerns()))),
        };
        format!(
            "<article popover role=\"dialog\" id=\"w{number}\" class=\"{kind} s-{word}\" tabindex=\"-1\" aria-labelledby=\"t{number}\">\
             <header><h3 id=\"t{number}\">{title}</h3>\
             <button type=\"button\" class=\"close\" popovertarget=\"w{number}\" popovertargetaction=\"hide\" \
             aria-label=\"Close\">\u{00d7}</button></header>\
             <p class=\"badge\"><span aria-hidden=\"true\">{sign}</span> {word}</p> {here}<div class=\"text\">{body}</div>{on}</article>\n"
        )
    }

    fn concerns(&self) -> String {
        let component = &self.column.component;
        let list = spans(self.column, &self.releases);
        let number = count(self.releases.len(), "release");
        let stretch = match self.about {
            About::Patch(at) if self.word != State::Clean.word() => stretch(self.column, self.releases[0], at),
            _ => None,
        };
        let since = match stretch.filter(|stretch| stretch.label() != list) {
            Some(stretch) => format!("; {} {}", self.word, stretch.words()),
            None => String::new(),
        };
        format!("{component}, {number}: {list}{since}")
    }
}

fn reason(reason: &Reason) -> String {
    let place = match &reason.at {
        Some(at) => format!("<figcaption>{}</figcaption>", escape(&format!("{}:{}", at.file, at.line))),
        None => String::new(),
    };
    let lines: Vec<String> = reason.text.lines().map(line).collect();
    format!("<figure>{place}<pre>{}</pre></figure>", lines.join("\n"))
}

/// Expected and found lines stand out; their signs are in the text.
fn line(line: &str) -> String {
    let text = escape(line);
    match line.trim_start().chars().next() {
        Some('-') if !line.contains("- expected, + found") => format!("<del>{text}</del>"),
        Some('+') => format!("<ins>{text}</ins>"),
        _ => text,
    }
}
