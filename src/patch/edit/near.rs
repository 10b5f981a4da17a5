//! What a pattern that matches nowhere was probably about: Dice similarity over the tokens, and pairs of tokens, of each
//! statement's head.

use std::collections::HashMap;
use std::ops::Range;

use crate::patch::edit::pattern::{Part, Pattern};
use crate::patch::edit::problem::Similar;
use crate::patch::edit::syntax::Go;

/// Less similar statements say nothing.
const LEAST: f64 = 0.2;
/// How many are shown.
const SHOWN: usize = 3;
/// Characters shown of each.
const WIDTH: usize = 100;

type Bag<'a> = HashMap<(&'a [u8], &'a [u8]), usize>;

/// The statements, fields and entries inside `within` (runs of tokens) that are most like one of the patterns.
pub(crate) fn similar(go: &Go, patterns: &[Pattern], within: &[Range<usize>]) -> Vec<Similar> {
    let wanted: Vec<Bag<'_>> = patterns.iter().map(|p| bag(pattern_tokens(p))).collect();
    let mut scored: Vec<(f64, u32)> = Vec::new();
    for index in 0..go.nodes.len() as u32 {
        let node = go.node(index);
        let tokens = node.first as usize..node.last as usize;
        let inside = within.iter().any(|w| w.start <= tokens.start && tokens.end <= w.end);
        if !inside || !node.named || !is_shown(go, index) {
            continue;
        }
        let own = bag(head(go, index).map(|t| go.token(t)));
        let score = wanted.iter().map(|w| dice(w, &own)).fold(0.0, f64::max);
        if score >= LEAST {
            scored.push((score, index));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(SHOWN);
    let show = |(score, node): (f64, u32)| Similar {
        line: go.line(go.start(node)),
        text: first_line(go, node),
        percent: (score * 100.0) as u8,
    };
    scored.into_iter().map(show).collect()
}

fn is_shown(go: &Go, node: u32) -> bool {
    matches!(
        go.parent_kind(node),
        "statement_list" | "field_declaration_list" | "var_spec_list" | "literal_value" | "interface_type"
    ) || matches!(go.node(node).kind, "const_spec" | "expression_case" | "type_case" | "communication_case")
}

/// A statement without the blocks in it: what comes before the first, or all of it.
fn head(go: &Go, node: u32) -> Range<usize> {
    let (first, last) = (go.node(node).first, go.node(node).last);
    let clause = go.children(node).find(|c| go.node(*c).kind == "statement_list").map(|c| go.node(c).first);
    let mut end = clause.unwrap_or(last);
    let mut at = node + 1;
    while let Some(inner) = go.nodes.get(at as usize).filter(|n| n.first < end) {
        if inner.kind == "block" {
            end = inner.first;
        }
        at += 1;
    }
    first as usize..end as usize
}

fn pattern_tokens(pattern: &Pattern) -> impl Iterator<Item = &[u8]> {
    // A metavariable is like nothing, but what stands beside it are no neighbours either.
    pattern.parts.iter().map(|p| match p {
        Part::Token(_, text) => text.as_slice(),
        Part::Semicolon | Part::One(_) | Part::Rest(_) => b"$",
    })
}

fn bag<'a>(tokens: impl Iterator<Item = &'a [u8]>) -> Bag<'a> {
    let mut out = Bag::new();
    let mut before: &[u8] = b"";
    for token in tokens {
        if token != b"$" {
            *out.entry((token, b"")).or_default() += 1;
            if !before.is_empty() && before != b"$" {
                *out.entry((before, token)).or_default() += 1;
            }
        }
        before = token;
    }
    out
}

fn dice(a: &Bag<'_>, b: &Bag<'_>) -> f64 {
    let total = a.values().sum::<usize>() + b.values().sum::<usize>();
    let shared: usize = a.iter().map(|(key, count)| (*count).min(b.get(key).copied().unwrap_or(0))).sum();
    if total == 0 { 0.0 } else { 2.0 * shared as f64 / total as f64 }
}

fn first_line(go: &Go, node: u32) -> String {
    let text = String::from_utf8_lossy(go.text_of(node));
    let line = text.lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}
