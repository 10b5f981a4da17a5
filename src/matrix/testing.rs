//! Matrices for tests: like those of k0s, service and k0sctl, and one whose every text tries to break out.

use crate::matrix::{CheckResult, Checked, Column, Judged, Matrix, PatchVerdict, Place, Reason, State, Verdict};
use crate::names::{CommitId, ComponentName, PatchName, RecipeName, Revision, SeriesName, TreeId, UpstreamName};

/// What a text may contain that means something to HTML, Markdown, a terminal, a workflow or JSON.
pub(crate) const HOSTILE: &str = "</script><script>alert(1)</script> <img src=x onerror=alert(2)> | `code` ``` & \" ' {{rows}} \u{1b}[31m \u{202e} ::error::x %0A";

pub(crate) fn patch(name: &str, state: State, reasons: &[&str]) -> PatchVerdict {
    let reason = |text: &&str| Reason { text: (*text).to_owned(), at: None };
    PatchVerdict {
        series: SeriesName::new("s").unwrap(),
        patch: PatchName::new(name).unwrap(),
        state,
        form: None,
        reasons: reasons.iter().map(reason).collect(),
    }
}

/// The worst of the patches, as the judge has it.
fn verdict(patches: &[PatchVerdict]) -> Verdict {
    let worst = |p: &PatchVerdict| match p.state {
        State::Clean | State::Skipped => Verdict::Clean,
        State::CleanOffset => Verdict::CleanOffset,
        State::Upstreamed => Verdict::Upstreamed,
        State::MissingFile => Verdict::MissingFile,
        State::Conflict => Verdict::Conflict,
    };
    patches.iter().map(worst).max().unwrap_or(Verdict::Clean)
}

pub(crate) fn judged(version: &str, patches: Vec<PatchVerdict>) -> Judged {
    let numbers: Vec<&str> = version.trim_start_matches('v').split('.').collect();
    let digit = char::from_digit(version.len() as u32 % 16, 16).unwrap();
    Judged {
        version: Revision::new(version).unwrap(),
        commit: CommitId::new(digit.to_string().repeat(40)).ok(),
        row: if version.starts_with('v') { numbers[..2].join(".") } else { "branches".to_owned() },
        promised: true,
        verdict: verdict(&patches),
        unbuildable: None,
        patches,
        tree: None,
        required_by: Vec::new(),
        module: None,
        compile: None,
        test: None,
        checked: None,
    }
}

pub(crate) fn column(name: &str, patches: &[&str], releases: Vec<Judged>) -> Column {
    Column {
        component: ComponentName::new(name).unwrap(),
        upstream: UpstreamName::new(name).unwrap(),
        range: "*".to_owned(),
        holds: Some("*".to_owned()),
        patches: patches.iter().map(|p| (*p).to_owned()).collect(),
        releases,
    }
}

pub(crate) fn matrix(components: Vec<Column>) -> Matrix {
    Matrix { recipe: RecipeName::new("nixos").unwrap(), components }
}

/// A failing hunk, as the explanation of failures has it.
pub(crate) fn conflict(file: &str, line: usize, patch_line: usize) -> Reason {
    let text = format!(
        "{file}:{line}: hunk 1 of 3 finds other text\n  most similar: {file}:{}\n  - expected, + found from line {}:\n    \
         func (l *Linux) InstallService(h os.Host) error {{\n    -\treturn l.install(h, h.UnitPath())\n    +\treturn l.install(h)\n    }}",
        line + 7,
        line + 7
    );
    Reason { text, at: Some(Place { file: "patches/k0sctl/nixos/0003-unit-path.patch".to_owned(), line: patch_line }) }
}

fn of_series(mut patches: Vec<PatchVerdict>) -> Vec<PatchVerdict> {
    patches.iter_mut().for_each(|p| p.series = SeriesName::new("nixos").unwrap());
    patches
}

fn checked(release: &mut Judged, compile: CheckResult, test: Option<CheckResult>, output: &[&str]) {
    release.compile = Some(compile);
    release.test = test;
    release.checked = Some(Checked {
        go: "1.25.3".to_owned(),
        packages: vec!["./cmd/install".to_owned(), "./pkg/install".to_owned()],
        seconds: 12.4,
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    });
}

