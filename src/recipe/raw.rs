//! A recipe and an upstream file as they are written: every key has the type that it should have, every value its place.
//! Whether the values make sense is asked later, in `check`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Sink;
use super::read::{List, Table, Text};

/// `recipes/NAME.toml`
pub(crate) struct RawRecipe {
    pub(crate) description: Option<Text>,
    pub(crate) targets: List,
    /// Whether there is anything under `component`, readable or not.
    pub(crate) has_components: bool,
    pub(crate) components: Vec<RawComponent>,
    pub(crate) values: Option<Spanned<Vec<(Text, Text)>>>,
    pub(crate) kit: Vec<RawKitFile>,
    pub(crate) trial: Vec<RawStep>,
    pub(crate) questions: List,
    pub(crate) plan: Vec<RawItem>,
}

/// `[[plan]]`
pub(crate) struct RawItem {
    pub(crate) span: Range<usize>,
    pub(crate) item: Option<Text>,
    pub(crate) source: Option<Text>,
    pub(crate) built: Option<Text>,
    pub(crate) trial: List,
    pub(crate) recipe: Option<Text>,
    pub(crate) report: Option<Spanned<bool>>,
    pub(crate) not_possible: Option<Text>,
    pub(crate) note: Option<Text>,
}

/// `[[trial]]`
pub(crate) struct RawStep {
    pub(crate) span: Range<usize>,
    pub(crate) name: Option<Text>,
    pub(crate) with: Option<Text>,
    pub(crate) scenarios: List,
    pub(crate) on: Option<Text>,
    pub(crate) run: List,
    pub(crate) outside: List,
    pub(crate) files: Option<Spanned<Vec<(Text, Text)>>>,
    pub(crate) port: Option<Spanned<i64>>,
    pub(crate) reboot: Option<Spanned<bool>>,
    pub(crate) empty: List,
    pub(crate) put: Option<Spanned<Vec<(Text, Text)>>>,
    pub(crate) exit: Option<Spanned<i64>>,
    pub(crate) stdout: Option<RawTextRule>,
    pub(crate) stderr: Option<RawTextRule>,
    pub(crate) within: Option<Spanned<i64>>,
    pub(crate) retry: Option<Spanned<bool>>,
    pub(crate) payload: Option<Text>,
}

/// `[[kit]]`
pub(crate) struct RawKitFile {
    pub(crate) span: Range<usize>,
    pub(crate) name: Option<Text>,
    pub(crate) binary: Option<Text>,
    pub(crate) template: Option<Text>,
}

/// `[component.NAME]`
pub(crate) struct RawComponent {
    pub(crate) name: Text,
    pub(crate) upstream: Option<Text>,
    pub(crate) lines: List,
    pub(crate) version: Option<Text>,
    pub(crate) named: Option<Text>,
    pub(crate) series: List,
    pub(crate) replace: List,
    pub(crate) require: List,
    pub(crate) go_line: Option<Text>,
    pub(crate) tidy: Option<Text>,
    pub(crate) holds: Option<Text>,
    pub(crate) expect: Vec<RawExpect>,
    pub(crate) own: RawUpstream,
}

/// `recipes/upstreams/NAME.toml`, and the same keys inside a component.
pub(crate) struct RawUpstream {
    pub(crate) git: Option<Text>,
    pub(crate) module: Option<Text>,
    pub(crate) path: Option<Text>,
    pub(crate) tags: Option<Text>,
    pub(crate) versions: Option<Text>,
    pub(crate) go: Option<RawGo>,
    pub(crate) payload: Option<RawPayload>,
    pub(crate) builds: Vec<RawBuild>,
}

/// `go = { file, line }`
pub(crate) struct RawGo {
    pub(crate) span: Range<usize>,
    pub(crate) file: Option<Text>,
    pub(crate) line: Option<Text>,
}

/// `payload = { versions, asset, sums, from }`
pub(crate) struct RawPayload {
    pub(crate) versions: Option<Text>,
    pub(crate) asset: Option<Text>,
    pub(crate) sums: Option<Text>,
    pub(crate) from: Option<Text>,
}

