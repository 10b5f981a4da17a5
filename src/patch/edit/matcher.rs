//! Finding a pattern in a file: token against token, and what was found has to be something that Go has a name for.
//!
//! A run of tokens counts as found where it is one whole node of the tree, several neighbours of one list, or the head of a
//! case clause. That is what keeps `a + b` out of `x * a + b`, and `return` out of `return err`.

use std::ops::Range;

use crate::patch::edit::lex::{self, Kind};
use crate::patch::edit::pattern::{Part, Pattern, closing};
use crate::patch::edit::syntax::Go;

/// Steps that one search may take: a pattern with many `$$$` in a large file must not take minutes.
const MOST_STEPS: usize = 4_000_000;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A whole node.
    Node(u32),
    /// Neighbours of one list, from the first to the last.
    Run(u32, u32),
    /// The head of this case clause, with its colon.
    Head(u32),
}

/// A place where a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) what: What,
    /// Its tokens.
    pub(crate) tokens: Range<usize>,
    /// What the metavariables matched, as tokens.
    pub(crate) values: Vec<(String, Range<usize>)>,
}

impl Found {
    /// Its bytes.
    pub(crate) fn range(&self, go: &Go) -> Range<usize> {
        bytes(go, &self.tokens)
    }

    /// What a metavariable matched.
    pub(crate) fn value<'g>(&self, go: &'g Go, name: &str) -> Option<&'g [u8]> {
        let (_, tokens) = self.values.iter().find(|(n, _)| n == name)?;
        Some(&go.text[bytes(go, tokens)])
    }
}

/// The bytes of a run of tokens.
fn bytes(go: &Go, tokens: &Range<usize>) -> Range<usize> {
    match go.tokens.get(tokens.clone()) {
        Some([first, .., last]) => first.start..last.end,
        Some([one]) => one.start..one.end,
        _ => 0..0,
    }
}

/// The search was too expensive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooCostly;

/// Every place inside `within` (tokens) where one of the patterns matches, in the order of the text, each once.
pub(crate) fn find(go: &Go, patterns: &[Pattern], within: &Range<usize>) -> Result<Vec<Found>, TooCostly> {
    let mut found: Vec<Found> = Vec::new();
    for pattern in patterns {
        for at in within.clone() {
            if let Some(Part::Token(kind, text)) = pattern.parts.first()
                && !is(go, at, *kind, text)
            {
                continue;
            }
            let mut search = Search { go, parts: &pattern.parts, from: at, to: within.end, values: Vec::new(), steps: 0 };
            let hit = search.rest(0, at);
            if search.steps > MOST_STEPS {
                return Err(TooCostly);
            }
            if let Some((what, end)) = hit
                && !found.iter().any(|f| f.tokens == (at..end))
            {
                let values = search.values.iter().map(|(name, tokens)| ((*name).to_owned(), tokens.clone())).collect();
                found.push(Found { what, tokens: at..end, values });
            }
        }
    }
    found.sort_by_key(|f| (f.tokens.start, f.tokens.end));
    Ok(found)
}

fn is(go: &Go, token: usize, kind: Kind, text: &[u8]) -> bool {
    go.tokens.get(token).is_some_and(|t| t.kind == kind) && lex::same(kind, go.token(token), text)
}

struct Search<'a> {
    go: &'a Go,
    parts: &'a [Part],
    from: usize,
    to: usize,
    values: Vec<(&'a str, Range<usize>)>,
    steps: usize,
}

