//! Disposable hosts: containers with a systemd of their own, a network where they need one, and volumes. All of them carry a
//! label whose value is the work folder of their forge: what no living forge owns, the next trial takes away.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::exec::{Captured, EngineObject, Tool};
use crate::recipe::scope::Scope;
use crate::recipe::trial::Scenario;
use crate::trial::engine::{Engine, TrialError, last_line};

/// The mark.
const LABEL: &str = "forge.trial";
/// The mark of what shall stay.
const KEPT: &str = "kept";
/// How long a host may take to boot.
const BOOT: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Which hosts are wanted.
#[derive(Debug)]
pub struct Wanted<'w> {
    /// What they are like.
    pub scenario: &'w Scenario,
    /// The image.
    pub image: &'w str,
    /// Roles, and how many hosts have each.
    pub roles: &'w [(String, usize)],
    /// Ports that have to be reached from outside.
    pub ports: &'w [u16],
    /// The work folder of this run.
    pub work: &'w Path,
    /// The folder in it that paths of this machine are relative to.
    pub folder: &'w Path,
    /// Whether they stay.
    pub keep: bool,
    /// A word that tells them from those of others.
    pub id: &'w str,
}

/// One host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name, which is its host name too: the role and a number.
    pub name: String,
    /// Its role.
    pub role: String,
    /// How the engine calls it.
    pub container: String,
    /// Its address among the hosts; `None` where there is no network.
    pub address: Option<IpAddr>,
    /// Ports with where they are reached from outside.
    pub ports: Vec<(u16, String)>,
}

/// Hosts that run. Dropped, they are gone, with all that belongs to them.
#[derive(Debug)]
pub struct Hosts<'a> {
    engine: &'a Engine<'a>,
    work: PathBuf,
    folder: PathBuf,
    keep: bool,
    network: Option<String>,
    volumes: Vec<String>,
    hosts: Vec<Host>,
}

impl<'a> Hosts<'a> {
    /// Takes away what killed forges left.
    pub fn sweep(engine: &Engine<'_>) {
        let gone = |owner: &str| !owner.starts_with(KEPT) && !Path::new(owner).exists();
        remove(engine, None, &gone);
    }

    /// Starts hosts, and waits until each has booted. `scope` fills in the environment and the setup of the scenario.
    pub fn start(engine: &'a Engine<'a>, wanted: &Wanted<'_>, scope: &Scope) -> Result<Self, TrialError> {
        let mut hosts = Self {
            engine,
            work: wanted.work.to_owned(),
            folder: wanted.folder.to_owned(),
            keep: wanted.keep,
            network: None,
            volumes: Vec::new(),
            hosts: Vec::new(),
        };
        let owner = if wanted.keep { format!("{KEPT}:{}", wanted.id) } else { wanted.work.display().to_string() };
        let label = format!("{LABEL}={owner}");
        if !wanted.ports.is_empty() || wanted.roles.iter().map(|(_, count)| count).sum::<usize>() > 1 {
            let name = format!("forge-{}", wanted.id);
            engine.must(|| format!("the network {name} cannot be made"), &["network", "create", "--label", &label, &name])?;
            hosts.network = Some(name);
        }
        for (role, count) in wanted.roles {
            for number in 1..=*count {
                let name = format!("{role}{number}");
                let host = hosts.run(wanted, &label, scope, role, name)?;
                hosts.hosts.push(host);
            }
        }
        for at in 0..hosts.hosts.len() {
            hosts.wait_for(at)?;
            hosts.connect(at, wanted.ports)?;
            hosts.set_up(at, wanted.scenario, scope)?;
        }
        Ok(hosts)
    }

    /// The hosts.
    pub fn all(&self) -> &[Host] {
        &self.hosts
    }

