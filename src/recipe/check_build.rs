//! The upstream half of a component: source, releases, where the Go version is written, and the `[[build]]` blocks.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::check_payload;
use super::error::Sink;
use super::model::{BuildBlock, Driver, GoRule, PayloadRule, Releases, Source, Upstream};
use super::policy;
use super::raw::{RawBuild, RawGo, RawUpstream};
use super::read::{List, Text};
use super::vars::Variables;
use super::wrong::{Wrong, shown};
use crate::files::{Files, Origin};
use crate::names::{EnvName, GitUrl, ModulePath, RelPath, UpstreamName, nearest};
use crate::release::Req;

/// What a file says about an upstream; a recipe may say only a part.
pub(crate) struct Parts {
    pub(crate) source: Option<Source>,
    tags: Option<String>,
    versions: Option<Req>,
    go: Option<GoRule>,
    payload: Option<PayloadRule>,
    builds: Vec<BuildBlock>,
}

/// Checks the keys of an upstream, in its own file or (`of_recipe`) in a component.
pub(crate) fn parts(raw: &RawUpstream, of_recipe: bool, files: &Files, sink: &mut Sink) -> Parts {
    let tags = raw.tags.as_ref().and_then(|text| {
        let glob = globset::Glob::new(text.get_ref()).map(|_| text.get_ref().clone());
        sink.take(text.span(), glob.map_err(|error| Wrong::Glob(error.to_string())))
    });
    Parts {
        source: source(raw, files, sink),
        tags,
        versions: raw.versions.as_ref().and_then(|text| sink.take(text.span(), Req::parse(text.get_ref()))),
        go: raw.go.as_ref().and_then(|rule| go_rule(rule, sink)),
        payload: raw.payload.as_ref().map(|payload| check_payload::rule(payload, sink)),
        builds: raw.builds.iter().map(|block| build(block, of_recipe, sink)).collect(),
    }
}

impl Parts {
    /// The whole upstream, where the source is known.
    pub(crate) fn into_upstream(self, name: UpstreamName, origin: Origin) -> Option<Upstream> {
        // Tags that are not versions are no releases anyway, so every tag may be looked at.
        let releases = Releases { tags: self.tags.unwrap_or_else(|| "*".into()), versions: self.versions };
        let go = self.go.unwrap_or(GoRule::GoMod);
        Some(Upstream { name, source: self.source?, releases, go, payload: self.payload, builds: self.builds, origin })
    }

    /// The upstream with what a recipe says otherwise; its blocks come last, so that their lists replace the upstream's.
    pub(crate) fn merge_into(self, mut upstream: Upstream) -> Upstream {
        if let Some(source) = self.source {
            upstream.source = source;
        }
        if let Some(tags) = self.tags {
            upstream.releases.tags = tags;
        }
        if self.versions.is_some() {
            upstream.releases.versions = self.versions;
        }
        if let Some(go) = self.go {
            upstream.go = go;
        }
        if let Some(payload) = self.payload {
            let base = upstream.payload.unwrap_or_default();
            upstream.payload = Some(PayloadRule {
                versions: payload.versions.or(base.versions),
                asset: payload.asset.or(base.asset),
                sums: payload.sums.or(base.sums),
                from_release: payload.from_release || base.from_release,
            });
        }
        upstream.builds.extend(self.builds);
        upstream
    }
}

fn source(raw: &RawUpstream, files: &Files, sink: &mut Sink) -> Option<Source> {
    const HELP: &str = "the sources come from one place: a git repository, a Go module, or a folder";
    let given = [("git", &raw.git), ("module", &raw.module), ("path", &raw.path)];
    let mut given = given.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?)));
    let (key, text) = given.next()?;
    for (second, text) in given {
        sink.push(text.span(), Wrong::Both { first: key, second, help: HELP });
    }
    let span = text.span();
    match key {
        "git" => {
            let url = sink.take(span.clone(), GitUrl::new(text.get_ref().as_str()))?;
            if url.has_userinfo() {
                sink.push(span, Wrong::Userinfo { shown: url.to_string() });
                return None;
            }
            Some(Source::Git(url))
        }
        "module" => sink.take(span, ModulePath::new(text.get_ref().as_str())).map(Source::Module),
        _ => {
            let path = sink.take(span.clone(), RelPath::new(text.get_ref().as_str()))?;
            let reason = match files.list(&path) {
                Ok(Some(_)) => return Some(Source::Path(path)),
                Ok(None) => "there is no such folder".to_owned(),
                Err(error) => error.to_string(),
            };
            sink.push(span, Wrong::NoFile { path: path.to_string(), reason });
            None
        }
    }
}

