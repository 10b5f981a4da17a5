//! What happened, not how it looks: the stages tell a [`Reporter`], `ui` shows it on a terminal, in a CI log or not at all.

use std::path::PathBuf;

use crate::names::{ComponentName, GitUrl, WebUrl};

/// Something that a person who waits would want to know.
#[derive(Debug, Clone)]
pub enum Event {
    /// The recipe file (or built-in recipe) that is used, since forge looks for it upward.
    RecipeFound {
        /// Where it came from.
        origin: String,
    },
    /// A stage of one component begins: "fetch", "patch", "build" ...
    StageStarted {
        /// The component that is worked on.
        component: ComponentName,
        /// The verb, in the present: "fetching", "patching", "compiling".
        what: &'static str,
        /// What it is done to, such as a version.
        detail: String,
    },
    /// The stage that began last for this component ended well.
    StageDone {
        /// The component.
        component: ComponentName,
        /// The verb in the past: "fetched", "patched", "compiled".
        what: &'static str,
        /// The outcome in a few words.
        detail: String,
    },
    /// A file is fetched that belongs to no component, or to several.
    FetchStarted {
        /// What it is: "Go 1.26.7 for linux/amd64".
        what: String,
        /// Where it comes from, shown without userinfo.
        from: WebUrl,
    },
    /// It came whole.
    FetchDone {
        /// What it is.
        what: String,
    },
    /// A transfer moves on. `total` is what the other side announced, in percent where git counts so.
    Progress {
        /// What moves: "receiving objects".
        what: String,
        /// Done so far, in the unit of `total`.
        done: u64,
        /// The whole, 0 where unknown.
        total: u64,
    },
    /// A line that a child printed while it worked; already free of control characters and secrets.
    ChildLine {
        /// The tool: "go", "make", "git".
        tool: &'static str,
        /// One line without its newline.
        line: String,
    },
    /// Where several builds run side by side: those that run at this moment.
    Building {
        /// Each as `COMPONENT VERSION OS/ARCH`.
        builds: Vec<String>,
    },
    /// Another forge holds a lock that is needed.
    Waiting {
        /// What is locked.
        lock: PathBuf,
    },
    /// git talks to a remote. Shown with `-v`.
    Contacting {
        /// The remote, shown without userinfo.
        url: GitUrl,
    },
    /// Something that a careful user should read, but that stops nothing.
    Notice {
        /// A sentence.
        text: String,
    },
    /// Something that will probably surprise.
    Warning {
        /// A sentence.
        text: String,
    },
    /// A detail for `-v`.
    Detail {
        /// A sentence.
        text: String,
    },
}

/// Takes events. Implementations must not block for long: stages call this while they work, from any thread.
pub trait Reporter: Sync {
    /// Takes one event.
    fn report(&self, event: Event);
}

/// Takes events and forgets them.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event) {}
}

/// Passes events on, with a label before each line of a child: whose it is, where several children talk.
pub struct Labelled<'a> {
    to: &'a dyn Reporter,
    label: &'a str,
}

impl<'a> Labelled<'a> {
    /// Passes on to `to`.
    pub fn new(to: &'a dyn Reporter, label: &'a str) -> Self {
        Self { to, label }
    }
}

impl Reporter for Labelled<'_> {
    fn report(&self, event: Event) {
        self.to.report(match event {
            Event::ChildLine { tool, line } => Event::ChildLine { tool, line: format!("{}: {line}", self.label) },
            other => other,
        });
    }
}
