//! Which releases of which components a run is about: `COMPONENT[@REQ]...`, `--all`, or all that can be built.

use crate::names::ComponentName;
use crate::pipeline::error::PipelineError;
use crate::plan;
use crate::recipe::model::{Component, Recipe, Want};
use crate::release::Wanted;

/// One `COMPONENT[@REQ]` of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The component.
    pub component: ComponentName,
    /// What of it; resolved afresh, without the lock.
    pub wanted: Option<Wanted>,
}

impl Selection {
    /// Reads `COMPONENT[@REQ]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, wanted) = match text.split_once('@') {
            Some((name, wanted)) => (name, Some(Wanted::parse(wanted)?)),
            None => (text, None),
        };
        Ok(Self { component: ComponentName::new(name).map_err(|e| e.to_string())?, wanted })
    }
}

/// A release as the recipe or the user names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// What is wanted.
    pub wanted: Wanted,
    /// The version that a branch or commit goes by.
    pub named: Option<crate::names::Revision>,
    /// True where the user named it: it is resolved afresh and not locked.
    pub ad_hoc: bool,
}

impl Pick {
    /// The key of its lock entry.
    pub fn key(&self) -> plan::Pick {
        plan::Pick::Wanted(self.wanted.to_string())
    }
}

/// A component and one of its releases.
#[derive(Debug, Clone)]
pub struct Selected<'a> {
    /// The component.
    pub component: &'a Component,
    /// The release.
    pub pick: Pick,
}

/// The picks that a recipe has for a component; none where it follows its users.
pub fn picks(component: &Component) -> Vec<Pick> {
    let pick = |wanted: &Wanted, named: &Option<_>| Pick { wanted: wanted.clone(), named: named.clone(), ad_hoc: false };
    match &component.want {
        Want::Lines(lines) => lines.iter().map(|line| pick(&Wanted::Range(line.clone()), &None)).collect(),
        Want::Exactly { wanted, named } => vec![pick(wanted, named)],
        Want::UsersPin => Vec::new(),
    }
}

/// Turns the command line into releases: the first line of each named component, every line with `all`, and every program
/// where none is named.
pub fn select<'a>(recipe: &'a Recipe, selections: &[Selection], all: bool) -> Result<Vec<Selected<'a>>, PipelineError> {
    let mut out = Vec::new();
    let mut add = |component: &'a Component| {
        let picks = picks(component);
        let most = if all { picks.len() } else { 1 };
        out.extend(picks.into_iter().take(most).map(|pick| Selected { component, pick }));
    };
    if selections.is_empty() {
        recipe.components.values().filter(|c| c.is_program()).for_each(&mut add);
        if out.is_empty() {
            return Err(PipelineError::NothingToBuild(recipe.name.clone()));
        }
        return Ok(out);
    }
    for selection in selections {
        let component = recipe.component(&selection.component)?;
        if !component.is_program() {
            return Err(plan::PlanError::NotAProgram(component.name.clone()).into());
        }
        match &selection.wanted {
            Some(wanted) => {
                let pick = Pick { wanted: wanted.clone(), named: None, ad_hoc: true };
                out.push(Selected { component, pick });
            }
            None => {
                let picks = picks(component);
                let most = if all { picks.len() } else { 1 };
                out.extend(picks.into_iter().take(most).map(|pick| Selected { component, pick }));
            }
        }
    }
    Ok(out)
}
