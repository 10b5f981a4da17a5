//! Payloads of what upstream released: fetched once, pinned by the lock, appended to the recipe's own artifact.

use std::fs;

use crate::kit::{Answer, Program, Sandbox, Server, Upstream, host, names, output_of, tool_ok};
use crate::payload::{GREET, payload};
use crate::plan::same_by_script;

const TAG: &str = "v1.2.3+k0s.1";
const FOLDER: &str = "/v1.2.3%2Bk0s.1";

/// A project that takes the payload of a release, and the server that has the release.
struct World {
    sandbox: Sandbox,
    up: Upstream,
    server: Server,
    bare: Vec<u8>,
}

fn asset() -> String {
    format!("{FOLDER}/app-v1.2.3%2Bk0s.1-{}", host().split('/').nth(1).unwrap())
}

fn sum(world: &World, bytes: &[u8]) -> String {
    let file = world.sandbox.root().join("summed");
    fs::write(&file, bytes).unwrap();
    tool_ok(world.sandbox.root(), "sha256sum", &[file.to_str().unwrap()])[..64].to_owned()
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let up = sandbox.upstream("app", Program::default());
        up.release_with(TAG, &[("greet.go", GREET)]);
        sandbox.upstream_file(&up);
        let server = Server::start();
        let rule = format!(
            "payload = {{ versions = \">=1.2.3\", asset = \"{0}/{{version}}/app-{{version}}-{{arch}}\", sums = \"{0}/{{version}}/sums.txt\" }}",
            server.url("")
        );
        sandbox.edit("recipes/upstreams/app.toml", "\n[[build]]", &format!("{rule}\n\n[[build]]"));
        sandbox.recipe("app", &format!("[component.app]\nversion = \"{TAG}\"\n"));
        // What the upstream file says is an offer: without a word of the recipe nothing is fetched.
        sandbox.forge(&["build", "--out", "bare"]).ok();
        assert_eq!(server.asked(), [""; 0]);
        let bare = fs::read(sandbox.binary("bare", "app-")).unwrap();
        sandbox.edit("recipes/app.toml", "version =", "payload = { from = \"release\" }\nversion =");
        let world = Self { sandbox, up, server, bare };
        world.publish(&[world.bare.clone(), payload()].concat());
        world
    }

    /// Publishes a program with its sum.
    fn publish(&self, program: &[u8]) {
        self.server.answer(&asset(), Answer::Bytes(program.to_vec()));
        let name = asset().rsplit('/').next().unwrap().replace("%2B", "+");
        let line = format!("{}  other\n{} *{name}\n", "0".repeat(64), sum(self, program));
        self.server.answer(&format!("{FOLDER}/sums.txt"), Answer::Bytes(line.into_bytes()));
    }

    fn downloads(&self) -> Vec<String> {
        names(&self.sandbox.store().join("downloads"))
    }

    /// Forgets builds and what was learned of files, and with `all` the files, too.
    fn forget(&self, all: bool) {
        for folder in ["builds", "memo"].into_iter().chain(all.then_some("downloads")) {
            let _ = fs::remove_dir_all(self.sandbox.store().join(folder));
            fs::create_dir_all(self.sandbox.store().join(folder)).unwrap();
        }
    }
}

