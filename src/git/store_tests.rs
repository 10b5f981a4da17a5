//! Fetches from upstreams of the real git, with everything that can come between.

use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;
use crate::event::Silent;
use crate::git::testing::{Upstream, git as plain};
use crate::names::RelPath;

fn store(up: &Upstream) -> GitStore {
    GitStore::open_or_init(&up.dir.path().join("store/k0s.git"), &Silent, &Interrupt::never()).unwrap()
}

/// An upstream whose server refuses ids that no ref names, as protocol version 0 has it.
fn strict(up: &Upstream) -> Exec {
    up.exec_with(&[("protocol.version", "0")])
}

#[test]
fn a_commit_comes_once_with_all_of_its_files() {
    let up = Upstream::new();
    let first = up.commit(&[("a/b", "1"), ("c", "2")], "one");
    let second = up.commit(&[("c", "3")], "two");
    let store = store(&up);
    assert!(!store.has(&first).unwrap());
    let got = store.fetch_commit(&up.exec, &up.url(), &first, None, &Silent).unwrap();
    assert_eq!(got, FetchOutcome { already: false, by_name: false });
    let objects = store.objects().unwrap();
    let read = |commit: &CommitId, path: &str| {
        objects.read(&objects.commit_tree(commit).unwrap(), &RelPath::new(path).unwrap()).unwrap().unwrap()
    };
    assert_eq!((read(&first, "a/b"), read(&first, "c")), (b"1".to_vec(), b"2".to_vec()));
    store.fetch_commit(&up.exec, &up.url(), &second, None, &Silent).unwrap();
    assert_eq!(read(&second, "c"), b"3");
    // Without the upstream: what is here needs nobody.
    fs::remove_dir_all(up.path()).unwrap();
    assert!(store.fetch_commit(&up.exec, &up.url(), &first, None, &Silent).unwrap().already);
    let again = GitStore::open_or_init(store.path(), &Silent, &Interrupt::never()).unwrap();
    assert!(again.has(&second).unwrap());
    assert_eq!(plain(&up.exec, store.path(), &["config", "gc.auto"]), "0");
    let config = fs::read_to_string(store.path().join("config")).unwrap();
    assert!(!config.contains("remote") && !config.contains("partialclone"), "{config}");
}

#[test]
fn progress_is_reported_and_no_secret_is_kept() {
    #[derive(Default)]
    struct All(Mutex<Vec<Event>>);
    impl Reporter for All {
        fn report(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }
    let up = Upstream::new();
    let commit = up.commit(&[("a", "1")], "one");
    let url = GitUrl::new(format!("file://user:secret@localhost{}", up.path().display())).unwrap();
    let exec = up.exec_with(&[(&format!("url.{}.insteadOf", up.url().expose()), url.expose())]);
    let (store, all) = (store(&up), All::default());
    store.fetch_commit(&exec, &url, &commit, None, &all).unwrap();
    let events = all.0.into_inner().unwrap();
    assert!(events.iter().any(|e| matches!(e, Event::Contacting { .. })));
    assert!(events.iter().any(|e| matches!(e, Event::Progress { what, done: 3, total: 3 } if what == "receiving objects")));
    assert!(!format!("{events:?}").contains("secret"));
    let grep = up.exec.program(Path::new("/bin/grep")).args(["-r", "secret"]).arg(store.path()).capture().unwrap();
    assert_eq!(grep.stdout, b"");
}

#[test]
fn what_a_killed_git_left_is_no_obstacle() {
    let up = Upstream::new();
    let first = up.commit(&[("a", "1")], "one");
    let second = up.commit(&[("a", "2")], "two");
    let store = store(&up);
    store.fetch_commit(&up.exec, &up.url(), &first, None, &Silent).unwrap();
    let rubbish = [
        "shallow.lock".to_owned(),
        "packed-refs.lock".to_owned(),
        format!("refs/forge/{second}.lock"),
        "objects/pack/tmp_pack_ab12".to_owned(),
        "objects/pack/tmp_idx_ab12".to_owned(),
        "objects/tmp_objdir-incoming-x/pack/x".to_owned(),
    ];
    for name in &rubbish {
        let path = store.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "rubbish").unwrap();
    }
    store.fetch_commit(&up.exec, &up.url(), &second, None, &Silent).unwrap();
    assert!(store.has(&first).unwrap() && store.has(&second).unwrap());
    for name in &rubbish {
        assert!(!store.path().join(name).exists(), "{name} stayed");
    }
}

