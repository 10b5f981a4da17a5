//! Structural edits on random Go files, judged by Go's own parser and printer: no edit lands outside the declaration that it
//! names, what was gofmt-clean stays so, and few broken results get past the checks.

mod edit_kit;
mod patch_kit;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use edit_kit::{corrupted, go_file};
use forge::files::Files;
use forge::git::objects::{Changes, Mode, Objects};
use forge::names::{RelPath, SeriesName, TreeId, UpstreamName};
use forge::patch::edit::{Hold, Wanted, derive};
use forge::patch::{Outcome, Series, apply, explain};
use patch_kit::Rng;
use serde::{Deserialize, Serialize};

/// Files to make; each is edited in dozens of ways.
const FILES: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Case {
    base: String,
    out: String,
    target: String,
    #[serde(skip)]
    edit: String,
    /// Whether the inserted code is broken on purpose.
    #[serde(skip)]
    corrupt: bool,
}

/// An edit that forge refuses.
struct Refused {
    why: String,
    base: String,
    edit: String,
    corrupt: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Verdict {
    base_parses: bool,
    out_parses: bool,
    base_clean: bool,
    out_clean: bool,
    changed: Option<Vec<String>>,
    same: bool,
    error: String,
}

/// Go, with the caches of whoever runs the tests: compiling its parser takes longer than the test itself.
struct Go(tempfile::TempDir);

impl Go {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("check.go"), include_str!("edit_kit/check.go")).unwrap();
        let go = Self(dir);
        go.run("go", &["build", "-o", "check", "check.go"]);
        go
    }

    #[expect(clippy::disallowed_methods, reason = "tests compare forge with the real Go")]
    fn run(&self, program: &str, args: &[&str]) -> String {
        let out = std::process::Command::new(program)
            .args(args)
            .current_dir(self.0.path())
            .envs([("GO111MODULE", "off"), ("GOFLAGS", ""), ("GOENV", "off"), ("GOTOOLCHAIN", "local")])
            .output()
            .unwrap();
        assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// One answer for each case.
    fn ask<T: for<'d> Deserialize<'d>>(&self, cases: &[Case], args: &[&str]) -> Vec<T> {
        let text: String = cases.iter().map(|c| serde_json::to_string(c).unwrap() + "\n").collect();
        fs::write(self.0.path().join("cases.json"), text).unwrap();
        let program = self.0.path().join("check");
        let answer = self.run(program.to_str().unwrap(), &[&["cases.json"], args].concat());
        answer.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

/// One folder with a store and a series.
struct Lab {
    dir: tempfile::TempDir,
    objects: Objects,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::init(&dir.path().join("store.git")).unwrap();
        fs::create_dir_all(dir.path().join("patches/up/s")).unwrap();
        Self { dir, objects }
    }

    fn tree(&self, text: &str) -> TreeId {
        let file = Some((Mode::File, text.as_bytes().to_vec()));
        self.objects.write(None, &Changes::from([(RelPath::new("f.go").unwrap(), file)])).unwrap()
    }

    /// The file after the edit, or why forge refuses it.
    fn edit(&self, tree: &TreeId, edit: &str) -> Result<String, String> {
        fs::write(self.dir.path().join("patches/up/s/x.edit.toml"), edit).unwrap();
        let files = Files::new(Some(Path::new(self.dir.path()).to_owned()));
        let series = Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap());
        let series = series.map_err(|e| format!("{:?}", e.errors))?;
        match apply(&self.objects, tree, None, &[&series]).unwrap() {
            Outcome::Applied { tree, .. } => {
                let bytes = self.objects.read(&tree, &RelPath::new("f.go").unwrap()).unwrap().unwrap();
                Ok(String::from_utf8(bytes).unwrap())
            }
            Outcome::Failed { failures, .. } => Err(failures.iter().map(|f| explain(f, "k0s")).collect()),
        }
    }
}

