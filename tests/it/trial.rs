//! Trials on an engine that is a folder: a host is a file with its owner, and a folder that its commands run in. What a real
//! systemd makes of it is tried by `.ci/systemd`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Ran, Sandbox, Upstream, names};

const SCRIPT: &str = r#"#!/bin/sh
state=STATE
echo "$*" >> "$state.log"
mkdir -p "$state/ps" "$state/volume" "$state/network" "$state/root"
owner() { while [ "$1" != --label ]; do shift; done; echo "${2#forge.trial=}"; }
last() { for word; do :; done; echo "$word"; }
list() { # folder filter
  for path in "$state/$1"/*; do [ -e "$path" ] || continue
    case $2 in label=forge.trial | label=forge.trial="$(cat "$path")") echo "${path##*/}" ;; esac
  done
}
marks() { # folder NAME...
  folder=$1; shift
  for name; do echo "$name $(cat "$state/$folder/$name")"; done
}
# podman's lists know no labels.
case "$*" in *'{{.Label'*) echo "can't evaluate field Label" >&2; exit 125 ;; esac
case $1 in
version) echo 99.1 ;;
image) [ "$(last "$@")" = there ] ;;
pull) echo "no route to the registry" >&2; exit 1 ;;
network | volume)
  kind=$1
  case $2 in
  create) owner "$@" > "$state/$kind/$(last "$@")" ;;
  ls) list "$kind" "$5" ;;
  inspect) shift 4; marks "$kind" "$@" ;;
  rm) shift 2; for name; do rm -f "$state/$kind/$name"; done ;;
  esac ;;
run)
  if [ -e "$state/refuses" ]; then cat "$state/refuses" >&2; exit 125; fi
  owner "$@" > "$state/ps/$4"; mkdir -p "$state/root/$4"; echo id ;;
exec)
  name=$2; shift 2
  cd "$state/root/$name" || exit 1
  case "$*" in
  "systemctl is-system-running")
    if [ -e "$state/bare" ]; then echo 'exec failed: "systemctl": executable file not found in $PATH' >&2; exit 127; fi
    if [ -e "$state/dead" ]; then echo starting; exit 1; fi
    echo running ;;
  "systemctl --version") echo "systemd 999" ;;
  "mkdir -p /"*) mkdir -p ".$3" ;;
  *) exec "$@" ;;
  esac ;;
inspect)
  case $3 in
  *Running*) [ -e "$state/dead" ] && echo false || echo true ;;
  *.Labels*) shift 3; marks ps "$@" ;;
  *) echo 192.0.2.7 ;;
  esac ;;
logs) echo "Failed to mount cgroup" ;;
port) echo 127.0.0.1:40022 ;;
restart) touch "$state/restarted" ;;
cp) # podman knows no --follow-link, and without it both copy a link as one.
  case $2 in -*) echo "unknown flag: $2" >&2; exit 125 ;; esac
  cp -RP "$2" "$state/root/${3%%:*}/${3#*:}" ;;
ps) list ps "$5" ;;
rm) for name; do rm -f "$state/ps/$name"; done ;;
*) echo "what? $*" >&2; exit 9 ;;
esac
"#;

/// The engine: its program, and its state.
pub(crate) struct Engine {
    bin: PathBuf,
    state: PathBuf,
}

impl Engine {
    fn of(sandbox: &Sandbox) -> Self {
        let (bin, state) = (sandbox.root().join("bin-engine"), sandbox.root().join("engine"));
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&state).unwrap();
        let engine = Self { bin, state };
        engine.program("docker", &SCRIPT.replace("STATE", &engine.state.display().to_string()));
        engine
    }

    fn program(&self, name: &str, text: &str) {
        fs::write(self.bin.join(name), text).unwrap();
        fs::set_permissions(self.bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> String {
        #[expect(clippy::disallowed_methods, reason = "hosts of this engine run programs of the machine")]
        let path = std::env::var("PATH").unwrap();
        format!("{}:{path}", self.bin.display())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.state.with_extension("log")).unwrap_or_default()
    }

    /// Containers, volumes and networks that are there.
    fn left(&self) -> Vec<String> {
        ["ps", "volume", "network"].iter().flat_map(|kind| names(&self.state.join(kind))).collect()
    }

    fn say(&self, file: &str, text: &str) {
        fs::write(self.state.join(file), text).unwrap();
    }
}

