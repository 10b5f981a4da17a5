//! From a recipe as written to a recipe as meant. Every check goes on after a mistake; only what depends on it is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::check_build;
use super::check_expect;
use super::check_kit;
use super::check_plan;
use super::check_trial;
use super::error::{Problem, Sink};
use super::graph;
use super::load::{Lookup, Upstreams};
use super::model::{Component, Recipe, Replace, Upstream, Want};
use super::raw::{RawComponent, RawRecipe};
use super::read::{List, Text};
use super::scope::Scope;
use super::targets::parse_target;
use super::words;
use super::wrong::{Wrong, shown};
use crate::files::{Files, Origin};
use crate::names::{ComponentName, GoVersion, RecipeName, RelPath, Revision, SeriesName, Target, UpstreamName, nearest};
use crate::release::{Release, Req, Wanted};

/// More components than anybody needs; it bounds the time that a hostile recipe can cost.
const MOST_COMPONENTS: usize = 200;

/// What all checks of one recipe look at.
pub(crate) struct Context<'a> {
    pub(crate) files: &'a Files,
    pub(crate) origin: &'a Origin,
    pub(crate) upstreams: &'a mut Upstreams,
    pub(crate) budget: check_expect::Budget,
    /// The mistakes of templates.
    pub(crate) in_templates: Vec<Problem>,
}

/// One component on its way.
struct Draft<'a> {
    raw: &'a RawComponent,
    name: ComponentName,
    want: Option<Want>,
    replace: Vec<Replace>,
}

/// Checks a whole recipe; `None` where the sink has the reasons.
pub(crate) fn recipe(raw: &RawRecipe, name: RecipeName, context: &mut Context<'_>, sink: &mut Sink) -> Option<Recipe> {
    let description = raw.description.as_ref().map(|text| text.get_ref().clone()).unwrap_or_default();
    let targets = targets(&raw.targets, sink);
    if !raw.has_components {
        sink.push(0..0, Wrong::NoComponents);
    }
    if let Some(extra) = raw.components.get(MOST_COMPONENTS) {
        sink.push(extra.name.span(), Wrong::TooManyComponents { limit: MOST_COMPONENTS });
        return None;
    }
    let drafts: Vec<Draft<'_>> = raw.components.iter().filter_map(|raw| draft(raw, sink)).collect();
    check_graph(raw, &drafts, sink);
    let mut components = BTreeMap::new();
    for draft in drafts {
        if let Some(component) = component(draft, context, sink) {
            components.insert(component.name.clone(), component);
        }
    }
    check_promises(raw, &components, sink);
    let values = check_kit::values(&raw.values, sink);
    let scope = Scope::new(&values, raw.components.iter().map(|component| component.name.get_ref().as_str()));
    let kit = check_kit::kit(&raw.kit, &raw.components, &scope, context.files, &mut context.in_templates, sink);
    let trial = check_trial::steps(&raw.trial, &scope, context, sink);
    let plan = check_plan::plan(&raw.plan, &raw.components, sink);
    let questions = raw.questions.iter().flat_map(|list| list.get_ref()).map(|text| text.get_ref().clone()).collect();
    let origin = context.origin.clone();
    sink.is_clean().then_some(Recipe { name, origin, description, targets, components, values, kit, trial, questions, plan })
}

fn targets(list: &List, sink: &mut Sink) -> Vec<Target> {
    let Some(list) = list else { return vec![Target::host()] };
    if list.get_ref().is_empty() {
        sink.push(list.span(), Wrong::Empty { key: "targets", help: "leave it out for the platform that forge runs on" });
    }
    each(list.get_ref(), "target", sink, parse_target)
}

/// Parses every entry of a list and refuses the same one twice.
fn each<T: PartialEq, E: Into<Wrong>>(
    list: &[Text],
    what: &'static str,
    sink: &mut Sink,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Vec<T> {
    let mut parsed = Vec::new();
    // Entries are compared as texts: that is quick, and says the same for names.
    let mut seen = BTreeSet::new();
    for text in list {
        if sink.is_full() {
            break;
        }
        if !seen.insert(text.get_ref().trim()) {
            sink.push(text.span(), Wrong::Twice { what, text: shown(text.get_ref()) });
        } else if let Some(value) = sink.take(text.span(), parse(text.get_ref())) {
            parsed.push(value);
        }
    }
    parsed
}

fn draft<'a>(raw: &'a RawComponent, sink: &mut Sink) -> Option<Draft<'a>> {
    let want = want(raw, sink);
    let replace = raw.replace.as_ref().map(|list| each(list.get_ref(), "replacement", sink, words::parse_replace));
    let name = sink.take(raw.name.span(), ComponentName::new(raw.name.get_ref().as_str()))?;
    Some(Draft { raw, name, want, replace: replace.unwrap_or_default() })
}

