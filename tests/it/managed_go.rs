//! Machines without a Go that can be used: forge fetches one, and that one fetches the others.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::kit::{Answer, Cmd, Sandbox, Server, goproxy, names, output_of, wait_for};

const GO: &str = "1.26.7";

fn platform() -> String {
    crate::kit::host().replace('/', "-")
}

fn zip_path() -> String {
    format!("/golang.org/toolchain/@v/v0.0.1-go{GO}.{}.zip", platform())
}

/// forge on a machine with git alone, and a way to modules.
fn without_go(sandbox: &Sandbox, args: &[&str], goproxy: &str) -> Cmd {
    sandbox.command(args).env("PATH", sandbox.tools(&["git"])).env("GOPROXY", goproxy)
}

/// A zip with the names of the toolchain and another content.
fn changed(sandbox: &Sandbox, members: &[&str]) -> PathBuf {
    let path = sandbox.root().join(format!("proxy{}", zip_path()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    for name in members {
        let name = format!("golang.org/toolchain@v0.0.1-go{GO}.{}/{name}", platform());
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"#!/bin/sh\ntouch /tmp/forge-was-fooled\n").unwrap();
    }
    zip.finish().unwrap();
    path
}

fn toolchains(sandbox: &Sandbox) -> Vec<String> {
    names(&sandbox.store().join("toolchains"))
}

/// What one check of `doctor --json` found.
fn go_of_doctor(sandbox: &Sandbox) -> serde_json::Value {
    let document = without_go(sandbox, &["doctor", "--json"], "off").run().json();
    document["checks"].as_array().unwrap().iter().find(|f| f["check"] == "go").unwrap().clone()
}

#[test]
fn a_machine_without_go_builds_like_one_with_it() {
    assert!(include_str!("../../docs/store.md").contains(&format!("forge fetches Go {GO} into the store")));
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    let doctor = go_of_doctor(&sandbox);
    assert_eq!(doctor["health"], "notice");
    assert!(doctor["found"].as_str().unwrap().contains(&format!("Go {GO} will be fetched into the store")), "{doctor}");
    let built = without_go(&sandbox, &["build"], goproxy()).run();
    built.ok().says("`go` was not found in PATH").says(&format!("Fetching Go {GO} for {}", crate::kit::host()));
    assert_eq!(toolchains(&sandbox), [format!("go{GO}.{}", platform())]);
    assert_eq!(sandbox.work_left(), [""; 0]);
    let binary = sandbox.binary("dist", "app-");
    assert_eq!(output_of(&binary, &[]), "hello\n");
    // The Go that the release wants was fetched, and verified, by the one that forge fetched; nothing is fetched again.
    let first = fs::read(&binary).unwrap();
    without_go(&sandbox, &["build", "--out", "again", "--offline"], "off").run().ok().lacks("Compiling").lacks("Fetching");
    // Other programs of a build find it by its name.
    let shell = without_go(&sandbox, &["shell", "app", "--", "go", "version"], "off").run();
    shell.ok().prints(crate::kit::go_version());
    let doctor = go_of_doctor(&sandbox);
    assert_eq!(doctor["health"], "good", "{doctor}");
    assert!(doctor["found"].as_str().unwrap().contains("toolchains/go"), "{doctor}");
    // With Go installed it is another build where that is the very version, and the same one where it is not; never other bytes.
    sandbox.forge(&["build", "--out", "installed"]).ok();
    assert!(fs::read(sandbox.binary("installed", "app-")).unwrap() == first);
    up.release_with("v1.2.4", &[("go.mod", &format!("module forge.example/app\n\ngo 1.21\n\ntoolchain go{GO}\n"))]);
    let key = |ran: crate::kit::Ran| ran.ok().json()["builds"][0]["key"].clone();
    let here = key(sandbox.forge(&["plan", "app@v1.2.4", "--json"]));
    let bare = key(without_go(&sandbox, &["plan", "app@v1.2.4", "--json"], goproxy()).run());
    assert_eq!(here == bare, crate::kit::go_version() != format!("go{GO}"));
    // An old one on PATH is passed over.
    let old = sandbox.root().join("old");
    fs::create_dir_all(&old).unwrap();
    let script = "#!/bin/sh\ncase \"$1\" in env) echo /nowhere; echo go1.20.14;; *) exit 9;; esac\n";
    fs::write(old.join("go"), script).unwrap();
    fs::set_permissions(old.join("go"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", old.display(), sandbox.tools(&["git"]).display());
    let ran = sandbox.command(&["shell", "app", "--", "go", "version"]).env("PATH", &path).env("GOPROXY", "off").run();
    ran.ok().prints(crate::kit::go_version());
    // It goes like all else that can be fetched again, and is missed.
    without_go(&sandbox, &["gc", "--max-size", "0"], "off").run().ok().prints("1 toolchains");
    assert_eq!(toolchains(&sandbox), [""; 0]);
    let ran = sandbox.command(&["build", "--out", "third"]).env("PATH", &path).env("GOPROXY", "off").run();
    ran.code(1).says("old/go is Go 1.20.14, and 1.21 or newer is needed, and GOPROXY=off leads to no Go");
}

#[test]
fn offline_says_what_to_do() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    let ran = without_go(&sandbox, &["build", "--offline"], goproxy()).run();
    // The sources are missing first.
    ran.code(1);
    sandbox.forge(&["fetch"]).ok();
    let ran = without_go(&sandbox, &["build", "--offline"], goproxy()).run();
    ran.code(1).says(&format!("Go {GO} is not in the store, and --offline forbids to fetch it"));
    ran.says("run `forge fetch`").says("https://go.dev/dl/").lacks("Fetching");
    // What is only shown needs no Go at all.
    without_go(&sandbox, &["plan", "--offline"], "off").run().ok();
    assert_eq!(toolchains(&sandbox), [""; 0]);
}

#[test]
fn what_is_not_that_toolchain_is_refused() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["fetch"]).ok();
    let proxy = format!("file://{}", sandbox.root().join("proxy").display());
    let refused = |goproxy: &str, text: &str| {
        let ran = without_go(&sandbox, &["build"], goproxy).run();
        ran.code(1).says(text).lacks("Compiling");
        assert_eq!((toolchains(&sandbox), sandbox.work_left()), (vec![], vec![]), "{goproxy}");
        ran
    };
    let zip = changed(&sandbox, &["bin/go", "VERSION"]);
    // No other proxy is asked after that: `|` is for proxies that fail.
    let ran = refused(&format!("{proxy}|{}", goproxy()), &format!("is not Go {GO}: its sum is h1:"));
    ran.says("and h1:").says("was expected").says("somebody on the way changed it");
    assert!(!Path::new("/tmp/forge-was-fooled").exists());
    changed(&sandbox, &["../../../escaped"]);
    refused(&proxy, "cannot be unpacked").says("`.` and `..` are not allowed");
    assert!(sandbox.grep(&sandbox.store(), "forge-was-fooled").is_empty());
    fs::write(&zip, "no zip").unwrap();
    refused(&proxy, "it is no zip file");
}

