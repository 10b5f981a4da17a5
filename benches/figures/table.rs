//! What came out, as a Markdown table.

use std::fmt;
use std::time::Duration;

/// One line of the table.
struct Row {
    name: String,
    forge: String,
    rival: String,
    ratio: String,
    wanted: String,
    met: bool,
}

/// All lines.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Adds a figure; `met` says whether it is as wanted.
    pub(crate) fn row(
        &mut self,
        name: impl Into<String>,
        forge: impl Into<String>,
        rival: impl Into<String>,
        ratio: impl Into<String>,
        wanted: impl Into<String>,
        met: bool,
    ) {
        let (name, forge, rival, ratio, wanted) = (name.into(), forge.into(), rival.into(), ratio.into(), wanted.into());
        eprintln!("  {name}: {forge}; {rival}");
        self.0.push(Row { name, forge, rival, ratio, wanted, met });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Figure | forge | Rival | Ratio | Wanted | |\n|---|---|---|---|---|---|")?;
        for Row { name, forge, rival, ratio, wanted, met } in &self.0 {
            let met = if *met { "yes" } else { "NO" };
            writeln!(f, "| {name} | {forge} | {rival} | {ratio} | {wanted} | {met} |")?;
        }
        Ok(())
    }
}

/// Times of the same thing.
#[derive(Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// The middle one.
    pub(crate) fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted[sorted.len() / 2]
    }

    /// Seconds of the middle one.
    pub(crate) fn seconds(&self) -> f64 {
        self.median().as_secs_f64()
    }

    fn least(&self) -> Duration {
        self.0.iter().min().copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |t: Duration| {
            let ms = t.as_secs_f64() * 1000.0;
            if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
        };
        write!(f, "{} (least {})", ms(self.median()), ms(self.least()))
    }
}

/// Measures two things in turn, after one unmeasured round, so that both see the same machine.
pub(crate) fn in_turn(rounds: usize, mut a: impl FnMut() -> Duration, mut b: impl FnMut() -> Duration) -> (Times, Times) {
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(rounds);
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    a();
    b();
    for _ in 0..rounds {
        of_a.push(a());
        of_b.push(b());
    }
    (Times(of_a), Times(of_b))
}

/// Measures one thing.
pub(crate) fn alone(rounds: usize, a: impl FnMut() -> Duration) -> Times {
    in_turn(rounds, a, || Duration::ZERO).0
}
