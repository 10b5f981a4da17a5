//! The argument list of a component: from its build rule, or, with `flags_from = "make"`, from the one `go build` line that
//! the upstream's Makefile would run.

use std::path::PathBuf;

use crate::build::{TreePart, lay_out, touch};
use crate::event::Event;
use crate::exec::Tool;
use crate::names::GoVersion;
use crate::patch::PatchedTree;
use crate::pipeline::error::PipelineError;
use crate::pipeline::resolve::{ResolvedPart, rule_args};
use crate::pipeline::session::{Session, Trust};
use crate::plan::{BuildLock, FromMake, GoArgs, LockEntry, MakeLock, ModLock, go_build_line};
use crate::recipe::model::{Component, Driver};
use crate::recipe::policy;
use crate::recipe::rule::BuildRule;
use crate::recipe::vars::{Variables, escape_braces};
use crate::store::WorkDir;

impl Session<'_> {
    /// The argument list. What was captured for the same tree by the same make command is kept.
    pub(super) fn build_lock(
        &self,
        component: &Component,
        rule: &BuildRule,
        variables: &Variables,
        go: &GoVersion,
        patched: &PatchedTree,
        same_tree: Option<&LockEntry>,
    ) -> Result<BuildLock, PipelineError> {
        if rule.driver != Driver::Go {
            return made(component, rule, variables);
        }
        let fill = |text: &String| variables.expand_for_lock(text);
        let own = rule_args(rule, variables)?;
        let mut lock = common(rule, variables, own.clone())?;
        if !rule.flags_from_make {
            lock.args.packages = rule.packages.iter().map(fill).collect::<Result<_, _>>()?;
            return Ok(lock);
        }
        let goal = rule.make.goal.iter().chain(&rule.make.args);
        let make: Vec<String> = goal.map(|word| Ok(variables.expand(word)?)).collect::<Result<_, PipelineError>>()?;
        let from = FromMake { make };
        let old = same_tree.and_then(|e| e.build.as_ref()).filter(|b| b.from.as_ref() == Some(&from));
        if let Some(old) =
            old.filter(|old| old.vcs == lock.vcs && old.prepare == lock.prepare && keeps(&old.args.flags, &own.flags))
        {
            return Ok(old.clone());
        }
        match self.options.trust {
            Trust::Run => {}
            Trust::Locked => return Err(PipelineError::FlagsNotLocked(component.name.clone())),
            Trust::Sources => {
                lock.args.packages = vec!["./...".into()];
                return Ok(lock);
            }
        }
        let line = self.capture(component, rule, &from, go, patched)?;
        // Tags and -buildvcs have keys of their own in a recipe; in a captured line they are what they are.
        let own_key = |flag: &&String| flag.starts_with("-tags=") || flag.starts_with("-buildvcs");
        for flag in line.args.flags.iter().filter(|flag| !own_key(flag)) {
            let refused = match flag.strip_prefix("-ldflags=") {
                Some(ldflags) => policy::check_ldflags(ldflags, &rule.allow),
                None => policy::check_flag(flag, &rule.allow),
            };
            refused.map_err(|source| PipelineError::Flag { component: component.name.clone(), source })?;
        }
        lock.args.flags = line.args.flags.iter().map(|f| escape_braces(f)).collect();
        lock.args.packages = line.args.packages.iter().map(|p| escape_braces(p)).collect();
        for flag in &own.flags {
            let (name, value) = flag.trim_start_matches('-').split_once('=').unwrap_or((flag.trim_start_matches('-'), ""));
            lock.args.set(name, value);
        }
        lock.cgo = rule.cgo.or(line.cgo).unwrap_or(false);
        for (name, value) in line.env.into_iter().filter(|(_, value)| !value.is_empty()) {
            policy::check_env(&name, &value, &rule.allow)
                .map_err(|source| PipelineError::Flag { component: component.name.clone(), source })?;
            lock.env.entry(name).or_insert_with(|| escape_braces(&value));
        }
        lock.from = Some(from);
        Ok(lock)
    }

    /// Runs `make -n` in a laid-out tree.
    fn capture(
        &self,
        component: &Component,
        rule: &BuildRule,
        from: &FromMake,
        go: &GoVersion,
        patched: &PatchedTree,
    ) -> Result<crate::plan::MakeLine, PipelineError> {
        let detail = format!("flags from `make -n {}`", from.make.first().map_or("", String::as_str));
        self.reporter.report(Event::StageStarted { component: component.name.clone(), what: "reading", detail: detail.clone() });
        let work = self.store.work_dir("make")?;
        let tree = self.lay_out_for_lock(&work, patched, &[], None)?;
        for file in &rule.make.touch {
            touch(&tree, file).map_err(|source| PipelineError::Io { path: file.below(&tree), source })?;
        }
        let go = self.go(go)?;
        let mut run = self.exec.run(Tool::Make)?.env_clear();
        for (name, value) in go.env(None, rule.cgo.unwrap_or(true), &Default::default()).iter() {
            run = run.env(name, value);
        }
        let run = run.arg("-n").args(&from.make).cwd(&tree);
        let command = run.shown();
        let done = run.capture()?;
        if !done.status.success() {
            let message = done.stderr_tail(25);
            return Err(crate::gomod::GoError::Failed { command, status: done.status.to_string(), message }.into());
        }
        let line = go_build_line(&String::from_utf8_lossy(&done.stdout))?;
        self.reporter.report(Event::StageDone { component: component.name.clone(), what: "read", detail });
        Ok(line)
    }

    /// The patched tree with its parts, in a work folder: for what happens at lock time.
    pub(super) fn lay_out_for_lock(
        &self,
        work: &WorkDir,
        patched: &PatchedTree,
        parts: &[ResolvedPart],
        module: Option<&ModLock>,
    ) -> Result<PathBuf, PipelineError> {
        let dir = work.path().join("src");
        let objects: Vec<_> = parts.iter().map(|part| self.part_objects(part)).collect::<Result<_, _>>()?;
        let placed: Vec<TreePart<'_>> =
            parts.iter().zip(&objects).map(|(part, objects)| TreePart { name: &part.name, objects, tree: &part.tree }).collect();
        lay_out(&dir, &patched.objects()?, patched.tree(), &placed, module, None)?;
        Ok(dir)
    }
}