/// 179 promised releases and main, all clean, offsets in some, the oldest minor not in need of a patch.
pub(crate) fn k0s() -> Column {
    let names = [
        "nixos/0001-go-mod.edit.toml",
        "nixos/0002-install-unit-path.edit.toml",
        "nixos/0003-reset.edit.toml",
        "nixos/0004-docs.patch",
    ];
    let mut releases = Vec::new();
    for minor in (24..=36).rev() {
        for patch_number in (0..if minor == 36 { 11 } else { 14 }).rev() {
            let mut reset = patch("0003-reset.edit.toml", State::Clean, &[]);
            let mut docs = patch("0004-docs.patch", State::Clean, &[]);
            if minor < 28 {
                reset = patch("0003-reset.edit.toml", State::Skipped, &["it is for >=1.28: reset knew no units before"]);
            } else {
                reset.form = PatchName::new(if minor < 32 { "0003-reset.1.edit.toml" } else { "0003-reset.2.edit.toml" }).ok();
            }
            if minor == 29 && patch_number < 9 {
                let text = format!("docs/install.md: hunk 2 stands {} lines further down", 9 - patch_number);
                docs = patch("0004-docs.patch", State::CleanOffset, &[&text]);
            }
            let clean = |name| patch(name, State::Clean, &[]);
            let all = vec![clean("0001-go-mod.edit.toml"), clean("0002-install-unit-path.edit.toml"), reset, docs];
            let version = format!("v1.{minor}.{patch_number}+k0s.{}", u8::from(patch_number % 5 == 4));
            let mut release = judged(&version, of_series(all));
            release.tree = TreeId::new("c".repeat(40)).ok();
            if patch_number == 0 {
                checked(&mut release, CheckResult::Ok, None, &[]);
            }
            releases.push(release);
        }
    }
    let mut main = judged("main", releases[0].patches.clone());
    main.promised = false;
    releases.insert(0, main);
    Column { holds: Some(">=1.24".to_owned()), range: ">=1.24 and main".to_owned(), ..column("k0s", &names, releases) }
}

/// Eight versions that follow k0s's pins, one of them of no release.
pub(crate) fn service() -> Column {
    let pins = ["v1.2.4", "v1.2.3", "v1.2.2", "v1.2.2-0.20230913194016-eacbbb4cdb13", "v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"];
    let release = |(at, version): (usize, &&str)| {
        let mut release = judged(version, of_series(vec![patch("systemd-unit-path.edit.toml", State::Clean, &[])]));
        release.promised = false;
        release.commit = release.commit.filter(|_| !version.contains("-0."));
        release.required_by = (0..=at).map(|n| format!("v1.{}.{n}+k0s.0", 36 - at)).collect();
        release
    };
    let releases = pins.iter().enumerate().map(release).collect();
    let range = "pins of k0s".to_owned();
    Column { holds: None, range, ..column("service", &["nixos/systemd-unit-path.edit.toml"], releases) }
}

/// 44 releases: the newest has a patch upstream, the old ones conflict, one does not compile and one fails its tests.
pub(crate) fn k0sctl() -> Column {
    let names = ["nixos/0001-os-nixos.patch", "nixos/0002-units.edit.toml", "nixos/0003-unit-path.patch"];
    let mut releases = Vec::new();
    for number in (0..44).rev() {
        let minor = number / 3;
        let mut os = patch("0001-os-nixos.patch", State::Clean, &[]);
        let mut units = patch("0002-units.edit.toml", State::Clean, &[]);
        let mut path = patch("0003-unit-path.patch", State::Clean, &[]);
        if number == 43 {
            units =
                patch("0002-units.edit.toml", State::Upstreamed, &["all of it is already there: its reverse applies exactly"]);
        }
        if number < 23 {
            path.state = State::Conflict;
            path.reasons = vec![conflict("phase/install_workers.go", 120 + number, 41)];
        }
        if number < 6 {
            os = patch("0001-os-nixos.patch", State::MissingFile, &["configurer/linux/slackware.go is not in this tree"]);
        }
        let mut release = judged(&format!("v0.{}.{}", 18 + minor, number % 3), of_series(vec![os, units, path]));
        release.promised = number >= 21;
        match number {
            40 => checked(&mut release, CheckResult::Failed, None, &["phase/install.go:44:9: undefined: h.UnitPath"]),
            39 => checked(&mut release, CheckResult::Ok, Some(CheckResult::Failed), &["--- FAIL: TestUnits (0.00s)", "FAIL"]),
            38 => checked(&mut release, CheckResult::Ok, Some(CheckResult::Ok), &[]),
            7 => release.verdict = Verdict::Unbuildable,
            _ => {}
        }
        releases.push(release);
    }
    Column { holds: Some(">=0.25".to_owned()), ..column("k0sctl", &names, releases) }
}

/// The recipe that all of this is about.
pub(crate) fn nixos() -> Matrix {
    matrix(vec![k0s(), service(), k0sctl()])
}

/// Wherever a text is free, it is [`HOSTILE`].
pub(crate) fn hostile() -> Matrix {
    let mut bad = patch("a.patch", State::Conflict, &[HOSTILE]);
    let file = format!("patches/{HOSTILE},a:b\n::warning::");
    bad.reasons.push(Reason { text: format!("{HOSTILE}\n\n{HOSTILE}\r\n# h\n"), at: Some(Place { file, line: 3 }) });
    let mut broken = judged("v1.0.0|<b>\"`$&'", vec![patch("a.patch", State::Skipped, &[HOSTILE])]);
    broken.required_by = vec![HOSTILE.to_owned()];
    broken.row = HOSTILE.to_owned();
    checked(&mut broken, CheckResult::Failed, None, &[HOSTILE]);
    broken.checked.iter_mut().for_each(|c| {
        c.go = HOSTILE.to_owned();
        c.packages = vec![HOSTILE.to_owned()];
    });
    let releases = vec![judged("<i>main", vec![bad.clone()]), judged("v1.1.0", vec![bad]), broken];
    let holds = Some(HOSTILE.to_owned());
    matrix(vec![Column { holds, range: HOSTILE.to_owned(), ..column("hostile", &["s/a.patch"], releases) }])
}
