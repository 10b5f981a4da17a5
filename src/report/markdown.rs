//! A report as Markdown, a part for each upstream that can be pasted by itself.

use std::fmt::Write as _;

use crate::names::markdown::{code, fenced, prose, text};
use crate::report::model::{Outcome, PlanTold, Report, SeriesTold, Trial, Upstream};
use crate::trial::{Taken, Verdict, seen_briefly};

/// Beyond this many bytes a diff is not printed: issue trackers take 64 KiB.
const DIFF: usize = 48 << 10;

/// Renders a report.
pub fn markdown(report: &Report) -> String {
    let mut out = format!("# {}\n\n", prose(&report.description));
    let _ = writeln!(out, "Recipe {}, told by forge {}.", code(report.recipe.as_str()), report.forge);
    for upstream in &report.upstreams {
        one(&mut out, upstream);
    }
    trials(&mut out, report);
    if !report.questions.is_empty() {
        out.push_str("\n## Open questions\n\n");
        out.extend(report.questions.iter().map(|question| format!("- {}\n", prose(question))));
    }
    if !report.plan.is_empty() {
        out.push_str("\n## The plan, item by item\n\n| Item | | Command | What came out |\n| --- | --- | --- | --- |\n");
        report.plan.iter().for_each(|item| plan(&mut out, item));
    }
    out
}

fn one(out: &mut String, upstream: &Upstream) {
    let _ = writeln!(out, "\n## {}: {}\n", code(upstream.component.as_str()), code(&upstream.source));
    for series in &upstream.series {
        told(out, series);
    }
    if upstream.series.is_empty() && upstream.edits.is_empty() {
        out.push_str("Nothing is changed: it is built as upstream has it.\n");
    }
    if !upstream.edits.is_empty() {
        let edits: Vec<String> = upstream.edits.iter().map(|edit| code(edit)).collect();
        let _ = writeln!(out, "\n### go.mod\n\n`go mod edit` {}", edits.join(" "));
    }
    out.push_str("\n### Versions\n\n");
    if upstream.releases.is_empty() {
        out.push_str("Not run: nothing is resolved yet.\n");
    } else {
        out.push_str("| Release | Source | Tree | Patched tree | Go |\n| --- | --- | --- | --- | --- |\n");
    }
    for release in &upstream.releases {
        let go = release.go.as_deref().unwrap_or_default();
        let (version, origin) = (code(&release.version), code(&release.origin));
        let _ = writeln!(out, "| {version} | {origin} | {} | {} | {} |", code(&release.tree), code(&release.patched), code(go));
    }
    builds(out, upstream);
    out.push_str("\n### Where it holds\n\n");
    match (&upstream.matrix, upstream.series.is_empty()) {
        (_, true) => out.push_str("There is no series that could hold.\n"),
        (None, _) => out.push_str("Not run here.\n"),
        (Some(kept), _) => {
            let stale = if kept.stale { " Since then the series have changed." } else { "" };
            let _ = writeln!(out, "{} of {}: {}.{stale}", date(kept.at), code(&kept.range), text(&kept.words));
        }
    }
    if let Some(holds) = upstream.holds.as_ref().filter(|_| !upstream.series.is_empty()) {
        let _ = writeln!(out, "\nPromised on {}.", code(holds));
    }
    let _ = write!(out, "\n### To reproduce\n\n{}", fenced(&upstream.commands.join("\n"), "console"));
    diff(out, upstream);
}

fn told(out: &mut String, series: &SeriesTold) {
    let find = |name: &str| series.sections.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
    let known = [("Why", "The problem"), ("What", "What was changed")];
    for (name, title) in known {
        let told = find(name).map_or_else(|| format!("The series {} does not say.", code(&series.series)), as_written);
        let _ = writeln!(out, "### {title}\n\n{told}\n");
    }
    out.push_str("| Patch | |\n| --- | --- |\n");
    for patch in &series.patches {
        let versions = patch.versions.as_ref().map(|range| format!(", only {}", code(range))).unwrap_or_default();
        let _ = writeln!(out, "| {} | {}{versions} |", code(&format!("{}/{}", series.series, patch.patch)), text(&patch.subject));
    }
    for (name, text) in series.sections.iter().filter(|(name, _)| name != "Title" && known.iter().all(|(other, _)| other != name))
    {
        let _ = writeln!(out, "\n{}: {}", prose(name), as_written(text));
    }
}

/// Prose; with lines that are set in columns, as it is written.
fn as_written(text: &str) -> String {
    if text.lines().any(|line| line.starts_with("  ")) { fenced(text, "text").trim_end().to_owned() } else { prose(text) }
}

