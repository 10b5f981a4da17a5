//! A Go file as a flat tree: every node with the tokens that it spans.
//!
//! The parser decides where nodes begin and end; what they say comes from our own tokens. Comments and layout are no tokens,
//! so a node's place is the place of its first and last token.

use std::ops::Range;
use std::sync::Arc;

use crate::patch::edit::lex::{self, Lexed, Token};
use crate::patch::edit::splice::Splice;
use crate::patch::edit::tree;

/// The largest file that is parsed.
pub(crate) const GO_LIMIT: usize = 8 * 1024 * 1024;

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: &'static str,
    pub(crate) field: Option<&'static str>,
    pub(crate) named: bool,
    /// First token, and the one behind the last.
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) parent: u32,
    pub(crate) child: u32,
    pub(crate) next: u32,
}

/// A place that the parser could not make sense of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    /// What is there, to tell it from other errors wherever it moves.
    pub(crate) text: String,
}

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Go {
    pub(crate) text: Arc<Vec<u8>>,
    /// In the order of the text, parents before children.
    pub(crate) nodes: Vec<Node>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Range<usize>>,
    pub(crate) errors: Vec<SyntaxError>,
    /// Nodes by their first token: (first, last, node), sorted.
    by_start: Vec<(u32, u32, u32)>,
    lines: Vec<usize>,
    /// The parser's own, for [`Go::parse_spliced`].
    tree: Option<tree_sitter::Tree>,
}

impl Go {
    /// Parses any bytes; what is not Go shows in `errors`.
    pub(crate) fn parse(text: &Arc<Vec<u8>>) -> Self {
        let lexed = lex::lex(text, false);
        let tree = tree::parse(text, &lexed.tokens);
        Self::made(text, lexed, tree)
    }

    /// Parses what splices (in order, as [`splice::apply`](crate::patch::edit::splice::apply) leaves them) made of this text;
    /// what they did not touch is taken over.
    pub(crate) fn parse_spliced(&self, text: &Arc<Vec<u8>>, splices: &[Splice]) -> Self {
        let again = self.tree.as_ref().and_then(|tree| tree::parse_again(tree, &self.lines, splices, text));
        let Some(tree) = again else { return Self::parse(text) };
        let new = Self::made(text, lex::lex(text, false), Some(tree));
        debug_assert_eq!(new.nodes, Self::parse(text).nodes, "parsing a part gives another tree than parsing all");
        new
    }

