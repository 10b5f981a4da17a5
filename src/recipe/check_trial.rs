//! `[[trial]]`: the steps that are taken on a disposable host.

use super::check::Context;
use super::check_expect::{contents, in_range, text_rule};
use super::error::Sink;
use super::raw::RawStep;
use super::read::{List, Text};
use super::scope::Scope;
use super::trial::{Action, NeedsPayload, Step, Variant};
use super::wrong::{Wrong, shown};
use crate::names::{ComponentName, nearest};

/// Seconds that a step gets unless `within` says otherwise.
const WITHIN: u64 = 30;
/// More steps than any recipe needs.
const MOST_STEPS: usize = 200;

/// The variables of a step, besides those of the recipe.
pub const OF_STEP: [(&str, &str); 4] = [
    ("host", "the host's name"),
    ("address", "its address among the hosts"),
    ("hosts", "the file that lists all hosts"),
    ("payload", "what --payload names"),
];

/// Checks every step.
pub(crate) fn steps(raw: &[RawStep], scope: &Scope, context: &mut Context<'_>, sink: &mut Sink) -> Vec<Step> {
    let mut scope = scope.clone();
    OF_STEP.iter().for_each(|(name, _)| scope.announce(name));
    if let Some(extra) = raw.get(MOST_STEPS) {
        sink.push(extra.span.clone(), Wrong::TooMany { what: "[[trial]]", limit: MOST_STEPS });
        return Vec::new();
    }
    raw.iter().filter_map(|raw| step(raw, &scope, context, sink)).collect()
}

fn step(raw: &RawStep, scope: &Scope, context: &mut Context<'_>, sink: &mut Sink) -> Option<Step> {
    let action = action(raw, scope, context, sink);
    let word = |text: &Option<Text>, key: &'static str, words: [&'static str; 2], expected, sink: &mut Sink| {
        let text = text.as_ref()?;
        let found = words.iter().position(|word| word == text.get_ref());
        if found.is_none() {
            let near = nearest(text.get_ref(), words);
            sink.push(text.span(), Wrong::Choice { key, found: shown(text.get_ref()), expected, near });
        }
        found
    };
    let with = word(&raw.with, "with", ["stock", "patched"], "\"stock\" and \"patched\" are the choices", sink);
    let needs = word(&raw.payload, "payload", ["folder", "any"], "\"folder\" and \"any\" are the choices", sink);
    let on = raw.on.as_ref().and_then(|text| sink.take(text.span(), ComponentName::new(text.get_ref().as_str())));
    let exit = ranged(&raw.exit, "exit", "an exit code from 0 to 255", 0, 255, sink).unwrap_or(0);
    let within = ranged(&raw.within, "within", "a number of seconds from 1 to 3600", 1, 3600, sink).unwrap_or(WITHIN);
    let port = ranged(&raw.port, "port", "a port from 1 to 65535", 1, 65535, sink);
    let (stdout, stderr) = (text_rule(raw.stdout.as_ref(), "stdout", sink), text_rule(raw.stderr.as_ref(), "stderr", sink));
    for (raw, rule) in [(&raw.stdout, &stdout), (&raw.stderr, &stderr)] {
        if let (Some(raw), Err((_, error))) = (raw, rule.with_texts(|text| scope.check(text).map(|()| String::new()))) {
            sink.push(raw.span.clone(), error);
        }
    }
    if let Some(name) = &raw.name {
        filled(name, scope, sink);
    }
    let action = action?;
    if !matches!(action, Action::Run(_) | Action::Outside { .. }) {
        only_with(raw, "`run` or `outside`", sink);
    }
    if !matches!(action, Action::Outside { .. }) {
        if let Some(files) = &raw.files {
            sink.push(files.span(), Wrong::Alone { key: "files", needs: "`outside`" });
        }
        if let Some(port) = &raw.port {
            sink.push(port.span(), Wrong::Alone { key: "port", needs: "`outside`" });
        }
    } else if let Some(on) = &raw.on {
        sink.push(on.span(), Wrong::Alone { key: "on", needs: "a step that is taken on hosts" });
    }
    Some(Step {
        name: raw.name.as_ref().map_or_else(|| label(&action), |name| name.get_ref().clone()),
        with: if with == Some(0) { Variant::Stock } else { Variant::Patched },
        scenarios: raw.scenarios.iter().flat_map(|list| list.get_ref()).map(|text| text.get_ref().clone()).collect(),
        on,
        action,
        exit,
        stdout,
        stderr,
        within,
        retry: raw.retry.as_ref().is_some_and(|retry| *retry.get_ref()),
        payload: needs.map(|at| if at == 0 { NeedsPayload::Folder } else { NeedsPayload::Any }),
        port,
    })
}

