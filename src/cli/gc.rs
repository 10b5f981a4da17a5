//! `forge gc`.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::cli::args::GcArgs;
use crate::cli::context::Context;
use crate::cli::exit::{CliError, DONE};
use crate::event::Event;
use crate::store::{Budget, Kind, clean};

pub(super) fn run(context: &Context, args: &GcArgs) -> Result<u8, CliError> {
    let budget = Budget { size: args.max_size, age: args.max_age };
    let done = clean(&context.store_path()?, budget, args.dry_run)?;
    if done.busy {
        let text = "other forges are at work: finished builds, toolchains, released files and clones are left to them".to_owned();
        context.reporter().report(Event::Notice { text });
    }
    let freed: u64 = done.removed.iter().map(|item| item.bytes).sum();
    if args.json {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let removed: Vec<_> = done
            .removed
            .iter()
            .map(|i| json!({"kind": i.kind, "path": i.path, "bytes": i.bytes, "used": seconds(i.used)}))
            .collect();
        let document = json!({"schema": 1, "dry_run": args.dry_run, "freed": freed, "left": done.left, "busy": done.busy, "removed": removed});
        context.json(&document)?;
        return Ok(DONE);
    }
    let mut lines = Vec::new();
    for (kind, name) in [
        (Kind::Rubbish, "work folders of killed forges"),
        (Kind::Failed, "trees of failed builds"),
        (Kind::Memo, "kinds of remembered facts"),
        (Kind::Build, "finished builds"),
        (Kind::Toolchain, "toolchains"),
        (Kind::Download, "released files"),
        (Kind::Clone, "clones"),
    ] {
        let of_kind: Vec<_> = done.removed.iter().filter(|item| item.kind == kind).collect();
        if !of_kind.is_empty() {
            let bytes = of_kind.iter().map(|item| item.bytes).sum();
            lines.push(format!("{:>10}  {} {name}", shown(bytes), of_kind.len()));
        }
    }
    let verb = if args.dry_run { "would be freed" } else { "freed" };
    lines.push(format!("{:>10}  {verb}, {} left", shown(freed), shown(done.left)));
    context.print(&lines.join("\n"))?;
    Ok(DONE)
}

/// Bytes as people read them.
pub(super) fn shown(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// `500M`, `20G`: powers of 1024; a bare number is bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim_end_matches("iB").trim_end_matches('B');
    let (number, factor) = match text.chars().last().map(|c| c.to_ascii_uppercase()) {
        Some('K') => (&text[..text.len() - 1], 1 << 10),
        Some('M') => (&text[..text.len() - 1], 1 << 20),
        Some('G') => (&text[..text.len() - 1], 1 << 30),
        Some('T') => (&text[..text.len() - 1], 1 << 40),
        _ => (text, 1_u64),
    };
    let number: u64 = number.parse().map_err(|_| "a number such as 500M or 20G is expected".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "it is too large".into())
}

/// `12h`, `30d`, `2w`.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "a number of hours, days or weeks such as 12h, 30d or 2w is expected";
    let unit = match text.chars().last() {
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        Some('w') => 7 * 24 * 3600,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| EXPECTED.to_owned())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_read() {
        for (text, bytes) in [("0", 0), ("512", 512), ("3K", 3072), ("500M", 500 << 20), ("20GiB", 20 << 30), ("1t", 1 << 40)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, hours) in [("0d", 0), ("12h", 12), ("30d", 720), ("2w", 336)] {
            assert_eq!(age(text), Ok(Duration::from_secs(hours * 3600)), "{text}");
        }
        for wrong in ["", "G", "1.5G", "-1", "5X", "99999999999T"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "d", "12", "-1d", "1y", "\u{fc}"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_shown() {
        assert_eq!((shown(5).as_str(), shown(1536).as_str(), shown(3 << 30).as_str()), ("5 B", "1.5 KiB", "3.0 GiB"));
    }
}