fn want(raw: &RawComponent, sink: &mut Sink) -> Option<Want> {
    if let (Some(_), Some(version)) = (&raw.lines, &raw.version) {
        let help = "`lines` takes the newest release of each range, `version` one tag, branch or commit";
        sink.push(version.span(), Wrong::Both { first: "lines", second: "version", help });
    }
    if let (None, Some(named)) = (&raw.version, &raw.named) {
        sink.push(named.span(), Wrong::Alone { key: "as", needs: "a `version` that is a branch or a commit" });
    }
    if let Some(lines) = &raw.lines {
        if lines.get_ref().is_empty() {
            sink.push(lines.span(), Wrong::Empty { key: "lines", help: "write something like lines = [\"~1.36\"]" });
        }
        return Some(Want::Lines(each(lines.get_ref(), "line", sink, Req::parse)));
    }
    let Some(version) = &raw.version else { return Some(Want::UsersPin) };
    let text = version.get_ref();
    let wanted = match Wanted::parse(text) {
        Ok(Wanted::Range(_)) => {
            sink.push(version.span(), Wrong::RangeAsVersion { text: shown(text) });
            None
        }
        Ok(wanted) => Some(wanted),
        Err(reason) => {
            sink.push(version.span(), Wrong::Version(reason));
            None
        }
    };
    let named = raw.named.as_ref().and_then(|named| {
        let revision = sink.take(named.span(), Revision::new(named.get_ref().as_str()))?;
        if Release::parse(&revision).is_none() {
            sink.push(named.span(), Wrong::AsNotVersion { text: shown(named.get_ref()) });
        }
        if let Some(Wanted::Revision(tag)) = &wanted
            && Release::parse(tag).is_some()
        {
            sink.push(named.span(), Wrong::NamedTag { version: tag.to_string() });
        }
        Some(revision)
    });
    Some(Want::Exactly { wanted: wanted?, named })
}

