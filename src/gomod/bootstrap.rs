//! Go where there is none: one official toolchain, in the store, checked against a hash in this program. It is only a beginning:
//! every other version is fetched, and checked against the checksum database, by it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256 as Hasher};

use crate::disk::{DiskError, FileLock, rename_synced, sync_below};
use crate::event::{Event, Reporter};
use crate::exec::{Exec, Interrupted};
use crate::gomod::goproxy::{Way, parse_goproxy};
use crate::gomod::host::{GoBin, Lack};
use crate::gomod::official::{BOOTSTRAP, Official, official};
use crate::gomod::unpack::{UnpackError, finish_module, unpack_archive, unpack_module};
use crate::names::{GoVersion, NameError, Target, WebUrl, visible};
use crate::net::{Net, NetError};
use crate::plan::hex;
use crate::store::{Store, StoreError, WorkDir};

/// The most that is fetched: the archives of Go 1.26 have 70 MB.
const MOST: u64 = 512 << 20;

/// Why there is no Go to begin with.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BootstrapError {
    /// forge knows no hash for this machine.
    #[error("{why}, and forge knows no Go for {platform} that it could fetch")]
    #[diagnostic(help("install Go 1.21 or newer and see that `go` is in PATH"))]
    Platform {
        /// What is the matter with the machine's own.
        why: Lack,
        /// The machine.
        platform: Target,
    },
    /// It is not in the store, and may not be fetched.
    #[error("{why}, Go {BOOTSTRAP} is not in the store, and --offline forbids to fetch it")]
    #[diagnostic(help(
        "run `forge fetch`, or this command, once without --offline; or install Go 1.21 or newer from https://go.dev/dl/ and see that `go` is in PATH"
    ))]
    Offline {
        /// What is the matter with the machine's own.
        why: Lack,
    },
    /// It could not be fetched.
    #[error("{why}, and Go {BOOTSTRAP} cannot be fetched: {source}")]
    #[diagnostic(help(
        "let GOPROXY name a module proxy that can be reached, or install Go 1.21 or newer from https://go.dev/dl/ and see that `go` is in PATH"
    ))]
    Fetch {
        /// What is the matter with the machine's own.
        why: Lack,
        /// The last failure.
        source: Box<NetError>,
    },
    /// GOPROXY forbids it.
    #[error("{why}, and GOPROXY={list} leads to no Go {BOOTSTRAP}")]
    #[diagnostic(help(
        "let GOPROXY name a module proxy that has golang.org/toolchain, or install Go 1.21 or newer from https://go.dev/dl/ and see that `go` is in PATH"
    ))]
    NoWay {
        /// What is the matter with the machine's own.
        why: Lack,
        /// The list, without userinfo.
        list: String,
    },
    /// GOPROXY cannot be read.
    #[error("GOPROXY: {0}")]
    #[diagnostic(help(
        "a list of addresses, `direct` and `off`, with `,` or `|` between them: https://go.dev/ref/mod#environment-variables"
    ))]
    List(NameError),
    /// What came is not what it should be.
    #[error("{url} is not Go {BOOTSTRAP}: its {kind} is {found}, and {expected} was expected")]
    #[diagnostic(help(
        "somebody on the way changed it, or the proxy is broken: let GOPROXY name another one, or install Go from https://go.dev/dl/"
    ))]
    Changed {
        /// Where it came from.
        url: WebUrl,
        /// How it was compared.
        kind: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// What came cannot be unpacked.
    #[error("{url} cannot be unpacked: {reason}")]
    #[diagnostic(help("let GOPROXY name another module proxy, or install Go from https://go.dev/dl/"))]
    Form {
        /// Where it came from.
        url: WebUrl,
        /// What is wrong.
        reason: String,
    },
    /// The store cannot take it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Disk(#[from] DiskError),
    /// The store cannot take it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
}

impl From<Interrupted> for BootstrapError {
    fn from(interrupted: Interrupted) -> Self {
        DiskError::from(interrupted).into()
    }
}

/// The Go that forge would fetch for this machine, and the folder in `store` that it is in once it was; `None` where there is
/// no hash for it.
pub fn managed(store: &Store) -> Option<(GoVersion, PathBuf)> {
    official(&Target::host())?;
    Some((version(), store.toolchain(&name(&Target::host()))))
}

/// The `go` of a toolchain folder, if it is there: a folder under its name is whole.
pub fn in_store(folder: &Path) -> Option<GoBin> {
    folder.join("bin/go").is_file().then(|| GoBin::managed(folder, version()))
}

/// `go` from the store, fetched where it is not there yet. `why` is what is the matter with the machine's own.
pub fn bootstrap(exec: &Exec, store: &Store, why: Lack, offline: bool, reporter: &dyn Reporter) -> Result<GoBin, BootstrapError> {
    let platform = Target::host();
    let Some(known) = official(&platform) else { return Err(BootstrapError::Platform { why, platform }) };
    let folder = store.toolchain(&name(&platform));
    if let Some(bin) = in_store(&folder) {
        // What `gc` goes by; a store that is read-only is not cleaned.
        let _ = File::open(&folder).and_then(|file| file.set_modified(SystemTime::now()));
        return Ok(bin);
    }
    if offline {
        return Err(BootstrapError::Offline { why });
    }
    let lock = store.lock("toolchain", &name(&platform))?;
    let _lock = FileLock::acquire(&lock, reporter, exec.interrupt())?;
    if let Some(bin) = in_store(&folder) {
        return Ok(bin);
    }
    reporter.report(Event::Notice { text: why.to_string() });
    let work = store.work_dir("go")?;
    Fetch { exec, why, known, platform: &platform, work: &work, reporter }.run()?;
    if let Some(parent) = folder.parent() {
        crate::disk::create_dir_all(parent)?;
    }
    let tree = work.path().join("go");
    sync_below(&tree)?;
    rename_synced(&tree, &folder)?;
    in_store(&folder).ok_or_else(|| DiskError::new("read", &folder, std::io::ErrorKind::NotFound.into()).into())
}

