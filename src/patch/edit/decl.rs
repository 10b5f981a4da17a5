//! What a file declares at top level, and finding a declaration by the name that an edit gives.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::patch::edit::syntax::Go;

/// A declaration at top level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// `Function`, `Type`, `Type.Method`, a constant or a variable.
    pub(crate) name: String,
    /// What it is, for messages.
    pub(crate) word: &'static str,
    /// The function, the method, or the spec of the others.
    pub(crate) node: u32,
    /// Its name.
    pub(crate) name_node: u32,
    /// Which of the file's top-level items it is (in).
    pub(crate) item: usize,
}

impl Declaration {
    /// `function NAME` and so on.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.word, self.name)
    }
}

/// All declarations, in order.
pub(crate) fn declarations(go: &Go) -> Vec<Declaration> {
    let mut out = Vec::new();
    for (item, top) in go.top().filter(|n| go.node(*n).named).enumerate() {
        let mut push = |node: u32, name_node: u32, prefix: Option<String>, word: &'static str| {
            let own = String::from_utf8_lossy(go.text_of(name_node)).into_owned();
            let name = prefix.map_or_else(|| own.clone(), |p| format!("{p}.{own}"));
            out.push(Declaration { name, word, node, name_node, item });
        };
        match go.node(top).kind {
            "function_declaration" => {
                if let Some(name) = go.field(top, "name") {
                    push(top, name, None, "function");
                }
            }
            "method_declaration" => {
                if let (Some(name), Some(receiver)) = (go.field(top, "name"), receiver(go, top)) {
                    push(top, name, Some(receiver), "method");
                }
            }
            "type_declaration" | "const_declaration" | "var_declaration" => {
                for spec in specs(go, top) {
                    let word = match go.node(spec).kind {
                        "const_spec" => "constant",
                        "var_spec" => "variable",
                        _ => "type",
                    };
                    for name in go.children(spec).filter(|c| go.node(*c).field == Some("name") && go.node(*c).named) {
                        push(spec, name, None, word);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// The declaration that holds these bytes: `function NAME` and so on; `None` between declarations.
pub(crate) fn declared_at(go: &Go, bytes: &Range<usize>) -> Option<String> {
    let holds = |d: &&Declaration| go.start(d.node) <= bytes.start && bytes.end <= go.end(d.node);
    declarations(go).iter().find(holds).map(Declaration::title)
}

/// The specs of a type, const or var declaration.
pub(crate) fn specs(go: &Go, declaration: u32) -> Vec<u32> {
    let mut out = Vec::new();
    for child in go.children(declaration) {
        match go.node(child).kind {
            "var_spec_list" => out.extend(go.children(child).filter(|c| go.node(*c).kind == "var_spec")),
            "type_spec" | "type_alias" | "const_spec" | "var_spec" => out.push(child),
            _ => {}
        }
    }
    out
}

/// The name of a method's type, without pointers and type parameters.
fn receiver(go: &Go, method: u32) -> Option<String> {
    let list = go.field(method, "receiver")?;
    let inside = go.node(list).first..go.node(list).last;
    let mut at = list + 1;
    while let Some(node) = go.nodes.get(at as usize).filter(|n| inside.contains(&n.first)) {
        if node.kind == "type_identifier" {
            return Some(String::from_utf8_lossy(go.text_of(at)).into_owned());
        }
        at += 1;
    }
    None
}

/// Where an edit looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everywhere.
    File,
    /// In declarations of one name (several only for `init` and `_`).
    In(Vec<Declaration>),
}

impl Scope {
    /// The runs of tokens to search.
    pub(crate) fn tokens(&self, go: &Go) -> Vec<Range<usize>> {
        match self {
            Self::File => std::iter::once(0..go.tokens.len()).collect(),
            Self::In(list) => list.iter().map(|d| go.node(d.node).first as usize..go.node(d.node).last as usize).collect(),
        }
    }

    /// For messages.
    pub(crate) fn title(&self) -> Option<String> {
        match self {
            Self::File => None,
            Self::In(list) => list.first().map(Declaration::title),
        }
    }
}

/// The first of the names that the file declares. Without names the whole file.
pub(crate) fn scope(declarations: &[Declaration], names: &[String]) -> Option<Scope> {
    if names.is_empty() {
        return Some(Scope::File);
    }
    names.iter().find_map(|name| {
        let name = plain(name);
        let found: Vec<_> = declarations.iter().filter(|d| d.name == name).cloned().collect();
        (!found.is_empty()).then_some(Scope::In(found))
    })
}

/// `(*List[T]).Add` is `List.Add`.
pub(crate) fn plain(name: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '(' | ')' | '*' => {}
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Names that are most like those that were looked for, best first.
pub(crate) fn nearest(declarations: &[Declaration], wanted: &[String]) -> Vec<String> {
    let mut scored = BTreeSet::new();
    for name in wanted.iter().map(|n| plain(n)) {
        for declaration in declarations {
            // A method that moved to another type, or became a function, keeps its last name.
            let last = |n: &str| n.rsplit('.').next().unwrap_or_default().to_lowercase();
            let whole = strsim::jaro_winkler(&name.to_lowercase(), &declaration.name.to_lowercase());
            let score = if last(&name) == last(&declaration.name) { 2.0 } else { whole };
            if score >= 0.8 {
                scored.insert(((score * -1000.0) as i64, declaration.name.clone()));
            }
        }
    }
    let mut out: Vec<String> = Vec::new();
    for (_, name) in scored {
        if !out.contains(&name) && out.len() < 3 {
            out.push(name);
        }
    }
    out
}
