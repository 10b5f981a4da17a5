//! `[[plan]]`: what was to be done, and what shows that it was.

use super::error::Sink;
use super::model::{PlanItem, ShownBy};
use super::raw::{RawComponent, RawItem};
use super::read::Text;
use super::wrong::{Wrong, shown};
use crate::names::{ComponentName, RecipeName, nearest};

/// Checks every item.
pub(crate) fn plan(raw: &[RawItem], components: &[RawComponent], sink: &mut Sink) -> Vec<PlanItem> {
    raw.iter().filter_map(|raw| item(raw, components, sink)).collect()
}

fn item(raw: &RawItem, components: &[RawComponent], sink: &mut Sink) -> Option<PlanItem> {
    let given = [
        ("source", raw.source.as_ref().map(toml::Spanned::span)),
        ("built", raw.built.as_ref().map(toml::Spanned::span)),
        ("trial", raw.trial.as_ref().map(toml::Spanned::span)),
        ("report", raw.report.as_ref().map(toml::Spanned::span)),
        ("not_possible", raw.not_possible.as_ref().map(toml::Spanned::span)),
    ];
    let mut given = given.into_iter().filter_map(|(key, span)| Some((key, span?)));
    let first = given.next();
    if let (Some((first, _)), Some((second, span))) = (first, given.next()) {
        sink.push(span, Wrong::Both { first, second, help: "one thing shows that an item was done" });
        return None;
    }
    if let (Some(recipe), None) = (&raw.recipe, &raw.trial) {
        sink.push(recipe.span(), Wrong::Alone { key: "recipe", needs: "`trial`" });
    }
    let mut component = |text: &Text| known(text, components, sink);
    let shown_by = match (&raw.source, &raw.built, &raw.trial, &raw.not_possible) {
        (Some(text), ..) => ShownBy::Source(component(text)?),
        (_, Some(text), ..) => ShownBy::Built(component(text)?),
        (_, _, Some(steps), _) => {
            let recipe = raw.recipe.as_ref().and_then(|t| sink.take(t.span(), RecipeName::new(t.get_ref().as_str())));
            ShownBy::Trial { recipe, steps: steps.get_ref().iter().map(|step| step.get_ref().clone()).collect() }
        }
        (_, _, _, Some(reason)) => ShownBy::NotPossible(reason.get_ref().clone()),
        _ if raw.report.as_ref().is_some_and(|report| *report.get_ref()) => ShownBy::Report,
        _ => ShownBy::Nothing,
    };
    let Some(item) = &raw.item else {
        let help = "what was to be done, in words";
        sink.push(raw.span.clone(), Wrong::Missing { table: "[[plan]]".into(), key: "item", help });
        return None;
    };
    Some(PlanItem { item: item.get_ref().clone(), shown_by, note: raw.note.as_ref().map(|note| note.get_ref().clone()) })
}

fn known(text: &Text, components: &[RawComponent], sink: &mut Sink) -> Option<ComponentName> {
    let names = || components.iter().map(|component| component.name.get_ref().as_str());
    if !names().any(|known| known == text.get_ref()) {
        let near = nearest(text.get_ref(), names()).map(shown);
        sink.push(text.span(), Wrong::NoComponent { name: shown(text.get_ref()), near, known: names().map(shown).collect() });
        return None;
    }
    ComponentName::new(text.get_ref().as_str()).ok()
}
