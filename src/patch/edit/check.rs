//! Whether a file is still Go after the edits, as far as a syntax tree can tell. The compiler has the last word.
//!
//! The parser takes more than Go does, so four rules are checked by hand: the package clause comes first, imports follow, only
//! declarations stand at top level, `go` and `defer` have a call. And the file has to declare what it declared before: code
//! that closes the function it is put into parses very well.

use std::collections::{BTreeMap, BTreeSet};

use crate::patch::edit::decl::{Declaration, declarations};
use crate::patch::edit::problem::Broken;
use crate::patch::edit::syntax::Go;

/// What the edits may change in the list of declarations.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    /// Top-level items (by number) of which entries may come and go: groups of constants, variables and types.
    pub(crate) groups: BTreeSet<usize>,
    /// Declarations (by node of the base) with a new name.
    pub(crate) renamed: BTreeMap<u32, String>,
}

/// Everything that is wrong with `after` and was not with `before`.
pub(crate) fn check(before: &Go, after: &Go, allowed: &Allowed) -> Vec<Broken> {
    let mut out = Vec::new();
    let known = counted(before.errors.iter().map(|e| e.text.clone()));
    for error in new_ones(after.errors.iter().map(|e| (e.text.clone(), e.at)), known) {
        out.push(Broken::Syntax { line: after.line(error.1), text: error.0 });
    }
    let known = counted(top_level(before).into_iter().map(|(text, _)| text));
    for (text, at) in new_ones(top_level(after).into_iter(), known) {
        out.push(Broken::TopLevel { line: after.line(at), text });
    }
    let known = counted(without_call(before).into_iter().map(|(text, _)| text));
    for (text, at) in new_ones(without_call(after).into_iter(), known) {
        out.push(Broken::NoCall { line: after.line(at), text });
    }
    out.extend(other_declarations(before, after, allowed));
    out
}

fn counted(texts: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for text in texts {
        *out.entry(text).or_default() += 1;
    }
    out
}

fn new_ones(found: impl Iterator<Item = (String, usize)>, mut known: BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let is_new = |text: &str| match known.get_mut(text) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let mut is_new = is_new;
    found.filter(|(text, _)| is_new(text)).collect()
}

fn short(go: &Go, node: u32) -> String {
    let text = String::from_utf8_lossy(go.text_of(node));
    let line = text.lines().next().unwrap_or_default().trim_end();
    line.chars().take(80).collect()
}

/// Items at top level that are no declarations, or come too late.
fn top_level(go: &Go) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    // 0: nothing yet, 1: package, 2: imports, 3: declarations.
    let mut stage = 0;
    for node in go.top().filter(|n| go.node(*n).named) {
        let own = match go.node(node).kind {
            "package_clause" => 1,
            "import_declaration" => 2,
            "function_declaration" | "method_declaration" | "type_declaration" | "const_declaration" | "var_declaration" => 3,
            // Counted as a syntax error.
            "ERROR" => continue,
            _ => 4,
        };
        let good = match own {
            1 => stage == 0,
            2 => matches!(stage, 1 | 2),
            3 => stage > 0,
            _ => false,
        };
        if good {
            stage = own;
        } else {
            out.push((short(go, node), go.start(node)));
        }
    }
    out
}

fn without_call(go: &Go) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    for node in 0..go.nodes.len() as u32 {
        if !matches!(go.node(node).kind, "go_statement" | "defer_statement") {
            continue;
        }
        let called = go.children(node).find(|c| go.node(*c).named);
        if called.is_none_or(|c| !matches!(go.node(c).kind, "call_expression" | "type_conversion_expression")) {
            out.push((short(go, node), go.start(node)));
        }
    }
    out
}

fn other_declarations(before: &Go, after: &Go, allowed: &Allowed) -> Option<Broken> {
    let items = |go: &Go| go.top().filter(|n| go.node(*n).named).map(|n| go.node(n).kind).collect::<Vec<_>>();
    // Imports may have come in as an item of their own.
    let imports = |go: &Go| items(go).iter().filter(|k| **k == "import_declaration").count();
    let shift = imports(after) as i64 - imports(before) as i64;
    let keep = |declaration: &Declaration, shift: i64| {
        let item = declaration.item as i64 - shift;
        !usize::try_from(item).is_ok_and(|item| allowed.groups.contains(&item))
    };
    let old: Vec<String> = declarations(before)
        .iter()
        .filter(|d| keep(d, 0))
        .map(|d| match allowed.renamed.get(&d.node) {
            Some(name) => match d.name.rsplit_once('.') {
                Some((of, _)) => format!("{} {of}.{name}", d.word),
                None => format!("{} {name}", d.word),
            },
            None => d.title(),
        })
        .collect();
    let new: Vec<String> = declarations(after).iter().filter(|d| keep(d, shift)).map(Declaration::title).collect();
    if old == new {
        return None;
    }
    let missing = |from: &[String], other: &[String]| {
        let known = counted(other.iter().cloned());
        new_ones(from.iter().map(|t| (t.clone(), 0)), known).into_iter().map(|(t, _)| t).collect::<Vec<_>>()
    };
    Some(Broken::Declarations { added: missing(&new, &old), removed: missing(&old, &new) })
}
