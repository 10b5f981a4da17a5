//! The verdicts of a matrix are those of `git apply`: random projects with many releases that drift, mails of random changes
//! made by the real `git format-patch` on one of them, judged by forge for all releases at once and by git one by one.
//!
//! Where both take a mail, the trees and the offsets are the same. Where git takes what forge refuses, a rule of forge says
//! so, and that the rule is right about the case is checked here with other means than forge's own: places are counted line
//! by line, and in which function git put a hunk is read from git's words and the lines around.

mod patch_kit;

use std::collections::BTreeMap;
use std::fs;

use forge::files::Files;
use forge::git::objects::{Changes, Mode, Objects};
use forge::matrix::{Candidate, Judge, PatchVerdict, State, Verdicts};
use forge::names::{RelPath, Revision, SeriesName, TreeId, UpstreamName};
use forge::patch::{self, Cause, Content, FileProblem, Hunk, HunkProblem, LineKind, Outcome, Series};
use patch_kit::{Lab, Rng, run};

/// Enough of them for two threads.
const RELEASES: usize = 18;

/// Lines of each file, with their newlines.
type Project = BTreeMap<String, Vec<String>>;

/// How often each thing was seen: a run in which one is missing proves nothing about it.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    clean: usize,
    offset: usize,
    refused_by_both: usize,
    missing_file: usize,
    upstreamed: usize,
    ambiguous: usize,
    out_of_order: usize,
    strayed: usize,
    other_mode: usize,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            clean: self.clean + other.clean,
            offset: self.offset + other.offset,
            refused_by_both: self.refused_by_both + other.refused_by_both,
            missing_file: self.missing_file + other.missing_file,
            upstreamed: self.upstreamed + other.upstreamed,
            ambiguous: self.ambiguous + other.ambiguous,
            out_of_order: self.out_of_order + other.out_of_order,
            strayed: self.strayed + other.strayed,
            other_mode: self.other_mode + other.other_mode,
        }
    }
}

// ---- projects and their drift

fn statement(rng: &mut Rng, variety: usize) -> String {
    let n = rng.below(variety);
    match n % 4 {
        0 => "\n".to_owned(),
        1 => format!("\tcall({n})\n"),
        2 => format!("\tx = {n}\n"),
        _ => format!("\t// note {n}\n"),
    }
}

fn function(rng: &mut Rng, name: usize, variety: usize) -> Vec<String> {
    let mut out = vec![format!("func f{name}() {{\n")];
    out.extend((0..3 + rng.below(9)).map(|_| statement(rng, variety)));
    out.extend(["}\n".to_owned(), "\n".to_owned()]);
    out
}

fn project(rng: &mut Rng) -> Project {
    let mut out = Project::new();
    for path in ["a.go", "pkg/b.go"] {
        let variety = [5, 14, 1000][rng.below(3)];
        let mut lines = vec!["package p\n".to_owned(), "\n".to_owned()];
        for name in 0..3 + rng.below(4) {
            lines.extend(function(rng, name, variety));
        }
        out.insert(path.to_owned(), lines);
    }
    for path in ["c.txt", "pkg/d.txt", "e.txt"] {
        let variety = [6, 1000][rng.below(2)];
        out.insert(path.to_owned(), (0..5 + rng.below(50)).map(|_| statement(rng, variety)).collect());
    }
    out
}

/// The lines of each function, from `func` to the empty line after its end.
fn functions(lines: &[String]) -> Vec<std::ops::Range<usize>> {
    let starts = (0..lines.len()).filter(|i| lines[*i].starts_with("func "));
    starts.map(|start| start..lines.len().min(start + 2 + lines[start..].iter().position(|l| l == "}\n").unwrap())).collect()
}

/// A line that may be changed without breaking the syntax.
fn inner_line(lines: &[String], rng: &mut Rng) -> Option<usize> {
    let is_inner = |i: &usize| !["func ", "}", "package"].iter().any(|s| lines[*i].starts_with(s));
    let all: Vec<usize> = (2..lines.len()).filter(is_inner).collect();
    (!all.is_empty()).then(|| all[rng.below(all.len())])
}

fn edit_lines(lines: &mut Vec<String>, rng: &mut Rng) {
    let Some(at) = inner_line(lines, rng) else { return };
    let in_function = functions(lines).iter().any(|f| f.start < at && at + 1 < f.end);
    let new = if in_function || !lines[0].starts_with("package") { statement(rng, 1000) } else { format!("// {at}\n") };
    match rng.below(4) {
        0 => lines.insert(at, new),
        1 => drop(lines.remove(at)),
        2 => lines.splice(at..at, [new.clone(), new]).for_each(drop),
        _ => lines[at] = new,
    }
}

