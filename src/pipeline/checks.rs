//! `forge matrix --compile` and `--test`: the packages that patches touch, release by release, with each release's own Go.
//!
//! Every answer is kept as soon as it is there: an interrupted run goes on where it stopped, and only what changed is compiled
//! again.

use std::collections::BTreeSet;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::build::{BuildError, BuildLog, Packages, TreePart, Verb, check_module, check_packages, lay_out};
use crate::event::Event;
use crate::git::checkout::checkout;
use crate::git::diff::changed_paths;
use crate::git::objects::Objects;
use crate::gomod::{GoModFile, c_compiler, toolchain_of};
use crate::matrix::{CheckResult, Checked, Column, Judged};
use crate::names::{RelPath, Sha256, TreeId};
use crate::patch::PatchedTree;
use crate::pipeline::error::PipelineError;
use crate::pipeline::matrix::MatrixOptions;
use crate::pipeline::resolve::{Mode, Resolved};
use crate::pipeline::select::{Pick, Selected};
use crate::pipeline::session::Session;
use crate::plan::{KeyBuilder, Lock};
use crate::recipe::model::{Component, Replace, Source};
use crate::recipe::rule::build_rule;
use crate::release::{Release, Wanted};

/// What is kept of one release.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    compile: Option<CheckResult>,
    test: Option<CheckResult>,
    checked: Checked,
}

