//! A plan as a POSIX shell script: plain git, go and shell commands that give the identical binary, with the diffs as
//! here-documents. What forge does can be read, and done without it.

use crate::git::stamp;
use crate::names::ComponentName;
use crate::plan::lock::Origin;
use crate::plan::make::{ENGINE_ENV, MakeBuild};
use crate::plan::model::{BuildPlan, Sources};

/// The diffs of one build, as `git apply` takes them.
#[derive(Debug, Clone, Default)]
pub struct Diffs {
    /// Trees that have no origin to fetch from (folders of the project): the empty tree to the tree. Keyed like `series`.
    pub content: Vec<(Option<ComponentName>, Vec<u8>)>,
    /// Unpatched tree to patched tree; `None` is the main one.
    pub series: Vec<(Option<ComponentName>, Vec<u8>)>,
    /// go.mod and go.sum of the patched tree to the rewritten ones; go.sum alone where `go mod edit` does the rest.
    pub module: Vec<u8>,
}

/// The message of the one commit of a stamped tree. Its bytes are part of the commit id, and so of the binary.
pub const STAMP_MESSAGE: &str = "patched sources";

/// Variables that a command of the script keeps from the user, as `gomod` does: none of them changes what is built.
const KEPT: [&str; 23] = [
    "TMPDIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "SSH_AUTH_SOCK",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSH_COMMAND",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "GOPATH",
    "NETRC",
];
const FROM_GO_ENV: [&str; 10] =
    ["GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOVCS", "GOAUTH", "GOCACHE", "GOMODCACHE"];

/// Writes the script of one build. The last line prints the checksum; the binary is `$work/FILE_NAME`.
pub fn script(plan: &BuildPlan, diffs: &Diffs) -> Vec<u8> {
    let mut out = Script::default();
    head(&mut out, plan);
    sources(&mut out, plan, diffs);
    for part in &plan.parts {
        let name = Some(part.name.clone());
        let place = format!(".forge/{}", part.name);
        out.comment(&format!("{}: placed in ./{place}, so that every machine has the same path", part.name));
        match part.sources.as_ref() {
            Some(sources) => part_sources(&mut out, sources, &name, &place, diffs),
            None => out.apply(find(&diffs.content, &name), &place),
        }
    }
    if let Some(module) = &plan.module {
        let edits: Vec<String> = module.edit.0.iter().map(|a| quote(a)).collect();
        if module.tidy || module.completed {
            let then = if module.tidy { "go mod tidy" } else { "go list -mod=mod -deps" };
            out.comment(&format!(
                "go.mod and go.sum, as `go mod edit {}` and `{then}` left them when the recipe was locked",
                edits.join(" ")
            ));
        } else {
            out.comment("go.mod");
            out.line(&format!("(cd src && pinned go mod edit {})", edits.join(" ")));
        }
        out.apply(Some(&diffs.module), "");
    }
    if let Some(time) = plan.build.stamp {
        stamped(&mut out, plan, time);
    }
    build(&mut out, plan);
    out.0
}

fn head(out: &mut Script, plan: &BuildPlan) {
    out.line("#!/bin/sh");
    out.comment(&format!("{} {} for {}: what forge does, in plain commands.", plan.component, plan.version, plan.target));
    let make = plan.build.make.as_ref();
    let more = make.map_or("", |make| if make.in_containers() { ", make, and docker or podman" } else { " and make" });
    let released = plan.payload.as_ref().is_some_and(|payload| payload.release.is_some());
    let curl = if released { ", curl" } else { "" };
    out.comment(&format!("Needs git, Go 1.21 or newer{curl}{more}."));
    out.comment("Works in a new folder: the first argument, or ./forge-plan.");
    if make.is_none() && !plan.build.args.iter().any(|a| a == "-trimpath") {
        out.comment("Without -trimpath the binary holds the path of this folder: it differs from place to place.");
    }
    out.line("set -eu");
    out.line("work=${1:-forge-plan}");
    out.line("mkdir \"$work\"");
    out.line("cd \"$work\"");
    out.line("work=$(pwd)");
    out.line("");
    out.comment("The environment of every go command: nothing of the user's but what reaches modules and caches.");
    for name in FROM_GO_ENV {
        out.line(&format!("go_{name}=$(go env {name})"));
    }
    out.line("pinned() {");
    out.line("  env -i PATH=\"$PATH\" HOME=\"$HOME\" \\");
    for name in FROM_GO_ENV {
        out.line(&format!("    {name}=\"$go_{name}\" \\"));
    }
    for name in KEPT {
        out.line(&format!("    ${{{name}+\"{name}=${name}\"}} \\"));
    }
    if plan.build.cgo || plan.build.make.is_some() {
        for name in ["CC", "CXX", "AR", "PKG_CONFIG"] {
            out.line(&format!("    ${{{name}+\"{name}=${name}\"}} \\"));
        }
    }
    for (name, value) in plan.build.env.iter().filter(|(name, _)| *name != "GOOS" && *name != "GOARCH" && !made(plan, name)) {
        out.line(&format!("    {name}={} \\", quote(&target_dir(value))));
    }
    out.line("    \"$@\"");
    out.line("}");
    out.line("");
}