/// What an upstream does from one release to the next.
fn drift(project: &mut Project, rng: &mut Rng) {
    for _ in 0..1 + rng.below(2) {
        let paths: Vec<String> = project.keys().cloned().collect();
        let path = &paths[rng.below(paths.len())];
        let lines = project.get_mut(path).unwrap();
        let go = path.ends_with(".go");
        let blocks = if go { functions(lines) } else { Vec::new() };
        let block = (!blocks.is_empty()).then(|| blocks[rng.below(blocks.len())].clone());
        let cut = rng.below(lines.len() + 1);
        match (rng.below(15), block) {
            (0..=3, _) => {
                let top = if go { 2.min(lines.len()) } else { 0 };
                lines.splice(top..top, (0..1 + rng.below(3)).map(|n| format!("// top {n}\n"))).for_each(drop);
            }
            (4..=6, _) => edit_lines(lines, rng),
            // The same text twice: what was unique is not any more.
            (7, Some(block)) => {
                let mut copy = lines[block].to_vec();
                copy[0] = format!("func copied{}() {{\n", rng.below(1000));
                lines.extend(copy);
            }
            (7, None) => lines.extend(lines.clone()),
            (8 | 13, Some(block)) => lines[block.start] = format!("func renamed{}() {{\n", rng.below(1000)),
            (9, Some(block)) => {
                let moved: Vec<String> = lines.drain(block).collect();
                lines.extend(moved);
            }
            (8 | 9, None) if !go => lines.rotate_left(cut),
            (10, Some(block)) => lines.drain(block).for_each(drop),
            (11, _) => lines.push("// end\n".to_owned()),
            (12, _) if rng.one_in(3) && project.len() > 2 => drop(project.remove(path)),
            _ => {}
        }
    }
}

/// What a patch does: mostly changes of lines.
fn change(project: &mut Project, rng: &mut Rng) {
    let paths: Vec<String> = project.keys().cloned().collect();
    for _ in 0..1 + rng.below(3) {
        let path = &paths[rng.below(paths.len())];
        let Some(lines) = project.get_mut(path) else { continue };
        match rng.below(12) {
            0 => drop(project.insert(format!("new{}.txt", rng.below(100)), vec!["new\n".to_owned()])),
            1 => drop(project.remove(path)),
            2 => {
                let lines = project.remove(path).unwrap();
                project.insert(format!("moved{}-{}", rng.below(100), path.replace('/', "-")), lines);
            }
            _ => (0..1 + rng.below(3)).for_each(|_| edit_lines(lines, rng)),
        }
    }
    project.insert(format!("always{}.txt", rng.below(1_000_000)), vec!["x\n".to_owned()]);
}

// ---- git's side

struct Git {
    repo: git2::Repository,
}

/// What `git apply --cached` makes of one mail.
struct Took {
    /// What it prints.
    words: String,
    before: git2::Oid,
    after: Option<git2::Oid>,
}

impl Git {
    /// Puts a tree into the index and the mails on it, until one is refused.
    fn apply(&self, lab: &Lab, tree: &TreeId, mails: &[String]) -> Vec<Took> {
        let mut before = git2::Oid::from_str(tree.as_str()).unwrap();
        let mut out = Vec::new();
        for mail in mails {
            let after = self.apply_one(lab, before, &["-v", mail]);
            let stop = after.1.is_none();
            out.push(Took { words: after.0, before, after: after.1 });
            match out.last().and_then(|t| t.after) {
                Some(next) if !stop => before = next,
                _ => break,
            }
        }
        out
    }

    fn apply_one(&self, lab: &Lab, tree: git2::Oid, words: &[&str]) -> (String, Option<git2::Oid>) {
        let mut index = self.repo.index().unwrap();
        index.read_tree(&self.repo.find_tree(tree).unwrap()).unwrap();
        index.write().unwrap();
        let out = run(&lab.repo(), "git", &[&["apply", "--cached"], words].concat());
        index.read(true).unwrap();
        let after = out.status.success().then(|| index.write_tree().unwrap());
        (String::from_utf8_lossy(&out.stderr).into_owned(), after)
    }