#[test]
fn a_release_gives_its_payload_to_the_recipes_own_artifact() {
    let world = World::new();
    let (sandbox, server) = (&world.sandbox, &world.server);
    let whole = [world.bare.clone(), payload()].concat();
    let ran = sandbox.forge(&["lock"]);
    ran.ok()
        .says("Fetching app of upstream from http://127.0.0.1")
        .says(&format!("lock: app payload for {}: none -> http", host()));
    let lock = sandbox.read("recipes/app.lock");
    assert!(lock.contains(&format!("[component.payload.\"{}\"]", host())), "{lock}");
    assert!(lock.contains(&format!("sha256 = \"{}\"", sum(&world, &whole))), "{lock}");
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].starts_with(&format!("GET {} ", asset())) && asked[1].contains("/sums.txt "), "{asked:?}");
    // Later builds ask nobody.
    sandbox.forge(&["build", "--locked", "--offline"]).ok().says("appended: 3 files of http://127.0.0.1");
    let binary = sandbox.binary("dist", "app-");
    assert!(binary.to_str().unwrap().ends_with(&format!("app-{TAG}-app-{}", host().replace('/', "-"))), "{}", binary.display());
    assert!(fs::read(&binary).unwrap() == whole);
    assert_eq!(output_of(&binary, &[]), "bin/kubelet bin/runc bin/containerd \n");
    sandbox.forge(&["build", "--offline", "--out", "again"]).ok().lacks("Compiling");
    // It can be seen, and done by hand.
    sandbox.forge(&["plan", "--offline"]).ok().prints("append    ").prints(&server.url(&asset())).prints("3 files");
    sandbox.forge(&["show"]).ok().prints("payload   of the released http://127.0.0.1").prints("locked for linux/");
    let shown = sandbox.forge(&["show", "--json"]).ok().json();
    assert_eq!(shown["components"][0]["locked"][0]["payload"][host()]["sha256"], sum(&world, &whole));
    server.asked();
    let by_script = same_by_script(sandbox, &sandbox.project(), "app", &[]);
    assert!(output_of(&by_script, &[]).starts_with("bin/kubelet "));
    assert_eq!(server.asked().len(), 1, "the script fetches the release by itself");
    // A store that was cleaned gets it again, and is content with nothing else.
    sandbox.forge(&["gc", "--max-size", "0"]).ok().prints("1 released files");
    assert_eq!(world.downloads(), [""; 0]);
    sandbox.forge(&["build", "--out", "third", "--locked", "--offline"]).code(1);
    sandbox.forge(&["fetch", "--locked"]).ok().says("Fetched app of upstream");
    assert_eq!(world.downloads(), [sum(&world, &whole)]);
    sandbox.forge(&["build", "--out", "third", "--locked", "--offline"]).ok();
    assert!(fs::read(sandbox.binary("third", "app-")).unwrap() == whole);
}