#[test]
fn goproxy_is_followed_as_go_follows_it() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["fetch"]).ok();
    let (server, other) = (Server::start(), Server::start());
    let empty = format!("file://{}", sandbox.empty().display());
    let run = |goproxy: &str| without_go(&sandbox, &["build"], goproxy).run();
    // 404 leads on; userinfo goes to its server, and is never shown.
    let address = server.url("").replace("//", "//me:s3%63ret@");
    other.answer("*", Answer::Status("500 Internal Server Error", "X: y".into()));
    let ran = run(&format!("{empty},{address}/base/,{}", other.url("")));
    ran.code(1).says("answers 500 Internal Server Error").says("***@127.0.0.1").lacks("s3").lacks("ret@");
    let asked = server.asked();
    assert!(asked[0].starts_with(&format!("GET /base{} ", zip_path())), "{asked:?}");
    assert!(asked[0].contains("Basic bWU6czNjcmV0"), "{asked:?}");
    assert_eq!(other.asked().len(), 1);
    // Another failure does so after `|` alone.
    run(&format!("{},{}", other.url(""), server.url(""))).code(1).says("answers 500");
    assert_eq!(server.asked().len(), 0);
    run(&format!("{}|{}", other.url(""), server.url(""))).code(1).says("there is no such file");
    assert_eq!(server.asked().len(), 1);
    run(&format!("{empty},off,{}", server.url(""))).code(1).says("there is no such file");
    run("off").code(1).says("GOPROXY=off leads to no Go");
    run("ftp://me:s3cret@h.example").code(1).says("GOPROXY: ").lacks("s3cret");
    // By plain http no password leaves this machine.
    run("http://me:s3cret@h.example").code(1).says("credentials are not sent by plain http").lacks("s3cret");
    assert_eq!(server.asked().len(), 0);
    // A server may send elsewhere, but not to anything less than https.
    server.answer("*", Answer::Status("302 Found", format!("Location: {}", other.url("/x"))));
    other.asked();
    run(&server.url("")).code(1).says("leads to").says("only https is followed");
    assert_eq!(other.asked().len(), 0);
    // And not in circles.
    server.answer("*", Answer::Status("302 Found", format!("Location: {}", zip_path())));
    run(&server.url("/x")).code(1).says("one step too many");
}

