//! What `before`, `after` and `delete` act on: the statement around a match, or the field, entry or element that it is.

use crate::patch::edit::matcher::{What, is_clause};
use crate::patch::edit::syntax::Go;

/// What an action takes hold of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// Statements, fields, entries of a group, clauses: things that end with their line.
    Lines {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// Elements of a literal: things that end with a comma.
    Elements {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// The place behind the head of a case clause.
    Clause(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Lines,
    Elements,
}

/// Where `before` and `after` act for a match: on itself where it is an item of a list, else on the smallest statement of a
/// block around it (an init clause is none), else, outside of functions, on the smallest item.
pub(crate) fn around(go: &Go, what: What, behind: bool) -> Option<Site> {
    if let What::Head(clause) = what {
        return Some(if behind { Site::Clause(clause) } else { Site::Lines { first: clause, last: clause } });
    }
    if let Some(site) = itself(go, what) {
        return Some(site);
    }
    let (What::Node(inner) | What::Run(inner, _) | What::Head(inner)) = what;
    let ancestors = || std::iter::successors(Some(inner), |n| go.parent(*n));
    let statement = ancestors().find(|n| go.parent_kind(*n) == "statement_list");
    let item = || ancestors().find_map(|n| list(go, n).map(|list| (list, n)));
    match statement.map(|n| (List::Lines, n)).or_else(item)? {
        (List::Lines, n) => Some(Site::Lines { first: n, last: n }),
        (List::Elements, n) => Some(Site::Elements { first: n, last: n }),
    }
}

/// The match as items of a list, if that is what it is; `delete` takes nothing else.
pub(crate) fn itself(go: &Go, what: What) -> Option<Site> {
    let (list, first, last) = match what {
        What::Node(node) => {
            let (first, last) = (go.node(node).first, go.node(node).last);
            let same = go.starting_at(first as usize).iter().filter(|n| n.1 == last);
            same.filter_map(|n| Some((list(go, n.2)?, n.2, n.2))).next()?
        }
        What::Run(first, last) => (list(go, first)?, first, last),
        What::Head(_) => return None,
    };
    Some(match list {
        List::Lines => Site::Lines { first, last },
        List::Elements => Site::Elements { first, last },
    })
}

/// Whether a node is an item of a list that `before`, `after` and `delete` act on.
pub(crate) fn is_list_item(go: &Go, node: u32) -> bool {
    list(go, node).is_some()
}

/// The kind of list that a node is an item of.
fn list(go: &Go, node: u32) -> Option<List> {
    let parent = go.parent(node)?;
    let kind = go.node(node).kind;
    if !go.node(node).named {
        return None;
    }
    let lines = match go.node(parent).kind {
        "literal_value" => return Some(List::Elements),
        "statement_list" | "field_declaration_list" | "interface_type" | "var_spec_list" | "import_spec_list" | "source_file" => {
            true
        }
        "const_declaration" | "type_declaration" => is_group(go, parent),
        "expression_switch_statement" | "type_switch_statement" | "select_statement" => is_clause(kind),
        _ => false,
    };
    lines.then_some(List::Lines)
}

/// Whether a declaration has its specs in parentheses.
pub(crate) fn is_group(go: &Go, declaration: u32) -> bool {
    go.children(declaration).any(|c| matches!(go.node(c).kind, "(" | "var_spec_list"))
}

/// A list with the brackets around it.
pub(crate) struct Container {
    /// Where the opening bracket, or a clause's colon, ends.
    pub(crate) open: usize,
    /// The items.
    pub(crate) items: Vec<u32>,
    /// Where the closing bracket begins, or what follows a clause.
    pub(crate) close: usize,
}

/// The container of an item that ends with its line.
pub(crate) fn container(go: &Go, item: u32) -> Option<Container> {
    let list = go.parent(item)?;
    let holder = if go.node(list).kind == "statement_list" { go.parent(list)? } else { list };
    let items: Vec<u32> = go.children(list).filter(|c| list_item(go, *c)).collect();
    inside(go, holder, items)
}

fn list_item(go: &Go, node: u32) -> bool {
    list(go, node) == Some(List::Lines)
}

/// The body of a function, with its statements.
pub(crate) fn body(go: &Go, function: u32) -> Option<Container> {
    let block = go.field(function, "body").filter(|b| go.node(*b).kind == "block")?;
    statements(go, block)
}

/// The statements of a block or clause.
pub(crate) fn statements(go: &Go, holder: u32) -> Option<Container> {
    let list = go.children(holder).find(|c| go.node(*c).kind == "statement_list");
    let items = list.map(|list| go.children(list).filter(|c| list_item(go, *c)).collect()).unwrap_or_default();
    inside(go, holder, items)
}

fn inside(go: &Go, holder: u32, items: Vec<u32>) -> Option<Container> {
    if is_clause(go.node(holder).kind) {
        let colon = go.children(holder).find(|c| go.node(*c).kind == ":")?;
        // What follows the clause: the next one, or the end of the switch.
        let close = go.tokens.get(go.node(holder).last as usize)?.start;
        return Some(Container { open: go.end(colon), items, close });
    }
    let bracket = |kinds: [&str; 2]| go.children(holder).find(|c| kinds.contains(&go.node(*c).kind));
    let (open, close) = (bracket(["{", "("])?, go.children(holder).filter(|c| matches!(go.node(*c).kind, "}" | ")")).last()?);
    Some(Container { open: go.end(open), items, close: go.start(close) })
}