#[test]
fn a_release_that_is_replaced_is_told() {
    let world = World::new();
    world.sandbox.forge(&["build"]).ok();
    let (old, mut other) = ([world.bare.clone(), payload()].concat(), [world.bare.clone(), payload()].concat());
    let at = other.len() - 3000;
    other[at] ^= 1;
    world.publish(&other);
    let lock = world.sandbox.read("recipes/app.lock");
    world.forget(true);
    let ran = world.sandbox.forge(&["build"]);
    ran.code(1).says("is another file than the locked one").says(&format!("its SHA-256 is {}", sum(&world, &other)));
    ran.says(&format!("and {} is locked", sum(&world, &old))).says("remove the [component.payload] table").lacks("Compiling");
    assert_eq!((world.downloads(), world.sandbox.read("recipes/app.lock")), (vec![], lock));
    assert_eq!(world.sandbox.work_left(), [""; 0]);
    // Accepted as the error says; and taken back.
    let entry = world.sandbox.read("recipes/app.lock");
    world.sandbox.write("recipes/app.lock", entry.split("[component.payload").next().unwrap());
    world.sandbox.forge(&["lock"]).ok();
    assert!(world.sandbox.read("recipes/app.lock").contains(&sum(&world, &other)));
    world.sandbox.write("recipes/app.lock", &entry);
    world.forget(true);
    // A damaged file of the store is none of a build's.
    world.publish(&old);
    world.sandbox.forge(&["fetch"]).ok();
    let kept = world.sandbox.store().join("downloads").join(sum(&world, &old));
    fs::write(&kept, &other).unwrap();
    world.sandbox.forge(&["build", "--offline", "--out", "other"]).code(1).says("in its payload is damaged");
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_reason() {
    let world = World::new();
    let (sandbox, server) = (&world.sandbox, &world.server);
    let fails = |text: &str| {
        let ran = sandbox.forge(&["build"]);
        ran.code(1).says(text).lacks("Compiling");
        assert_eq!(sandbox.work_left(), [""; 0]);
        assert!(!sandbox.has("recipes/app.lock") || !sandbox.read("recipes/app.lock").contains("component.payload"), "{text}");
        ran
    };
    sandbox.forge(&["fetch"]).ok();
    world.forget(true);
    let ran = sandbox.forge(&["build", "--offline"]);
    ran.code(1).says("is not in the store, and --offline forbids to fetch it").says("run `forge fetch`");
    fs::remove_file(sandbox.project().join("recipes/app.lock")).unwrap();
    server.answer(&format!("{FOLDER}/sums.txt"), Answer::Bytes(b"".to_vec()));
    fails("sums.txt does not name it").says("contradicts itself");
    let name = asset().rsplit('/').next().unwrap().replace("%2B", "+");
    let line = format!("{}  {name}\n", "a".repeat(64));
    server.answer(&format!("{FOLDER}/sums.txt"), Answer::Bytes(line.into_bytes()));
    fails("sums.txt says aaaa");
    server.answer(&asset(), Answer::Status("404 Not Found", "X: y".into()));
    fails("the released program cannot be fetched").says("there is no such file").says("`--payload FILE` takes another one");
    // A release that takes none; a rule without an address.
    sandbox.edit("recipes/upstreams/app.toml", ">=1.2.3", ">=1.2.4");
    fails("app v1.2.3+k0s.1 takes no payload: only releases >=1.2.4").says("--driver docker");
    sandbox.edit("recipes/upstreams/app.toml", ">=1.2.4", ">=1.2.3");
    let text = sandbox.read("recipes/upstreams/app.toml");
    let rule = text.lines().find(|line| line.starts_with("payload")).unwrap().to_owned();
    sandbox.edit("recipes/upstreams/app.toml", &rule, "payload = { versions = \">=1.2.3\" }");
    fails("nothing says where the released program is").says("payload = { asset = ");
    // Files say only what can be trusted.
    for (wrong, said) in [
        ("asset = \"http://h.example/{version}\"", "plain http is allowed on the loopback only"),
        ("asset = \"https://me:s3cret@h.example/{version}\"", "***"),
        ("asset = \"ftp://h.example/{version}\"", "only https, http and file are allowed"),
        ("asset = \"https://h.example/{versoin}\"", "did you mean {version}?"),
        ("from = \"relase\"", "it is \"release\""),
    ] {
        sandbox.write("recipes/upstreams/app.toml", &text.replace(&rule, &format!("payload = {{ {wrong} }}")));
        sandbox.forge(&["build"]).code(1).says(said).lacks("s3cret");
    }
}

#[test]
fn another_donor_or_driver_is_for_one_run() {
    let world = World::new();
    let sandbox = &world.sandbox;
    let donor = sandbox.root().join("donor");
    fs::write(&donor, [world.bare.clone(), payload()].concat()).unwrap();
    sandbox.forge(&["build", "--payload", donor.to_str().unwrap(), "--out", "given"]).ok();
    assert!(sandbox.binary("given", "app-").to_str().unwrap().contains("-local."));
    assert_eq!(world.server.asked(), [""; 0]);
    // The recipe's own is what the recipe says, whatever was built before.
    sandbox.forge(&["build"]).ok().says("Fetched app of upstream").says("lock: app payload for");
    assert!(!sandbox.binary("dist", "app-").to_str().unwrap().contains("-local."));
    // Another release of the same line: another file, by its own address.
    world.up.release_with("v1.2.4+k0s.0", &[("greet.go", GREET)]);
    world.server.asked();
    sandbox.forge(&["build", "app@v1.2.4+k0s.0"]).code(1).says("there is no such file");
    let asked = world.server.asked();
    assert!(asked[0].contains("/v1.2.4%2Bk0s.0/app-v1.2.4%2Bk0s.0-"), "{asked:?}");
    // A platform that the lock does not know is added to it, and what was there stays.
    let other = if host() == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    let arch = other.split('/').nth(1).unwrap();
    sandbox.edit("recipes/app.toml", "payload = { from = \"release\" }\n", "");
    sandbox.forge(&["build", "--target", other, "--out", "foreign"]).ok();
    let foreign = [fs::read(sandbox.binary("foreign", "app-")).unwrap(), payload()].concat();
    sandbox.edit("recipes/app.toml", "version =", "payload = { from = \"release\", sums = \"\" }\nversion =");
    sandbox.forge(&["build"]).code(1);
    sandbox.edit("recipes/app.toml", ", sums = \"\" }", " }");
    let name = format!("app-{TAG}-{arch}");
    world.server.answer(&format!("{FOLDER}/{}", name.replace('+', "%2B")), Answer::Bytes(foreign.clone()));
    world
        .server
        .answer(&format!("{FOLDER}/sums.txt"), Answer::Bytes(format!("{}  {name}\n", sum(&world, &foreign)).into_bytes()));
    sandbox.forge(&["build", "--target", other, "--out", "foreign"]).ok();
    assert!(fs::read(sandbox.binary("foreign", "app-")).unwrap() == foreign);
}