/// `[[build]]`
pub(crate) struct RawBuild {
    pub(crate) versions: Option<Text>,
    pub(crate) driver: Option<Text>,
    pub(crate) flags_from: Option<Text>,
    pub(crate) packages: List,
    pub(crate) tags: List,
    pub(crate) ldflags: List,
    pub(crate) flags: List,
    pub(crate) allow: List,
    pub(crate) cgo: Option<Spanned<bool>>,
    pub(crate) env: Option<Spanned<Vec<(Text, Text)>>>,
    pub(crate) prepare: Option<Spanned<Vec<Spanned<Vec<Text>>>>>,
    pub(crate) vcs: Option<Spanned<bool>>,
    pub(crate) image: Option<Text>,
    pub(crate) goal: Option<Text>,
    pub(crate) args: List,
    pub(crate) touch: List,
    pub(crate) output: Option<Text>,
}

/// `[[component.NAME.expect]]`
pub(crate) struct RawExpect {
    pub(crate) span: Range<usize>,
    pub(crate) what: String,
    pub(crate) run: List,
    pub(crate) has: List,
    pub(crate) files: Option<Spanned<Vec<(Text, Text)>>>,
    pub(crate) exit: Option<Spanned<i64>>,
    pub(crate) within: Option<Spanned<i64>>,
    pub(crate) stdout: Option<RawTextRule>,
    pub(crate) stderr: Option<RawTextRule>,
}

/// `{ contains, lacks, equals, matches }`
pub(crate) struct RawTextRule {
    pub(crate) span: Range<usize>,
    pub(crate) contains: List,
    pub(crate) lacks: List,
    pub(crate) equals: Option<Text>,
    pub(crate) matches: List,
}

impl RawRecipe {
    pub(crate) fn read(root: &Spanned<DeTable<'_>>, sink: &mut Sink) -> Self {
        let mut table = Table::new("the recipe", 0..0, root.get_ref());
        let description = table.text("description", sink);
        let targets = table.list("targets", sink);
        let has_components = match table.value("component").map(Spanned::get_ref) {
            Some(DeValue::Table(components)) => !components.is_empty(),
            other => other.is_some(),
        };
        let components =
            table.named_tables("component", sink).into_iter().map(|(name, t)| RawComponent::read(name, t, sink)).collect();
        let values = table.pairs("values", sink);
        let kit = table.tables("kit", "kit", sink).into_iter().map(|t| RawKitFile::read(t, sink)).collect();
        let trial = table.tables("trial", "trial", sink).into_iter().map(|t| RawStep::read(t, sink)).collect();
        let questions = table.list("questions", sink);
        let plan = table.tables("plan", "plan", sink).into_iter().map(|t| RawItem::read(t, sink)).collect();
        table.finish(sink);
        Self { description, targets, has_components, components, values, kit, trial, questions, plan }
    }
}

impl RawItem {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            span: table.span(),
            item: table.text("item", sink),
            source: table.text("source", sink),
            built: table.text("built", sink),
            trial: table.one_or_list("trial", sink),
            recipe: table.text("recipe", sink),
            report: table.flag("report", sink),
            not_possible: table.text("not_possible", sink),
            note: table.text("note", sink),
        };
        table.finish(sink);
        raw
    }
}

impl RawStep {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            span: table.span(),
            name: table.text("name", sink),
            with: table.text("with", sink),
            scenarios: table.list("scenarios", sink),
            on: table.text("on", sink),
            run: table.list("run", sink),
            outside: table.list("outside", sink),
            files: table.pairs("files", sink),
            port: table.integer("port", sink),
            reboot: table.flag("reboot", sink),
            empty: table.one_or_list("empty", sink),
            put: table.pairs("put", sink),
            exit: table.integer("exit", sink),
            stdout: table.table("stdout", sink).map(|t| RawTextRule::read(t, sink)),
            stderr: table.table("stderr", sink).map(|t| RawTextRule::read(t, sink)),
            within: table.integer("within", sink),
            retry: table.flag("retry", sink),
            payload: table.text("payload", sink),
        };
        table.finish(sink);
        raw
    }
}

impl RawKitFile {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            span: table.span(),
            name: table.text("name", sink),
            binary: table.text("binary", sink),
            template: table.text("template", sink),
        };
        table.finish(sink);
        raw
    }
}

