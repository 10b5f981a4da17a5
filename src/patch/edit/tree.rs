//! The parser: from a text to a tree, anew or from the tree of a text that is nearly the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use tree_sitter::{InputEdit, Node, Point, Tree};

use crate::go_syntax::{self, LANGUAGE};
use crate::patch::edit::lex::{Kind, Token};
use crate::patch::edit::splice::Splice;

/// The kinds of nodes by their ids: the parser gives a C string, whose length has to be counted each time.
static KINDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let kinds = u16::try_from(LANGUAGE.node_kind_count()).unwrap_or(u16::MAX);
    (0..kinds).map(|id| LANGUAGE.node_kind_for_id(id).unwrap_or("ERROR")).collect()
});

/// The names of fields by their ids.
static FIELDS: LazyLock<Vec<Option<&'static str>>> = LazyLock::new(|| {
    let fields = u16::try_from(LANGUAGE.field_count()).unwrap_or(u16::MAX);
    (0..=fields).map(|id| LANGUAGE.field_name_for_id(id)).collect()
});

pub(crate) fn kind(node: &Node<'_>) -> &'static str {
    KINDS.get(usize::from(node.kind_id())).copied().unwrap_or("ERROR")
}

pub(crate) fn field(id: Option<std::num::NonZeroU16>) -> Option<&'static str> {
    FIELDS.get(usize::from(id?.get())).copied().flatten()
}

/// The tree of a text. `None` where the parser gives up.
pub(crate) fn parse(text: &[u8], tokens: &[Token]) -> Option<Tree> {
    let tree = go_syntax::parse(text, None);
    if tree.as_ref().is_some_and(|t| t.root_node().has_error())
        && let Some(masked) = mask_new(text, tokens)
        && let Some(second) = go_syntax::parse(&masked, None)
        && tree.as_ref().is_none_or(|first| count_errors(&second) < count_errors(first))
    {
        return Some(second);
    }
    tree
}

/// The tree of a text that came of another by splices. Only where both are without errors: what the parser makes of broken
/// text depends on where it began.
pub(crate) fn parse_again(tree: &Tree, lines: &[usize], splices: &[Splice], new: &[u8]) -> Option<Tree> {
    if tree.root_node().has_error() {
        return None;
    }
    let mut tree = tree.clone();
    let point = |at: usize| {
        let row = lines.partition_point(|start| *start <= at).saturating_sub(1);
        Point { row, column: at - lines.get(row).copied().unwrap_or(0) }
    };
    // From the end, so that the places of the others stay.
    for splice in splices.iter().rev() {
        let (start, old_end) = (point(splice.range.start), point(splice.range.end));
        let rows = memchr::memchr_iter(b'\n', &splice.text).count();
        let after = splice.text.len() - memchr::memrchr(b'\n', &splice.text).map_or(0, |at| at + 1);
        let new_end = match rows {
            0 => Point { row: start.row, column: start.column + after },
            rows => Point { row: start.row + rows, column: after },
        };
        tree.edit(&InputEdit {
            start_byte: splice.range.start,
            old_end_byte: splice.range.end,
            new_end_byte: splice.range.start + splice.text.len(),
            start_position: start,
            old_end_position: old_end,
            new_end_position: new_end,
        });
    }
    go_syntax::parse(new, Some(&tree)).filter(|tree| !tree.root_node().has_error())
}

/// Semicolons that are part of a statement's header, and not only its end.
pub(crate) fn header_semicolons(tree: &Tree, text: &[u8], tokens: &[Token]) -> BTreeSet<usize> {
    let in_header = |at: &usize| {
        let Some(node) = tree.root_node().descendant_for_byte_range(*at, *at + 1) else { return false };
        let parent = node.parent().map_or("", |p| kind(&p));
        let header = matches!(parent, "for_clause" | "if_statement" | "expression_switch_statement" | "type_switch_statement");
        header && !node.is_named() && kind(&node) == ";"
    };
    tokens.iter().filter(|t| text[t.start] == b';').map(|t| t.start).filter(in_header).collect()
}

fn count_errors(tree: &Tree) -> usize {
    let mut count = 0;
    walk(tree, |node| count += usize::from(node.is_error() || node.is_missing()));
    count
}

/// Visits every node.
pub(crate) fn walk(tree: &Tree, mut visit: impl FnMut(Node<'_>)) {
    let mut cursor = tree.walk();
    loop {
        visit(cursor.node());
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// The text with every `new` whose argument cannot be a type under another name of the same length: the grammar takes only
/// types there, Go 1.26 any expression. None where there is no such call.
fn mask_new(text: &[u8], tokens: &[Token]) -> Option<Vec<u8>> {
    let is = |i: usize, what: &[u8]| tokens.get(i).is_some_and(|t: &Token| &text[t.start..t.end] == what);
    let mut masked = None;
    for (i, token) in tokens.iter().enumerate() {
        if !is(i, b"new") || !is(i + 1, b"(") || i > 0 && (is(i - 1, b".") || is(i - 1, b"func")) {
            continue;
        }
        if is_expression(text, tokens, i + 2) {
            masked.get_or_insert_with(|| text.to_vec())[token.start..token.end].copy_from_slice(b"neW");
        }
    }
    masked
}

/// True where the argument that begins with token `at` cannot be a type.
fn is_expression(text: &[u8], tokens: &[Token], at: usize) -> bool {
    let Some(first) = tokens.get(at) else { return false };
    match first.kind {
        Kind::Number | Kind::String | Kind::Raw | Kind::Rune => true,
        Kind::Word => {
            let word = &text[first.start..first.end];
            if matches!(word, b"map" | b"chan" | b"func" | b"struct" | b"interface") {
                return false;
            }
            // NAME or NAME.NAME, then the end or type arguments: a type. Anything else is not.
            let is = |i: usize, what: &[u8]| tokens.get(i).is_some_and(|t| &text[t.start..t.end] == what);
            let after = if is(at + 1, b".") { at + 3 } else { at + 1 };
            !(is(after, b")") || is(after, b",") || is(after, b"["))
        }
        _ => !matches!(text[first.start], b'[' | b'*' | b'(' | b'~' | b')' | b'<'),
    }
}