    fn lines(&self, tree: git2::Oid, path: &str) -> Vec<String> {
        let Ok(entry) = self.repo.find_tree(tree).unwrap().get_path(path.as_ref()) else { return Vec::new() };
        let blob = self.repo.find_blob(entry.id()).unwrap();
        std::str::from_utf8(blob.content()).unwrap().split_inclusive('\n').map(str::to_owned).collect()
    }
}

impl Took {
    /// The offsets that git tells: file, hunk, lines.
    fn offsets(&self) -> Vec<(String, usize, i64)> {
        let mut path = String::new();
        let mut out = Vec::new();
        for line in self.words.lines() {
            if let Some(name) = line.strip_prefix("Checking patch ") {
                // `old => new` where it is renamed.
                path = name.trim_end_matches("...").rsplit(" => ").next().unwrap().to_owned();
            } else if let Some(rest) = line.strip_prefix("Hunk #") {
                let number = |text: &str| text.split(' ').next().unwrap().parse::<i64>().unwrap();
                let hunk = usize::try_from(number(rest)).unwrap();
                out.push((path.clone(), hunk, number(rest.split_once("(offset ").unwrap().1)));
            }
        }
        out
    }

    /// In which function git put each hunk of a Go file: by file and hunk.
    fn functions(&self, git: &Git, mail: &[patch::FilePatch]) -> BTreeMap<(String, usize), Option<String>> {
        let offsets = self.offsets();
        let mut out = BTreeMap::new();
        for file in mail.iter().filter(|f| f.old.as_str().ends_with(".go")) {
            let lines = git.lines(self.before, file.old.as_str());
            for (index, hunk) in file.hunks().iter().enumerate().filter(|_| !lines.is_empty()) {
                let key = (file.new.to_string(), index + 1);
                let offset = offsets.iter().find(|o| (&o.0, o.1) == (&key.0, key.1)).map_or(0, |o| o.2);
                out.insert(key, function_around(&lines, hunk, offset));
            }
        }
        out
    }
}

/// The function that holds all changed lines of a hunk; of an insertion, the lines around it.
fn function_around(lines: &[String], hunk: &Hunk, offset: i64) -> Option<String> {
    let top = usize::try_from(hunk.old_start as i64 - 1 + offset).unwrap();
    let (mut at, mut touched) = (top, Vec::new());
    for line in &hunk.lines {
        match line.kind {
            LineKind::Insert => touched.push((at, at)),
            LineKind::Delete => touched.push((at, at + 1)),
            LineKind::Context => {}
        }
        at += usize::from(line.kind != LineKind::Insert);
    }
    let (mut from, mut to) = (touched[0].0, touched[touched.len() - 1].1);
    if from == to {
        (from, to) = (from - 1, to + 1);
    }
    let block = functions(lines).into_iter().find(|f| f.start <= from && to < f.end)?;
    let name = lines[block.start].strip_prefix("func ")?.split('(').next()?;
    Some(format!("function {name}"))
}

/// How often the old text of a hunk stands in the file, counted line by line.
fn places(lines: &[String], hunk: &Hunk) -> usize {
    let old = hunk.old_text();
    let old: Vec<&[u8]> = old.split_inclusive(|b| *b == b'\n').collect();
    lines.windows(old.len()).filter(|w| w.iter().map(|l| l.as_bytes()).eq(old.iter().copied())).count()
}

// ---- comparing

struct Case<'a> {
    seed: u64,
    lab: &'a Lab,
    git: &'a Git,
    objects: &'a Objects,
    series: &'a Series,
    mails: &'a [String],
    /// Where git puts the hunks of each mail on the release that it was made on.
    home: Vec<BTreeMap<(String, usize), Option<String>>>,
}

