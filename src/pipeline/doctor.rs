//! What builds need of a machine, looked for without building: tools, room, and ways out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::engine;
use crate::exec::{Exec, Tool};
use crate::gomod::{find_go, in_store, managed};
use crate::names::{RecipeName, redact, visible};
use crate::pipeline::needs::{Needs, needs};
use crate::plan::Lock;
use crate::recipe::model::Recipe;
use crate::store::Store;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth a look.
    Notice,
    /// Not there, or of no use.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// What: `git`, `go`, `disk` ...
    pub check: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// The command, or the words, that mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// The recipes that cannot do without.
    pub needed_by: Vec<RecipeName>,
}

/// The least room that a build of k0s takes, with Go's caches.
const ROOM: u64 = 4 << 30;

/// Package managers, what installs with them, and what they call a C compiler.
const MANAGERS: [(&str, &str, &str); 6] = [
    ("apt-get", "apt-get install -y", "gcc libc6-dev"),
    ("dnf", "dnf install -y", "gcc glibc-devel"),
    ("apk", "apk add", "gcc musl-dev"),
    ("zypper", "zypper install -y", "gcc glibc-devel"),
    ("pacman", "pacman -S", "gcc"),
    ("brew", "brew install", "gcc"),
];

/// Looks at everything. `recipes` are those that the user could build, with their locks.
pub fn examine(exec: &Exec, recipes: &[(Recipe, Lock)], store: &Path) -> Vec<Finding> {
    let all: Vec<RecipeName> = recipes.iter().map(|(recipe, _)| recipe.name.clone()).collect();
    let needing = |need: &dyn Fn(&Needs) -> bool| -> Vec<RecipeName> {
        recipes.iter().filter(|(recipe, lock)| need(&needs(recipe, lock))).map(|(recipe, _)| recipe.name.clone()).collect()
    };
    vec![
        git(exec, all.clone()),
        go(exec, store, all),
        c_compiler(exec, needing(&|needs| needs.c_compiler)),
        tool(exec, Tool::Make, needing(&|needs| needs.make)),
        containers(exec, needing(&|needs| needs.containers)),
        disk(store),
        proxy(exec),
        usable(store),
    ]
}

