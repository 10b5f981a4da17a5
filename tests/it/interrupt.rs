//! What goes wrong from outside: signals, kills, full and read-only disks, tools that are missing or too old.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Cmd, Ran, Sandbox, Upstream, names, output_of, running, skip, tool, tool_ok, wait_for};

/// Waits until something is there.
fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A program whose preparation makes a file and then takes its time: `Sleeper::build` is a build in the midst of it.
struct Sleeper {
    sandbox: Sandbox,
    up: Upstream,
    /// A number of seconds that no other process sleeps.
    nap: String,
}

impl Sleeper {
    /// `exec` makes the sleeping program a child of forge, without a shell between them.
    fn new(number: u32, exec: &str) -> Self {
        let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
        let nap = format!("86{number}.{}", std::process::id());
        let begun = sandbox.root().join("begun");
        sandbox.edit(
            "recipes/upstreams/app.toml",
            "packages",
            &format!(
                "prepare = [[\"sh\", \"-c\", \"touch {}; test -e {}/awake || {exec} sleep {nap}\"]]\npackages",
                begun.display(),
                sandbox.root().display()
            ),
        );
        Self { sandbox, up, nap }
    }

    fn build(&self) -> (Cmd, Child) {
        let _ = fs::remove_file(self.sandbox.root().join("begun"));
        let command = self.sandbox.command(&["build"]);
        let child = command.spawn();
        wait_for("prepare", || self.sandbox.root().join("begun").exists() && !running(&format!("sleep {}", self.nap)).is_empty());
        (command, child)
    }