fn go_rule(raw: &RawGo, sink: &mut Sink) -> Option<GoRule> {
    const HELP: &str = "for example go = { file = \"go.version\", line = \"go {}\" }";
    let missing = |key| Wrong::Missing { table: "`go`".into(), key, help: HELP };
    if raw.file.is_none() {
        sink.push(raw.span.clone(), missing("file"));
    }
    if raw.line.is_none() {
        sink.push(raw.span.clone(), missing("line"));
    }
    let file = raw.file.as_ref().and_then(|file| sink.take(file.span(), RelPath::new(file.get_ref().as_str())));
    let line = raw.line.as_ref()?;
    let found = line.get_ref().matches("{}").count();
    match line.get_ref().split_once("{}") {
        Some((before, after)) if found == 1 => {
            Some(GoRule::Line { file: file?, before: before.to_owned(), after: after.to_owned() })
        }
        _ => {
            sink.push(line.span(), Wrong::GoLine { found });
            None
        }
    }
}

fn build(raw: &RawBuild, of_recipe: bool, sink: &mut Sink) -> BuildBlock {
    let driver = raw.driver.as_ref().and_then(|text| driver(text, sink));
    if let Some(driver) = driver {
        foreign_keys(raw, driver, sink);
    }
    let flags_from_make = raw.flags_from.as_ref().is_some_and(|text| {
        let near = nearest(text.get_ref(), ["make"]);
        let known = text.get_ref() == "make";
        if !known {
            let found = shown(text.get_ref());
            sink.push(text.span(), Wrong::Choice { key: "flags_from", found, expected: "\"make\" is the only one", near });
        }
        known
    });
    if let (true, Some(packages)) = (flags_from_make, &raw.packages) {
        let help = "the make line names the packages: leave one of the two out";
        sink.push(packages.span(), Wrong::Both { first: "flags_from", second: "packages", help });
    }
    let allow = allowed(&raw.allow, sink);
    let flags = templates(&raw.flags, "flags", sink);
    for flag in raw.flags.iter().flat_map(|list| list.get_ref()) {
        sink.take(flag.span(), policy::check_flag(flag.get_ref(), &allow));
    }
    let ldflags = templates(&raw.ldflags, "ldflags", sink);
    if let (Some(list), Some(ldflags)) = (&raw.ldflags, &ldflags) {
        sink.take(list.span(), policy::check_ldflags(&ldflags.join(" "), &allow));
    }
    BuildBlock {
        versions: raw.versions.as_ref().and_then(|text| sink.take(text.span(), Req::parse(text.get_ref()))),
        driver,
        flags_from_make,
        packages: packages(&raw.packages, sink),
        tags: tags(&raw.tags, sink),
        ldflags,
        flags,
        cgo: raw.cgo.as_ref().map(|flag| *flag.get_ref()),
        env: env(raw, &allow, sink),
        prepare: prepare(raw, sink),
        vcs: raw.vcs.as_ref().map(|flag| *flag.get_ref()),
        image: word(&raw.image, "image", sink),
        goal: word(&raw.goal, "goal", sink),
        args: templates(&raw.args, "args", sink),
        touch: raw.touch.as_ref().map(|list| {
            let paths = list.get_ref().iter();
            paths.filter_map(|path| sink.take(path.span(), RelPath::new(path.get_ref().as_str()))).collect()
        }),
        output: raw.output.as_ref().and_then(|text| {
            // What a variable stands for has no `/`; that the expanded text is a path is asked again when it is used.
            let sample = sink.take(text.span(), Variables::sample(text.get_ref()))?;
            sink.take(text.span(), RelPath::new(sample)).map(|_| text.get_ref().clone())
        }),
        allow,
        of_recipe,
    }
}

fn driver(text: &Text, sink: &mut Sink) -> Option<Driver> {
    match text.get_ref().as_str() {
        "go" => Some(Driver::Go),
        "make" => Some(Driver::Make),
        "docker" => Some(Driver::Docker),
        other => {
            let near = nearest(other, ["go", "make", "docker"]);
            let expected = "the drivers are \"go\", \"make\" and \"docker\"";
            sink.push(text.span(), Wrong::Choice { key: "driver", found: shown(other), expected, near });
            None
        }
    }
}