impl Case<'_> {
    fn files(&self, at: usize) -> &[patch::FilePatch] {
        let Content::Diff(diff) = &self.series.patches()[at].forms[0].content else { panic!("a mail") };
        &diff.files
    }

    fn compare(&self, candidate: &Candidate, verdicts: &[PatchVerdict], result: Option<&TreeId>, tally: &mut Tally) {
        let what = format!("seed {}, {}", self.seed, candidate.version);
        let took = self.git.apply(self.lab, &candidate.tree, self.mails);
        let is_good = |v: &PatchVerdict| matches!(v.state, State::Clean | State::CleanOffset);
        for (at, verdict) in verdicts.iter().enumerate() {
            let what = format!("{what}, {}: {verdict:?}", verdict.patch);
            let git = &took[at];
            if !is_good(verdict) {
                // The next ones are judged without this one; git has stopped.
                return self.refused(&what, candidate, at, verdict, git, tally);
            }
            assert!(git.after.is_some(), "{what}\ngit refuses it: {}", git.words);
            let offsets = git.offsets();
            assert_eq!(verdict.state == State::CleanOffset, !offsets.is_empty(), "{what}\ngit: {}", git.words);
            let told: Vec<&str> = verdict.reasons.iter().map(|r| r.text.as_str()).collect();
            let by_git: Vec<String> = offsets
                .iter()
                .map(|(path, hunk, lines)| {
                    let way = if *lines < 0 { "further up" } else { "further down" };
                    let unit = if lines.abs() == 1 { "line" } else { "lines" };
                    format!("{path}: hunk {hunk} stands {} {unit} {way}", lines.abs())
                })
                .collect();
            assert_eq!(told, by_git, "{what}\ngit: {}", git.words);
            assert_eq!(git.functions(self.git, self.files(at)), self.home[at], "{what}\nit stands somewhere else");
            *(if offsets.is_empty() { &mut tally.clean } else { &mut tally.offset }) += 1;
        }
        let last = took.last().and_then(|t| t.after).map(|oid| oid.to_string());
        assert_eq!(last.as_deref(), result.map(TreeId::as_str), "{what}: another tree than git's");
    }

    fn refused(&self, what: &str, candidate: &Candidate, at: usize, verdict: &PatchVerdict, git: &Took, tally: &mut Tally) {
        match verdict.state {
            State::Upstreamed => {
                let (words, after) = self.git.apply_one(self.lab, git.before, &["-R", &self.mails[at]]);
                assert!(after.is_some(), "{what}\ngit cannot take it back: {words}");
                tally.upstreamed += 1;
            }
            State::MissingFile => {
                assert!(git.after.is_none(), "{what}\ngit finds the file");
                tally.missing_file += 1;
            }
            _ => {}
        }
        let (outcome, _) = patch::judge(self.objects, &candidate.tree, None, &[self.series], &patch::Memo::default()).unwrap();
        let failures = match outcome {
            Outcome::Failed { failures, .. } => failures,
            Outcome::Applied { .. } => Vec::new(),
        };
        let Some(failure) = failures.iter().find(|f| f.at.patch == verdict.patch) else {
            // It applies, in another declaration than at home.
            assert!(git.after.is_some(), "{what}\ngit refuses it: {}", git.words);
            assert_ne!(git.functions(self.git, self.files(at)), self.home[at], "{what}\nit stands where it did at home");
            tally.strayed += 1;
            return;
        };
        if git.after.is_none() {
            tally.refused_by_both += 1;
            return;
        }
        let Cause::NoForm { forms } = &failure.cause else { panic!("{what}: there is one form") };
        // A rule explains it where it explains everything that was found.
        for file in &forms[0].files {
            let section = self.files(at).iter().find(|f| f.line == file.patch_line).unwrap();
            let lines = self.git.lines(git.before, section.old.as_str());
            match &file.problem {
                FileProblem::WrongMode { .. } => {
                    assert!(git.words.contains(" has type "), "{what}\ngit says nothing of modes: {}", git.words);
                    tally.other_mode += 1;
                }
                FileProblem::Hunks { failures, .. } => {
                    for one in failures {
                        let count = places(&lines, &section.hunks()[one.hunk - 1]);
                        match &one.problem {
                            HunkProblem::Ambiguous { .. } => {
                                assert!(count > 1, "{what}\n{count} places");
                                tally.ambiguous += 1;
                            }
                            // git puts a later hunk above an earlier one; the order is all that forge has against it.
                            HunkProblem::Overlap { .. } => {
                                assert!(count == 1 && one.hunk > 1, "{what}\n{count} places");
                                tally.out_of_order += 1;
                            }
                            other => panic!("{what}\ngit takes it, and no rule of forge's is against it: {other:?}"),
                        }
                    }
                }
                other => panic!("{what}\ngit takes it, and no rule of forge's is against it: {other:?}"),
            }
        }
    }
}

fn write(objects: &Objects, project: &Project, rng: &mut Rng) -> TreeId {
    let mut changes = Changes::new();
    for (path, lines) in project {
        let mode = if rng.one_in(25) { Mode::Executable } else { Mode::File };
        changes.insert(RelPath::new(path).unwrap(), Some((mode, lines.concat().into_bytes())));
    }
    objects.write(None, &changes).unwrap()
}