/// The command that installs packages here.
fn install(exec: &Exec, package: impl Fn(&(&str, &str, &'static str)) -> &'static str) -> Option<String> {
    let manager = MANAGERS.iter().find(|(program, ..)| exec.look_for(program).is_some())?;
    Some(format!("{} {}", manager.1, package(manager)))
}

fn first_line(bytes: &[u8]) -> String {
    visible(&redact(String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().trim()))
}

fn missing(check: &'static str, found: impl Into<String>, mend: Option<String>, needed_by: Vec<RecipeName>) -> Finding {
    // What no recipe needs is no fault.
    let health = if needed_by.is_empty() { Health::Notice } else { Health::Missing };
    Finding { check, health, found: found.into(), mend, needed_by }
}

fn good(check: &'static str, found: impl Into<String>, needed_by: Vec<RecipeName>) -> Finding {
    Finding { check, health: Health::Good, found: found.into(), mend: None, needed_by }
}

fn git(exec: &Exec, needed_by: Vec<RecipeName>) -> Finding {
    let mend = install(exec, |_| "git");
    let Ok(run) = exec.run(Tool::Git) else { return missing("git", "not in PATH", mend, needed_by) };
    let said =
        run.arg("--version").timeout(Duration::from_secs(10)).capture().map(|done| first_line(&done.stdout)).unwrap_or_default();
    // git version 2.39.5 (Apple Git-154)
    let mut numbers = said.split_whitespace().nth(2).unwrap_or_default().split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (2, 29) {
        return missing("git", format!("{said}, and 2.29 or newer is needed"), mend, needed_by);
    }
    good("git", said, needed_by)
}

fn go(exec: &Exec, store: &Path, needed_by: Vec<RecipeName>) -> Finding {
    const HOW: &str = "install Go 1.21 or newer from https://go.dev/dl/ and put its bin folder into PATH";
    let lack = match find_go(exec) {
        Ok(Ok(bin)) => {
            let found = format!("Go {} ({}); other versions are fetched by it", bin.version(), bin.path().display());
            return good("go", found, needed_by);
        }
        Ok(Err(lack)) => lack,
        Err(error) => return missing("go", error.to_string(), Some(HOW.into()), needed_by),
    };
    let Some((version, folder)) = Store::open(store).ok().and_then(|store| managed(&store)) else {
        return missing("go", lack.to_string(), Some(HOW.into()), needed_by);
    };
    if let Some(bin) = in_store(&folder) {
        let found = format!("{lack}; Go {version} of the store ({}) fetches other versions", bin.path().display());
        return good("go", found, needed_by);
    }
    let found = format!("{lack}; Go {version} will be fetched into the store");
    Finding { check: "go", health: Health::Notice, found, mend: Some(format!("`forge fetch` does it now; or {HOW}")), needed_by }
}

fn c_compiler(exec: &Exec, needed_by: Vec<RecipeName>) -> Finding {
    let name = exec.environment().get("CC").map_or_else(|| "gcc".into(), |cc| cc.to_string_lossy().into_owned());
    let program = name.split_whitespace().next().unwrap_or("gcc");
    match exec.look_for(program).or_else(|| Some(PathBuf::from(program)).filter(|path| path.is_absolute() && path.is_file())) {
        Some(path) => good("C compiler", path.display().to_string(), needed_by),
        None => missing("C compiler", format!("{} is not in PATH", visible(program)), install(exec, |m| m.2), needed_by),
    }
}

fn tool(exec: &Exec, tool: Tool, needed_by: Vec<RecipeName>) -> Finding {
    match exec.find(tool) {
        Ok(path) => good(tool.name(), path.display().to_string(), needed_by),
        Err(_) => missing(tool.name(), "not in PATH", install(exec, |_| tool.name()), needed_by),
    }
}

fn containers(exec: &Exec, needed_by: Vec<RecipeName>) -> Finding {
    let Ok(engine) = engine(exec) else {
        return missing("containers", "neither docker nor podman is in PATH", install(exec, |_| "podman"), needed_by);
    };
    let asked = exec.run(engine).and_then(|run| run.arg("info").timeout(Duration::from_secs(10)).capture());
    match asked {
        Ok(done) if done.status.success() => good("containers", format!("{engine} answers"), needed_by),
        Ok(done) => {
            let said = first_line(&done.stderr);
            let mend = match engine {
                Tool::Docker => "start it (systemctl start docker), and see that your user may use it",
                _ => "see what `podman info` says",
            };
            missing("containers", format!("{engine} does not answer: {said}"), Some(mend.into()), needed_by)
        }
        Err(error) => missing("containers", error.to_string(), None, needed_by),
    }
}

fn disk(store: &Path) -> Finding {
    let there = store.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let Ok(room) = rustix::fs::statvfs(there).map(|s| s.f_bavail.saturating_mul(s.f_frsize)) else {
        return good("disk", "its room cannot be told", Vec::new());
    };
    let found = format!("{:.1} GiB free for {}", room as f64 / f64::from(1 << 30), store.display());
    if room < ROOM {
        let mend = "make room (`forge gc --max-size 1G` does in the store), or choose another place with --store DIR".to_owned();
        return Finding { check: "disk", health: Health::Notice, found, mend: Some(mend), needed_by: Vec::new() };
    }
    good("disk", found, Vec::new())
}

/// How the network is reached; nothing is asked of it.
fn proxy(exec: &Exec) -> Finding {
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "GOPROXY", "GOSUMDB"];
    let set = names.iter().filter_map(|name| {
        let value = exec.environment().get(name)?.to_string_lossy().into_owned();
        Some(format!("{name}={}", visible(&redact(&value))))
    });
    let set: Vec<String> = set.collect();
    good("proxy", if set.is_empty() { "none is set".to_owned() } else { set.join(" ") }, Vec::new())
}

fn usable(store: &Path) -> Finding {
    let opened = Store::open(store).and_then(|opened| opened.work_dir("doctor").map(drop));
    match opened {
        Ok(()) => good("store", store.display().to_string(), Vec::new()),
        Err(error) => {
            let mend = miette::Diagnostic::help(&error).map(|help| help.to_string());
            Finding { check: "store", health: Health::Missing, found: error.to_string(), mend, needed_by: Vec::new() }
        }
    }
}