const SCENARIO: &str = "\
description = \"a host for tests\"
image       = \"there\"
read_only   = [\"/etc/systemd/system\"]
setup       = [[\"sh\", \"-c\", \"echo {units} > set-up\"]]

[env]
SYSTEMD_UNIT_PATH = \"{units}:\"

[values]
units = \"/of/the/scenario\"
";

/// The program `app`, which says hello, and with its series something else; these steps, and a scenario.
pub(crate) fn with_steps(steps: &str) -> (Sandbox, Upstream, Engine) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let patch = up.greeting_patch("v1.2.3", "patched");
    sandbox.series("app", "greeting", &[("say-patched.patch", &patch)]);
    let values = "[values]\nunits = \"/of/the/recipe\"\n";
    sandbox.recipe("app", &format!("[component.app]\nlines = [\"~1.2\"]\nseries = [\"greeting\"]\n{values}\n{steps}"));
    sandbox.write("recipes/scenarios/nixos.toml", SCENARIO);
    let engine = Engine::of(&sandbox);
    (sandbox, up, engine)
}

pub(crate) fn trial(sandbox: &Sandbox, engine: &Engine, args: &[&str]) -> Ran {
    let args: Vec<&str> = ["trial"].iter().chain(args).copied().collect();
    sandbox.command(&args).env("PATH", engine.path()).run()
}

const STEPS: &str = "\
[[trial]]
with = \"stock\"
put  = { \"/app\" = \"{app.binary}\" }
[[trial]]
name   = \"stock says hello\"
with   = \"stock\"
run    = [\"./app\"]
stdout = { equals = \"hello\\n\" }
[[trial]]
put = { \"/opt/deep/app\" = \"{app.binary}\" }
[[trial]]
name   = \"patched says so\"
run    = [\"opt/deep/app\"]
stdout = { contains = \"patched\", lacks = \"hello\" }
[[trial]]
run    = [\"sh\", \"-c\", \"cat set-up; echo no >&2; exit 7\"]
exit   = 7
stdout = { contains = \"{units}\" }
stderr = { matches = \"^no\" }
[[trial]]
reboot = true
[[trial]]
name   = \"it takes a while\"
run    = [\"sh\", \"-c\", \"echo x >> tries; test $(wc -l < tries) -gt 1\"]
retry  = true
within = 20
[[trial]]
scenarios = [\"another\"]
run       = [\"false\"]
[[trial]]
empty = [\"opt/none\"]
";

#[test]
fn stock_comes_first_and_patched_shows_the_difference() {
    let (sandbox, _up, engine) = with_steps(STEPS);
    let ran = trial(&sandbox, &engine, &[]);
    ran.ok().prints("nixos: a host for tests\ndocker 99.1, there, systemd 999\n");
    let (stock, patched) = ran.stdout.split_once("\npatched app v1.2.3, on host1").unwrap();
    assert!(stock.contains("stock app v1.2.3, on host1") && stock.contains("ok     stock says hello"), "{stock}");
    for text in [
        "ok     patched says so",
        "seen     exit 0, stdout: patched",
        "expected exit 7, stdout contains \"/of/the/scenario\", stderr matches \"^no\"",
        "seen     exit 7, stdout: /of/the/scenario, stderr: no",
        "ok     restart of the host",
        "seen     exit 0 at try 2",
        "ok     nothing is left in opt/none",
        "\n8 steps as expected, in ",
    ] {
        assert!(patched.contains(text) || ran.stdout.contains(text), "{text:?}\n{}", ran.stdout);
    }
    assert!(engine.left().is_empty(), "{:?}", engine.left());
    assert!(engine.state.join("restarted").exists() && sandbox.work_left().is_empty());
    let log = engine.log();
    let run = log.lines().find(|line| line.starts_with("run ")).unwrap();
    for text in [
        "--label forge.trial=",
        "--cap-add SYS_ADMIN",
        "--network none",
        ":/etc/systemd/system:ro",
        "--env SYSTEMD_UNIT_PATH=/of/the/scenario:",
        "there /sbin/init",
    ] {
        assert!(run.contains(text), "{text:?}: {run}");
    }
    // What stock was made of is no business of the lock.
    sandbox.forge(&["build", "--locked"]).ok().lacks("Compiling");
    let document = trial(&sandbox, &engine, &["--json", "--locked", "--offline"]).ok().json();
    assert_eq!((&document["good"], &document["trial"]["scenario"]), (&true.into(), &"nixos".into()));
    let tried = document["trial"]["tried"].as_array().unwrap();
    assert_eq!((&tried[0]["with"], &tried[1]["with"]), (&"stock".into(), &"patched".into()));
    assert_ne!(tried[0]["binaries"][0]["sha256"], tried[1]["binaries"][0]["sha256"]);
    let step = &tried[1]["steps"][1];
    assert_eq!((&step["verdict"], &step["seen"]["stdout"], &step["host"]), (&"ok".into(), &"patched".into(), &"host1".into()));
    assert_eq!(document["trial"]["command"], "forge trial --recipe app");
    assert!(sandbox.state().join("trials/app/nixos.json").is_file());
}

#[test]
fn a_step_that_fails_ends_the_trial_with_5() {
    let steps = "\
[[trial]]
with = \"stock\"
run  = [\"true\"]
[[trial]]
name   = \"sleeps\"
run    = [\"sh\", \"-c\", \"echo begun; sleep 60\"]
within = 1
[[trial]]
name = \"never\"
run  = [\"touch\", \"never\"]
";
    let (sandbox, _up, engine) = with_steps(steps);
    let ran = trial(&sandbox, &engine, &[]);
    ran.code(5)
        .prints("FAILED sleeps")
        .prints("wrong    it did not end within 1 s")
        .prints("stdout: begun")
        .prints("-      never\n");
    ran.prints("1 steps as expected, 1 not, 1 not taken");
    assert!(engine.left().is_empty());
    let with = |run: &str| {
        let text = format!("[component.app]\nlines = [\"~1.2\"]\n[[trial]]\n{run}\n");
        sandbox.recipe("app", &text);
        trial(&sandbox, &engine, &[])
    };
    with("run = [\"sh\", \"-c\", \"echo one; echo two >&2; exit 3\"]")
        .code(5)
        .prints("wrong    it should exit with 0")
        .prints("seen     exit 3, stdout: one, stderr: two");
    with("outside = [\"no-such-program\"]").code(5).prints("there is no such program on PATH");
    with("put = { \"/x\" = \"no-such-file\" }").code(5).prints("no-such-file: No such file or directory");
    with("run = [\"sh\", \"-c\", \"printf 'a\\\\033[31mb'\"]\nstdout = { equals = \"\" }").code(5).prints("a\\u{1b}[31mb");
    with("empty = [\"/etc/passwd\", \"/none/such\"]").code(5).prints("stdout: /etc/passwd").prints("there should be nothing");
}

#[test]
fn what_is_outside_reaches_the_hosts() {
    let steps = "\
[[trial]]
on  = \"controller\"
run = [\"touch\", \"I-am-{host}-{address}\"]
[[trial]]
on  = \"worker\"
run = [\"touch\", \"a-worker\"]
[[trial]]
name    = \"all of them\"
outside = [\"sh\", \"./look.sh\", \"{app.binary}\", \"{hosts}\", \"{app.stock}\"]
files   = { \"look.sh\" = \"recipes/app.trial/look.sh\" }
port    = 22
stdout  = { contains = [\"controller2 controller 192.0.2.7 22=127.0.0.1:40022\", \"patched\", \"hello\", \"worker1 worker\"] }
";
    let (sandbox, _up, engine) = with_steps(steps);
    sandbox.write("recipes/app.trial/look.sh", "cat \"$2\"; \"$1\"; \"$3\"; echo home=$HOME; pwd\n");
    let ran = trial(&sandbox, &engine, &["--hosts", "controller=2"]);
    ran.ok()
        .prints("on controller1, controller2, worker1")
        .prints("[controller2]")
        .prints("ran      sh ./look.sh patched/app patched/hosts stock/app");
    let log = engine.log();
    assert!(log.contains("--publish 127.0.0.1::22") && log.contains("network create"), "{log}");
    let made: Vec<String> =
        names(&engine.state.join("root")).iter().flat_map(|host| names(&engine.state.join("root").join(host))).collect();
    assert!(made.contains(&"I-am-controller2-192.0.2.7".to_owned()), "{made:?}");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
    trial(&sandbox, &engine, &["--hosts", "controler=2"])
        .code(2)
        .says("no step of the trial is taken on controler")
        .says("controller, worker");
    trial(&sandbox, &engine, &["--hosts", "controller=0"]).code(2).says("is not ROLE=N");
    trial(&sandbox, &engine, &["--hosts", "controller"]).code(2).says("is not ROLE=N");
}

#[test]
fn a_payload_brings_steps_with_it() {
    let steps = "\
[[trial]]
run = [\"true\"]
[[trial]]
payload = \"folder\"
put     = { \"/lib\" = \"{payload}\" }
[[trial]]
name    = \"with a payload\"
payload = \"any\"
run     = [\"true\"]
";
    let (sandbox, _up, engine) = with_steps(steps);
    sandbox.write("bins/tool", "x");
    trial(&sandbox, &engine, &[]).ok().prints("1 steps as expected");
    trial(&sandbox, &engine, &["--payload", "bins"]).ok().prints("3 steps as expected").prints("with a payload");
    trial(&sandbox, &engine, &["--payload", "bins/tool"]).ok().prints("2 steps as expected");
    trial(&sandbox, &engine, &["--payload", "none"]).code(2).says("--payload: there is no");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n[[trial]]\nrun = [\"true\"]\n");
    trial(&sandbox, &engine, &["--payload", "bins"]).code(1).says("no step of the trial of app takes a payload");
}

#[test]
fn what_is_not_there_is_told() {
    let (sandbox, _up, engine) = with_steps("[[trial]]\nrun = [\"true\"]\n");
    let bare = sandbox.tools(&["git", "go"]);
    let ran = sandbox.command(&["trial"]).env("PATH", bare.as_os_str()).run();
    ran.code(1).says("`docker` was not found in PATH").says("docs.docker.com");
    trial(&sandbox, &engine, &["--scenario", "nixo"])
        .code(1)
        .says("there is no scenario nixo; did you mean nixos?")
        .says("custom-path");
    trial(&sandbox, &engine, &["--scenario", "./none.toml"]).code(1).says("none.toml");
    trial(&sandbox, &engine, &["--base-image", "absent"])
        .code(1)
        .says("absent cannot be pulled: no route to the registry")
        .says("--from-packages");
    trial(&sandbox, &engine, &["--base-image=-x"]).code(2).says("is no image");
    trial(&sandbox, &engine, &["--base-image", "x", "--from-packages"]).code(2);
    engine.say("bare", "");
    trial(&sandbox, &engine, &[]).code(1).says("there is no systemd in").says("--from-packages");
    fs::remove_file(engine.state.join("bare")).unwrap();
    engine.say("dead", "");
    trial(&sandbox, &engine, &[])
        .code(1)
        .says("host1 does not boot: its first process ended")
        .says("Failed to mount cgroup")
        .says("--keep");
    fs::remove_file(engine.state.join("dead")).unwrap();
    for (said, what, code) in [
        ("docker: Bind for 127.0.0.1:22 failed: port is already allocated.", "another program has that port", 4),
        ("docker: exec: \"/sbin/init\": stat /sbin/init: no such file or directory: unknown.", "there is no systemd in there", 1),
        ("docker: operation not permitted.", "the capability SYS_ADMIN", 4),
    ] {
        engine.say("refuses", said);
        trial(&sandbox, &engine, &[]).code(code).says(what);
    }
    fs::remove_file(engine.state.join("refuses")).unwrap();
    sandbox.edit("recipes/scenarios/nixos.toml", "echo {units} > set-up", "echo why >&2; exit 3");
    trial(&sandbox, &engine, &[]).code(1).says("the scenario nixos cannot set up a host").says("why");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n");
    trial(&sandbox, &engine, &[]).code(1).says("the recipe app has no trial").says("[[trial]]");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n[[trial]]\nscenarios = [\"other\"]\nrun = [\"true\"]\n");
    trial(&sandbox, &engine, &[]).code(1).says("no step of the trial of app is for the scenario nixos");
    // A build that fails: nothing was started.
    sandbox.recipe("app", "[component.app]\nlines = [\"~9\"]\n[[trial]]\nput = { \"/x\" = \"{app.binary}\" }\n");
    trial(&sandbox, &engine, &[]).code(1);
    engine.program("docker", "#!/bin/sh\necho 'permission denied while trying to connect to the socket' >&2\nexit 1\n");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n[[trial]]\nrun = [\"true\"]\n");
    trial(&sandbox, &engine, &[]).code(1).says("docker does not answer: permission denied").says("usermod -aG docker");
    engine.program("docker", "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n");
    trial(&sandbox, &engine, &[]).code(1).says("systemctl start docker");
}

#[test]
fn hosts_are_gone_after_an_interrupt_and_swept_after_a_kill() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let (sandbox, _up, engine) = with_steps("[[trial]]\nrun = [\"sh\", \"-c\", \"touch begun; sleep 30\"]\nwithin = 60\n");
        let command = sandbox.command(&["trial"]).env("PATH", engine.path());
        let child = command.spawn();
        let begun = Instant::now();
        while !names(&engine.state.join("root")).iter().any(|host| engine.state.join("root").join(host).join("begun").exists()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", engine.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!engine.left().is_empty());
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran = command.ran(&child.wait_with_output().unwrap());
        if signal == Signal::KILL {
            assert_eq!(engine.left().len(), 2, "a host and its volume");
            // The next trial takes them away; hosts that somebody wanted to keep stay.
            sandbox.edit("recipes/app.toml", "sleep 30", "true");
            trial(&sandbox, &engine, &[]).ok();
        } else {
            ran.code(128 + signal.as_raw()).says("interrupted");
        }
        assert!(engine.left().is_empty(), "{signal:?}: {:?}", engine.left());
    }
}

#[test]
fn hosts_stay_where_somebody_wants_them() {
    let (sandbox, _up, engine) = with_steps("[[trial]]\nrun = [\"true\"]\n");
    let ran = trial(&sandbox, &engine, &["--keep"]);
    ran.ok().says("docker exec -it forge-").says("to take them away: docker rm --force forge-").says("docker volume rm");
    let left = engine.left();
    assert_eq!(left.len(), 2, "{left:?}");
    trial(&sandbox, &engine, &[]).ok();
    assert_eq!(engine.left(), left);
}

#[test]
fn mistakes_of_a_trial_are_told_with_their_places() {
    let steps = "\
[[trial]]
name = \"nothing\"
[[trial]]
run    = [\"{app.binry}\"]
reboot = true
[[trial]]
reboot = true
exit   = 1
[[trial]]
run  = []
with = \"stok\"
[[trial]]
run    = [\"x\"]
within = 0
port   = 22
files  = { \"a\" = \"b\" }
[[trial]]
outside = [\"x\"]
on      = \"controller\"
port    = 70000
stdout  = { contains = \"{unis}\" }
[[trial]]
put     = { \"relative\" = \"x\" }
payload = \"folders\"
rn      = 1
";
    let (sandbox, _up, engine) = with_steps(steps);
    trial(&sandbox, &engine, &[])
        .code(1)
        .says("[[trial]] needs `run`, `outside`, `reboot`, `empty` or `put`")
        .says("`run` and `reboot` exclude each other")
        .says("`exit` has no meaning without `run` or `outside`")
        .says("`run` is empty")
        .says("did you mean \"stock\"?")
        .says("`within` must be a number of seconds from 1 to 3600, found 0")
        .says("`port` has no meaning without `outside`")
        .says("`files` has no meaning without `outside`")
        .says("`on` has no meaning without a step that is taken on hosts")
        .says("`port` must be a port from 1 to 65535, found 70000")
        .says("did you mean {units}?")
        .says("a path on the host is absolute")
        .says("did you mean \"folder\"?")
        .says("did you mean `on`?");
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\n[[trial]]\nrun = [\"true\"]\n");
    let wrong = "image = \"-x\"\nread_only = [\"etc\"]\nsetup = [[]]\nenv = { \"A-B\" = \"{unit}\" }\npackges = []\n";
    sandbox.write("recipes/scenarios/nixos.toml", wrong);
    trial(&sandbox, &engine, &[])
        .code(1)
        .says("an image is a word without a leading `-`")
        .says("a folder is an absolute path without")
        .says("`setup` is empty")
        .says("\"A-B\" is not a environment variable name")
        .says("there is no variable {unit}")
        .says("did you mean `packages`?");
}

/// The scenarios that come with forge are read without a mistake.
#[test]
fn the_scenarios_of_the_program_are_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/scenarios");
    let files = forge::files::Files::new(None);
    for name in names(&folder) {
        let which = forge::recipe::scenario::ScenarioRef::parse(name.trim_end_matches(".toml")).unwrap();
        let scenario = forge::recipe::scenario::load_scenario(&files, &which).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!scenario.image.is_empty() && scenario.packages.contains(&"systemd-sysv".to_owned()), "{name}");
    }
}