/// One project with its releases and one series.
fn one_case(seed: u64) -> Tally {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let lab = Lab::new();
    let base = project(&mut rng);
    let put = |project: &Project| {
        for path in lab.files() {
            fs::remove_file(lab.repo().join(path)).unwrap();
        }
        project.iter().for_each(|(path, lines)| lab.write(path, lines.concat().as_bytes()));
    };
    put(&base);
    lab.commit("base", &mut rng);
    lab.git(&["branch", "start"]);
    let mut patched = base.clone();
    for n in 0..1 + rng.below(2) {
        change(&mut patched, &mut rng);
        put(&patched);
        lab.commit(&format!("change {n}"), &mut rng);
    }
    lab.export(&[&format!("-U{}", 1 + rng.below(3)), ["-M", "--no-renames"][rng.below(2)], "start..HEAD"]);
    let mails: Vec<String> = lab.patches().iter().map(|(path, _)| path.to_str().unwrap().to_owned()).collect();
    let list = mails.iter().map(|m| format!("[[patch]]\nfile = {:?}\nbase = \"v1.0.0\"\n", m.rsplit('/').next().unwrap()));
    fs::write(lab.series().join("series.toml"), list.collect::<String>()).unwrap();
    let files = Files::new(Some(lab.root.path().join("project")));
    let all = [Series::load(&files, &UpstreamName::new("up").unwrap(), &SeriesName::new("s").unwrap()).unwrap()];
    let series = &all[0];

    let objects = Objects::open(&lab.repo().join(".git")).unwrap();
    let home = TreeId::new(lab.tree("start")).unwrap();
    let version = |n: usize| Revision::new(format!("v1.{n}.0")).unwrap();
    let mut candidates = vec![Candidate { version: version(0), tree: home.clone() }];
    let mut now = base.clone();
    for n in 1..RELEASES {
        match rng.below(7) {
            0 => now = base.clone(),
            1 => now = patched.clone(),
            _ => {}
        }
        drift(&mut now, &mut rng);
        candidates.push(Candidate { version: version(n), tree: write(&objects, &now, &mut rng) });
    }

    let judge = || Judge::new(&objects, &all, BTreeMap::from([(version(0), home.clone())]));
    let verdicts = judge().all(&candidates, &mut Verdicts::default()).unwrap();
    for (candidate, together) in candidates.iter().zip(&verdicts) {
        let alone = judge().all(std::slice::from_ref(candidate), &mut Verdicts::default()).unwrap();
        assert_eq!(&alone[0], together, "case {seed}, {}", candidate.version);
    }
    let mut judge = judge();
    let git = Git { repo: git2::Repository::open(lab.repo()).unwrap() };
    let mut case = Case { seed, lab: &lab, git: &git, objects: &objects, series, mails: &mails, home: Vec::new() };
    let at_home = git.apply(&lab, &home, &mails);
    case.home = at_home.iter().enumerate().map(|(at, took)| took.functions(&git, case.files(at))).collect();
    let mut tally = Tally::default();
    for (candidate, verdicts) in candidates.iter().zip(&verdicts) {
        let result = judge.result(candidate).unwrap();
        case.compare(candidate, verdicts, result.as_ref(), &mut tally);
    }
    tally
}

fn cases(from: u64, count: u64) -> Tally {
    std::thread::scope(|scope| {
        let worker =
            |w| scope.spawn(move || (0..count / 2).map(|i| one_case(from + i * 2 + w)).fold(Tally::default(), Tally::add));
        [0, 1].map(worker).into_iter().fold(Tally::default(), |sum, w| sum.add(w.join().unwrap()))
    })
}

#[test]
fn verdicts_are_those_of_git_apply() {
    let tally = cases(0, 40);
    let Tally { clean, offset, refused_by_both, missing_file, upstreamed, ambiguous, out_of_order, strayed, other_mode } = tally;
    let rules = [missing_file, upstreamed, ambiguous, out_of_order, strayed, other_mode];
    assert!(clean > 50 && offset > 20 && refused_by_both > 20 && rules.iter().all(|n| *n > 0), "too little was seen: {tally:?}");
}

#[test]
#[ignore = "takes minutes; run it after changes of placement or judging: cargo test --test matrix_git -- --ignored"]
fn verdicts_are_those_of_git_apply_on_many_projects() {
    let tally = cases(10_000, 3000);
    assert!(tally.strayed > 50 && tally.out_of_order > 50, "too little was seen: {tally:?}");
}