    fn run(&mut self, wanted: &Wanted<'_>, label: &str, scope: &Scope, role: &str, name: String) -> Result<Host, TrialError> {
        let container = format!("forge-{}-{name}", wanted.id);
        // systemd needs to mount, and to find the hierarchies of control groups; no more is given to it.
        let mut words: Vec<String> = ["run", "--detach", "--name", &container, "--hostname", &name, "--label", label]
            .into_iter()
            .chain(["--cgroupns", "host", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"])
            .chain(["--security-opt", "apparmor=unconfined", "--stop-signal", "SIGRTMIN+3"])
            .chain(["--volume", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/tmp"])
            .map(str::to_owned)
            .collect();
        if self.engine.tool == Tool::Podman {
            words.push("--systemd=always".to_owned());
        }
        words.extend(["--network".to_owned(), self.network.clone().unwrap_or_else(|| "none".to_owned())]);
        for (number, folder) in wanted.scenario.read_only.iter().enumerate() {
            // The engine fills a new volume with what the image has there.
            let volume = format!("{container}-{number}");
            self.engine
                .must(|| format!("the volume {volume} cannot be made"), &["volume", "create", "--label", label, &volume])?;
            words.extend(["--volume".to_owned(), format!("{volume}:{folder}:ro")]);
            self.volumes.push(volume);
        }
        for (name, value) in &wanted.scenario.env {
            // Variables were checked when the scenario was read.
            let value = scope.fill(value).unwrap_or_else(|_| value.clone());
            words.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
        words.extend(wanted.ports.iter().flat_map(|port| ["--publish".to_owned(), format!("127.0.0.1::{port}")]));
        words.extend([wanted.image.to_owned(), "/sbin/init".to_owned()]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let started = self.engine.must(|| format!("the host {name} cannot be started"), &words);
        match started {
            Err(TrialError::Refused { said, .. }) if said.contains("/sbin/init") => Err(no_systemd(&name, wanted.image)),
            Err(error) => Err(error),
            Ok(_) => Ok(Host { name, role: role.to_owned(), container, address: None, ports: Vec::new() }),
        }
    }

    /// Waits until systemd has nothing more to start.
    fn wait_for(&self, at: usize) -> Result<(), TrialError> {
        let host = &self.hosts[at];
        let begun = Instant::now();
        let mut state = String::new();
        while begun.elapsed() < BOOT {
            let done = self.engine.ask(&["exec", &host.container, "systemctl", "is-system-running"])?;
            let (said, complaint) = (String::from_utf8_lossy(&done.stdout).trim().to_owned(), done.stderr_tail(1));
            match said.as_str() {
                "running" | "degraded" => return Ok(()),
                _ if complaint.contains("executable file not found") => return Err(no_systemd(&host.name, "its image")),
                "" => state = complaint,
                other => state = other.to_owned(),
            }
            let running = self.engine.ask(&["inspect", "--format", "{{.State.Running}}", &host.container])?;
            if running.stdout.starts_with(b"false") {
                return Err(self.no_boot(host, "its first process ended".to_owned()));
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.no_boot(host, format!("after {} s systemd says {:?}", BOOT.as_secs(), crate::names::visible(&state))))
    }

    fn no_boot(&self, host: &Host, mut why: String) -> TrialError {
        if let Ok(log) = self.engine.ask(&["logs", "--tail", "10", &host.container]) {
            let text = [log.stdout, log.stderr].concat();
            let text = crate::names::visible(&String::from_utf8_lossy(&text));
            text.lines().for_each(|line| why.push_str(&format!("\n    {line}")));
        }
        let help =
            "does the image boot by itself? --keep leaves the host to look at, --base-image IMAGE takes another".to_owned();
        TrialError::NoBoot { host: host.name.clone(), why, help }
    }

    /// Finds out where a host is reached; published ports change when it is started anew.
    fn connect(&mut self, at: usize, ports: &[u16]) -> Result<(), TrialError> {
        let Some(network) = self.network.clone() else { return Ok(()) };
        let container = self.hosts[at].container.clone();
        let what = || format!("the address of {container} is not known");
        let format = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
        let address = self.engine.must(what, &["inspect", "--format", &format, &container])?;
        self.hosts[at].address = address.parse().ok();
        self.hosts[at].ports.clear();
        for port in ports {
            let published = self.engine.must(what, &["port", &container, &format!("{port}/tcp")])?;
            let first = published.lines().next().unwrap_or_default().to_owned();
            self.hosts[at].ports.push((*port, first));
        }
        Ok(())
    }

    fn set_up(&self, at: usize, scenario: &Scenario, scope: &Scope) -> Result<(), TrialError> {
        for command in &scenario.setup {
            let words: Vec<String> = command.iter().map(|word| scope.fill(word).unwrap_or_else(|_| word.clone())).collect();
            let done = self.inside(at, &words, Duration::from_secs(60), 1 << 20)?;
            if !done.status.success() {
                let command = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
                let why = format!("{}: {}", done.status, last_line(&done));
                return Err(TrialError::Setup { scenario: scenario.name.clone(), command, why });
            }
        }
        Ok(())
    }

    /// Runs a command on a host.
    pub(in crate::trial) fn inside(
        &self,
        at: usize,
        words: &[String],
        within: Duration,
        limit: usize,
    ) -> Result<Captured, TrialError> {
        let run = self.engine.run()?.arg("exec").arg(&self.hosts[at].container).args(words);
        Ok(run.timeout(within).capture_limited(limit)?)
    }

    /// Puts a file or folder of this machine onto a host.
    pub(in crate::trial) fn put(&self, at: usize, from: &Path, to: &str) -> Result<Captured, TrialError> {
        let container = &self.hosts[at].container;
        let parent = Path::new(to).parent().unwrap_or(Path::new("/")).display().to_string();
        let done = self.engine.ask(&["exec", container, "mkdir", "-p", &parent])?;
        if !done.status.success() {
            return Ok(done);
        }
        // What a link leads to is meant; podman's cp cannot be told so.
        let followed = from.canonicalize();
        let from = followed.as_deref().unwrap_or(from);
        // A folder goes into the place of its name, not below it.
        let from = if from.is_dir() { format!("{}/.", from.display()) } else { from.display().to_string() };
        if from.ends_with("/.") {
            self.engine.ask(&["exec", container, "mkdir", "-p", to])?;
        }
        self.engine.ask(&["cp", &from, &format!("{container}:{to}")])
    }

    /// Starts a host anew.
    pub(in crate::trial) fn reboot(&mut self, at: usize) -> Result<(), TrialError> {
        let host = &self.hosts[at];
        let (container, name) = (host.container.clone(), host.name.clone());
        self.engine.must(|| format!("the host {name} cannot be restarted"), &["restart", "--time", "30", &container])?;
        let ports: Vec<u16> = host.ports.iter().map(|(port, _)| *port).collect();
        self.wait_for(at)?;
        self.connect(at, &ports)
    }

    /// What systemd calls itself.
    pub fn systemd(&self) -> String {
        let words = ["systemctl".to_owned(), "--version".to_owned()];
        let done = self.inside(0, &words, Duration::from_secs(30), 1 << 20);
        let text = done.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
        crate::names::visible(text.lines().next().unwrap_or("systemd"))
    }

    /// The folder that paths of this machine are relative to.
    pub(in crate::trial) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commands that lead into hosts that stay, and that take them away.
    pub fn kept(&self) -> Vec<String> {
        let tool = self.engine.tool;
        let mut lines: Vec<String> =
            self.hosts.iter().map(|host| format!("{}: {tool} exec -it {} sh", host.name, host.container)).collect();
        let names: Vec<&str> = self.hosts.iter().map(|host| host.container.as_str()).collect();
        let mut words = vec![format!("{tool} rm --force {}", names.join(" "))];
        words.extend((!self.volumes.is_empty()).then(|| format!("{tool} volume rm {}", self.volumes.join(" "))));
        words.extend(self.network.iter().map(|name| format!("{tool} network rm {name}")));
        lines.push(format!("to take them away: {}", words.join("; ")));
        lines
    }
}

impl Drop for Hosts<'_> {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        let exec = self.engine.exec.for_cleaning_up();
        let engine = Engine::for_cleaning_up(&exec, self.engine.tool);
        let owner = self.work.display().to_string();
        // What is being made at the moment of an interrupt shows up in the second look.
        let interrupted = self.engine.exec.interrupt().check().is_err();
        remove(&engine, Some(&owner), &|_| true);
        if interrupted {
            std::thread::sleep(Duration::from_millis(300));
            remove(&engine, Some(&owner), &|_| true);
        }
    }
}

fn no_systemd(host: &str, image: &str) -> TrialError {
    TrialError::NoBoot {
        host: host.to_owned(),
        why: format!("there is no systemd in {image}"),
        help: "name an image that has /sbin/init and systemctl with --base-image, or build one from Debian's packages: --from-packages"
            .to_owned(),
    }
}

/// Takes away containers, then volumes and networks, that carry the mark and whose owner is meant. An engine that does not
/// answer has nothing that could be taken away.
fn remove(engine: &Engine<'_>, owner: Option<&str>, meant: &dyn Fn(&str) -> bool) {
    let ask = |words: &[&str]| Some(String::from_utf8_lossy(&engine.ask(words).ok()?.stdout).into_owned());
    for kind in [EngineObject::Container, EngineObject::Volume, EngineObject::Network] {
        kind.remove(kind.marked(LABEL, owner, &ask).iter().filter(|one| meant(&one.mark)), &ask);
    }
}
