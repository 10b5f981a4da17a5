//! Patterns for what is there: small ones that a declaration has once.

use std::ops::Range;

use crate::patch::edit::decl::{Declaration, Scope};
use crate::patch::edit::derive::Hold;
use crate::patch::edit::derive_go::unindented;
use crate::patch::edit::lex::Kind;
use crate::patch::edit::matcher::{TooCostly, What, find, is_clause};
use crate::patch::edit::pattern::Pattern;
use crate::patch::edit::site::{self, Site, is_list_item};
use crate::patch::edit::syntax::Go;

/// A pattern on one line is at most this long.
const WIDE: usize = 110;
/// As many statements make one pattern.
const STATEMENTS: usize = 3;

/// Where patterns are looked for: the declaration around a node.
pub(crate) struct Anchors<'g> {
    go: &'g Go,
    scope: Scope,
    name: Option<String>,
}

impl<'g> Anchors<'g> {
    /// The declaration around a node; the file, where there is none.
    pub(crate) fn of(go: &'g Go, declared: &[Declaration], node: u32) -> Self {
        let (first, last) = (go.node(node).first, go.node(node).last);
        let around = declared.iter().find(|d| go.node(d.node).first <= first && last <= go.node(d.node).last);
        let name = around.map(|d| d.name.clone());
        let same = |name: &String| declared.iter().filter(|d| d.name == *name).cloned().collect();
        let scope = name.as_ref().map_or(Scope::File, |name| Scope::In(same(name)));
        Self { go, scope, name }
    }

    /// As `in` names it.
    pub(crate) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// The pattern of these tokens, where it is there once.
    pub(crate) fn once(&self, tokens: &Range<usize>) -> Option<Pattern> {
        let pattern = Pattern::parse(&self.said(tokens)).ok()?;
        self.is_once(&pattern).then_some(pattern)
    }

    fn is_once(&self, pattern: &Pattern) -> bool {
        let patterns = std::slice::from_ref(pattern);
        let scope = self.scope.tokens(self.go);
        let found = scope.iter().map(|within| find(self.go, patterns, within).map(|found| found.len()));
        found.sum::<Result<usize, TooCostly>>() == Ok(1)
    }

    /// Patterns by which code is put beside an item, the best first.
    pub(crate) fn beside(&self, item: u32, after: bool, hold: Hold) -> Vec<Pattern> {
        let go = self.go;
        let whole = |first: u32, last: u32| go.node(first).first as usize..go.node(last).last as usize;
        let mut texts = if hold == Hold::Call { self.calls(item) } else { Vec::new() };
        if is_clause(go.node(item).kind) {
            let colon = go.children(item).find(|child| go.node(*child).kind == ":");
            texts.extend(colon.filter(|_| !after).map(|colon| self.said(&whole(item, colon))));
        }
        let own = whole(item, item);
        let text = self.said(&own);
        if !text.contains('\n') && text.len() <= WIDE {
            texts.push(text);
        } else {
            let (heads, short) = (self.heads(item), self.short(&own));
            match go.node(item).kind.ends_with("_statement")
                && !matches!(go.node(item).kind, "expression_statement" | "return_statement")
            {
                true => texts.extend(heads.into_iter().chain([short])),
                false => texts.extend(std::iter::once(short).chain(heads)),
            }
            texts.push(text);
        }
        let siblings: Vec<u32> =
            go.parent(item).map(|list| go.children(list).filter(|n| is_list_item(go, *n)).collect()).unwrap_or_default();
        if let Some(at) = siblings.iter().position(|sibling| *sibling == item) {
            for more in 1..STATEMENTS {
                let (first, last) = if after { (at.checked_sub(more), Some(at)) } else { (Some(at), Some(at + more)) };
                let ends = (first.and_then(|at| siblings.get(at)), last.and_then(|at| siblings.get(at)));
                if let (Some(first), Some(last)) = ends {
                    texts.extend([self.short(&whole(*first, *last)), self.said(&whole(*first, *last))]);
                }
            }
        }
        texts.dedup();
        texts.iter().filter_map(|text| Pattern::parse(text).ok()).filter(|pattern| self.is_once(pattern)).collect()
    }