fn version() -> GoVersion {
    GoVersion::new(BOOTSTRAP).expect("a constant")
}

fn name(platform: &Target) -> String {
    format!("go{BOOTSTRAP}.{}-{}", platform.os(), platform.arch())
}

/// One fetching, into `work`.
struct Fetch<'a> {
    exec: &'a Exec,
    why: Lack,
    known: &'a Official,
    platform: &'a Target,
    work: &'a WorkDir,
    reporter: &'a dyn Reporter,
}

impl Fetch<'_> {
    fn run(&self) -> Result<(), BootstrapError> {
        let list = self.exec.environment().get("GOPROXY").map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
        let steps = match list.trim() {
            "" => vec![(Way::Direct, false)],
            list => parse_goproxy(list).map_err(BootstrapError::List)?,
        };
        let mut last = None;
        for (way, any) in steps {
            let done = match &way {
                Way::Off => break,
                Way::Direct => self.archive()?,
                Way::Proxy(proxy) => self.module(proxy)?,
            };
            match done {
                Ok(()) => return Ok(()),
                // As go has it: after a comma the next one is asked for what this one does not have.
                Err(error) if any || matches!(error, NetError::Absent { .. }) => last = Some(error),
                Err(error) => return Err(self.failed(error)),
            }
        }
        match last {
            Some(error) => Err(self.failed(error)),
            None => Err(BootstrapError::NoWay { why: self.why.clone(), list: visible(&crate::names::redact(&list)) }),
        }
    }

    fn failed(&self, error: NetError) -> BootstrapError {
        match error {
            NetError::Interrupted(interrupted) => interrupted.into(),
            NetError::Write { source, .. } => DiskError::new("write", self.work.path(), source).into(),
            error => BootstrapError::Fetch { why: self.why.clone(), source: Box::new(error) },
        }
    }

    /// The module zip of a proxy. The outer error is one that no other proxy mends.
    fn module(&self, proxy: &WebUrl) -> Result<Result<(), NetError>, BootstrapError> {
        let version = format!("v0.0.1-{}", name(self.platform));
        let url = proxy.below(&format!("golang.org/toolchain/@v/{version}.zip")).map_err(BootstrapError::List)?;
        let zip = self.work.path().join("module.zip");
        if let Err(error) = self.download(&url, &zip)? {
            return Ok(Err(error));
        }
        let tree = self.fresh()?;
        let prefix = format!("golang.org/toolchain@{version}");
        let found = unpack_module(&zip, &prefix, &tree, self.exec.interrupt()).map_err(|e| unpacked(&url, e))?;
        if found != self.known.module {
            let expected = self.known.module.to_owned();
            return Err(BootstrapError::Changed { url, kind: "sum", expected, found });
        }
        finish_module(&tree)?;
        Ok(Ok(()))
    }

    /// The archive of go.dev.
    fn archive(&self) -> Result<Result<(), NetError>, BootstrapError> {
        let url = WebUrl::new(format!("https://go.dev/dl/{}.tar.gz", name(self.platform))).map_err(BootstrapError::List)?;
        let file = self.work.path().join("archive.tar.gz");
        let found = match self.download(&url, &file)? {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        if found != self.known.archive {
            let expected = self.known.archive.to_owned();
            return Err(BootstrapError::Changed { url, kind: "SHA-256", expected, found });
        }
        unpack_archive(&file, &self.fresh()?, self.exec.interrupt()).map_err(|e| unpacked(&url, e))?;
        Ok(Ok(()))
    }

    /// An empty folder for the toolchain.
    fn fresh(&self) -> Result<PathBuf, BootstrapError> {
        let tree = self.work.path().join("go");
        crate::disk::remove_dir_all(&tree)?;
        crate::disk::create_dir_all(&tree)?;
        Ok(tree)
    }

    /// Fetches into a file; gives the SHA-256 of what came.
    fn download(&self, url: &WebUrl, to: &Path) -> Result<Result<String, NetError>, BootstrapError> {
        let what = format!("Go {BOOTSTRAP} for {}", self.platform);
        self.reporter.report(Event::FetchStarted { what: what.clone(), from: url.clone() });
        let fail = |e| DiskError::new("write", to, e);
        let mut file = BufWriter::with_capacity(1 << 17, File::create(to).map_err(fail)?);
        let mut hasher = Hasher::new();
        let net = Net::new(self.exec.environment(), self.exec.interrupt());
        let done = net.fetch(url, MOST, "receiving", self.reporter, &mut |piece| {
            hasher.update(piece);
            file.write_all(piece)
        });
        match done {
            Ok(_) => file.flush().map_err(fail)?,
            Err(error) => return Ok(Err(error)),
        }
        self.reporter.report(Event::FetchDone { what });
        Ok(Ok(hex(&hasher.finalize()).to_string()))
    }
}

fn unpacked(url: &WebUrl, error: UnpackError) -> BootstrapError {
    match error {
        UnpackError::Disk(error) => error.into(),
        UnpackError::Interrupted(interrupted) => interrupted.into(),
        error @ (UnpackError::Form(_) | UnpackError::Name(_)) => {
            BootstrapError::Form { url: url.clone(), reason: error.to_string() }
        }
    }
}