impl<'a> Search<'a> {
    /// Whether the parts from `part` on match the tokens from `at` on, and what that makes of the whole.
    fn rest(&mut self, mut part: usize, mut at: usize) -> Option<(What, usize)> {
        let parts = self.parts;
        loop {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return None;
            }
            match parts.get(part) {
                None => return accept(self.go, self.from, at).map(|what| (what, at)),
                Some(Part::Token(kind, text)) => {
                    if at >= self.to || !is(self.go, at, *kind, text) {
                        return None;
                    }
                    at += 1;
                }
                // Those that only end something are no tokens of the file.
                Some(Part::Semicolon) => at += usize::from(at < self.to && self.go.token(at) == b";"),
                Some(Part::One(name)) => return self.one(name, part, at),
                Some(Part::Rest(name)) => return self.run(name.as_deref(), part, at),
            }
            part += 1;
        }
    }

    fn one(&mut self, name: &'a str, part: usize, at: usize) -> Option<(What, usize)> {
        let go = self.go;
        if let Some((_, before)) = self.values.iter().find(|(n, _)| *n == name) {
            let end = at + before.len();
            let same = end <= self.to
                && before.clone().zip(at..end).all(|(a, b)| {
                    let kind = go.tokens[a].kind;
                    is(go, b, kind, go.token(a))
                });
            return if same && go.starting_at(at).iter().any(|n| n.1 as usize == end) { self.rest(part + 1, end) } else { None };
        }
        let mut tried = 0;
        for &(_, end, node) in go.starting_at(at) {
            let end = end as usize;
            if end == tried || end > self.to || !is_one(go.node(node).kind) {
                continue;
            }
            tried = end;
            let known = self.values.len();
            self.values.push((name, at..end));
            if let Some(hit) = self.rest(part + 1, end) {
                return Some(hit);
            }
            self.values.truncate(known);
        }
        None
    }

    fn run(&mut self, name: Option<&'a str>, part: usize, from: usize) -> Option<(What, usize)> {
        let mut open = Vec::new();
        let mut at = from;
        loop {
            if open.is_empty() {
                let known = self.values.len();
                if let Some(name) = name {
                    self.values.push((name, from..at));
                }
                if let Some(hit) = self.rest(part + 1, at) {
                    return Some(hit);
                }
                self.values.truncate(known);
            }
            if at >= self.to || self.steps > MOST_STEPS {
                return None;
            }
            if self.go.tokens[at].kind == Kind::Punct {
                let text = self.go.token(at);
                if let Some(close) = closing(text) {
                    open.push(close);
                } else if matches!(text, b")" | b"]" | b"}") && open.pop() != Some(text[0]) {
                    return None;
                }
            }
            at += 1;
        }
    }
}

/// Whether `$X` stands for nodes of that kind: expressions, types and names, not lists, bodies or parts of other things.
fn is_one(kind: &str) -> bool {
    !(kind.ends_with("_list")
        || kind.ends_with("_declaration")
        || kind.ends_with("_spec")
        || kind.ends_with("_case")
        || kind.ends_with("_clause")
        || matches!(
            kind,
            "block" | "literal_value" | "type_arguments" | "keyed_element" | "variadic_argument" | "ERROR" | "source_file"
        )
        || kind.ends_with("_statement") && kind != "expression_statement")
}

/// What the tokens from `first` to before `last` are, if they are something.
pub(crate) fn accept(go: &Go, first: usize, last: usize) -> Option<What> {
    let starting = go.starting_at(first);
    // A clause without statements is no more than its head.
    let head = |n: &&(u32, u32, u32)| {
        let colon = go.children(n.2).find(|c| go.node(*c).kind == ":");
        is_clause(go.node(n.2).kind) && colon.is_some_and(|colon| go.node(colon).last as usize == last)
    };
    if let Some(clause) = starting.iter().find(head) {
        return Some(What::Head(clause.2));
    }
    if let Some(node) = starting.iter().find(|n| n.1 as usize == last) {
        return Some(What::Node(node.2));
    }
    for &(_, _, node) in starting.iter().filter(|n| (n.1 as usize) < last) {
        if !is_item(go, node) {
            continue;
        }
        let mut at = node;
        while go.node(at).next != super::syntax::NONE {
            at = go.node(at).next;
            let end = go.node(at).last as usize;
            if end == last && is_item(go, at) {
                return Some(What::Run(node, at));
            }
            if end >= last {
                break;
            }
        }
    }
    None
}

/// Case clauses of switch and select.
pub(crate) fn is_clause(kind: &str) -> bool {
    matches!(kind, "expression_case" | "type_case" | "communication_case" | "default_case")
}

/// Whether a node is one of the things that its parent is a list of.
fn is_item(go: &Go, node: u32) -> bool {
    let kind = go.node(node).kind;
    go.node(node).named
        && match go.parent_kind(node) {
            "source_file"
            | "statement_list"
            | "argument_list"
            | "parameter_list"
            | "type_parameter_list"
            | "type_arguments"
            | "literal_value"
            | "expression_list"
            | "field_declaration_list"
            | "interface_type"
            | "var_spec_list"
            | "import_spec_list" => true,
            "const_declaration" | "type_declaration" => kind.ends_with("_spec") || kind == "type_alias",
            "expression_switch_statement" | "type_switch_statement" | "select_statement" => is_clause(kind),
            _ => false,
        }
}
