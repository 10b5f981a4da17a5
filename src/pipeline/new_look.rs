//! A look at a repository that forge does not know yet: its releases, its module, its programs, and what its own build says.

use crate::event::Event;
use crate::git::objects::{Entry, Mode, Objects};
use crate::git::remote::{RefKind, default_branch, find_branch, list_refs};
use crate::git::store::GitStore;
use crate::gomod::{Go, GoModFile, Packages, below, is_of_module, lacks_buildvcs, toolchain_of};
use crate::names::{CommitId, ComponentName, GitUrl, ModulePath, RelPath, Revision, Target, TreeId};
use crate::pipeline::error::PipelineError;
use crate::pipeline::new::{NewOptions, NewWorld};
use crate::pipeline::new_error::NewError;
use crate::pipeline::session::installed_go;
use crate::recipe::hints::{self, Hints, Known};
use crate::recipe::scaffold::{NewBuild, NewPick};
use crate::release::{Release, Wanted};

/// Files of a Makefile's kind, and those of a release tool, at the root.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
const RELEASERS: [&str; 2] = [".goreleaser.yml", ".goreleaser.yaml"];

/// The largest of them.
const HINTS_LIMIT: usize = 1 << 20;

/// Folders whose programs are for the work on a project, or show how to use a library.
const HELPERS: [&str; 18] = [
    "ci",
    "contrib",
    "demo",
    "doc",
    "docs",
    "e2e",
    "example",
    "examples",
    "hack",
    "internal",
    "inttest",
    "magefiles",
    "scripts",
    "test",
    "testing",
    "tests",
    "tool",
    "tools",
];

/// Modules that do without CGO only when they do nothing.
const NEEDS_CGO: [&str; 1] = ["github.com/mattn/go-sqlite3"];

/// What a repository says of itself at its newest release.
pub(super) struct Look {
    /// Its address as it may stand in a file.
    pub home: GitUrl,
    /// What a component is made of.
    pub pick: NewPick,
    /// The name of what was looked at.
    pub release: Revision,
    /// A glob for tags that are releases.
    pub tags: Option<&'static str>,
    /// The module at its root.
    pub module: ModulePath,
    go_mod: GoModFile,
    objects: Objects,
    tree: TreeId,
    entries: Vec<Entry>,
}

impl Look {
    /// Fetches the newest release into the store, and reads its go.mod.
    pub(super) fn at(world: NewWorld<'_>, component: &ComponentName, url: &GitUrl) -> Result<Self, PipelineError> {
        let NewWorld { store, exec, reporter, .. } = world;
        let home = url.without_userinfo();
        if home != *url {
            let text = format!("the login of {url} is not written to a file: later on git's credential helper has to know it");
            reporter.report(Event::Notice { text });
        }
        let newest = newest(world, url)?;
        let git = GitStore::open_or_init(&store.git(&home), reporter, exec.interrupt())?;
        if !git.has(&newest.commit)? {
            let detail = format!("{} from {home}", newest.release);
            let component = component.clone();
            reporter.report(Event::StageStarted { component: component.clone(), what: "fetching", detail: detail.clone() });
            git.fetch_commit(exec, url, &newest.commit, Some(&newest.reference), reporter)?;
            reporter.report(Event::StageDone { component, what: "fetched", detail });
        }
        let objects = git.objects()?;
        let tree = objects.commit_tree(&newest.commit)?;
        let entries = objects.walk(&tree)?;
        let release = newest.release;
        let Some(text) = objects.read(&tree, &RelPath::new("go.mod")?)? else {
            let found =
                entries.iter().filter_map(|entry| entry.path.as_str().strip_suffix("/go.mod")).map(|folder| format!("{folder}/"));
            return Err(NewError::NotGo { url: home, release, found: found.collect() }.into());
        };
        let bin = installed_go(exec, store, false, reporter)?;
        let version = bin.version().clone();
        let go_mod = GoModFile::read(&Go::new(exec, bin, &version, false, reporter)?, &text)?;
        let no_module = || NewError::NoModule { url: home.clone(), release: release.clone() };
        let module = ModulePath::new(go_mod.module().filter(|path| !path.is_empty()).ok_or_else(no_module)?)?;
        Ok(Self { home, pick: newest.pick, release, tags: newest.tags, module, go_mod, objects, tree, entries })
    }