fn sources(out: &mut Script, plan: &BuildPlan, diffs: &Diffs) {
    out.comment("Files are taken as they are, whatever git is told to convert.");
    out.repository("src");
    match &plan.sources.origin {
        Origin::Git { url, commit, .. } => out.checkout("src", url, commit.as_str()),
        Origin::Module { module, sum } => {
            out.module(module, plan.version.as_str(), sum, "src");
        }
        Origin::Folder { folder } => {
            out.comment(&format!("The folder {folder} of the project."));
            out.apply(find(&diffs.content, &None), "");
        }
    }
    out.tree(plan.sources.tree.as_str());
    if plan.sources.tree != plan.sources.result {
        out.comment(&format!("The series: {}", plan.sources.patches.join(", ")));
        out.apply(find(&diffs.series, &None), "");
        out.tree(plan.sources.result.as_str());
    }
    out.line("");
}

fn part_sources(out: &mut Script, sources: &Sources, name: &Option<ComponentName>, place: &str, diffs: &Diffs) {
    match &sources.origin {
        Origin::Module { module, sum } => {
            let version = sources.version.as_deref().unwrap_or_default();
            out.module(module, version, sum, &format!("src/{place}"));
        }
        Origin::Git { url, commit, .. } => {
            out.repository("fetched");
            out.checkout("fetched", url, commit.as_str());
            out.line(&format!("test \"$(git -C fetched rev-parse 'HEAD^{{tree}}')\" = {}", sources.tree));
            out.line(&format!("rm -rf fetched/.git && mkdir -p src/.forge && mv fetched src/{place}"));
        }
        Origin::Folder { .. } => out.apply(find(&diffs.content, name), place),
    }
    if sources.tree != sources.result {
        out.comment(&format!("Its series: {}", sources.patches.join(", ")));
        out.apply(find(&diffs.series, name), place);
    }
    out.line("");
}

fn stamped(out: &mut Script, plan: &BuildPlan, time: i64) {
    out.comment("The version comes from VCS build info: one commit of fixed author and date, with the tag.");
    out.line("rm -rf src/.git");
    out.repository("src");
    out.line("git -C src symbolic-ref HEAD refs/heads/main");
    out.line("git -C src add -A -f .");
    // In the environment an identity wins over the configuration: this one wins over the user's environment.
    for who in ["AUTHOR", "COMMITTER"] {
        let (name, email) = (quote(stamp::NAME), quote(stamp::EMAIL));
        out.line(&format!("GIT_{who}_NAME={name} GIT_{who}_EMAIL={email} GIT_{who}_DATE='{time} +0000' \\"));
    }
    out.line(&format!(
        "  git -C src -c commit.gpgsign=false -c core.hooksPath=/dev/null commit -q --no-verify --cleanup=verbatim -m {}",
        quote(STAMP_MESSAGE)
    ));
    out.line(&format!("git -C src tag --no-sign {}", quote(plan.version.as_str())));
    out.line("");
}

fn build(out: &mut Script, plan: &BuildPlan) {
    out.line("mkdir target");
    out.line("cd src");
    for command in &plan.build.prepare {
        let words: Vec<String> = command.iter().map(|w| quote(&target_dir(w))).collect();
        out.line(&format!("pinned {}", words.join(" ")));
    }
    if let Some(make) = &plan.build.make {
        return by_make(out, plan, make);
    }
    let (verb, rest) = plan.build.args.split_first().map_or(("build", &[][..]), |(v, r)| (v.as_str(), r));
    let args: Vec<String> = rest.iter().map(|a| quote(&target_dir(a))).collect();
    let target = format!("GOOS={} GOARCH={}", plan.target.os(), plan.target.arch());
    out.line(&format!("pinned env {target} go {verb} -o \"$work\"/{} {}", quote(&plan.file_name), args.join(" ")));
    finish(out, plan);
}

/// The payload, and the checksum of it all.
fn finish(out: &mut Script, plan: &BuildPlan) {
    out.line("cd ..");
    if let Some(payload) = &plan.payload {
        let donor = match &payload.release {
            Some(asset) => {
                out.comment("The zip at the end of what upstream released.");
                out.line(&format!("curl -fsSL -o released {}", quote(asset.asset.expose())));
                out.line(&format!("test \"$(sha256sum < released)\" = '{}  -'", asset.sha256));
                "released".to_owned()
            }
            None => {
                out.comment("The zip at the end of another build of the same release.");
                quote(&payload.donor.to_string_lossy())
            }
        };
        let from = payload.start + 1;
        out.line(&format!("test \"$(tail -c +{from} {donor} | sha256sum)\" = '{}  -'", payload.sha256));
        out.line(&format!("tail -c +{from} {donor} >> {}", quote(&plan.file_name)));
    }
    out.line(&format!("sha256sum {}", quote(&plan.file_name)));
}

