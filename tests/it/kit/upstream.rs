//! Git upstreams, made by the real git with fixed dates: the same commits on every machine.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use super::host::{git, program};
use super::program::Program;

/// A bare repository that recipes point at by a `file://` URL.
pub(crate) struct Upstream {
    path: PathBuf,
    name: String,
    program: Program,
    clock: Cell<u32>,
}

impl Upstream {
    /// Makes one at `path`, with the default program on `main` and no tags.
    pub(crate) fn new(path: PathBuf, name: &str, program: Program) -> Self {
        fs::create_dir_all(&path).unwrap();
        let up = Self { path, name: name.to_owned(), program, clock: Cell::new(0) };
        up.git(&["init", "-q", "--bare", "-b", "main"]);
        // Speed only: these repositories live for a second.
        up.config("core.fsync", "none");
        up.config("gc.auto", "0");
        // What GitHub and GitLab allow: a commit is fetched by its id, whatever points at it.
        up.config("uploadpack.allowAnySHA1InWant", "true");
        up.config("uploadpack.allowFilter", "true");
        let files = program.files("none");
        up.commit("main", "start", &files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Vec<_>>());
        up
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The bare repository.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Runs git in the repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.path, args)
    }

    pub(crate) fn config(&self, key: &str, value: &str) {
        self.git(&["config", key, value]);
    }

    /// Only what a tag or branch points at can be fetched, as from plain git servers.
    pub(crate) fn refuse_unadvertised_commits(&self) {
        self.config("uploadpack.allowAnySHA1InWant", "false");
    }

    /// Commits files on a branch, which is made (empty) where it does not exist; gives the commit. Empty text removes a file.
    pub(crate) fn commit(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        self.clock.set(self.clock.get() + 1);
        let reference = format!("refs/heads/{branch}");
        let old = self.git(&["for-each-ref", "--format=%(objectname)", &reference]);
        let who = format!("Ada Author <ada@example.org> {} +0000", 1_700_000_000 + self.clock.get());
        let data = |text: &str| format!("data {}\n{text}\n", text.len());
        let mut stream = format!("commit {reference}\nauthor {who}\ncommitter {who}\n{}", data(message));
        if !old.is_empty() {
            stream.push_str(&format!("from {old}\n"));
        }
        for (path, text) in files {
            match *text {
                "" => stream.push_str(&format!("D {path}\n")),
                text => stream.push_str(&format!("M 100644 inline {path}\n{}", data(text))),
            }
        }
        self.import(&stream);
        self.git(&["rev-parse", &reference])
    }

    fn import(&self, stream: &str) {
        let file = self.path.join("stream");
        fs::write(&file, stream).unwrap();
        // git reads the stream from standard input, which the kit's door does not offer.
        let script = format!("exec '{}' fast-import --quiet --force <stream", program("git").display());
        let out = super::host::run(Path::new("/bin/sh"), &self.path, &["-c", &script]);
        assert!(out.status.success(), "git fast-import: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// A commit on `main` with a file that tells the release, and a lightweight tag; gives the commit.
    pub(crate) fn release(&self, tag: &str) -> String {
        self.release_with(tag, &[])
    }

    /// The same with files of its own.
    pub(crate) fn release_with(&self, tag: &str, files: &[(&str, &str)]) -> String {
        let told = format!("{tag}\n");
        let mut all = vec![("RELEASE", told.as_str())];
        all.extend(files);
        let commit = self.commit("main", &format!("release {tag}"), &all);
        self.tag(tag, &commit);
        commit
    }

    pub(crate) fn releases(&self, tags: &[&str]) {
        for tag in tags {
            self.release(tag);
        }
    }

    /// Makes or moves a lightweight tag.
    pub(crate) fn tag(&self, tag: &str, commit: &str) {
        self.git(&["tag", "-f", tag, commit]);
    }

    /// Makes or moves an annotated tag.
    pub(crate) fn annotate(&self, tag: &str, commit: &str, message: &str) {
        self.git(&["tag", "-f", "-a", "-m", message, tag, commit]);
    }

    pub(crate) fn delete_tag(&self, tag: &str) {
        self.git(&["tag", "-d", tag]);
    }

    /// Makes or moves a branch.
    pub(crate) fn branch(&self, branch: &str, commit: &str) {
        self.git(&["branch", "-f", branch, commit]);
    }

    /// The commit of a tag, branch or anything else that git understands.
    pub(crate) fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", &format!("{revision}^{{commit}}")])
    }

    pub(crate) fn tree(&self, revision: &str) -> String {
        self.git(&["rev-parse", &format!("{revision}^{{tree}}")])
    }

    /// A patch against `revision`, as `git format-patch` writes it. Empty text removes a file.
    pub(crate) fn patch(&self, revision: &str, subject: &str, files: &[(&str, &str)]) -> String {
        let branch = "patch-in-the-making";
        self.branch(branch, &self.id(revision));
        self.commit(branch, subject, files);
        let mail = self.git(&["format-patch", "-1", "--stdout", "--no-signature", "--zero-commit", branch]);
        self.git(&["branch", "-q", "-D", branch]);
        mail + "\n"
    }

    /// A patch that makes the program say something else.
    pub(crate) fn greeting_patch(&self, revision: &str, says: &str) -> String {
        let old = self.git(&["show", &format!("{revision}:greet.go")]) + "\n";
        let start = old.find("return \"").expect("greet.go returns a string") + 8;
        let end = start + old[start..].find('"').expect("the string ends");
        let new = format!("{}{says}{}", &old[..start], &old[end..]);
        self.patch(revision, &format!("Say {says}"), &[("greet.go", &new)])
    }

    /// A clone with a work tree.
    pub(crate) fn clone_to(&self, folder: &Path) {
        git(Path::new("/"), &["clone", "-q", &self.url(), folder.to_str().unwrap()]);
    }

    /// What belongs into `recipes/upstreams/NAME.toml` for it.
    pub(crate) fn toml(&self) -> String {
        let build = match self.program.makefile {
            true => "flags_from = \"make\"\n",
            false => "packages = [\".\"]\nflags = [\"-trimpath\"]\nldflags = [\"-X main.version={version}\"]\n",
        };
        format!("git = \"{}\"\nreleases = {{ tags = \"v*\" }}\n\n[[build]]\ndriver = \"go\"\n{build}", self.url())
    }
}