impl RawComponent {
    fn read(name: Text, mut table: Table<'_>, sink: &mut Sink) -> Self {
        let path = format!("component.{}", super::wrong::shown(name.get_ref()));
        let raw = Self {
            upstream: table.text("upstream", sink),
            lines: table.list("lines", sink),
            version: table.text("version", sink),
            named: table.text("as", sink),
            series: table.list("series", sink),
            replace: table.list("replace", sink),
            require: table.list("require", sink),
            // A string is the line of go.mod; a table says where the upstream's Go version is written.
            go_line: match table.value("go").map(Spanned::get_ref) {
                None | Some(DeValue::Table(_)) => None,
                Some(_) => table.text("go", sink),
            },
            tidy: table.text("mod", sink),
            holds: table.text("holds", sink),
            expect: table
                .tables("expect", &format!("{path}.expect"), sink)
                .into_iter()
                .map(|t| RawExpect::read(t, sink))
                .collect(),
            own: RawUpstream::keys(&mut table, &format!("{path}.build"), true, sink),
            name,
        };
        table.finish(sink);
        raw
    }
}

impl RawUpstream {
    pub(crate) fn read(root: &Spanned<DeTable<'_>>, sink: &mut Sink) -> Self {
        let mut table = Table::new("the upstream file", 0..0, root.get_ref());
        let raw = Self::keys(&mut table, "build", false, sink);
        table.finish(sink);
        raw
    }

    fn keys(table: &mut Table<'_>, build: &str, in_component: bool, sink: &mut Sink) -> Self {
        let (mut tags, mut versions, mut go) = (None, None, None);
        let (git, module, path) = (table.text("git", sink), table.text("module", sink), table.text("path", sink));
        if let Some(mut releases) = table.table("releases", sink) {
            tags = releases.text("tags", sink);
            versions = releases.text("versions", sink);
            releases.finish(sink);
        }
        let is_table = matches!(table.value("go").map(Spanned::get_ref), Some(DeValue::Table(_)));
        if (is_table || !in_component)
            && let Some(mut rule) = table.table("go", sink)
        {
            let span = rule.span();
            go = Some(RawGo { span, file: rule.text("file", sink), line: rule.text("line", sink) });
            rule.finish(sink);
        }
        let payload = table.table("payload", sink).map(|mut payload| {
            let versions = payload.text("versions", sink);
            let (asset, sums) = (payload.text("asset", sink), payload.text("sums", sink));
            let from = payload.text("from", sink);
            payload.finish(sink);
            RawPayload { versions, asset, sums, from }
        });
        let builds = table.tables("build", build, sink).into_iter().map(|t| RawBuild::read(t, sink)).collect();
        Self { git, module, path, tags, versions, go, payload, builds }
    }
}

impl RawBuild {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            versions: table.text("versions", sink),
            driver: table.text("driver", sink),
            flags_from: table.text("flags_from", sink),
            packages: table.list("packages", sink),
            tags: table.list("tags", sink),
            ldflags: table.list("ldflags", sink),
            flags: table.list("flags", sink),
            allow: table.list("allow", sink),
            cgo: table.flag("cgo", sink),
            env: table.pairs("env", sink),
            prepare: table.lists("prepare", sink),
            vcs: table.flag("vcs", sink),
            image: table.text("image", sink),
            goal: table.text("goal", sink),
            args: table.list("args", sink),
            touch: table.list("touch", sink),
            output: table.text("output", sink),
        };
        table.finish(sink);
        raw
    }
}

impl RawExpect {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            span: table.span(),
            what: table.what().to_owned(),
            run: table.list("run", sink),
            has: table.one_or_list("has", sink),
            files: table.pairs("files", sink),
            exit: table.integer("exit", sink),
            within: table.integer("within", sink),
            stdout: table.table("stdout", sink).map(|t| RawTextRule::read(t, sink)),
            stderr: table.table("stderr", sink).map(|t| RawTextRule::read(t, sink)),
        };
        table.finish(sink);
        raw
    }
}

impl RawTextRule {
    fn read(mut table: Table<'_>, sink: &mut Sink) -> Self {
        let raw = Self {
            span: table.span(),
            contains: table.one_or_list("contains", sink),
            lacks: table.one_or_list("lacks", sink),
            equals: table.text("equals", sink),
            matches: table.one_or_list("matches", sink),
        };
        table.finish(sink);
        raw
    }
}