    /// Parts of a statement of several lines by which it is found, such as the condition of an `if`; the longest first.
    fn heads(&self, item: u32) -> Vec<String> {
        let go = self.go;
        let told = |node: &u32| {
            let n = go.node(*node);
            let brackets = matches!(go.token(n.first as usize), b"(" | b"{" | b"[");
            n.last - n.first > 1 && !brackets
        };
        let mut texts: Vec<String> = self
            .parts(item)
            .filter(told)
            .map(|node| self.said(&(go.node(node).first as usize..go.node(node).last as usize)))
            .filter(|text| !text.contains('\n') && text.len() <= WIDE)
            .collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        texts
    }

    /// Calls in a statement, the longest first; what is in the brackets of long ones may be anything.
    fn calls(&self, item: u32) -> Vec<String> {
        let go = self.go;
        let said = |node: u32| {
            let tokens = |node: u32| go.node(node).first as usize..go.node(node).last as usize;
            let whole = self.said(&tokens(node));
            match go.field(node, "function") {
                Some(function) if whole.contains('\n') || whole.len() > WIDE / 2 => {
                    format!("{}($$$)", self.said(&tokens(function)))
                }
                _ => whole,
            }
        };
        let is_call = |node: &u32| go.node(*node).kind == "call_expression";
        let mut texts: Vec<String> =
            self.parts(item).filter(is_call).map(said).filter(|text| !text.contains('\n') && text.len() <= WIDE).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts
    }

    /// The nodes inside of a statement by which it is found, and no statement in it.
    fn parts(&self, item: u32) -> impl Iterator<Item = u32> + '_ {
        let go = self.go;
        let end = go.node(item).last;
        let following = (item + 1..go.nodes.len() as u32).take_while(move |n| go.node(*n).first < end);
        let leads_here = move |node: &u32| {
            go.node(*node).named && site::around(go, What::Node(*node), false) == Some(Site::Lines { first: item, last: item })
        };
        following.filter(leads_here)
    }

    /// The tokens as they stand there, without comments and indentation.
    fn said(&self, tokens: &Range<usize>) -> String {
        let go = self.go;
        let Some(run) = go.tokens.get(tokens.clone()).filter(|run| !run.is_empty()) else { return String::new() };
        let (start, end) = (run[0].start, run[run.len() - 1].end);
        let mut bytes = Vec::new();
        self.plain(start..end, &mut bytes);
        self.tidy(&bytes, start)
    }

    /// The same with `$$$` for what stands in brackets on more than one line.
    fn short(&self, tokens: &Range<usize>) -> String {
        let go = self.go;
        let mut out = Vec::new();
        let mut at = tokens.start;
        let mut from = go.tokens.get(at).map_or(0, |token| token.start);
        let start = from;
        while at < tokens.end {
            let is_open = go.tokens[at].kind == Kind::Punct && matches!(go.token(at), b"(" | b"[" | b"{");
            let close = is_open.then(|| self.closing(at, tokens.end)).flatten();
            if let Some(close) = close.filter(|close| go.line(go.tokens[at].start) != go.line(go.tokens[*close].start)) {
                self.plain(from..go.tokens[at].end, &mut out);
                out.extend_from_slice(if go.token(at) == b"{" { b" $$$ " } else { b"$$$" });
                from = go.tokens[close].start;
                at = close;
            }
            at += 1;
        }
        self.plain(from..go.tokens.get(tokens.end - 1).map_or(from, |token| token.end), &mut out);
        self.tidy(&out, start)
    }

    /// Adds a piece of the text, without comments.
    fn plain(&self, bytes: Range<usize>, out: &mut Vec<u8>) {
        let mut at = bytes.start;
        for comment in self.go.comments.iter().filter(|c| bytes.start <= c.start && c.end <= bytes.end) {
            out.extend_from_slice(&self.go.text[at..comment.start]);
            at = comment.end;
        }
        out.extend_from_slice(&self.go.text[at..bytes.end]);
    }

    fn closing(&self, open: usize, end: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (open..end).find(|at| {
            if self.go.tokens[*at].kind == Kind::Punct {
                match self.go.token(*at) {
                    b"(" | b"[" | b"{" => depth += 1,
                    b")" | b"]" | b"}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            depth == 0
        })
    }

    /// A piece of text without the indentation of the line where it begins, blank lines, and blanks at ends.
    fn tidy(&self, bytes: &[u8], start: usize) -> String {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        if text.contains('`') {
            return text;
        }
        let text = unindented(&text, self.go.indent(start));
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}
