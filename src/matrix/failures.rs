//! What stands in the way, once each, with the releases that it concerns.

use crate::matrix::fold::{spans, stretch};
use crate::matrix::model::{CheckResult, Checked, Column, Judged, Place, Reason, State, Verdict};

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What<'a> {
    /// A patch, `SERIES/PATCH`.
    Patch {
        /// Its name.
        name: &'a str,
        /// Its place in the column.
        at: usize,
        /// What became of it.
        state: State,
    },
    /// The release itself.
    Unbuildable,
    /// The touched packages do not compile.
    Compile,
    /// Their tests fail.
    Test,
}

impl What<'_> {
    /// `nixos/a.patch: conflict`.
    pub fn title(&self) -> String {
        match self {
            Self::Patch { name, state, .. } => format!("{name}: {state}"),
            Self::Unbuildable => Verdict::Unbuildable.word().to_owned(),
            Self::Compile => "does not compile".to_owned(),
            Self::Test => "tests fail".to_owned(),
        }
    }
}

/// One reason, and where it holds. Reasons that differ in numbers alone, such as those of lines, count as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure<'a> {
    /// What failed.
    pub what: What<'a>,
    /// The reason, in the words of the newest release.
    pub text: String,
    /// The place in the patch, where there is one.
    pub at: Option<&'a Place>,
    /// The places in the column of the releases concerned, ascending: the first is the newest.
    pub releases: Vec<usize>,
    /// The text without its numbers.
    shape: String,
}

impl Failure<'_> {
    /// What stays the same when lines move and releases come: the patch file, the state and the shape of the text.
    pub fn identity(&self) -> [String; 3] {
        [self.what.title(), self.at.map(|place| place.file.clone()).unwrap_or_default(), self.shape.clone()]
    }

    /// `v1.0.0 .. v1.2.0`, and since or up to when a patch is in that state, where that says more.
    pub fn concerns(&self, column: &Column) -> String {
        let list = spans(column, &self.releases);
        let What::Patch { at, state, .. } = self.what else { return list };
        match stretch(column, self.releases[0], at) {
            Some(stretch) if stretch.label() != list => format!("{list} ({state} {})", stretch.words()),
            _ => list,
        }
    }
}

/// Every distinct failure of a component among the releases that `wanted` picks, newest first, patches in their order.
pub fn failures<'a>(column: &'a Column, wanted: impl Fn(&Judged) -> bool) -> Vec<Failure<'a>> {
    let mut all: Vec<Failure<'a>> = Vec::new();
    for (index, release) in column.releases.iter().enumerate().filter(|(_, release)| wanted(release)) {
        for (what, text, at) in found(column, release) {
            let shape = shape(&text);
            match all.iter_mut().find(|f| f.what == what && f.at == at && f.shape == shape) {
                Some(known) if known.releases.last() == Some(&index) => {}
                Some(known) => known.releases.push(index),
                None => all.push(Failure { what, text, at, releases: vec![index], shape }),
            }
        }
    }
    all
}

/// What failed on one release.
fn found<'a>(column: &'a Column, release: &'a Judged) -> Vec<(What<'a>, String, Option<&'a Place>)> {
    let mut out = Vec::new();
    for (at, name) in column.patches.iter().enumerate() {
        let Some(patch) = crate::matrix::fold::cell(release, at, name) else { continue };
        if patch.state.applies() {
            continue;
        }
        let what = What::Patch { name, at, state: patch.state };
        out.extend(patch.reasons.iter().map(|Reason { text, at }| (what, text.clone(), at.as_ref())));
        if patch.reasons.is_empty() {
            out.push((what, patch.state.meaning().to_owned(), None));
        }
    }
    if release.verdict == Verdict::Unbuildable {
        let why = release.unbuildable.clone().unwrap_or_else(|| Verdict::Unbuildable.meaning().to_owned());
        out.push((What::Unbuildable, why, None));
    }
    for (result, what) in [(release.compile, What::Compile), (release.test, What::Test)] {
        if result == Some(CheckResult::Failed) {
            out.push((what, release.checked.as_ref().map(output).unwrap_or_default(), None));
        }
    }
    out
}

/// What was run and what it printed last.
fn output(checked: &Checked) -> String {
    let mut text = format!("Go {}: {}", checked.go, checked.packages.join(" "));
    for line in &checked.output {
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// The text with every number as `#`.
fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{column, judged, k0s, k0sctl, patch};

    #[test]
    fn a_clean_component_has_none() {
        assert_eq!(failures(&k0s(), |_| true), []);
    }

    #[test]
    fn each_failure_is_there_once_with_its_releases() {
        let k0sctl = k0sctl();
        let all = failures(&k0sctl, |_| true);
        let told: Vec<(String, usize)> = all.iter().map(|f| (f.what.title(), f.releases.len())).collect();
        let expected = [
            ("nixos/0002-units.edit.toml: upstreamed", 1),
            ("does not compile", 1),
            ("tests fail", 1),
            ("nixos/0003-unit-path.patch: conflict", 23),
            ("unbuildable", 1),
            ("nixos/0001-os-nixos.patch: missing-file", 6),
        ];
        assert_eq!(told, expected.map(|(title, number)| (title.to_owned(), number)));
        assert!(all[3].text.starts_with("phase/install_workers.go:142: "), "the newest release's: {}", all[3].text);
        assert_eq!(all[3].concerns(&k0sctl), "v0.18.0 .. v0.25.1");
        assert_eq!(all[0].concerns(&k0sctl), "v0.32.1");
        assert_eq!(all[1].text, "Go 1.25.3: ./cmd/install ./pkg/install\nphase/install.go:44:9: undefined: h.UnitPath");
    }

    #[test]
    fn only_the_wanted_releases_count() {
        let promised = k0sctl();
        let all = failures(&promised, |release| release.promised);
        assert_eq!(all.iter().map(|f| f.releases.len()).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert_eq!(all[3].concerns(&promised), "v0.25.0 .. v0.25.1 (conflict up to v0.25.1)");
    }

    #[test]
    fn numbers_do_not_make_a_failure_another_but_words_and_places_do() {
        let with = |text: &str| judged("v1.0.0", vec![patch("a.patch", State::Conflict, &[text])]);
        let number = |texts: &[&str]| {
            let column = column("k0s", &["s/a.patch"], texts.iter().map(|t| with(t)).collect());
            failures(&column, |_| true).len()
        };
        assert_eq!(number(&["a.go:9: x", "a.go:101: x"]), 1);
        assert_eq!(number(&["a.go:9: x", "a.go:9: y"]), 2);
        assert_eq!(failures(&column("k0s", &["s/a.patch"], vec![with("x")]), |_| true)[0].releases, [0]);
        let silent = judged("v1.0.0", vec![patch("a.patch", State::MissingFile, &[])]);
        let column = column("k0s", &["s/a.patch"], vec![silent]);
        assert_eq!(failures(&column, |_| true)[0].text, State::MissingFile.meaning());
    }
}