    /// What go.mod says of Go, where nothing was said or a Go before 1.18, whose `go build` has no -buildvcs.
    pub(super) fn old_go(&self) -> Option<String> {
        let Some(version) = self.go_mod.go_version() else { return Some("names no Go".to_owned()) };
        toolchain_of(version).filter(lacks_buildvcs).map(|_| format!("wants Go {version}"))
    }

    /// How its program is built; `None` for a library.
    pub(super) fn build(&self, options: &NewOptions) -> Result<Option<NewBuild>, PipelineError> {
        let packages = self.packages()?;
        let programs = packages.programs();
        let Some(package) = self.choose(&programs, options)? else { return Ok(None) };
        let closure = packages.closure(&package, self.module.as_str());
        let (hints, makefile) = self.hints()?;
        let mut build = NewBuild { tags: hints.tags, unclear: hints.unclear, makefile, ..NewBuild::default() };
        build.ldflags.extend(hints.strip);
        let stamps = hints.stamps.iter().filter(|(symbol, _)| self.has_variable(&packages, &package, symbol));
        build.ldflags.extend(stamps.map(|(symbol, value)| format!("-X {symbol}={value}")));
        let requires = |path: &str| self.go_mod.required().any(|required| required == path);
        build.cgo = hints.cgo.unwrap_or_else(|| packages.imports(&closure, "C") || NEEDS_CGO.iter().any(|path| requires(path)));
        let asks = packages.has_text(&closure, "debug.ReadBuildInfo(")
            || packages.imports(&closure, "github.com/carlmjohnson/versioninfo");
        // Also beside linker flags: there are programs in which the build info wins.
        build.vcs = asks && self.tags.is_some();
        build.others = programs.into_iter().filter(|other| *other != package).collect();
        build.package = package;
        Ok(Some(build))
    }

    fn packages(&self) -> Result<Packages, PipelineError> {
        let modules: Vec<&str> = self.entries.iter().filter_map(|entry| entry.path.as_str().strip_suffix("/go.mod")).collect();
        let (mut packages, target) = (Packages::default(), Target::host());
        for entry in self.entries.iter().filter(|entry| matches!(entry.mode, Mode::File | Mode::Executable)) {
            if is_of_module(entry.path.as_str(), &modules) {
                packages.add(entry.path.as_str(), &self.objects.blob(&entry.id)?, &target);
            }
        }
        Ok(packages)
    }

    /// Which program is meant: the only one, the one at the root, the one that is called like the component, the repository or
    /// the module. Examples and helpers count where they are asked for.
    fn choose(&self, programs: &[String], options: &NewOptions) -> Result<Option<String>, NewError> {
        let url = || self.home.clone();
        if let Some(given) = &options.package {
            let bare = given.trim_start_matches("./").trim_end_matches('/');
            let wanted = if matches!(bare, "" | ".") { ".".to_owned() } else { format!("./{bare}") };
            let found = programs.to_vec();
            return match programs.contains(&wanted) {
                true => Ok(Some(wanted)),
                false => Err(NewError::NoProgram { url: url(), release: self.release.clone(), package: given.clone(), found }),
            };
        }
        let found: Vec<String> = programs.iter().filter(|package| !is_helper(package)).cloned().collect();
        if let [] | [_] = found[..] {
            return Ok(found.into_iter().next());
        }
        if found.iter().any(|package| package == ".") {
            return Ok(Some(".".to_owned()));
        }
        let names =
            [options.name.as_ref().map(ComponentName::as_str), Some(self.home.last_part()), Some(last(self.module.as_str()))];
        for name in names.into_iter().flatten() {
            let in_cmd = found.iter().find(|package| **package == format!("./cmd/{name}"));
            let mut called_so = found.iter().filter(|package| last(package) == name);
            if let Some(one) = in_cmd.or(called_so.next().filter(|_| called_so.next().is_none())) {
                return Ok(Some(one.clone()));
            }
        }
        Err(NewError::Several { url: url(), found })
    }