#[test]
fn a_kill_in_the_middle_blocks_nothing() {
    let up = Upstream::new();
    let commit = up.commit(&[("a", "1")], "one");
    let store = store(&up);
    // A git that takes its locks and then hangs, as one does whose network died; it is ended like any child.
    let bin = up.dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!("#!/bin/sh\ncase \"$*\" in *fetch*) : >{}/shallow.lock; sleep 100;; esac\n", store.path().display());
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), up.exec.environment().get("PATH").unwrap().to_str().unwrap());
    let interrupt = Interrupt::by_hand().unwrap();
    let hanging = Exec::new(up.exec.environment().with("PATH", Some(path.as_ref())), interrupt.clone());
    std::thread::scope(|scope| {
        let fetch = scope.spawn(|| store.fetch_commit(&hanging, &up.url(), &commit, None, &Silent));
        let started = Instant::now();
        while !store.path().join("shallow.lock").exists() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(FileLock::try_acquire(&store.lock_path()).unwrap().is_none(), "the store is locked meanwhile");
        interrupt.raise(2);
        assert!(matches!(fetch.join().unwrap(), Err(GitError::Interrupted(_))));
    });
    assert!(!store.has(&commit).unwrap());
    store.fetch_commit(&up.exec, &up.url(), &commit, None, &Silent).unwrap();
    assert!(store.has(&commit).unwrap());
}

#[test]
fn many_fetches_at_once_all_succeed() {
    let up = Upstream::new();
    let commits: Vec<CommitId> = (0..6).map(|i| up.commit(&[("a", &i.to_string())], "x")).collect();
    let path = up.dir.path().join("store.git");
    std::thread::scope(|scope| {
        for commit in &commits {
            for _ in 0..2 {
                scope.spawn(|| {
                    let store = GitStore::open_or_init(&path, &Silent, &Interrupt::never()).unwrap();
                    store.fetch_commit(&up.exec, &up.url(), commit, None, &Silent).unwrap();
                    assert!(store.has(commit).unwrap());
                });
            }
        }
    });
}

#[test]
fn the_lock_lasts_as_long_as_the_child_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let up = Upstream::new();
    let lock = FileLock::try_acquire(&path).unwrap().unwrap();
    let share = lock.share().unwrap();
    let mut lock = Some(lock);
    // The child outlives our own hold on the lock: as when forge is killed.
    up.exec
        .program(Path::new("/bin/sh"))
        .args(["-c", "echo up; sleep 0.3; echo down"])
        .keep_open(share)
        .stream(&mut |line| {
            lock.take();
            assert!(FileLock::try_acquire(&path).unwrap().is_none(), "free at {line}");
        })
        .unwrap();
    assert!(FileLock::try_acquire(&path).unwrap().is_some());
}

