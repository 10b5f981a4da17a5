//! Adding imports where gofmt would have them.

use std::ops::Range;

use crate::patch::edit::model::Import;
use crate::patch::edit::splice::{Order, Splice};
use crate::patch::edit::syntax::Go;

/// One import of a file.
struct Spec {
    import: Import,
    node: u32,
    /// Lines without a blank one between them are a group.
    group: usize,
}

/// What adds the imports that the file has not; `None` where it has no place for them.
pub(crate) fn add(go: &Go, wanted: &[(Import, usize)]) -> Option<Vec<Splice>> {
    let declarations: Vec<u32> = go.top().filter(|n| go.node(*n).kind == "import_declaration").collect();
    let all: Vec<Spec> = declarations.iter().flat_map(|d| specs(go, *d)).collect();
    let mut missing: Vec<(Import, usize)> = Vec::new();
    for (import, edit) in wanted {
        let has = all.iter().any(|s| s.import == *import) || missing.iter().any(|(m, _)| m == import);
        if !has {
            missing.push((import.clone(), *edit));
        }
    }
    missing.sort();
    let Some(edit) = missing.iter().map(|m| m.1).min() else { return Some(Vec::new()) };
    // One edit for all of them: what goes to one place keeps its order then.
    missing.iter_mut().for_each(|m| m.1 = edit);
    let block = declarations.iter().copied().find(|d| list_of(go, *d).is_some() && !specs(go, *d).iter().any(is_c));
    match block {
        Some(block) => into_block(go, block, &missing),
        None => new_block(go, declarations.last().copied(), &missing),
    }
}

fn is_c(spec: &Spec) -> bool {
    spec.import.path == "C"
}

fn list_of(go: &Go, declaration: u32) -> Option<u32> {
    go.children(declaration).find(|c| go.node(*c).kind == "import_spec_list")
}

fn specs(go: &Go, declaration: u32) -> Vec<Spec> {
    let list = list_of(go, declaration).unwrap_or(declaration);
    let mut out: Vec<Spec> = Vec::new();
    for node in go.children(list).filter(|c| go.node(*c).kind == "import_spec") {
        let said = |field: &str| go.field(node, field).map(|n| String::from_utf8_lossy(go.text_of(n)).into_owned());
        let path = said("path").unwrap_or_default().trim_matches(['"', '`']).to_owned();
        let group = match out.last() {
            Some(before) if has_blank_line(go, go.end(before.node)..go.start(node)) => before.group + 1,
            Some(before) => before.group,
            None => 0,
        };
        out.push(Spec { import: Import { path, name: said("name") }, node, group });
    }
    out
}

fn has_blank_line(go: &Go, between: Range<usize>) -> bool {
    let lines: Vec<&[u8]> = go.text[between].split(|b| *b == b'\n').collect();
    lines.len() > 2 && lines[1..lines.len() - 1].iter().any(|l| l.trim_ascii().is_empty())
}

/// The standard library has no dots in the first part of its paths.
fn is_standard(path: &str) -> bool {
    !path.split('/').next().unwrap_or_default().contains('.')
}

/// How many parts two paths begin with in common.
fn shared(a: &str, b: &str) -> usize {
    a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count()
}

fn into_block(go: &Go, block: u32, missing: &[(Import, usize)]) -> Option<Vec<Splice>> {
    let list = list_of(go, block)?;
    let specs = specs(go, block);
    let newline = String::from_utf8_lossy(go.newline()).into_owned();
    let open = go.tokens.get(go.node(list).first as usize)?.end;
    let close = go.end(list) - 1;
    // Groups that the file has not: at the top for the standard library, at the end for others.
    let (mut top, mut end) = (Vec::new(), Vec::new());
    let mut splices = Vec::new();
    for (import, edit) in missing {
        let fitting = specs.iter().filter(|s| is_standard(&s.import.path) == is_standard(&import.path));
        let best = fitting.max_by_key(|s| (shared(&s.import.path, &import.path), std::cmp::Reverse(s.group)));
        let Some(group) = best.map(|s| s.group) else {
            if is_standard(&import.path) { &mut top } else { &mut end }.push((import, *edit));
            continue;
        };
        let members: Vec<&Spec> = specs.iter().filter(|s| s.group == group).collect();
        let next = members.iter().find(|s| s.import > *import);
        let line = |indent: &[u8]| format!("{}{}{newline}", String::from_utf8_lossy(indent), import.spec());
        let (at, text) = match (next, members.last()) {
            (Some(next), _) => {
                let room = super::lines::before(go, next.node, *edit)?;
                (room.at, line(&room.indent))
            }
            (None, Some(last)) => {
                let room = super::lines::after(go, last.node, *edit)?;
                (room.at, line(&room.indent))
            }
            (None, None) => return None,
        };
        splices.push(Splice { range: at..at, order: Order::Code, text: text.into_bytes(), edit: *edit });
    }
    let lines = |of: &[(&Import, usize)]| of.iter().map(|(i, _)| format!("\t{}{newline}", i.spec())).collect::<String>();
    if let Some((_, edit)) = top.first() {
        let gap = if specs.is_empty() { "" } else { &*newline };
        let (at, before, after) = match super::lines::below(go, open) {
            Ok(at) => (at, "", gap),
            Err(_) => (open, &*newline, gap),
        };
        let text = format!("{before}{}{after}", lines(&top));
        splices.push(Splice { range: at..at, order: Order::Code, text: text.into_bytes(), edit: *edit });
    }
    if let Some((_, edit)) = end.first() {
        let own_line = go.first_on_line(close);
        let at = if own_line { go.line_start(close) } else { close };
        let gap = if specs.is_empty() && top.is_empty() { "" } else { &*newline };
        let before = if own_line { "" } else { &*newline };
        let text = format!("{before}{gap}{}", lines(&end));
        splices.push(Splice { range: at..at, order: Order::Close, text: text.into_bytes(), edit: *edit });
    }
    Some(splices)
}

/// An import declaration of its own: behind the last one, else behind the package clause.
fn new_block(go: &Go, last: Option<u32>, missing: &[(Import, usize)]) -> Option<Vec<Splice>> {
    let package = go.top().find(|n| go.node(*n).kind == "package_clause");
    let behind = last.or(package)?;
    let newline = String::from_utf8_lossy(go.newline()).into_owned();
    let mut text = String::new();
    match missing {
        [(one, _)] => text.push_str(&format!("import {}{newline}", one.spec())),
        several => {
            let (standard, others): (Vec<_>, Vec<_>) = several.iter().partition(|(i, _)| is_standard(&i.path));
            text.push_str(&format!("import ({newline}"));
            standard.iter().for_each(|(i, _)| text.push_str(&format!("\t{}{newline}", i.spec())));
            if !standard.is_empty() && !others.is_empty() {
                text.push_str(&newline);
            }
            others.iter().for_each(|(i, _)| text.push_str(&format!("\t{}{newline}", i.spec())));
            text.push_str(&format!("){newline}"));
        }
    }
    let edit = missing.first().map_or(0, |m| m.1);
    let (at, lead) = match super::lines::below(go, go.end(behind)) {
        Ok(at) => (at, newline.clone()),
        Err(at) if at == go.text.len() => (at, newline.repeat(2)),
        Err(_) => return None,
    };
    // A single import stands right below another one.
    let lead = if last.is_some() && missing.len() == 1 { String::new() } else { lead };
    Some(vec![Splice { range: at..at, order: Order::Code, text: format!("{lead}{text}").into_bytes(), edit }])
}