/// Edits of random places, and the declaration that each is about.
fn edits(file: &edit_kit::GoFile, rng: &mut Rng) -> Vec<(String, String, bool)> {
    let mut out = Vec::new();
    let head = |name: &str, rest: &str| format!("[[edit]]\nfile = 'f.go'\nin = '{name}'\n{rest}\n");
    for function in &file.functions {
        let name = function.name.as_str();
        let mut push = |rest: String, corrupt| out.push((name.to_owned(), head(name, &rest), corrupt));
        push("first = true\ninsert = 'mark()'".to_owned(), false);
        for _ in 0..3 {
            let Some(call) = function.calls.get(rng.below(function.calls.len().max(1))) else { continue };
            let side = ["before", "after"][rng.below(2)];
            push(format!("{side} = '{call}($$$)'\ninsert = 'mark()'"), false);
            push(format!("change = '{call}($$$A)'\nwith = 'mark($$$A)'"), false);
            push(format!("delete = '{call}($$$)'"), false);
            push(format!("{side} = '{call}($$$)'\ninsert = '''\nif mark() {{\n\t// why\n\treturn\n}}'''"), false);
            for _ in 0..3 {
                push(format!("{side} = '{call}($$$)'\ninsert = '''\n{}\n'''", corrupted(rng)), true);
            }
        }
    }
    let name = ["x", "a", "muchLongerThanAll"][rng.below(3)];
    let tag = ["", " `json:\"q\"`"][rng.below(2)];
    let comment = ["", " // q"][rng.below(2)];
    let side = ["before", "after"][rng.below(2)];
    let mut push = |target: &str, rest: String| out.push((target.to_owned(), head(target, &rest), false));
    push("T0", format!("{side} = 'Last int'\ninsert = '{name} []int{tag}{comment}'"));
    push("table", format!("{side} = '\"last\": {{}}'\ninsert = '\"{name}\": {{}},{comment}'"));
    push("list", format!("{side} = '99'\ninsert = '{name}'"));
    push("LastConst", format!("{side} = 'LastConst = 7'\ninsert = '{name} = 8{comment}'"));
    out
}

#[test]
#[expect(clippy::disallowed_macros, reason = "the numbers are what this is about")]
fn edits_stay_in_their_declaration_and_broken_code_is_noticed() {
    let go = Go::new();
    let lab = Lab::new();
    let mut rng = Rng(0x5eed_f00d_1234_5679);
    let mut files: Vec<_> = (0..FILES).map(|_| go_file(&mut rng)).collect();
    let raw = |f: &edit_kit::GoFile| Case {
        base: f.text.clone(),
        out: String::new(),
        target: String::new(),
        edit: String::new(),
        corrupt: false,
    };
    let formatted: Vec<String> = go.ask(&files.iter().map(raw).collect::<Vec<_>>(), &["format"]);
    let mut cases = Vec::new();
    let mut refused = Vec::new();
    for (file, text) in files.iter_mut().zip(formatted) {
        file.text = text;
        let tree = lab.tree(&file.text);
        for (target, edit, corrupt) in edits(file, &mut rng) {
            match lab.edit(&tree, &edit) {
                Ok(out) => cases.push(Case { base: file.text.clone(), out, target, edit, corrupt }),
                Err(why) => refused.push(Refused { why, base: file.text.clone(), edit, corrupt }),
            }
        }
    }
    let verdicts: Vec<Verdict> = go.ask(&cases, &[]);
    let (mut unclean, mut missed, mut good) = (0, 0, 0);
    for (case, verdict) in cases.iter().zip(&verdicts) {
        assert!(verdict.base_parses && verdict.base_clean, "{}", case.base);
        let show = || format!("{}\n{}\n{}\n--- out:\n{}", verdict.error, case.edit, case.target, case.out);
        if case.corrupt {
            missed += usize::from(!verdict.out_parses);
        } else {
            assert!(verdict.out_parses, "{}", show());
            unclean += usize::from(!verdict.out_clean);
            good += 1;
        }
        if !verdict.out_parses {
            continue;
        }
        // A new constant is the one declaration that may come.
        assert!(verdict.same || case.target == "LastConst", "{}", show());
        let changed = verdict.changed.clone().unwrap_or_default();
        assert!(changed.iter().all(|name| *name == case.target), "{changed:?}\n{}", show());
    }
    let corrupt = cases.iter().filter(|c| c.corrupt).count() + refused.iter().filter(|r| r.corrupt).count();
    // `delete` needs a whole statement, which most calls are not.
    let wrong: Vec<&Refused> = refused.iter().filter(|r| !r.corrupt && !r.edit.contains("\ndelete =")).collect();
    let refused_good = wrong.len();
    eprintln!(
        "{good} edits of {FILES} files in their place, {unclean} of them not gofmt-clean, {refused_good} refused; of {corrupt} \
         with broken code {} were refused, and {missed} got through that Go's parser refuses",
        refused.iter().filter(|r| r.corrupt).count()
    );
    assert!(good > FILES * 10, "{good} edits");
    let shown = wrong.first().map(|r| format!("{}\n{}\n{}", r.why, r.edit, r.base)).unwrap_or_default();
    assert!(wrong.is_empty(), "{shown}");
    assert!(missed * 100 <= corrupt * 2, "{missed} of {corrupt}");
    assert!(unclean * 100 <= good, "{unclean} of {good}");
}