#[test]
fn a_server_that_hides_commits_gives_them_by_name() {
    let up = Upstream::new();
    let old = up.commit(&[("a", "1")], "one");
    up.git(&["tag", "-a", "-m", "x", "v1"]);
    let new = up.commit(&[("a", "2")], "two");
    let (store, exec) = (store(&up), strict(&up));
    let error = store.fetch_commit(&exec, &up.url(), &old, None, &Silent).unwrap_err();
    assert!(matches!(&error, GitError::RefMissing { what, .. } if what.contains(old.as_str())), "{error}");
    let got = store.fetch_commit(&exec, &up.url(), &old, Some("refs/tags/v1"), &Silent).unwrap();
    assert_eq!(got, FetchOutcome { already: false, by_name: true });
    assert!(store.has(&old).unwrap());
    // The tag moves on; a second store can no longer have the old commit, and says why.
    up.git(&["tag", "-f", "-a", "-m", "x", "v1"]);
    let other = GitStore::open_or_init(&up.dir.path().join("other.git"), &Silent, &Interrupt::never()).unwrap();
    let error = other.fetch_commit(&exec, &up.url(), &old, Some("refs/tags/v1"), &Silent).unwrap_err();
    assert!(matches!(&error, GitError::Moved { wanted, found, .. } if *wanted == old && *found == new), "{error}");
    assert!(!other.has(&old).unwrap() && !other.has(&new).unwrap());
    assert_eq!(plain(&up.exec, other.path(), &["for-each-ref"]), "");
    // A server that allows it gives the old one in spite of the move.
    other.fetch_commit(&up.exec, &up.url(), &old, Some("refs/tags/v1"), &Silent).unwrap();
    assert!(other.has(&old).unwrap());
}

#[test]
fn what_is_missing_is_told() {
    let up = Upstream::new();
    let commit = up.commit(&[("a", "1")], "one");
    let store = store(&up);
    let absent = CommitId::new("1".repeat(40)).unwrap();
    let error = store.fetch_commit(&up.exec, &up.url(), &absent, None, &Silent).unwrap_err();
    assert!(matches!(error, GitError::RefMissing { .. }), "{error}");
    let error = store.fetch_commit(&up.exec, &up.url(), &absent, Some("refs/tags/nope"), &Silent).unwrap_err();
    assert!(matches!(&error, GitError::RefMissing { what, .. } if what == "refs/tags/nope"), "{error}");
    // A damaged store: the ref is here, the objects are not. They come again.
    store.fetch_commit(&up.exec, &up.url(), &commit, None, &Silent).unwrap();
    fs::remove_dir_all(store.path().join("objects/pack")).unwrap();
    assert!(!store.has(&commit).unwrap());
    store.fetch_commit(&up.exec, &up.url(), &commit, None, &Silent).unwrap();
    assert!(store.has(&commit).unwrap());
}

#[test]
fn evil_trees_do_not_come_in() {
    let up = Upstream::new();
    let blob = up.commit(&[("a", "1")], "one");
    let blob = up.git(&["rev-parse", &format!("{blob}:a")]);
    let tree = |listing: &str| {
        let run = up.exec.run(crate::exec::Tool::Git).unwrap().cwd(up.path()).args(["mktree", "--missing"]);
        let got = run.stdin(listing.as_bytes().to_vec()).capture().unwrap().checked().unwrap();
        String::from_utf8(got.stdout).unwrap().trim().to_owned()
    };
    let inner = tree(&format!("100644 blob {blob}\tconfig\n"));
    for listing in [format!("040000 tree {inner}\t.git\n"), format!("040000 tree {inner}\t..\n")] {
        let commit = up.git(&["commit-tree", "-m", "evil", &tree(&listing)]);
        up.git(&["update-ref", "refs/heads/evil", &commit]);
        let store = store(&up);
        let commit = CommitId::new(commit).unwrap();
        store.fetch_commit(&up.exec, &up.url(), &commit, None, &Silent).unwrap_err();
        assert!(!store.has(&commit).unwrap());
    }
}

#[test]
fn lines_of_progress_are_read() {
    let read = |line: &str| match progress(line) {
        Some(Event::Progress { what, done, total }) => Some((what, done, total)),
        _ => None,
    };
    assert_eq!(read("Receiving objects:  45% (123/1065), 1.20 MiB | 3.00 MiB/s"), Some(("receiving objects".into(), 123, 1065)));
    assert_eq!(read("remote: Counting objects: 100% (3/3), done."), Some(("counting objects".into(), 3, 3)));
    assert_eq!(read("remote: Enumerating objects: 3, done."), None);
    assert_eq!(read("fatal: 50% (1/2"), None);
    assert_eq!(read("remote: \x1b[31m: 50% (1/2)"), None);
}