#[test]
fn proxies_of_the_environment_lead_out() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["fetch"]).ok();
    let proxy = Server::start();
    proxy.answer("*", Answer::Status("403 Forbidden", "X: y".into()));
    let address = proxy.url("").replace("//", "//me:s3cret@");
    let run = |variable: &str| {
        let command = without_go(&sandbox, &["build"], "").env_remove("GOPROXY").env_remove("HTTPS_PROXY").env_remove("NO_PROXY");
        let ran = command.env_remove("https_proxy").env_remove("no_proxy").env(variable, &address).run();
        ran.code(1).says("https://go.dev/dl/").lacks("s3cret");
        proxy.asked()
    };
    // Without GOPROXY it is go.dev's archive.
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let asked = run(variable);
        assert!(asked[0].starts_with("CONNECT go.dev:443 "), "{asked:?}");
        assert!(asked[0].contains("Basic bWU6czNjcmV0"), "{asked:?}");
    }
    let command = without_go(&sandbox, &["build"], "https://h.example").env("HTTPS_PROXY", "socks5://me:s3cret@127.0.0.1:1");
    command.env_remove("NO_PROXY").run().code(1).says("socks5 is not spoken").lacks("s3cret");
    let command = without_go(&sandbox, &["build"], "https://h.example").env("SSL_CERT_FILE", sandbox.root().join("none.pem"));
    command.env_remove("SSL_CERT_DIR").env_remove("HTTPS_PROXY").run().code(1).says("no certificate to check servers with");
}

#[test]
fn a_stop_and_a_kill_leave_nothing_half() {
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["fetch"]).ok();
    let server = Server::start();
    server.answer("*", Answer::Stall(300_000));
    let file = |name: &str| sandbox.store().join("work").join(name).join("module.zip");
    let begun = || {
        let command = without_go(&sandbox, &["build"], &server.url(""));
        let child = command.spawn();
        wait_for("the first bytes", || {
            let work = sandbox.work_left();
            work.iter().any(|name| fs::metadata(file(name)).is_ok_and(|meta| meta.len() > 100_000))
        });
        (command, child)
    };
    let end = |(command, child): (Cmd, Child), signal: Signal| {
        kill_process(Pid::from_child(&child), signal).unwrap();
        command.ran(&child.wait_with_output().unwrap())
    };
    let asked = Instant::now();
    let ran = end(begun(), Signal::TERM);
    ran.code(143).says("interrupted");
    assert!(asked.elapsed() < Duration::from_secs(20), "it waited for the server");
    assert_eq!((toolchains(&sandbox), sandbox.work_left()), (vec![], vec![]));
    end(begun(), Signal::KILL).code(-9);
    assert!(!sandbox.work_left().is_empty(), "a killed forge leaves its folders");
    assert_eq!(toolchains(&sandbox), [""; 0]);
    // The next one takes it away.
    server.answer("*", Answer::Status("404 Not Found", "X: y".into()));
    without_go(&sandbox, &["build"], &server.url("")).run().code(1).says("there is no such file");
    assert_eq!((toolchains(&sandbox), sandbox.work_left()), (vec![], vec![]));
}
