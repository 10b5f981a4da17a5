//! Components as a graph: who is used by whom, and in which order they are made.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Component, Recipe, Replace};
use crate::names::{ComponentName, RecipeName, nearest};

/// A component that the recipe does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("recipe {recipe} has no component {name}{}", near.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
pub struct UnknownComponent {
    /// The recipe.
    pub recipe: RecipeName,
    /// What was asked for.
    pub name: ComponentName,
    /// The name that was probably meant.
    pub near: Option<ComponentName>,
    /// All there are.
    #[help]
    pub help: String,
}

impl Component {
    /// The components of the recipe that this one contains, in the order of its `replace`.
    pub fn uses(&self) -> impl Iterator<Item = &ComponentName> {
        self.replace.iter().filter_map(|replace| match replace {
            Replace::Component(name) => Some(name),
            Replace::Module { .. } | Replace::Path { .. } => None,
        })
    }
}

impl Recipe {
    /// A component by its name.
    pub fn component(&self, name: &ComponentName) -> Result<&Component, UnknownComponent> {
        self.components.get(name).ok_or_else(|| {
            let near = nearest(name.as_str(), self.components.keys().map(ComponentName::as_str));
            let near = near.and_then(|near| self.components.keys().find(|name| name.as_str() == near)).cloned();
            let known: Vec<&str> = self.components.keys().map(ComponentName::as_str).collect();
            let help = format!("it has {}", known.join(", "));
            UnknownComponent { recipe: self.name.clone(), name: name.clone(), near, help }
        })
    }

    /// The components that contain this one, by name.
    pub fn users_of<'a>(&'a self, name: &'a ComponentName) -> impl Iterator<Item = &'a Component> {
        self.components.values().filter(move |component| component.uses().any(|used| used == name))
    }

    /// All components, each after those that it contains.
    pub fn build_order(&self) -> Vec<&Component> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        for component in self.components.values() {
            self.visit(component, &mut seen, &mut order);
        }
        order
    }

    fn visit<'a>(&'a self, component: &'a Component, seen: &mut BTreeSet<&'a ComponentName>, order: &mut Vec<&'a Component>) {
        if !seen.insert(&component.name) {
            return;
        }
        for used in component.uses().filter_map(|name| self.components.get(name)) {
            self.visit(used, seen, order);
        }
        order.push(component);
    }
}

/// A way round in the graph, from a name back to itself; `None` where there is none.
pub(crate) fn cycle(edges: &BTreeMap<ComponentName, Vec<ComponentName>>) -> Option<Vec<ComponentName>> {
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| walk(start, edges, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    at: &'a ComponentName,
    edges: &'a BTreeMap<ComponentName, Vec<ComponentName>>,
    path: &mut Vec<&'a ComponentName>,
    done: &mut BTreeSet<&'a ComponentName>,
) -> Option<Vec<ComponentName>> {
    if let Some(from) = path.iter().position(|name| *name == at) {
        let mut round: Vec<ComponentName> = path[from..].iter().map(|name| (*name).clone()).collect();
        round.push(at.clone());
        return Some(round);
    }
    if !done.insert(at) {
        return None;
    }
    path.push(at);
    let found = edges.get(at).into_iter().flatten().find_map(|next| walk(next, edges, path, done));
    path.pop();
    found
}