    /// True where a variable that the linker shall set is there: it ignores what it does not find.
    fn has_variable(&self, packages: &Packages, program: &str, symbol: &str) -> bool {
        let Some((path, variable)) = symbol.rsplit_once('.') else { return false };
        let program = program.trim_start_matches('.').trim_start_matches('/');
        match below(path, self.module.as_str()) {
            _ if path == "main" => packages.mentions(program, variable),
            // To the linker the program itself is `main`, whatever its path.
            Some(folder) if folder == program => false,
            Some(folder) => packages.mentions(folder, variable),
            None => self.go_mod.required().any(|module| below(path, module).is_some()),
        }
    }

    /// What its Makefile says, and then what its release tool does; and the Makefile's name, where it has a `go build` line.
    fn hints(&self) -> Result<(Hints, Option<String>), PipelineError> {
        let known = Known { module: self.module.as_str(), name: self.home.last_part(), release: &self.release };
        let texts = |names: &[&str]| {
            let mut texts = Vec::new();
            for name in names {
                let bytes = self.objects.read(&self.tree, &RelPath::new(*name)?)?.filter(|bytes| bytes.len() <= HINTS_LIMIT);
                texts.extend(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            }
            Ok::<_, PipelineError>(texts)
        };
        let makefile = MAKEFILES.into_iter().find(|name| self.entries.iter().any(|entry| entry.path.as_str() == *name));
        let mut hints = hints::read(&texts(&makefile.into_iter().collect::<Vec<_>>())?, known);
        let makefile = makefile.filter(|_| hints.builds).map(str::to_owned);
        let released = hints::read(&texts(&RELEASERS)?, known);
        if !hints.builds {
            (hints.tags, hints.cgo, hints.strip) = (released.tags, released.cgo, released.strip);
        }
        for (symbol, value) in released.stamps {
            hints.unclear.retain(|unclear| unclear.split('=').next() != Some(&symbol));
            hints.stamps.entry(symbol).or_insert(value);
        }
        Ok((hints, makefile))
    }
}

/// What a new component is made of.
struct Newest {
    pick: NewPick,
    release: Revision,
    commit: CommitId,
    reference: String,
    tags: Option<&'static str>,
}

/// The newest release; else the newest pre-release; else the default branch.
fn newest(world: NewWorld<'_>, url: &GitUrl) -> Result<Newest, PipelineError> {
    let NewWorld { exec, reporter, .. } = world;
    let tags = list_refs(exec, url, RefKind::Tags, reporter)?;
    let releases = || tags.iter().filter_map(|tag| Some((Release::parse(&tag.name)?, tag)));
    let stable = releases().filter(|(release, _)| !release.is_pre_release()).max_by(|a, b| a.0.cmp(&b.0));
    if let Some((release, tag)) = stable.or_else(|| releases().max_by(|a, b| a.0.cmp(&b.0))) {
        let glob = if tag.name.as_str().starts_with('v') { "v*" } else { "[0-9]*" };
        let pick = if release.is_pre_release() { NewPick::PreRelease(release) } else { NewPick::Line(release) };
        let reference = format!("{}{}", RefKind::Tags.prefix(), tag.name);
        return Ok(Newest { pick, release: tag.name.clone(), commit: tag.commit.clone(), reference, tags: Some(glob) });
    }
    let empty = || NewError::Empty(url.without_userinfo());
    let branch = default_branch(exec, url, reporter)?.ok_or_else(empty)?;
    let commit = find_branch(exec, url, &branch, reporter)?.ok_or_else(empty)?;
    let text = format!("{} has no tags that are versions: the component is made of the branch {branch}", url.without_userinfo());
    reporter.report(Event::Notice { text });
    let reference = format!("{}{branch}", RefKind::Branches.prefix());
    // A branch that is called like a part of a version would be read as a range.
    let pinned = match Wanted::parse(branch.as_str()) {
        Ok(Wanted::Revision(_)) => branch.clone(),
        _ => Revision::new(commit.as_str())?,
    };
    Ok(Newest { pick: NewPick::Branch(pinned), release: branch, commit, reference, tags: None })
}

fn is_helper(package: &str) -> bool {
    let mut parts = package.trim_start_matches("./").split('/');
    let first = parts.next().unwrap_or_default();
    HELPERS.contains(&first) || parts.any(|part| matches!(part, "internal" | "example" | "examples"))
}

/// The last part of a path, but for the `v2` of a module.
fn last(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let is_major = last.strip_prefix('v').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    if is_major { parts.next().unwrap_or(last) } else { last }
}