/// True for a variable that make alone is given: other commands of the script do without.
fn made(plan: &BuildPlan, name: &str) -> bool {
    plan.build.make.is_some() && name == "GOFLAGS"
}

fn by_make(out: &mut Script, plan: &BuildPlan, make: &MakeBuild) {
    let mut env = vec!["GIT_CEILING_DIRECTORIES=\"$work\"".to_owned()];
    for name in ["GOFLAGS", "GOOS", "GOARCH"] {
        env.extend(plan.build.env.get(name).map(|value| format!("{name}={}", quote(value))));
    }
    if make.in_containers() {
        out.comment("Where there is no docker, podman goes by its name.");
        out.line("if ! command -v docker > /dev/null; then");
        out.line("  mkdir \"$work/bin\" && ln -s \"$(command -v podman)\" \"$work/bin/docker\" && PATH=$work/bin:$PATH");
        out.line("fi");
        env.extend(ENGINE_ENV.iter().map(|name| format!("${{{name}+\"{name}=${name}\"}}")));
    }
    for file in &make.touch {
        out.line(&format!("touch {}", quote(file.as_str())));
    }
    let args: Vec<String> = plan.build.args.iter().map(|a| quote(&target_dir(a))).collect();
    out.line(&format!("pinned env {} make {}", env.join(" "), args.join(" ")));
    out.line(&format!("mv {} \"$work\"/{}", quote(make.output.as_str()), quote(&plan.file_name)));
    finish(out, plan);
}

fn find<'a>(diffs: &'a [(Option<ComponentName>, Vec<u8>)], name: &Option<ComponentName>) -> Option<&'a Vec<u8>> {
    diffs.iter().find(|(n, _)| n == name).map(|(_, diff)| diff)
}

/// `{target_dir}` is a folder beside the sources.
fn target_dir(text: &str) -> String {
    text.replace("{target_dir}", "../target")
}

fn quote(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| "''".to_owned(), |q| q.into_owned())
}

#[derive(Default)]
struct Script(Vec<u8>);

impl Script {
    fn line(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'\n');
    }

    fn comment(&mut self, text: &str) {
        self.line(&format!("# {}", text.replace('\n', " ")));
    }

    fn tree(&mut self, id: &str) {
        self.line(&format!("git -C src add -A -f . && test \"$(git -C src write-tree)\" = {id}"));
    }

    /// Makes a repository that takes every file as it is.
    fn repository(&mut self, folder: &str) {
        self.line(&format!("git init -q {folder} && git -C {folder} config core.autocrlf false && mkdir -p {folder}/.git/info"));
        self.line(&format!("echo {} > {folder}/.git/info/attributes", quote(stamp::ATTRIBUTES.trim_end())));
    }

    fn checkout(&mut self, folder: &str, url: &str, commit: &str) {
        self.line(&format!("git -C {folder} fetch -q --no-tags --depth 1 -- {} {commit}", quote(url)));
        self.line(&format!("git -C {folder} checkout -q FETCH_HEAD"));
    }

    fn module(&mut self, module: &str, version: &str, sum: &str, place: &str) {
        let what = quote(&format!("{module}@{version}"));
        self.comment(&format!("{module} {version}, through the module proxy: {sum}"));
        self.line(&format!("pinned go mod download -json {what} > module.json"));
        self.line(&format!("grep -qF {} module.json", quote(&format!("\"Sum\": \"{sum}\""))));
        self.line("module=$(sed -n 's/^[[:space:]]*\"Dir\": \"\\(.*\\)\",*$/\\1/p' module.json) && rm module.json");
        self.line(&format!("mkdir -p {place} && cp -R \"$module\"/. {place}/ && chmod -R u+w {place}"));
    }

    fn apply(&mut self, diff: Option<&Vec<u8>>, directory: &str) {
        let Some(diff) = diff.filter(|d| !d.is_empty()) else { return };
        let mut mark = "FORGE_DIFF".to_owned();
        while diff.split(|b| *b == b'\n').any(|line| line == mark.as_bytes()) {
            mark.push('_');
        }
        let directory = if directory.is_empty() { String::new() } else { format!(" --directory={directory}") };
        self.line(&format!("git -C src apply --whitespace=nowarn{directory} <<'{mark}'"));
        self.0.extend_from_slice(diff);
        if diff.last() != Some(&b'\n') {
            self.0.push(b'\n');
        }
        self.line(&mark);
    }
}
