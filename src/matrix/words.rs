//! The words and the worth of verdicts: the same in every view as in the JSON.

use std::fmt;

use crate::matrix::model::{CheckResult, State, Verdict};

impl Verdict {
    /// All of them, best first.
    pub const ALL: [Self; 6] =
        [Self::Clean, Self::CleanOffset, Self::Upstreamed, Self::MissingFile, Self::Conflict, Self::Unbuildable];

    /// The word of the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::CleanOffset => "clean-offset",
            Self::Upstreamed => "upstreamed",
            Self::MissingFile => "missing-file",
            Self::Conflict => "conflict",
            Self::Unbuildable => "unbuildable",
        }
    }

    /// Whether the series can be built on such a release. A change that is already upstream is none: nothing is left out by
    /// itself, the series has to say so first.
    pub const fn applies(self) -> bool {
        matches!(self, Self::Clean | Self::CleanOffset)
    }

    /// What it means, a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "Everything applies where it was written for.",
            Self::CleanOffset => "Everything applies, some of it some lines up or down.",
            Self::Upstreamed => "The upstream has a change already: its reverse applies exactly.",
            Self::MissingFile => "A file that a patch changes is not there.",
            Self::Conflict => "Something does not apply, or only in another place than it was written for.",
            Self::Unbuildable => "The upstream's rules have no way to build this release.",
        }
    }
}

impl State {
    /// The word of the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::CleanOffset => "clean-offset",
            Self::Skipped => "skipped",
            Self::Upstreamed => "upstreamed",
            Self::MissingFile => "missing-file",
            Self::Conflict => "conflict",
        }
    }

    /// Whether the patch stands in nobody's way.
    pub const fn applies(self) -> bool {
        matches!(self, Self::Clean | Self::CleanOffset | Self::Skipped)
    }

    /// What it means, a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "It applies where it was written for.",
            Self::CleanOffset => "It applies, some of it some lines up or down.",
            Self::Skipped => "It is not for this release.",
            Self::Upstreamed => "The upstream has it already: its reverse applies exactly.",
            Self::MissingFile => "A file that it changes is not there.",
            Self::Conflict => "It does not apply, or only in another place than it was written for.",
        }
    }
}

impl CheckResult {
    /// The word of the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
        use State::{Clean, CleanOffset, Conflict, MissingFile, Skipped, Upstreamed};
        for state in [Clean, CleanOffset, Skipped, Upstreamed, MissingFile, Conflict] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for check in [CheckResult::Ok, CheckResult::Failed] {
            assert_eq!(serde_json::to_value(check).unwrap(), check.word());
        }
    }
}