fn check_graph(raw: &RawRecipe, drafts: &[Draft<'_>], sink: &mut Sink) {
    let names = || raw.components.iter().map(|component| component.name.get_ref().as_str());
    let mut edges: BTreeMap<ComponentName, Vec<ComponentName>> = BTreeMap::new();
    // Names that a typing error probably meant: that nobody uses them would be said twice.
    let mut meant: BTreeSet<String> = BTreeSet::new();
    for draft in drafts {
        let used = edges.entry(draft.name.clone()).or_default();
        for replace in &draft.replace {
            let Replace::Component(name) = replace else { continue };
            let span = span_of(&draft.raw.replace, name.as_str());
            if *name == draft.name {
                sink.push(span, Wrong::Itself { name: name.to_string() });
            } else if names().any(|known| known == name.as_str()) {
                used.push(name.clone());
            } else if !sink.is_full() {
                let near = nearest(name.as_str(), names().filter(|known| *known != draft.name.as_str())).map(shown);
                meant.extend(near.clone());
                let known = names().map(shown).collect();
                sink.push(span, Wrong::NoComponent { name: name.to_string(), near, known });
            }
        }
    }
    if let Some(path) = graph::cycle(&edges) {
        let first = drafts.iter().find(|draft| path.first() == Some(&draft.name));
        let next = path.get(1).map_or("", ComponentName::as_str);
        let span = first.map_or(0..0, |draft| span_of(&draft.raw.replace, next));
        sink.push(span, Wrong::Cycle { path: path.iter().map(ToString::to_string).collect() });
    }
    let used: BTreeSet<&ComponentName> = edges.values().flatten().collect();
    for draft in drafts {
        if draft.want == Some(Want::UsersPin) && !used.contains(&draft.name) && !meant.contains(draft.name.as_str()) {
            sink.push(draft.raw.name.span(), Wrong::Unused { name: draft.name.to_string() });
        }
    }
}

/// The place of an entry of a list.
fn span_of(list: &List, entry: &str) -> Range<usize> {
    let mut texts = list.iter().flat_map(|list| list.get_ref());
    texts.find(|text| text.get_ref().trim() == entry).map_or(0..0, |text| text.span())
}

fn component(draft: Draft<'_>, context: &mut Context<'_>, sink: &mut Sink) -> Option<Component> {
    let Draft { raw, name, want, replace } = draft;
    let upstream = upstream(raw, context, sink);
    let series = raw.series.as_ref().map(|list| each(list.get_ref(), "series", sink, |text| SeriesName::new(text)));
    let series = series.unwrap_or_default();
    if let Some((upstream_name, _)) = &upstream {
        for series in &series {
            check_series(upstream_name, series, &raw.series, context.files, sink);
        }
    }
    let require = raw.require.as_ref().map(|list| each(list.get_ref(), "requirement", sink, words::parse_require));
    let go = raw.go_line.as_ref().and_then(|text| sink.take(text.span(), GoVersion::new(text.get_ref().as_str())));
    let tidy = raw.tidy.as_ref().is_some_and(|text| {
        let known = text.get_ref() == "tidy";
        if !known {
            let near = nearest(text.get_ref(), ["tidy"]);
            let found = shown(text.get_ref());
            sink.push(text.span(), Wrong::Choice { key: "mod", found, expected: "\"tidy\" is the only one", near });
        }
        known
    });
    let holds = raw.holds.as_ref().and_then(|text| sink.take(text.span(), Req::parse(text.get_ref())));
    let expect: Vec<_> =
        raw.expect.iter().filter_map(|e| check_expect::expect(e, context.files, &mut context.budget, sink)).collect();
    let upstream = upstream.and_then(|(_, upstream)| upstream)?;
    if let (true, Some(first)) = (upstream.builds.is_empty(), raw.expect.first()) {
        sink.push(first.span.clone(), Wrong::NotProgram { name: name.to_string() });
    }
    let require = require.unwrap_or_default();
    Some(Component { name, upstream, want: want?, series, replace, require, go, tidy, holds, expect })
}

/// The upstream's name, and the upstream itself unless it has mistakes of its own.
fn upstream(raw: &RawComponent, context: &mut Context<'_>, sink: &mut Sink) -> Option<(UpstreamName, Option<Upstream>)> {
    let parts = check_build::parts(&raw.own, true, context.files, sink);
    let has_source = raw.own.git.is_some() || raw.own.module.is_some() || raw.own.path.is_some();
    let text = raw.upstream.as_ref().unwrap_or(&raw.name);
    let name = match UpstreamName::new(text.get_ref().as_str()) {
        Ok(name) => name,
        // A bad component name was reported as one.
        Err(_) if raw.upstream.is_none() => return None,
        Err(error) => {
            sink.push(text.span(), error);
            return None;
        }
    };
    match context.upstreams.get(&name, context.files) {
        Lookup::Found(upstream) => Some((name, Some(parts.merge_into(*upstream)))),
        Lookup::Wrong => Some((name, None)),
        Lookup::Unreadable(reason) => {
            sink.push(text.span(), Wrong::BadUpstream { name: name.to_string(), reason });
            None
        }
        // The component is its own upstream. With `upstream = "..."` it would have been a typing error.
        Lookup::Missing(_) if has_source && raw.upstream.is_none() => {
            let upstream = parts.into_upstream(name.clone(), context.origin.clone());
            Some((name, upstream))
        }
        Lookup::Missing(known) => {
            let near = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
            sink.push(text.span(), Wrong::NoUpstream { name: name.to_string(), near, known });
            None
        }
    }
}

fn check_series(upstream: &UpstreamName, series: &SeriesName, list: &List, files: &Files, sink: &mut Sink) {
    let Ok(root) = RelPath::new("patches") else { return };
    let folder = |upstream: &str| root.join(upstream).ok();
    let here = folder(upstream.as_str());
    let found = here.as_ref().and_then(|here| here.join(series.as_str()).ok()).map(|folder| files.list(&folder));
    let span = span_of(list, series.as_str());
    match found {
        Some(Ok(Some(_))) => return,
        Some(Err(error)) => {
            sink.push(span, Wrong::NoFile { path: format!("patches/{upstream}/{series}"), reason: error.to_string() });
            return;
        }
        Some(Ok(None)) | None => {}
    }
    let known = here.map(|here| folders(files, &here)).unwrap_or_default();
    let near = nearest(series.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    let has =
        |other: &String| folder(other).is_some_and(|other| folders(files, &other).iter().any(|name| name == series.as_str()));
    let elsewhere = folders(files, &root).into_iter().find(has);
    let (upstream, series) = (upstream.to_string(), series.to_string());
    sink.push(span, Wrong::NoSeries { upstream, series, near, known, elsewhere });
}

/// The folders in a folder, on disk and in the program.
fn folders(files: &Files, folder: &RelPath) -> Vec<String> {
    let on_disk = files.list(folder).ok().flatten().into_iter();
    let names: BTreeSet<String> = on_disk.chain(files.list_built_in(folder)).flat_map(|listing| listing.folders).collect();
    names.into_iter().collect()
}

/// A range on which nothing is promised to hold is probably a series that was forgotten.
fn check_promises(raw: &RawRecipe, components: &BTreeMap<ComponentName, Component>, sink: &mut Sink) {
    for raw in &raw.components {
        let Some(component) = components.values().find(|component| component.name.as_str() == raw.name.get_ref()) else {
            continue;
        };
        let used_has_series = || component.uses().filter_map(|name| components.get(name)).any(|used| !used.series.is_empty());
        if let Some(holds) = &raw.holds
            && component.series.is_empty()
            && !used_has_series()
        {
            sink.warn(holds.span(), Wrong::EmptyPromise { name: component.name.to_string() });
        }
    }
}