fn ranged<T: TryFrom<i64>>(
    raw: &Option<toml::Spanned<i64>>,
    key: &'static str,
    expected: &'static str,
    from: i64,
    to: i64,
    sink: &mut Sink,
) -> Option<T> {
    let raw = raw.as_ref()?;
    let value = in_range(*raw.get_ref(), from, to);
    if value.is_none() {
        sink.push(raw.span(), Wrong::Range { key, expected, found: raw.get_ref().to_string() });
    }
    value
}

/// What a step without a name is called.
fn label(action: &Action) -> String {
    match action {
        Action::Run(args) | Action::Outside { args, .. } => args.join(" "),
        Action::Reboot => "restart of the host".to_owned(),
        Action::Empty(paths) => format!("nothing is left in {}", paths.join(", ")),
        Action::Put(pairs) => format!("put {}", pairs.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>().join(", ")),
    }
}

fn only_with(raw: &RawStep, needs: &'static str, sink: &mut Sink) {
    let keys = [
        ("exit", raw.exit.as_ref().map(toml::Spanned::span)),
        ("retry", raw.retry.as_ref().map(toml::Spanned::span)),
        ("stdout", raw.stdout.as_ref().map(|rule| rule.span.clone())),
        ("stderr", raw.stderr.as_ref().map(|rule| rule.span.clone())),
    ];
    for (key, span) in keys {
        if let Some(span) = span {
            sink.push(span, Wrong::Alone { key, needs });
        }
    }
}

fn action(raw: &RawStep, scope: &Scope, context: &mut Context<'_>, sink: &mut Sink) -> Option<Action> {
    let list_span = |list: &List| list.as_ref().map(toml::Spanned::span);
    let given = [
        ("run", list_span(&raw.run)),
        ("outside", list_span(&raw.outside)),
        ("reboot", raw.reboot.as_ref().map(toml::Spanned::span)),
        ("empty", list_span(&raw.empty)),
        ("put", raw.put.as_ref().map(toml::Spanned::span)),
    ];
    let mut actions = given.into_iter().filter_map(|(key, span)| Some((key, span?)));
    let Some((first, _)) = actions.next() else {
        let key = "run`, `outside`, `reboot`, `empty` or `put";
        let help = "for example run = [\"systemctl\", \"is-active\", \"demo\"]";
        sink.push(raw.span.clone(), Wrong::Missing { table: "[[trial]]".into(), key, help });
        return None;
    };
    if let Some((second, span)) = actions.next() {
        sink.push(span, Wrong::Both { first, second, help: "each step is a [[trial]] of its own" });
        return None;
    }
    let texts = |list: &List, key: &'static str, sink: &mut Sink| -> Option<Vec<String>> {
        let list = list.as_ref()?;
        if list.get_ref().is_empty() {
            sink.push(list.span(), Wrong::Empty { key, help: "a program and its arguments, or paths" });
            return None;
        }
        Some(list.get_ref().iter().filter_map(|text| filled(text, scope, sink)).collect())
    };
    if let Some(reboot) = &raw.reboot {
        if !*reboot.get_ref() {
            sink.push(reboot.span(), Wrong::Empty { key: "reboot", help: "reboot = true, or no such step" });
        }
        return Some(Action::Reboot);
    }
    if raw.run.is_some() {
        return texts(&raw.run, "run", sink).map(Action::Run);
    }
    if raw.empty.is_some() {
        return texts(&raw.empty, "empty", sink).map(Action::Empty);
    }
    if raw.outside.is_some() {
        let args = texts(&raw.outside, "outside", sink);
        let files = contents(&raw.files, context.files, &mut context.budget, sink);
        return Some(Action::Outside { args: args?, files });
    }
    let mut pairs = Vec::new();
    for (to, from) in raw.put.iter().flat_map(|pairs| pairs.get_ref()) {
        if !to.get_ref().starts_with('/') && !to.get_ref().starts_with('{') {
            let reason = "a path on the host is absolute";
            sink.push(to.span(), Wrong::Text { key: "put", text: shown(to.get_ref()), reason });
        }
        if let (Some(to), Some(from)) = (filled(to, scope, sink), filled(from, scope, sink)) {
            pairs.push((to, from));
        }
    }
    Some(Action::Put(pairs))
}

/// A text whose variables exist.
fn filled(text: &Text, scope: &Scope, sink: &mut Sink) -> Option<String> {
    match scope.check(text.get_ref()) {
        Ok(()) => Some(text.get_ref().clone()),
        Err((_, error)) => {
            sink.push(text.span(), error);
            None
        }
    }
}