    /// No child is left, no file half-written, and the next run succeeds.
    #[track_caller]
    fn nothing_is_left(&self) {
        wait_for("the end of the children", || running(&self.nap).is_empty());
        assert!(names(&self.sandbox.project().join("dist")).is_empty());
        fs::write(self.sandbox.root().join("awake"), "").unwrap();
        self.sandbox.forge(&["build"]).ok();
        fs::remove_file(self.sandbox.root().join("awake")).unwrap();
        assert_eq!(output_of(&self.sandbox.binary("dist", "app-"), &[]), "hello\n");
        assert!(self.sandbox.work_left().is_empty(), "{:?}", self.sandbox.work_left());
        let left: Vec<String> =
            names(&self.sandbox.project().join("recipes")).into_iter().filter(|n| n.starts_with(".tmp")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_signal_ends_forge_and_its_children() {
    for (number, (kind, code)) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)].into_iter().enumerate() {
        let sleeper = Sleeper::new(number as u32, "");
        let (command, child) = sleeper.build();
        let begun = Instant::now();
        signal(&child, kind);
        let ran = command.ran(&child.wait_with_output().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
        ran.code(code).says("interrupted").lacks("error:");
        assert_eq!(ran.stdout, "");
        assert!(sleeper.sandbox.work_left().is_empty());
        sleeper.nothing_is_left();
    }
}

#[test]
fn a_signal_during_a_fetch_ends_it() {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let nap = format!("87.{}", std::process::id());
    let (path, begun) = sandbox.hanging_git(&nap);
    let command = sandbox.command(&["build"]).env("PATH", path);
    let child = command.spawn();
    wait_for("the fetch", || begun.exists());
    signal(&child, Signal::INT);
    command.ran(&child.wait_with_output().unwrap()).code(130);
    wait_for("the end of git", || running(&format!("sleep {nap}")).is_empty());
    assert!(!sandbox.has("recipes/app.lock") && !sandbox.has("dist"));
    sandbox.forge(&["build"]).ok();
    assert!(sandbox.work_left().is_empty());
    assert_eq!(up.name(), "app");
}

#[test]
fn who_waits_for_another_forge_can_be_interrupted() {
    let sleeper = Sleeper::new(10, "");
    let (_, mut first) = sleeper.build();
    let command = sleeper.sandbox.command(&["build"]);
    let second = command.spawn();
    // It waits for the first one's lock; there is nothing to see of that from here but time.
    std::thread::sleep(Duration::from_millis(500));
    signal(&second, Signal::INT);
    let ran = command.ran(&second.wait_with_output().unwrap());
    ran.code(130).says("Waiting for another forge");
    assert!(!running(&sleeper.nap).is_empty(), "the first one goes on");
    signal(&first, Signal::TERM);
    assert_eq!(first.wait().unwrap().code(), Some(143));
    sleeper.nothing_is_left();
}

#[test]
fn a_killed_forge_takes_its_children_along_and_blocks_nobody() {
    let sleeper = Sleeper::new(20, "exec");
    let (_, mut child) = sleeper.build();
    signal(&child, Signal::KILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(!sleeper.sandbox.work_left().is_empty(), "a killed forge cannot clean up");
    // Elsewhere the child is not told of forge's death.
    if cfg!(target_os = "linux") {
        wait_for("the end of the child", || running(&format!("sleep {}", sleeper.nap)).is_empty());
    }
    fs::write(sleeper.sandbox.root().join("awake"), "").unwrap();
    sleeper.sandbox.forge(&["build"]).ok();
    assert!(sleeper.sandbox.work_left().is_empty(), "{:?}", sleeper.sandbox.work_left());
    assert_eq!(sleeper.up.name(), "app");
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let (sandbox, _up) = Sandbox::with_patched_service();
    let command = sandbox.command(&["build"]);
    let begun = Instant::now();
    command.run().ok();
    let whole = begun.elapsed();
    let good = fs::read(sandbox.binary("dist", "app-")).unwrap();
    let lock = sandbox.read("recipes/app.lock");
    for moment in 0..7u32 {
        for gone in [sandbox.project().join("dist"), sandbox.store()] {
            let _ = fs::remove_dir_all(gone);
        }
        let _ = fs::remove_file(sandbox.project().join("recipes/app.lock"));
        let mut child = command.std().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * moment / 7);
        let _ = kill_process(Pid::from_child(&child), Signal::KILL);
        child.wait().unwrap();
        // What is there is whole.
        let dist = sandbox.project().join("dist");
        for name in names(&dist).iter().filter(|n| n.starts_with("app-") && !n.ends_with(".log")) {
            assert!(fs::read(dist.join(name)).unwrap() == good, "half a binary at moment {moment}");
        }
        if sandbox.has("recipes/app.lock") {
            assert_eq!(sandbox.read("recipes/app.lock"), lock, "half a lock at moment {moment}");
        }
        command.run().ok();
        assert!(fs::read(sandbox.binary("dist", "app-")).unwrap() == good, "moment {moment}");
        assert_eq!(sandbox.read("recipes/app.lock"), lock);
        tool_ok(&dist, "sha256sum", &["-c", "SHA256SUMS"]);
        assert!(sandbox.work_left().is_empty(), "moment {moment}: {:?}", sandbox.work_left());
    }
}

/// A mounted folder, unmounted when dropped.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// `None` where this user may not mount.
    fn tmpfs(folder: &'a Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let out = tool(Path::new("/"), "mount", &["-t", "tmpfs", "-o", options, "forge-test", folder.to_str().unwrap()]);
        out.status.success().then_some(Self(folder))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        tool(Path::new("/"), "umount", &["-l", self.0.to_str().unwrap()]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    // A file in the place of each folder: nobody may write there, not even root.
    sandbox.write("dist", "a file\n");
    sandbox.forge(&["build"]).code(1).says("dist");
    assert_eq!(sandbox.read("dist"), "a file\n");
    sandbox.forge(&["build", "--out", "dist/below"]).code(1).says("dist/below");
    sandbox.forge(&["build", "--store", "dist", "--out", "out"]).code(1).says("dist");
    sandbox.forge(&["build", "--out", "/proc/nowhere"]).code(1).says("/proc/nowhere");
    sandbox.forge(&["build", "--out", "out"]).ok();
}

#[test]
fn a_read_only_folder_is_told() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let folder = sandbox.root().join("frozen");
    let Some(_mount) = Mount::tmpfs(&folder, "ro,size=1m") else {
        return skip("cannot mount: the test of read-only folders");
    };
    let frozen = folder.to_str().unwrap();
    sandbox.forge(&["build", "--out", frozen]).code(1).says("frozen").says("--out DIR");
    sandbox.forge(&["build", "--store", frozen]).code(1).says("frozen").says("--store DIR");
    assert!(names(&folder).is_empty());
    assert!(sandbox.work_left().is_empty());
    sandbox.forge(&["build"]).ok();
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["build"]).ok();
    let good = fs::read(sandbox.binary("dist", "app-")).unwrap();
    let folder = sandbox.root().join("small");
    {
        // The output folder: too small for the binary.
        let Some(_mount) = Mount::tmpfs(&folder, "size=256k") else {
            return skip("cannot mount: the test of full disks");
        };
        sandbox.forge(&["build", "--out", folder.to_str().unwrap()]).code(1).says("no space is left");
        assert!(names(&folder).is_empty(), "{:?}", names(&folder));
    }
    // The store: full at every stage, from its first file to the finished binary.
    for size in ["16k", "64k", "200k", "2m"] {
        let _mount = Mount::tmpfs(&folder, &format!("size={size}")).unwrap();
        let _ = fs::remove_dir_all(sandbox.project().join("dist"));
        let ran: Ran = sandbox.forge(&["build", "--store", folder.to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{size}: {}", ran.stderr);
        let said = ran.said().to_lowercase();
        assert!(said.contains("no space"), "{size}: {}", ran.stderr);
        assert!(names(&sandbox.project().join("dist")).is_empty(), "{size}");
        // Room is made, and everything goes on where it stopped.
        tool_ok(Path::new("/"), "mount", &["-o", "remount,size=64m", folder.to_str().unwrap()]);
        sandbox.forge(&["build", "--store", folder.to_str().unwrap()]).ok();
        assert!(fs::read(sandbox.binary("dist", "app-")).unwrap() == good, "{size}");
        assert!(names(&folder.join("work")).is_empty(), "{size}");
    }
}

#[test]
fn an_old_or_missing_go_is_told_where_none_can_be_fetched() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let old = sandbox.root().join("old-go");
    fs::create_dir_all(old.join("bin")).unwrap();
    fs::write(old.join("VERSION"), "go1.20.14\ntime 2024-02-01\n").unwrap();
    fs::write(old.join("bin/go"), "#!/bin/sh\necho go version go1.20.14 linux/amd64\n").unwrap();
    fs::set_permissions(old.join("bin/go"), fs::Permissions::from_mode(0o755)).unwrap();
    let git = sandbox.tools(&["git"]);
    let with = |path: String| sandbox.command(&["build"]).env("PATH", path).env("GOPROXY", "off").run();
    with(format!("{}:{}", old.join("bin").display(), git.display()))
        .code(1)
        .says("is Go 1.20.14, and 1.21 or newer is needed")
        .says("https://go.dev/dl");
    with(git.display().to_string()).code(1).says("`go` was not found in PATH").says("https://go.dev/dl");
    with(sandbox.tools(&["go"]).display().to_string()).code(1).says("`git` was not found in PATH").says("apt install git");
    // A wrapper without a tree around it is asked; one that does not answer is told.
    let wrapper = sandbox.root().join("wrapper");
    fs::create_dir(&wrapper).unwrap();
    fs::write(wrapper.join("go"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(wrapper.join("go"), fs::Permissions::from_mode(0o755)).unwrap();
    with(format!("{}:{}:/bin", wrapper.display(), git.display())).code(1).says("cannot tell which Go");
    let real = sandbox.tools(&["go"]);
    fs::write(wrapper.join("go"), format!("#!/bin/sh\nexec {}/go \"$@\"\n", real.display())).unwrap();
    with(format!("{}:{}:/bin", wrapper.display(), git.display())).ok();
    // A version that does not exist.
    sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\"]\ngo = \"1.99.99\"\n");
    sandbox.forge(&["build"]).code(1).says("Go 1.99.99 is wanted and cannot be fetched");
}