/// What is the same for every driver.
fn common(rule: &BuildRule, variables: &Variables, args: GoArgs) -> Result<BuildLock, PipelineError> {
    let fill = |text: &String| variables.expand_for_lock(text);
    Ok(BuildLock {
        from: None,
        cgo: rule.cgo.unwrap_or(false),
        vcs: rule.vcs,
        args,
        env: rule.env.iter().map(|(k, v)| Ok((k.clone(), fill(v)?))).collect::<Result<_, PipelineError>>()?,
        prepare: rule.prepare.iter().map(|c| c.iter().map(fill).collect()).collect::<Result<_, _>>()?,
        make: None,
    })
}

/// The build of a release by make, in containers or not. Nothing has to be looked at for it.
pub(super) fn made(component: &Component, rule: &BuildRule, variables: &Variables) -> Result<BuildLock, PipelineError> {
    let fill = |text: &String| variables.expand_for_lock(text);
    let Some(output) = &rule.make.output else {
        let (component, release) = (component.name.clone(), variables.version.clone());
        return Err(PipelineError::NoOutput { component, release, driver: rule.driver.name() });
    };
    // go.sum has to cover what go is going to be asked for, as far as the blocks say it.
    let flags = rule_args(rule, variables)?.selection();
    let packages = rule.packages.iter().map(fill).collect::<Result<_, _>>()?;
    let mut lock = common(rule, variables, GoArgs { flags, packages })?;
    lock.make = Some(MakeLock {
        driver: rule.driver,
        args: rule.make.goal.iter().chain(&rule.make.args).map(fill).collect::<Result<_, _>>()?,
        touch: rule.make.touch.clone(),
        output: fill(output)?,
        image: rule.image.as_ref().map(fill).transpose()?,
    });
    Ok(lock)
}

/// True where every flag that the rule adds is in the list.
fn keeps(flags: &[String], own: &[String]) -> bool {
    own.iter().all(|flag| flags.contains(flag))
}
