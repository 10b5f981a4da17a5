//! What hosts are made of: an image with systemd in it, from a registry, of the user's own, or built from Debian's packages.

use std::path::Path;

use crate::event::{Event, Reporter};
use crate::exec::{Exec, ExecError, Run};
use crate::names::{redact, visible};
use crate::plan::KeyBuilder;
use crate::recipe::trial::Scenario;
use crate::trial::engine::{Engine, TrialError};

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The scenario's.
    Scenario,
    /// This one.
    Image(String),
    /// One that is built from the scenario's packages, by debootstrap.
    Packages,
}

const OTHERWISE: &str =
    "name an image that is there with --base-image IMAGE, or build one from Debian's packages: --from-packages";

/// Sees that the image is there, and gives its name.
pub fn base_image(
    engine: &Engine<'_>,
    base: &Base,
    scenario: &Scenario,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<String, TrialError> {
    let image = match base {
        Base::Packages => return from_packages(engine, scenario, work, reporter),
        Base::Image(image) => image.clone(),
        Base::Scenario if scenario.image.is_empty() => {
            let why = format!("the scenario {} names none", scenario.name);
            return Err(TrialError::NoImage { why, help: OTHERWISE.to_owned() });
        }
        Base::Scenario => scenario.image.clone(),
    };
    if is_there(engine, &image)? {
        return Ok(image);
    }
    reporter.report(Event::Notice { text: format!("pulling {image}") });
    let mut last = String::new();
    let status = engine.run()?.args(["pull", "--", &image]).stream(&mut |line| {
        last = visible(&redact(line));
        reporter.report(Event::ChildLine { tool: engine.tool.name(), line: last.clone() });
    })?;
    if status.success() {
        return Ok(image);
    }
    Err(TrialError::NoImage { why: format!("{image} cannot be pulled: {last}"), help: OTHERWISE.to_owned() })
}

fn is_there(engine: &Engine<'_>, image: &str) -> Result<bool, TrialError> {
    Ok(engine.ask(&["image", "inspect", "--format", "{{.Id}}", "--", image])?.status.success())
}

/// Builds an image of Debian, of the release that this machine has its own packages from. It stays, for the next trial.
fn from_packages(engine: &Engine<'_>, scenario: &Scenario, work: &Path, reporter: &dyn Reporter) -> Result<String, TrialError> {
    let no = |why: &str, help: &str| TrialError::NoImage { why: why.to_owned(), help: help.to_owned() };
    let exec = engine.exec;
    if scenario.packages.is_empty() {
        let why = format!("the scenario {} names no packages", scenario.name);
        return Err(no(&why, "write packages = [\"systemd\", \"systemd-sysv\"] into it, or name an image with --base-image"));
    }
    let (suite, mirror) = sources(exec)?;
    let key = KeyBuilder::new("trial image 1").field("suite", &suite).list("packages", &scenario.packages).finish();
    let image = format!("forge-trial:{}", &key.as_str()[..12]);
    if is_there(engine, &image)? {
        return Ok(image);
    }
    if !rustix::process::geteuid().is_root() {
        return Err(no("debootstrap needs root", "run forge as root once, or name an image with --base-image"));
    }
    for tool in ["debootstrap", "unshare", "tar"] {
        if exec.look_for(tool).is_none() {
            return Err(no(&format!("`{tool}` was not found in PATH"), "apt-get install -y debootstrap util-linux tar"));
        }
    }
    reporter.report(Event::Notice { text: format!("making {image} of packages of Debian {suite}") });
    let root = work.join("root");
    // In a mount namespace of its own: what debootstrap mounts ends with it, however it ends.
    let include = format!("--include={}", scenario.packages.join(","));
    let mut run = exec.named("unshare", work)?.args(["--mount", "--", "debootstrap", "--variant=minbase", &include]);
    run = run.arg(&suite).arg(root.as_os_str()).arg(&mirror);
    if let Some(proxy) = proxy(exec) {
        run = run.env("http_proxy", proxy);
    }
    follow(run, "debootstrap", reporter)?;
    let archive = work.join("root.tar");
    let pack =
        exec.named("tar", work)?.args(["--create", "--file"]).arg(archive.as_os_str()).arg("--directory").arg(root.as_os_str());
    follow(pack.args(["--exclude", "./var/cache/apt", "--exclude", "./var/lib/apt/lists", "."]), "tar", reporter)?;
    let take = engine.run()?.arg("import").arg(archive.as_os_str()).arg(&image);
    follow(take, engine.tool.name(), reporter)?;
    for path in [&root, &archive] {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        removed.map_err(|source| TrialError::Io { path: path.clone(), source })?;
    }
    Ok(image)
}

/// Runs to the end; a failure tells the last lines.
fn follow(run: Run<'_>, tool: &'static str, reporter: &dyn Reporter) -> Result<(), TrialError> {
    let mut last: Vec<String> = Vec::new();
    let status = run.stream(&mut |line| {
        let line = visible(&redact(line));
        reporter.report(Event::ChildLine { tool, line: line.clone() });
        last.push(line);
        if last.len() > 8 {
            last.remove(0);
        }
    })?;
    if status.success() {
        return Ok(());
    }
    let why = format!("{tool} {status}\n    {}", last.join("\n    "));
    Err(TrialError::NoImage { why, help: "name an image that is there with --base-image IMAGE".to_owned() })
}

/// The first source of Debian that is a whole release, among those of apt: its name and its mirror.
fn sources(exec: &Exec) -> Result<(String, String), TrialError> {
    let none = || TrialError::NoImage {
        why: "apt has no release of Debian among its sources".to_owned(),
        help: "on Debian, `apt-get update`; elsewhere name an image with --base-image IMAGE".to_owned(),
    };
    let format = "$(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)";
    let asked = exec.named("apt-get", Path::new("/"));
    let run = match asked {
        Err(ExecError::Spawn { .. }) => return Err(none()),
        other => other?,
    };
    let done = run.args(["indextargets", "--format", format, "Created-By: Packages"]).capture()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let found = text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [origin, "main", suite, mirror] = words[..] else { return None };
        // It takes no `--` to end its options; a release without `-` is none.
        (origin == "Debian" && !suite.contains(['-', '/']) && !mirror.starts_with('-'))
            .then(|| (suite.to_owned(), mirror.to_owned()))
    });
    let (suite, mirror) = found.ok_or_else(none)?;
    // Debian's cloud images keep a list of mirrors in a file.
    let mirror = match mirror.strip_prefix("mirror+file:") {
        None => mirror,
        Some(list) => {
            let list = std::fs::read_to_string(list.trim_end_matches('/')).unwrap_or_default();
            list.lines()
                .find(|line| line.starts_with("http"))
                .and_then(|line| line.split_whitespace().next())
                .ok_or_else(none)?
                .to_owned()
        }
    };
    Ok((suite, mirror))
}

/// The proxy of apt, which debootstrap does not ask.
fn proxy(exec: &Exec) -> Option<String> {
    let done = exec.named("apt-config", Path::new("/")).ok()?.args(["shell", "proxy", "Acquire::http::Proxy"]).capture().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let value = shlex::split(text.trim().strip_prefix("proxy=")?)?.into_iter().next()?;
    (!value.is_empty()).then_some(value)
}
