//! The page around the components.

use sha2::{Digest, Sha256};

use crate::matrix::fold::count;
use crate::matrix::html::cards::{Cards, sign};
use crate::matrix::html::escape::{base64, escape, fill};
use crate::matrix::html::grid::{FAILED, failed, overview, section};
use crate::matrix::model::{Matrix, Verdict};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Renders the matrix as a page of its own: releases by patches, with the reason behind every cell.
pub fn html(matrix: &Matrix) -> String {
    let mut cards = Cards::default();
    let mut overviews = String::new();
    let mut sections = String::new();
    for (number, column) in matrix.components.iter().enumerate() {
        overviews.push_str(&overview(column, number));
        sections.push_str(&section(column, number, &mut cards));
    }
    let releases: usize = matrix.components.iter().map(|column| column.releases.len()).sum();
    let values = [
        ("policy", policy()),
        ("style", STYLE.to_owned()),
        ("script", SCRIPT.to_owned()),
        ("recipe", escape(matrix.recipe.as_str())),
        ("overviews", overviews),
        ("chips", chips(matrix)),
        ("count", count(releases, "release")),
        ("sections", sections),
        ("cards", cards.html()),
        ("signs", signs()),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(PAGE, &values)
}

/// Nothing is loaded, and only the page's own script and style are run and used: should a text ever get out of its place, it is
/// still only text.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A button for every verdict that there is, and one for failed checks.
fn chips(matrix: &Matrix) -> String {
    let all = || matrix.components.iter().flat_map(|column| &column.releases);
    let chip = |word: &str, label: &str, number: usize| {
        let sign = sign(word);
        let button = format!(
            "<button type=\"button\" class=\"chip s-{word}\" data-verdict=\"{word}\" aria-pressed=\"false\">\
             <span aria-hidden=\"true\">{sign}</span> {label} <b>{number}</b></button>\n"
        );
        (number > 0).then_some(button)
    };
    let of = |verdict: Verdict| chip(verdict.word(), verdict.word(), all().filter(|release| release.verdict == verdict).count());
    let checks = chip(FAILED, "check failed", all().filter(|release| failed(release)).count());
    Verdict::ALL.into_iter().filter_map(of).chain(checks).collect()
}

/// What the signs mean.
fn signs() -> String {
    let entry = |verdict: Verdict| {
        let sign = sign(verdict.word());
        format!(
            "<dt class=\"s-{verdict}\"><span aria-hidden=\"true\">{sign}</span> {verdict}</dt><dd>{}</dd>\n",
            verdict.meaning()
        )
    };
    let skipped = format!(
        "<dt class=\"s-skipped\"><span aria-hidden=\"true\">{}</span> skipped</dt><dd>A patch is not for this release.</dd>\n",
        sign("skipped")
    );
    Verdict::ALL.into_iter().map(entry).chain([skipped]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regex::Regex;

    use super::*;
    use crate::matrix::testing::{HOSTILE, hostile, k0s, matrix, nixos};

    /// What a pattern's first group matches.
    fn all<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
        Regex::new(pattern).unwrap().captures_iter(text).map(|found| found.get(1).unwrap().as_str()).collect()
    }

    /// The page without what is in its script and its style.
    fn markup(page: &str) -> String {
        Regex::new("(?s)(<(script|style)>).*?(</(script|style)>)").unwrap().replace_all(page, "$1$3").into_owned()
    }

    #[test]
    fn every_release_is_a_row_and_every_cell_leads_to_its_reason() {
        let matrix = nixos();
        let page = html(&matrix);
        for column in &matrix.components {
            for release in &column.releases {
                let version = format!("<span class=\"version\">{}</span>", release.version);
                assert!(page.contains(&version), "{version}");
            }
        }
        assert_eq!(page.matches("<tr data-verdict=").count() + page.matches("<tr class=\"more\" data-verdict=").count(), 232);
        let ids = all(r#" id="([^"]*)""#, &page);
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(known.len(), ids.len(), "an id is there twice");
        let wanted = all(r##"(?:popovertarget|aria-labelledby|for)="([^"]*)""##, &page);
        assert!(wanted.len() > 1000);
        assert_eq!(wanted.iter().find(|id| !known.contains(*id)), None);
        // 180 rows with a verdict and four patches; 13 were compiled.
        let k0s = html(&self::matrix(vec![k0s()]));
        assert_eq!(k0s.matches("<button type=\"button\" popovertarget=").count(), 180 * 5 + 13);
    }

    #[test]
    fn equal_reasons_are_there_once() {
        let page = html(&nixos());
        assert_eq!(page.matches("configurer/linux/slackware.go is not in this tree").count(), 1);
        assert_eq!(page.matches("reset knew no units before").count(), 1);
        assert!(page.contains("<p class=\"on\">k0sctl, 6 releases: v0.18.0 .. v0.19.2</p>"));
        assert!(page.contains("<del>    -\treturn l.install(h, h.UnitPath())</del>"));
    }

    #[test]
    fn verdicts_are_told_by_sign_and_word_as_well_as_by_colour() {
        let page = html(&nixos());
        for verdict in [Verdict::Clean, Verdict::CleanOffset, Verdict::Upstreamed, Verdict::Conflict, Verdict::Unbuildable] {
            let word = verdict.word();
            let cell = format!("aria-hidden=\"true\">{}</span><span class=\"word\">{word}</span>", sign(word));
            assert!(page.contains(&cell), "{cell}");
            assert!(page.contains(&format!("class=\"chip s-{word}\" data-verdict=\"{word}\"")), "{word}");
        }
        let signs: BTreeSet<&str> = Verdict::ALL.iter().map(|verdict| sign(verdict.word())).collect();
        assert_eq!(signs.len(), Verdict::ALL.len());
    }

    #[test]
    fn nothing_of_others_becomes_markup() {
        let page = html(&hostile());
        assert!(!page.contains(['\u{1b}', '\u{202e}', '\r']));
        assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
        let (hostile, ours) = (markup(&page), markup(&html(&nixos())));
        let names = |page: &str| all("<([^ >]*)", page).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(names(&hostile).difference(&names(&ours)).next(), None);
        let attributes = |page: &str| {
            let value = Regex::new("\"[^\"]*\"").unwrap();
            let mut found = BTreeSet::new();
            for tag in all("<[a-z0-9]+([^>]*)>", page) {
                found.extend(value.replace_all(tag, "").split_whitespace().map(str::to_owned));
            }
            found
        };
        assert_eq!(attributes(&hostile).difference(&attributes(&ours)).next(), None);
        assert!(page.contains(&escape(HOSTILE)) && page.contains("{{rows}}"));
    }

    #[test]
    fn the_page_asks_for_nothing_and_runs_only_its_own_script() {
        let page = html(&nixos());
        assert_eq!(all(r#" (?:src|srcset|action|data|poster|background)="([^"]*)""#, &page), Vec::<&str>::new());
        let links = all(r#"href="([^"]*)""#, &page);
        assert!(links.iter().all(|link| link.starts_with('#') || link.starts_with("data:")), "{links:?}");
        assert_eq!(all(r"(?i)(url\(|@import|fetch\(|XMLHttp|import\()", &page), Vec::<&str>::new());
        let policy = all(r#"http-equiv="Content-Security-Policy" content="([^"]*)""#, &page)[0];
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
        for (name, pattern) in [("script-src", "(?s)<script>(.*)</script>"), ("style-src", "(?s)<style>(.*)</style>")] {
            let hash = base64(&Sha256::digest(all(pattern, &page)[0]));
            assert!(policy.contains(&format!("{name} 'sha256-{hash}'")), "{name} {policy}");
        }
        assert_eq!(all(r"<[^>]*( style=| on[a-z]+=)", &markup(&page)), Vec::<&str>::new());
    }

    #[test]
    fn the_template_is_filled_whole() {
        assert_eq!(all(r"(\{\{[a-z]*\}\})", &html(&nixos())), Vec::<&str>::new());
        let page = html(&matrix(vec![]));
        assert!(page.contains("<title>nixos: the series on every release</title>") && page.contains("0 releases"));
    }
}