fn builds(out: &mut String, upstream: &Upstream) {
    if upstream.builds.is_empty() {
        return;
    }
    out.push_str("\n### Builds\n\n| Artifact | SHA-256 | Facts that were checked |\n| --- | --- | --- |\n");
    for built in &upstream.builds {
        let (sum, facts) = match (&built.sha256, built.facts) {
            (None, _) => ("not run".to_owned(), String::new()),
            (Some(sum), (held, 0)) => (code(sum.as_str()), format!("{held} hold")),
            (Some(sum), (held, left)) => {
                (code(sum.as_str()), format!("{held} hold, {left} not run: they need {}", code(&built.target)))
            }
        };
        let _ = writeln!(out, "| {} | {sum} | {facts} |", code(&built.artifact));
    }
}

fn diff(out: &mut String, upstream: &Upstream) {
    if upstream.series.is_empty() {
        return;
    }
    let version = upstream.releases.first().map_or_else(String::new, |release| format!(" on {}", code(&release.version)));
    let _ = write!(out, "\n### The change{version}\n\n");
    match &upstream.diff {
        None => out.push_str("Not run: the sources are not in the store.\n"),
        Some(diff) if diff.len() > DIFF => {
            let _ = writeln!(
                out,
                "{} lines, too many for an issue: the last of the commands above prints them.",
                diff.lines().count()
            );
        }
        Some(diff) => {
            let lines = diff.lines().count();
            let _ = write!(out, "<details><summary>{lines} lines</summary>\n\n{}\n</details>\n", fenced(diff, "diff"));
        }
    }
}

fn trials(out: &mut String, report: &Report) {
    let Some(command) = &report.trial_command else { return };
    out.push_str("\n## On a host\n");
    if report.trials.is_empty() {
        let _ = write!(out, "\nNot run here. It would be by\n\n{}", fenced(command, "console"));
    }
    for Trial { evidence, stale } in &report.trials {
        let stale = if *stale { " The binaries have changed since then." } else { "" };
        let _ = write!(
            out,
            "\n{}, {}. {}, {}.{stale}\n\n{}",
            date(evidence.began),
            prose(&evidence.description),
            text(&evidence.engine),
            text(&evidence.systemd),
            fenced(&evidence.command, "console")
        );
        for tried in &evidence.tried {
            let binaries: Vec<String> = tried.binaries.iter().map(|p| code(&format!("{} {}", p.component, p.version))).collect();
            let name = tried.with.name();
            let _ = write!(out, "\n{}{} {}:\n\n", name[..1].to_uppercase(), &name[1..], binaries.join(", "));
            out.push_str("| Step | | Expected | Seen | s |\n| --- | --- | --- | --- | --: |\n");
            tried.steps.iter().for_each(|step| step_row(out, step, tried.hosts.len() > 1));
        }
    }
}

fn step_row(out: &mut String, step: &Taken, several: bool) {
    let mark = match step.verdict {
        Verdict::Ok => "✅",
        Verdict::Failed => "❌",
        Verdict::NotRun => "not run",
    };
    let at = step.host.as_ref().filter(|_| several).map(|host| format!(" {}", code(host))).unwrap_or_default();
    let mut seen: Vec<String> = step.seen.iter().map(|seen| text(&seen_briefly(seen))).collect();
    seen.extend(step.wrong.iter().map(|wrong| text(wrong)));
    let (name, took) = (text(&step.step), format!("{}.{}", step.took_ms / 1000, step.took_ms % 1000 / 100));
    let _ = writeln!(out, "| {name}{at} | {mark} | {} | {} | {took} |", text(&step.expected), seen.join("; "));
}

fn plan(out: &mut String, item: &PlanTold) {
    let mark = match item.outcome {
        Outcome::Done => "✅",
        Outcome::Failed => "❌",
        Outcome::NotPossible => "🚫",
        Outcome::NotRun => "",
    };
    let told: Vec<String> =
        [Some(&item.seen), item.note.as_ref()].into_iter().flatten().filter(|t| !t.is_empty()).map(|t| text(t)).collect();
    let command = item.command.as_ref().map(|command| code(command)).unwrap_or_default();
    let state = format!("{mark} {}", item.outcome.words());
    let _ = writeln!(out, "| {} | {} | {command} | {} |", text(&item.item), state.trim(), told.join("<br>"));
}

/// The day of a time, by the algorithm of Howard Hinnant (<https://howardhinnant.github.io/date_algorithms.html>, civil_from_days).
fn date(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or_default() + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_700_000_000, "2023-11-14"), (1_795_392_000, "2026-11-23")]
        {
            assert_eq!(date(seconds), day);
        }
    }
}
