//! A component in one line.

use crate::matrix::fold::count;
use crate::matrix::model::{CheckResult, Column, Judged, Verdict};

/// How many releases a component has, and how many of them hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Promised releases.
    pub promised: usize,
    /// Those on which the series applies.
    pub promised_clean: usize,
    /// All other releases and branches.
    pub others: usize,
    /// Those on which the series applies.
    pub others_clean: usize,
    /// Releases of both on which it applies some lines up or down.
    pub offsets: usize,
    /// Releases that were compiled, and those that failed.
    pub compiled: (usize, usize),
    /// Releases that were tested, and those that failed.
    pub tested: (usize, usize),
}

impl Tally {
    /// Counts.
    pub fn of(column: &Column) -> Self {
        let mut tally = Self::default();
        for release in &column.releases {
            tally.add(release);
        }
        tally
    }

    fn add(&mut self, release: &Judged) {
        let (all, clean) = match release.promised {
            true => (&mut self.promised, &mut self.promised_clean),
            false => (&mut self.others, &mut self.others_clean),
        };
        *all += 1;
        *clean += usize::from(release.verdict.applies());
        self.offsets += usize::from(release.verdict == Verdict::CleanOffset);
        for (result, (ran, failed)) in [(release.compile, &mut self.compiled), (release.test, &mut self.tested)] {
            *ran += usize::from(result.is_some());
            *failed += usize::from(result == Some(CheckResult::Failed));
        }
    }

    /// `179 of 179 promised releases clean; 1 of 1 other clean; 9 with offsets; 13 compiled, all well`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        let of = |clean: usize, all: usize, what: &str| format!("{clean} of {} clean", count(all, what));
        match (self.promised, self.others) {
            (0, 0) => return "no releases".to_owned(),
            (0, others) => parts.push(format!("{}, none of them promised", of(self.others_clean, others, "release"))),
            (promised, 0) => parts.push(of(self.promised_clean, promised, "promised release")),
            (promised, others) => {
                parts.push(of(self.promised_clean, promised, "promised release"));
                parts.push(of(self.others_clean, others, "other"));
            }
        }
        if self.offsets > 0 {
            parts.push(format!("{} with offsets", self.offsets));
        }
        for (what, (ran, failed)) in [("compiled", self.compiled), ("tested", self.tested)] {
            match (ran, failed) {
                (0, _) => {}
                (ran, 0) => parts.push(format!("{ran} {what}, all well")),
                (ran, failed) => parts.push(format!("{ran} {what}, {failed} failed")),
            }
        }
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{column, k0s, k0sctl, service};

    #[test]
    fn a_component_in_one_line() {
        let words = |column: &Column| Tally::of(column).words();
        assert_eq!(
            words(&k0s()),
            "179 of 179 promised releases clean; 1 of 1 other clean; 9 with offsets; 13 compiled, all well"
        );
        assert_eq!(words(&service()), "8 of 8 releases clean, none of them promised");
        assert_eq!(
            words(&k0sctl()),
            "20 of 23 promised releases clean; 0 of 21 others clean; 3 compiled, 1 failed; 2 tested, 1 failed"
        );
        assert_eq!(words(&column("k0s", &[], vec![])), "no releases");
    }
}