impl Session<'_> {
    /// Compiles, and tests, every release on which the series holds.
    pub(super) fn check_column(
        &self,
        component: &Component,
        column: &mut Column,
        options: &MatrixOptions,
    ) -> Result<(), PipelineError> {
        let todo: Vec<usize> = (0..column.releases.len()).filter(|i| column.releases[*i].verdict.is_good()).collect();
        let (begun, mut ran) = (Instant::now(), 0usize);
        for (done, index) in todo.iter().enumerate() {
            self.check_interrupt()?;
            let key = self.check_key(component, &column.releases[*index], options)?;
            let kept = self.store.recall("checks", &key).and_then(|text| serde_json::from_str::<Answer>(&text).ok());
            let answer = match kept {
                Some(answer) => answer,
                None => {
                    self.tell_check(component, &column.releases[*index], done, todo.len(), begun, ran);
                    let answer = self.check_release(component, &column.releases[*index], options)?;
                    ran += 1;
                    self.store.remember("checks", &key, &serde_json::to_string(&answer).unwrap_or_default());
                    self.tell_checked(component, &column.releases[*index], &answer);
                    answer
                }
            };
            let judged = &mut column.releases[*index];
            judged.compile = answer.compile;
            judged.test = answer.test;
            judged.checked = Some(answer.checked);
        }
        Ok(())
    }

    fn tell_check(&self, component: &Component, judged: &Judged, done: usize, of: usize, begun: Instant, ran: usize) {
        let mut detail = format!("{} ({} of {of}", judged.version, done + 1);
        if ran > 0 {
            let left = begun.elapsed().as_secs_f64() / ran as f64 * (of - done) as f64;
            detail.push_str(&format!(", at most {} min left", (left / 60.0).ceil()));
        }
        detail.push(')');
        self.reporter.report(Event::StageStarted { component: component.name.clone(), what: "checking", detail });
    }

    fn tell_checked(&self, component: &Component, judged: &Judged, answer: &Answer) {
        let word = |result: Option<CheckResult>| match result {
            Some(CheckResult::Ok) => "ok",
            Some(CheckResult::Failed) => "failed",
            None => "not run",
        };
        let mut detail = format!("{}: compile {}", judged.version, word(answer.compile));
        if answer.test.is_some() {
            detail.push_str(&format!(", test {}", word(answer.test)));
        }
        detail.push_str(&format!(", {:.1} s with Go {}", answer.checked.seconds, answer.checked.go));
        self.reporter.report(Event::StageDone { component: component.name.clone(), what: "checked", detail });
    }

    /// Everything that an answer depends on, known without fetching anything.
    fn check_key(&self, component: &Component, judged: &Judged, options: &MatrixOptions) -> Result<Sha256, PipelineError> {
        let mut key = KeyBuilder::new("checks 1")
            .field("component", component.name.as_str())
            .field("version", judged.version.as_str())
            .field("commit", judged.commit.as_ref().map_or("", |c| c.as_str()))
            .field("test", options.test.to_string())
            .field("c", c_compiler(self.exec))
            .field("target", self.targets()[0].to_string())
            .field("go", format!("{:?} {:?}", component.go, component.upstream.go))
            .field("edits", format!("{:?} {:?} {}", component.replace, component.require, component.tidy));
        if component.is_program() {
            let rule = build_rule(&component.upstream, Release::parse(&judged.version).as_ref(), None)?;
            key = key.field("rule", format!("{rule:?}"));
        } else {
            key = key.field("go program", self.go_bin_version()?.to_string());
        }
        let inside = component.replace.iter().filter_map(|r| match r {
            Replace::Component(name) => self.recipe.components.get(name),
            _ => None,
        });
        for one in std::iter::once(component).chain(inside) {
            key = key.field("want", format!("{:?} {:?}", one.want, one.upstream.source));
            for series in self.series_of(one)? {
                key = key.field("series", series.digest().as_str());
            }
        }
        Ok(key.finish())
    }

    fn check_release(&self, component: &Component, judged: &Judged, options: &MatrixOptions) -> Result<Answer, PipelineError> {
        if component.is_program() {
            return self.check_program(component, judged, options);
        }
        self.check_library(component, judged, options)
    }

    fn check_program(&self, component: &Component, judged: &Judged, options: &MatrixOptions) -> Result<Answer, PipelineError> {
        let wanted = match Release::parse(&judged.version) {
            None if judged.commit.is_some() => judged.commit.clone().map(Wanted::Commit),
            _ => None,
        };
        let wanted = wanted.unwrap_or_else(|| Wanted::Revision(judged.version.clone()));
        let pick = Pick { wanted, named: Some(judged.version.clone()), ad_hoc: true };
        let selected = Selected { component, pick };
        let resolved = self.resolve(&selected, &mut Lock::default(), &Lock::default(), Mode::Fresh)?;
        let plan = self.plan(component, &resolved, &self.targets()[0])?;
        let work = self.store.work_dir("check")?;
        let objects = self.entry_objects(component, &resolved.entry)?;
        let inner: Vec<Objects> = resolved.parts.iter().map(|p| self.part_objects(p)).collect::<Result<_, _>>()?;
        let placed = resolved.parts.iter().zip(&inner);
        let parts: Vec<_> = placed.map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree }).collect();
        let stamp = plan.build.stamp.map(|time| (&plan.version, time));
        let mut tree = lay_out(&work.path().join("src"), &objects, &resolved.entry.result, &parts, plan.module.as_ref(), stamp)?;
        let scratch = work.path().join("scratch");
        crate::disk::create_dir_all(&scratch)?;
        let mut touched = changed_paths(&objects, &resolved.entry.tree, &resolved.entry.result)?;
        let own = packages(&touched);
        let mut all = own.clone();
        all.extend(self.part_packages(&resolved, &inner, &mut touched)?);
        let selection = resolved.entry.build.as_ref().map(|b| b.args.selection()).unwrap_or_default();
        let go = self.go(&plan.build.go)?;
        let begun = Instant::now();
        let mut log = self.check_log(&work.path().join("log"))?;
        let mut run = |names: &[String], verb| {
            let packages = Packages { names, selection: &selection, touched: &touched, jobs: options.jobs };
            check_packages(&go, self.exec, &plan, &mut tree, &scratch, &packages, verb, &mut log, self.reporter)
        };
        let (compile, mut output) = result_of(run(&all, Verb::Compile))?;
        // The tests of a replaced module may want modules that the program has no sums of.
        let test = match compile {
            CheckResult::Ok if options.test && !own.is_empty() => {
                let (test, said) = result_of(run(&own, Verb::Test))?;
                output.extend(said);
                Some(test)
            }
            _ => None,
        };
        let checked = Checked { go: plan.build.go.to_string(), packages: all, seconds: seconds(begun), output };
        Ok(Answer { compile: Some(compile), test, checked })
    }

    /// The packages that patches touch in what is placed inside, by import path.
    fn part_packages(
        &self,
        resolved: &Resolved,
        inner: &[Objects],
        files: &mut Vec<RelPath>,
    ) -> Result<Vec<String>, PipelineError> {
        let mut out = Vec::new();
        for (part, objects) in resolved.parts.iter().zip(inner) {
            let Some(entry) = &part.entry else { continue };
            let Source::Module(module) = &self.recipe.component(&part.name)?.upstream.source else { continue };
            let changed = changed_paths(objects, &entry.tree, &entry.result)?;
            let touched = packages(&changed);
            for path in changed {
                files.push(RelPath::new(format!(".forge/{}/{path}", part.name))?);
            }
            out.extend(touched.iter().map(|p| p.strip_prefix('.').map_or_else(|| p.clone(), |rest| format!("{module}{rest}"))));
        }
        Ok(out)
    }

    /// A module that no program is needed for, with the Go that is installed, or the newer one that it asks for.
    fn check_library(&self, component: &Component, judged: &Judged, options: &MatrixOptions) -> Result<Answer, PipelineError> {
        let pick = Pick { wanted: Wanted::Revision(judged.version.clone()), named: None, ad_hoc: true };
        let base = self.base_of_pick(component, &pick)?;
        let series = self.series_of(component)?;
        let all: Vec<_> = series.iter().collect();
        let release = Release::parse(&judged.version);
        let unpatched: TreeId = base.checkout.tree().clone();
        let failed =
            |failures| PipelineError::Patches { component: component.name.clone(), release: judged.version.clone(), failures };
        let patched = PatchedTree::make(base.checkout, release.as_ref(), &all)?.map_err(failed)?;
        let objects = patched.objects()?;
        let work = self.store.work_dir("check")?;
        let dir = work.path().join("src");
        checkout(&objects, patched.tree(), &dir)?;
        let touched = changed_paths(&objects, &unpatched, patched.tree())?;
        let names = packages(&touched);
        let installed = self.any_go()?;
        let text = objects.read(patched.tree(), &RelPath::new("go.mod")?)?;
        let asked = match text {
            Some(text) => GoModFile::read(&installed, &text)?.go_version().and_then(toolchain_of),
            None => None,
        };
        let host = self.go_bin_version()?;
        let go = match asked.filter(|asked| *asked > host) {
            Some(newer) => self.go(&newer)?,
            None => installed,
        };
        let begun = Instant::now();
        let mut log = self.check_log(&work.path().join("log"))?;
        let packages = Packages { names: &names, selection: &[], touched: &touched, jobs: options.jobs };
        let (compile, mut output) = result_of(check_module(&go, &dir, &packages, Verb::Compile, &mut log, self.reporter))?;
        let test = match compile {
            CheckResult::Ok if options.test => {
                let (test, said) = result_of(check_module(&go, &dir, &packages, Verb::Test, &mut log, self.reporter))?;
                output.extend(said);
                Some(test)
            }
            _ => None,
        };
        let checked = Checked { go: go.version().to_string(), packages: names, seconds: seconds(begun), output };
        Ok(Answer { compile: Some(compile), test, checked })
    }

    fn check_log(&self, path: &std::path::Path) -> Result<BuildLog, PipelineError> {
        BuildLog::create(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })
    }
}

/// A failure of a command is an answer; a command that could not be run is none.
fn result_of(done: Result<(), BuildError>) -> Result<(CheckResult, Vec<String>), PipelineError> {
    match done {
        Ok(()) => Ok((CheckResult::Ok, Vec::new())),
        Err(BuildError::Failed { command, status, lines, .. }) => {
            let mut output = vec![format!("`{command}` failed ({status})")];
            output.extend(lines);
            Ok((CheckResult::Failed, output))
        }
        Err(other) => Err(other.into()),
    }
}

/// To the millisecond: what is kept reads back as the same number.
fn seconds(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// The folders of Go files among these, as `go build` names them.
fn packages(paths: &[RelPath]) -> Vec<String> {
    let folder = |path: &RelPath| {
        let folder = path.as_str().rsplit_once('/').map(|(folder, _)| folder);
        folder.map_or_else(|| ".".to_owned(), |folder| format!("./{folder}"))
    };
    let go = paths.iter().filter(|p| p.as_str().ends_with(".go") && !p.as_str().split('/').any(|part| part == "testdata"));
    go.map(folder).collect::<BTreeSet<_>>().into_iter().collect()
}