    fn made(text: &Arc<Vec<u8>>, lexed: Lexed, tree: Option<tree_sitter::Tree>) -> Self {
        let mut go = Self {
            text: Arc::clone(text),
            nodes: Vec::new(),
            tokens: lexed.tokens,
            comments: lexed.comments,
            errors: Vec::new(),
            by_start: Vec::new(),
            lines: std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|i| i + 1)).collect(),
            tree: None,
        };
        if let Some(at) = lexed.broken {
            go.errors.push(SyntaxError { at, text: "a literal or comment without an end".to_owned() });
        }
        match &tree {
            Some(tree) => go.flatten(tree),
            None => go.errors.push(SyntaxError { at: 0, text: "the parser gave up".to_owned() }),
        }
        go.tree = tree;
        go
    }

    fn flatten(&mut self, tree: &tree_sitter::Tree) {
        if tree.root_node().has_error() {
            let mut errors = Vec::new();
            tree::walk(tree, |node| errors.extend((node.is_error() || node.is_missing()).then(|| self.syntax_error(&node))));
            self.errors.extend(errors);
        }
        let text = Arc::clone(&self.text);
        let headers = tree::header_semicolons(tree, &text, &self.tokens);
        self.tokens.retain(|t| text[t.start] != b';' || headers.contains(&t.start));
        lex::drop_trailing_commas(&text, &mut self.tokens);
        let mut cursor = tree.walk();
        // For every open level: the node, and its last child so far.
        let mut open: Vec<(u32, u32)> = Vec::new();
        loop {
            let node = cursor.node();
            // Lines and semicolons between statements are leaves, too; they have no token.
            let keep = !node.is_extra() && (node.is_named() || node.child_count() > 0 || node.start_byte() < node.end_byte());
            let first = self.tokens.partition_point(|t| t.start < node.start_byte());
            let last = self.tokens.partition_point(|t| t.end <= node.end_byte());
            let index = self.nodes.len() as u32;
            if keep && first < last {
                let parent = open.last().map_or(NONE, |o| o.0);
                let kind = if node.is_error() { "ERROR" } else { tree::kind(&node) };
                self.nodes.push(Node {
                    kind,
                    field: tree::field(cursor.field_id()),
                    named: node.is_named(),
                    first: first as u32,
                    last: last as u32,
                    parent,
                    child: NONE,
                    next: NONE,
                });
                if let Some((parent, previous)) = open.last_mut() {
                    match *previous {
                        NONE => self.nodes[*parent as usize].child = index,
                        previous => self.nodes[previous as usize].next = index,
                    }
                    *previous = index;
                }
                // A literal is one token; its parts say nothing.
                let literal = last - first == 1 && kind.ends_with("_literal");
                if !literal && cursor.goto_first_child() {
                    open.push((index, NONE));
                    continue;
                }
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() || open.pop().is_none() {
                    self.index();
                    self.errors.extend(self.joined_clauses());
                    return;
                }
            }
        }
    }

    fn index(&mut self) {
        let named = self.nodes.iter().enumerate().filter(|(_, n)| n.named);
        self.by_start = named.map(|(i, n)| (n.first, n.last, i as u32)).collect();
        self.by_start.sort_unstable();
    }

    /// Case clauses right behind a statement, which the grammar takes and Go does not.
    fn joined_clauses(&self) -> Vec<SyntaxError> {
        let mut out = Vec::new();
        for node in self.nodes.iter().filter(|n| n.named && n.kind.ends_with("_case") && n.first > 0) {
            let (before, at) = (self.tokens[node.first as usize - 1], self.tokens[node.first as usize].start);
            let parted = self.text[before.end..at].iter().any(|b| matches!(b, b'\n' | b';'));
            if !parted && !matches!(self.text[before.start], b'{' | b':') {
                let text = format!("{} behind a statement", String::from_utf8_lossy(self.token(node.first as usize)));
                out.push(SyntaxError { at, text });
            }
        }
        out
    }

    fn syntax_error(&self, node: &tree_sitter::Node<'_>) -> SyntaxError {
        let range = node.start_byte()..node.end_byte().min(node.start_byte() + 60);
        let text =
            String::from_utf8_lossy(self.text.get(range).unwrap_or_default()).split_whitespace().collect::<Vec<_>>().join(" ");
        let text = if node.is_missing() { format!("{} is missing", node.kind()) } else { text };
        SyntaxError { at: node.start_byte(), text }
    }

    /// Named nodes that begin with token `first`, shortest first; of the same length, outermost first.
    pub(crate) fn starting_at(&self, first: usize) -> &[(u32, u32, u32)] {
        let first = first as u32;
        let from = self.by_start.partition_point(|n| n.0 < first);
        let to = from + self.by_start[from..].partition_point(|n| n.0 == first);
        &self.by_start[from..to]
    }

    /// The children of a node.
    pub(crate) fn children(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.nodes.get(node as usize).map_or(NONE, |n| n.child);
        std::iter::successors((first != NONE).then_some(first), |n| {
            let next = self.nodes[*n as usize].next;
            (next != NONE).then_some(next)
        })
    }

    /// The child in that field.
    pub(crate) fn field(&self, node: u32, field: &str) -> Option<u32> {
        self.children(node).find(|c| self.node(*c).field == Some(field))
    }

    /// A node; the index must come from this file.
    pub(crate) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// Its parent.
    pub(crate) fn parent(&self, node: u32) -> Option<u32> {
        let parent = self.node(node).parent;
        (parent != NONE).then_some(parent)
    }

    /// The kind of its parent.
    pub(crate) fn parent_kind(&self, node: u32) -> &'static str {
        self.parent(node).map_or("", |p| self.node(p).kind)
    }

    /// Where a node's first token begins.
    pub(crate) fn start(&self, node: u32) -> usize {
        self.tokens[self.node(node).first as usize].start
    }

    /// Where its last token ends.
    pub(crate) fn end(&self, node: u32) -> usize {
        self.tokens[self.node(node).last as usize - 1].end
    }

    /// The text from its first to its last token.
    pub(crate) fn text_of(&self, node: u32) -> &[u8] {
        &self.text[self.start(node)..self.end(node)]
    }

    /// The text of a token.
    pub(crate) fn token(&self, token: usize) -> &[u8] {
        self.tokens.get(token).map_or(&[], |t| &self.text[t.start..t.end])
    }

    /// The line (from 1) of an offset.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// Where the line of an offset begins.
    pub(crate) fn line_start(&self, at: usize) -> usize {
        self.lines[self.line(at) - 1]
    }

    /// Where the line after that of an offset begins; the end of the text for the last.
    pub(crate) fn next_line(&self, at: usize) -> usize {
        self.lines.get(self.line(at)).copied().unwrap_or(self.text.len())
    }

    /// The blanks that the line of an offset begins with.
    pub(crate) fn indent(&self, at: usize) -> &[u8] {
        let line = &self.text[self.line_start(at)..];
        &line[..line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()]
    }

    /// True where only blanks stand before `at` on its line.
    pub(crate) fn first_on_line(&self, at: usize) -> bool {
        self.line_start(at) + self.indent(at).len() == at
    }

    /// The file's line ending.
    pub(crate) fn newline(&self) -> &'static [u8] {
        newline_of(&self.text)
    }

    /// The declarations at top level: children of the root.
    pub(crate) fn top(&self) -> impl Iterator<Item = u32> + '_ {
        self.children(0)
    }
}

/// The line ending of a text, by its first line.
pub(crate) fn newline_of(text: &[u8]) -> &'static [u8] {
    match memchr::memchr(b'\n', text) {
        Some(at) if at > 0 && text[at - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    }
}
