//! Starts builds, each for all programs that it makes.

use std::mem;

use crate::build::{Building, Built, EndedBuild, Progress};
use crate::environment::Environment;
use crate::journal;
use crate::plan::{How, SharedBuild};

use super::{Flow, Input, ProgramInput, Runner};

/// A build that a program's supervisor wants. It waits while another program's build runs that is the same command.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedBuild {
    pub(super) version: u32,
    /// The supervisor has asked to end it.
    pub(super) is_cancelled: bool,
}

/// A build of one or several programs.
pub(super) struct BuildState {
    shared: SharedBuild,
    environment: Environment,
    building: Option<Building>,
    /// Of the build under way.
    pub(super) progress: Option<Progress>,
    is_cancelled: bool,
    /// The programs that the build under way is for, each with its version.
    under_way: Vec<(usize, u32)>,
}

impl BuildState {
    pub(super) fn new(shared: SharedBuild) -> Self {
        let environment = Environment::of(shared.build.env_files.clone());
        Self {
            shared,
            environment,
            building: None,
            progress: None,
            is_cancelled: false,
            under_way: Vec::new(),
        }
    }

    /// The progress of the build under way, if it is for this program.
    pub(super) fn progress_for(&self, program: usize) -> Option<&Progress> {
        let is_for = |(one, _): &(usize, u32)| *one == program;
        self.progress.as_ref().filter(|_| self.under_way.iter().any(is_for))
    }

    /// Ends the build under way, once.
    pub(super) fn cancel(&mut self) {
        if !mem::replace(&mut self.is_cancelled, true) {
            self.building.iter().for_each(Building::cancel);
        }
    }
}

impl Runner {
    /// Starts and cancels the builds that the programs want.
    pub(super) fn see_builds(&mut self) {
        for at in 0..self.builds.len() {
            self.see_cancelled(at);
            if self.builds[at].building.is_none() {
                self.start_build(at);
            }
        }
    }

    /// Ends the build if one of its programs has asked for that. A build that waits is never begun.
    fn see_cancelled(&mut self, at: usize) {
        let state = &mut self.builds[at];
        let mut ends = false;
        for &program in &state.shared.programs {
            let Some(wanted) = self.programs[program].wanted.filter(|wanted| wanted.is_cancelled) else {
                continue;
            };
            if state.under_way.contains(&(program, wanted.version)) {
                ends = true;
            } else {
                self.programs[program].wanted = None;
                let never = ProgramInput::Built(wanted.version, Built::never());
                drop(self.sender.send(Input::Program(program, never)));
            }
        }
        if ends {
            state.cancel();
        }
    }

    fn start_build(&mut self, at: usize) {
        let mut is_prepared = true;
        for &program in &self.builds[at].shared.programs {
            let program = &mut self.programs[program];
            is_prepared &= program.wanted.is_none() || program.is_prepared();
        }
        if !is_prepared {
            return;
        }
        let state = &mut self.builds[at];
        let wanted = |program: &usize| Some((*program, self.programs[*program].wanted?.version));
        state.under_way = state.shared.programs.iter().filter_map(wanted).collect();
        let Some((first, _)) = state.under_way.first() else { return };
        let is_shared = state.shared.is_shared();
        let report = if is_shared { self.report.clone() } else { self.programs[*first].report.clone() };
        let build = &state.shared.build;
        for program in &state.shared.programs {
            let program = &mut self.programs[*program];
            program.newest.iter_mut().for_each(|newest| newest.is_overwritten = true);
            for error in program.binary_cache.settle() {
                program.report.warning(&format!(
                    "there is no copy of this program, in case that the next one fails: {error}"
                ));
            }
        }
        let what = match &build.how {
            How::Cargo { arguments, .. } => format!("cargo {}", arguments.join(" ")),
            How::Shell(line) => line.clone(),
            How::Nothing => String::new(),
        };
        if let How::Cargo { target: Some(target), .. } = &build.how
            && !target.join(".rustc_info.json").exists()
        {
            let target = report.name(target);
            report.build(&format!(
                "builds into `{target}`, where rust-analyzer's lock does not matter: this once it is a second cold build; \
                 `share_target = true` in `[build]` of `.hotrun.toml` uses the usual folder"
            ));
        }
        for (program, version) in &state.under_way {
            let report = &self.programs[*program].report;
            report.build_begins();
            report.event(journal::Event::Build { version: *version, command: what.clone() });
        }
        report.build(&format!("builds: {what}"));
        // After a file that cannot be read, the variables stay as they are. The programs say so.
        let _ = state.environment.read();
        let sender = self.sender.clone();
        let tell = move |ended| drop(sender.send(Input::Built(at, ended)));
        let progress_sender = self.sender.clone();
        let progress = move |now| drop(progress_sender.send(Input::Progress(at, now)));
        let building = Building::start(build, &state.environment.variables(), &report, progress, tell);
        if let (Some(watchdog), Some(tree)) = (&self.watchdog, building.tree()) {
            watchdog.watch(tree.leader());
        }
        state.is_cancelled = false;
        state.progress = None;
        state.building = Some(building);
    }

    /// Takes in the end of a build, for each of its programs.
    pub(super) fn built(&mut self, at: usize, ended: &EndedBuild) -> Flow {
        let state = &mut self.builds[at];
        state.progress = None;
        if let (Some(building), Some(watchdog)) = (state.building.take(), &self.watchdog)
            && let Some(tree) = building.tree()
        {
            watchdog.forget(tree.leader());
        }
        let is_shared = state.shared.is_shared();
        let mut goes_on = true;
        for (program, version) in mem::take(&mut state.under_way) {
            goes_on = self.one(program, |program| {
                let built = ended.of(&program.plan.build.how, is_shared);
                program.built(version, &built)
            })?;
        }
        Ok(goes_on)
    }
}
