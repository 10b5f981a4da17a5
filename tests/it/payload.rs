//! Grafting: the zip at the end of one build, appended to another.

use std::fs::{self, File};
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::kit::{Program, Sandbox, Upstream, names, output_of};
use crate::plan::same_by_script;

/// Tells what is in the zip at its own end.
pub(crate) const GREET: &str = "package main

import (
\t\"archive/zip\"
\t\"os\"
)

func greeting() string {
\tself, _ := os.Executable()
\tarchive, err := zip.OpenReader(self)
\tif err != nil {
\t\treturn \"bare\"
\t}
\ttext := \"\"
\tfor _, file := range archive.File {
\t\ttext += file.Name + \" \"
\t}
\treturn text
}
";

const MEMBERS: [(&str, usize); 3] = [("bin/kubelet", 300_000), ("bin/runc", 0), ("bin/containerd", 70_000)];

/// Writes the members to `out`, from where it stands.
fn write_zip<W: Write + Seek>(out: W) -> W {
    let mut writer = ZipWriter::new(out);
    for (name, size) in MEMBERS {
        writer.start_file(name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        let content: Vec<u8> = (0..size).map(|n| (n * n / 7) as u8).collect();
        writer.write_all(&content).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn payload() -> Vec<u8> {
    write_zip(Cursor::new(Vec::new())).into_inner()
}

/// The program at two releases, built once each: what donors are made of.
struct World {
    sandbox: Sandbox,
    _up: Upstream,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let up = sandbox.upstream("app", Program::default());
        for release in ["v1.2.3", "v1.2.30"] {
            up.release_with(release, &[("greet.go", GREET)]);
        }
        sandbox.upstream_file(&up);
        sandbox.edit("recipes/upstreams/app.toml", "\n[[build]]", "payload = { versions = \">=1.2.3\" }\n\n[[build]]");
        sandbox.recipe("app", "[component.app]\nversion = \"v1.2.3\"\n");
        Self { sandbox, _up: up }
    }

    /// A bare build.
    fn bare(&self, release: &str, target: &str) -> Vec<u8> {
        let folder = format!("bare-{release}-{}", target.replace('/', "-"));
        self.sandbox.forge(&["build", &format!("app@{release}"), "--target", target, "--out", &folder]).ok();
        fs::read(self.sandbox.binary(&folder, "app-")).unwrap()
    }

    fn host(&self, release: &str) -> Vec<u8> {
        self.bare(release, &crate::kit::host())
    }

    fn donor(&self, name: &str, parts: &[&[u8]]) -> PathBuf {
        let path = self.sandbox.root().join(name);
        fs::write(&path, parts.concat()).unwrap();
        path
    }

    #[track_caller]
    fn refuses(&self, donor: &Path, text: &str) {
        self.sandbox.forge(&["build", "--payload", donor.to_str().unwrap()]).code(1).says(text).lacks("Compiling");
    }
}

#[test]
fn a_graft_carries_the_zip_of_its_donor() {
    let world = World::new();
    let bare = world.host("v1.2.3");
    let donor = world.donor("donor", &[&bare, &payload()]);
    let args = ["build", "--payload", donor.to_str().unwrap(), "--out", "whole"];
    world.sandbox.forge(&args).ok().says("appended: 3 files");
    let binary = world.sandbox.binary("whole", "app-v1.2.3-app-");
    assert!(binary.to_str().unwrap().contains("-local."), "{}", binary.display());
    let whole = fs::read(&binary).unwrap();
    assert!(whole == [bare.clone(), payload()].concat());
    assert_eq!(output_of(&binary, &[]), "bin/kubelet bin/runc bin/containerd \n");
    let mut archive = ZipArchive::new(File::open(&binary).unwrap()).unwrap();
    assert_eq!(archive.offset(), bare.len() as u64);
    let mut content = Vec::new();
    archive.by_name("bin/kubelet").unwrap().read_to_end(&mut content).unwrap();
    assert_eq!(content.len(), 300_000);
    // Nothing runs again; another payload is another artifact; the recipe's own has none.
    world.sandbox.forge(&args).ok().lacks("Compiling");
    let mut other = ZipWriter::new(Cursor::new(Vec::new()));
    other.start_file("other", SimpleFileOptions::default()).unwrap();
    let other = world.donor("donor", &[&bare, &other.finish().unwrap().into_inner()]);
    world.sandbox.forge(&["build", "--payload", other.to_str().unwrap(), "--out", "whole"]).ok().says("appended: 1 files");
    assert_eq!(names(&world.sandbox.project().join("whole")).iter().filter(|n| !n.ends_with(".log")).count(), 3);
    world.sandbox.forge(&["build"]).ok();
    assert!(fs::read(world.sandbox.binary("dist", "app-")).unwrap() == bare);
}

#[test]
fn the_script_of_a_graft_gives_the_same_bytes() {
    let world = World::new();
    let donor = world.donor("a donor", &[&world.host("v1.2.3"), &payload()]);
    let more = ["--payload", donor.to_str().unwrap()];
    let binary = same_by_script(&world.sandbox, &world.sandbox.project(), "app", &more);
    assert!(output_of(&binary, &[]).starts_with("bin/kubelet "));
    world.sandbox.forge(&["plan", more[0], more[1]]).ok().prints("append    ").prints("3 files");
}

#[test]
fn a_donor_must_be_the_same_release_for_the_same_platform() {
    let world = World::new();
    let zip = payload();
    let other = if crate::kit::host() == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    world.refuses(&world.donor("arch", &[&world.bare("v1.2.3", other), &zip]), &format!("is for {other}"));
    world.refuses(&world.donor("tag", &[&world.host("v1.2.30"), &zip]), "is not v1.2.3: that version is nowhere in it");
    world.refuses(&world.donor("pe", &[&world.bare("v1.2.3", "windows/amd64"), &zip]), "cannot carry a payload: it is Pe64");
}

#[test]
fn a_zip_that_cannot_be_cut_off_is_refused() {
    let world = World::new();
    let (bare, zip) = (world.host("v1.2.3"), payload());
    world.refuses(&world.donor("bare", &[&bare]), "it is a bare executable");
    world.refuses(&world.donor("text", &[b"hello"]), "it is no executable");
    world.refuses(&world.donor("no-zip", &[&bare, b"and so on"]), "no zip at its end");
    world.refuses(&world.donor("gap", &[&bare, b"gap", &zip]), "its image ends at byte");
    world.refuses(&world.sandbox.root().join("nowhere"), "nowhere");
    // Offsets from the beginning of the file, as `zip -A` writes them.
    let adjusted = world.donor("adjusted", &[&bare]);
    let mut file = File::options().write(true).read(true).open(&adjusted).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    drop(write_zip(file));
    assert!(fs::metadata(&adjusted).unwrap().len() as usize > bare.len());
    world.refuses(&adjusted, "as `zip -A` makes them");
    // A bit of the first member.
    let mut damaged = zip.clone();
    damaged[2000] ^= 1;
    world.refuses(&world.donor("damaged", &[&bare, &damaged]), "bin/kubelet in its payload is damaged");
    world.refuses(&world.donor("cut", &[&bare, &zip[..zip.len() - 1]]), "no zip at its end");
}

#[test]
fn a_release_says_whether_it_takes_a_payload() {
    let world = World::new();
    let donor = world.donor("donor", &[&world.host("v1.2.3"), &payload()]);
    world.sandbox.edit("recipes/upstreams/app.toml", ">=1.2.3", ">=1.2.4");
    world.refuses(&donor, "app v1.2.3 takes no payload: only releases >=1.2.4");
    world.refuses(&donor, "--driver docker");
    world.sandbox.edit("recipes/upstreams/app.toml", "payload = { versions = \">=1.2.4\" }\n", "");
    world.refuses(&donor, "app takes no payload");
    world.sandbox.edit("recipes/app.toml", "version =", "payload = {}\nversion =");
    world.sandbox.forge(&["build", "--payload", donor.to_str().unwrap(), "--out", "whole"]).ok();
    // What has a payload already takes no second one.
    let make = "[[build]]\ndriver = \"make\"\noutput = \"app\"\n";
    let text = world.sandbox.read("recipes/upstreams/app.toml");
    world.sandbox.write("recipes/upstreams/app.toml", &format!("{text}\n{make}"));
    let makefile = "app:\n\tCGO_ENABLED=0 go build -o app . && echo tail >> app\n";
    world._up.release_with("v1.2.3", &[("Makefile", makefile), ("greet.go", GREET)]);
    fs::remove_file(world.sandbox.project().join("recipes/app.lock")).unwrap();
    let ran = world.sandbox.forge(&["build", "--driver", "make", "--payload", donor.to_str().unwrap()]);
    ran.code(1).says("is no bare executable: 5 bytes follow its image");
    // One component, one release.
    world.sandbox.recipe("app", "[component.app]\nlines = [\"~1.2\", \"=1.2.3\"]\n");
    world.sandbox.forge(&["build", "--all", "--payload", donor.to_str().unwrap()]).code(2).says("name one component");
}