/// Keys that this driver would silently ignore.
fn foreign_keys(raw: &RawBuild, driver: Driver, sink: &mut Sink) {
    fn at<T>(value: &Option<Spanned<T>>) -> Option<Range<usize>> {
        value.as_ref().map(Spanned::span)
    }
    let go_only = [
        ("flags_from", at(&raw.flags_from)),
        ("packages", at(&raw.packages)),
        ("tags", at(&raw.tags)),
        ("ldflags", at(&raw.ldflags)),
        ("flags", at(&raw.flags)),
        ("cgo", at(&raw.cgo)),
    ];
    let make_only = [("goal", at(&raw.goal)), ("args", at(&raw.args)), ("touch", at(&raw.touch)), ("output", at(&raw.output))];
    let docker_only = [("image", at(&raw.image))];
    let mut refuse = |keys: &[(&'static str, Option<Range<usize>>)], belongs| {
        for (key, span) in keys {
            if let Some(span) = span {
                sink.push(span.clone(), Wrong::OtherDriver { key, driver: driver.name().to_owned(), belongs });
            }
        }
    };
    match driver {
        Driver::Go => {
            refuse(&make_only, "make or docker");
            refuse(&docker_only, "docker");
        }
        Driver::Make => {
            refuse(&go_only, "go");
            refuse(&docker_only, "docker");
        }
        Driver::Docker => refuse(&go_only, "go"),
    }
}

fn allowed(list: &List, sink: &mut Sink) -> Vec<String> {
    let mut allow = Vec::new();
    for word in list.iter().flat_map(|list| list.get_ref()) {
        if policy::opt_in().any(|known| known == word.get_ref()) {
            allow.push(word.get_ref().clone());
        } else {
            let near = nearest(word.get_ref(), policy::opt_in());
            let expected = "it is for flags and variables that name programs, such as \"-extld\" and \"CC\"";
            sink.push(word.span(), Wrong::Choice { key: "allow", found: shown(word.get_ref()), expected, near });
        }
    }
    allow
}

fn packages(list: &List, sink: &mut Sink) -> Option<Vec<String>> {
    if let Some(list) = list.as_ref().filter(|list| list.get_ref().is_empty()) {
        sink.push(list.span(), Wrong::Empty { key: "packages", help: "leave it out for the package in the root" });
    }
    for package in list.iter().flat_map(|list| list.get_ref()) {
        not_an_option(package, "packages", sink);
    }
    templates(list, "packages", sink)
}

fn tags(list: &List, sink: &mut Sink) -> Option<Vec<String>> {
    for tag in list.iter().flat_map(|list| list.get_ref()) {
        // After https://pkg.go.dev/go/build/constraint: letters, digits, `_` and `.`; each tag is an entry of its own.
        if let Ok(sample) = Variables::sample(tag.get_ref())
            && (sample.is_empty() || !sample.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.'))
        {
            let reason = "a build tag has letters, digits, `_` and `.`, and each stands alone in the list";
            sink.push(tag.span(), Wrong::Text { key: "tags", text: shown(tag.get_ref()), reason });
        }
    }
    templates(list, "tags", sink)
}

fn env(raw: &RawBuild, allow: &[String], sink: &mut Sink) -> BTreeMap<EnvName, String> {
    let mut env = BTreeMap::new();
    for (name, value) in raw.env.iter().flat_map(|pairs| pairs.get_ref()) {
        let known = sink.take(name.span(), EnvName::new(name.get_ref().as_str()));
        let fits = sink.take(value.span(), Variables::check(value.get_ref()));
        if let (Some(known), Some(())) = (known, fits)
            && sink.take(name.span(), policy::check_env(&known, value.get_ref(), allow)).is_some()
        {
            env.insert(known, value.get_ref().clone());
        }
    }
    env
}

fn prepare(raw: &RawBuild, sink: &mut Sink) -> Option<Vec<Vec<String>>> {
    let commands = raw.prepare.as_ref()?;
    let mut checked = Vec::new();
    for command in commands.get_ref() {
        match command.get_ref().first() {
            None => sink.push(command.span(), Wrong::Empty { key: "prepare", help: "write [\"PROGRAM\", \"ARGUMENT\"]" }),
            Some(program) => not_an_option(program, "prepare", sink),
        }
        checked.push(command.get_ref().iter().filter_map(|word| template(word, sink)).collect());
    }
    Some(checked)
}

/// A text that stands alone on a command line, and so must not look like an option.
fn word(text: &Option<Text>, key: &'static str, sink: &mut Sink) -> Option<String> {
    let text = text.as_ref()?;
    not_an_option(text, key, sink);
    template(text, sink)
}

fn not_an_option(text: &Text, key: &'static str, sink: &mut Sink) {
    let reason = match text.get_ref() {
        text if text.is_empty() => "it is empty",
        text if text.starts_with('-') => "a leading `-` would be read as an option",
        _ => return,
    };
    sink.push(text.span(), Wrong::Text { key, text: shown(text.get_ref()), reason });
}

fn template(text: &Text, sink: &mut Sink) -> Option<String> {
    sink.take(text.span(), Variables::check(text.get_ref())).map(|()| text.get_ref().clone())
}

pub(crate) fn templates(list: &List, key: &'static str, sink: &mut Sink) -> Option<Vec<String>> {
    let list = list.as_ref()?;
    let mut checked = Vec::new();
    for text in list.get_ref() {
        if text.get_ref().is_empty() && key != "run" {
            sink.push(text.span(), Wrong::Text { key, text: String::new(), reason: "it is empty" });
        }
        checked.extend(template(text, sink));
    }
    Some(checked)
}