/// The file with a small change: lines that come, go, or are other ones, in one or two places.
fn changed(text: &str, rng: &mut Rng) -> String {
    const NEW: [&str; 5] = [
        "mark()",
        "if mark() {\n\t// why\n\treturn\n}",
        "\nmark()\n",
        "// Only a comment.",
        "for i := range 3 {\n\tmark(i)\n}\nmark()",
    ];
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..1 + rng.below(2) {
        let at = rng.below(lines.len());
        let indent: String = lines[at].chars().take_while(|c| *c == '\t').collect();
        match rng.below(5) {
            0 => drop(lines.remove(at)),
            1 => lines[at] = lines[at].replacen('(', "(mark, ", 1),
            2 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), "7"),
            _ => {
                let new = NEW[rng.below(NEW.len())].lines().map(|line| format!("{indent}{line}").trim_end().to_owned());
                lines.splice(at..at, new);
            }
        }
    }
    format!("{}\n", lines.join("\n"))
}

#[test]
#[expect(clippy::disallowed_macros, reason = "the numbers are what this is about")]
fn derived_edits_make_the_same_file_or_are_refused() {
    const TEXTS: usize = 3;
    const CHANGES: usize = 25;
    let go = Go::new();
    let lab = Lab::new();
    let mut rng = Rng(0x0dd_ba11_cafe_f00d);
    let (mut good, mut refused) = (0, BTreeMap::new());
    for _ in 0..TEXTS {
        let text = go_file(&mut rng).text;
        let raw = Case { base: text, out: String::new(), target: String::new(), edit: String::new(), corrupt: false };
        let text = go.ask::<String>(&[raw], &["format"]).remove(0);
        let tree = lab.tree(&text);
        // What no Go is comes of gofmt as it was, and is left out.
        let raw = |base: String| Case { base, out: String::new(), target: String::new(), edit: String::new(), corrupt: false };
        let changes: Vec<Case> = (0..CHANGES).map(|_| raw(changed(&text, &mut rng))).collect();
        let parses: Vec<Verdict> = go.ask(&changes, &[]);
        let good_ones: Vec<Case> =
            changes.into_iter().zip(&parses).filter(|(_, verdict)| verdict.base_parses).map(|(case, _)| case).collect();
        let formatted: Vec<String> = go.ask(&good_ones, &["format"]);
        for (case, formatted) in good_ones.iter().zip(&formatted) {
            for after in [&case.base, formatted] {
                if *after == text {
                    continue;
                }
                let wanted = Wanted { before: text.clone().into_bytes(), after: after.clone().into_bytes() };
                let files = BTreeMap::from([(RelPath::new("f.go").unwrap(), wanted)]);
                match derive(&files, Some("what it does"), [Hold::Statement, Hold::Call][rng.below(2)]) {
                    Ok(edit) => {
                        let edit = String::from_utf8(edit).unwrap();
                        let made = lab.edit(&tree, &edit).unwrap_or_else(|why| panic!("{why}\n{edit}\n{text}"));
                        assert_eq!(made, *after, "{edit}");
                        good += 1;
                    }
                    Err(why) => *refused.entry(why.why.to_string()).or_insert(0) += 1,
                }
            }
        }
    }
    let wrong: usize = refused.values().sum();
    eprintln!("{good} of {} small changes are edits; refused: {refused:?}", good + wrong);
    assert!(good > TEXTS * CHANGES / 2, "{good} edits");
    assert!(good > wrong * 4, "{good} edits, {wrong} refused: {refused:?}");
}
