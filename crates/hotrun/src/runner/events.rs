//! Turns inputs into events of the supervisor.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::drain::Progress;
use crate::error::Error;
use crate::generation::{Generation, Readiness, ServerEvent};
use crate::idle::Death;
use crate::journal;
use crate::plan::How;
use crate::report::spoken;
use crate::supervisor::Event;

use super::{Flow, Program, ProgramInput};

impl Program {
    pub(super) fn hear(&mut self, input: ProgramInput) -> Flow {
        match input {
            ProgramInput::Built(version, built) => self.built(version, &built),
            ProgramInput::Copied(version) => self.apply(Event::Copied(version)),
            ProgramInput::ServerEvent(id, news) => self.news(id, news),
            ProgramInput::RuleEnded(at, when, ended) => self.rule_ended(at, when, ended),
        }
    }

    /// Takes in that these of its sources have changed.
    pub(super) fn changed(&mut self, files: &[PathBuf]) -> Flow {
        let is_read =
            |file: &&PathBuf| self.plan.sources.needs_build(file) && self.is_read_by_next_build(file);
        let (read, files): (Vec<_>, Vec<_>) = files.iter().partition(is_read);
        self.changed_beside |= read.into_iter().any(|file| !is_compiled(file));
        let files: Vec<PathBuf> = files.into_iter().cloned().collect();
        if files.is_empty() {
            return Ok(true);
        }
        self.report.changed(&files);
        let idle = self.handle(&files);
        let renews = self.environment_changed(&files);
        let causes_build = |file: &&PathBuf| self.plan.sources.needs_build(file) && !idle.contains(*file);
        let mut built = files.iter().filter(causes_build).peekable();
        if built.peek().is_none() {
            return if renews { self.apply(Event::Renewed) } else { Ok(true) };
        }
        self.has_failed = false;
        self.changed_beside |= !built.all(|file| is_compiled(file));
        if !self.plan.build.delay.is_zero() {
            if !self.timers.has(Event::Changed) {
                self.timers.set(self.plan.build.delay, Event::Changed);
            }
        } else if !self.apply(Event::Changed)? {
            return Ok(false);
        }
        // A build is under way: the program is started after it in any case.
        if renews && !matches!(self.plan.build.how, How::Nothing) {
            return self.apply(Event::Renewed);
        }
        Ok(true)
    }

    /// Reads the variables anew if one of the files has them. `true` if the program may get others now.
    fn environment_changed(&mut self, files: &[PathBuf]) -> bool {
        if !files.iter().any(|file| self.plan.sources.env_files.contains(file)) {
            return false;
        }
        match self.environment.read() {
            // A file that hotrun does not read is read by the program itself.
            Ok(changed) if changed || self.plan.env_files.is_empty() => {
                self.report.runner("the program is started with the new variables, and nothing is built");
                true
            }
            Ok(_) => {
                self.report.runner("no variable has changed");
                false
            }
            Err(error) => {
                self.report.warning(&format!("{error}; the variables stay as they are"));
                false
            }
        }
    }

    fn news(&mut self, id: u32, news: ServerEvent) -> Flow {
        let tell = self.teller(id);
        match news {
            ServerEvent::Socket(intercept::Event::Refused { address, by }) => {
                let by = by
                    .map_or("another program".to_owned(), |by| format!("`{}` (process {})", by.name, by.pid));
                let words = format!(
                    "`{address}`, which the program wants to listen on, is held by {by}: end that first"
                );
                if self.plan.name.is_none() && self.generations.len() == 1 && id == 1 {
                    return Err(Error::held(words));
                }
                self.report.warning(&words);
                Ok(true)
            }
            ServerEvent::Socket(heard) => {
                let sign = self.generations.get_mut(&id).and_then(|one| one.heard(&heard, tell));
                let listens =
                    matches!(heard, intercept::Event::Listening(_) | intercept::Event::Accepting(_));
                let goes_on = if listens { self.listens_late(id)? } else { true };
                Ok(goes_on && self.signed(id, sign)?)
            }
            ServerEvent::Notified => {
                let sign = self.generations.get_mut(&id).and_then(Generation::notified);
                self.signed(id, sign)
            }
            ServerEvent::Answered => {
                let sign =
                    self.generations.get_mut(&id).and_then(|one| one.becomes_ready(Readiness::Answers));
                self.signed(id, sign)
            }
            ServerEvent::Leaving(Progress::Signalled(owed)) => {
                if owed.death == Death::Yes {
                    self.say_cut(id, owed);
                }
                if let Some(generation) = self.generations.get_mut(&id) {
                    generation.owed = owed;
                }
                self.apply(Event::Signalled(id))
            }
            ServerEvent::Leaving(Progress::Overdue(busy)) => {
                self.say_overdue(id, busy);
                Ok(true)
            }
            ServerEvent::Ended(status) => {
                let Some(gone) = self.generations.remove(&id) else { return Ok(true) };
                if let Some(watchdog) = &self.watchdog {
                    watchdog.forget(gone.tree().leader());
                }
                // Its last words come before the message about its end.
                self.output.finish(id);
                let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
                if gone.owed.death == Death::Unknown && signal == Some(self.plan.stop.signal.number()) {
                    self.say_cut(id, gone.owed);
                }
                let status = status.map_or_else(|error| error.to_string(), spoken_status);
                self.report.event(journal::Event::Ended { server: id, status: status.clone() });
                self.endings.insert(id, status);
                if let Some(proxy) = &self.proxy
                    && !self.generations.values().any(Generation::is_ready)
                {
                    proxy.switch(None);
                }
                let living: BTreeSet<_> =
                    self.generations.values().flat_map(|one| one.addresses.iter().cloned()).collect();
                if self.plan.sockets.addresses.is_empty() && !living.is_empty() {
                    self.owned.retain(|address| living.contains(address));
                }
                let goes_on = self.apply(Event::Ended(id));
                self.endings.remove(&id);
                goes_on
            }
        }
    }

    /// Takes in an event whose time has come. A program that has bound no port within the time to become ready is a worker: it
    /// counts as ready.
    pub(super) fn due(&mut self, event: Event) -> Flow {
        let serves = self.generations.values().any(|one| one.is_ready() && one.shares());
        if let Event::Late(id) = event
            && let Some(generation) = self.generations.get_mut(&id)
            && generation.is_worker()
            && !serves
        {
            let sign = generation.becomes_ready(Readiness::Started);
            return self.signed(id, sign);
        }
        self.apply(event)
    }

    /// Takes in that a server has become ready, if there is a sign of it.
    pub(super) fn signed(&mut self, id: u32, sign: Option<Readiness>) -> Flow {
        let (Some(sign), Some(generation)) = (sign, self.generations.get(&id)) else { return Ok(true) };
        let (shares, holds) = (generation.shares(), generation.holds());
        if let (Some(proxy), Some(port)) = (&self.proxy, generation.port) {
            proxy.switch(Some(port));
        }
        self.report.event(journal::Event::Ready {
            server: id,
            addresses: self.addresses(generation),
            sign: sign.to_string(),
            took_ms: journal::milliseconds(generation.began.elapsed()),
        });
        let words = format!("server {id} is ready after {}: {sign}", spoken(generation.began.elapsed()));
        self.report.runner(&words);
        self.say_way(id);
        self.note_ready();
        self.apply(Event::Ready { server: id, shares, holds })
    }
}

/// True if the file acts only through the program that a compiler makes of it. Others, such as a template, may be read when the program
/// starts.
fn is_compiled(file: &Path) -> bool {
    const ENDINGS: [&str; 16] =
        ["rs", "go", "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "s", "swift", "zig", "nim", "d", "cr"];
    const MANIFESTS: [&str; 5] = ["Cargo.toml", "Cargo.lock", "go.mod", "go.sum", "go.work"];
    let is_listed = |listed: &[&str], part: Option<&OsStr>| {
        part.is_some_and(|part| listed.iter().any(|one| part == *one))
    };
    is_listed(&ENDINGS, file.extension()) || is_listed(&MANIFESTS, file.file_name())
}

fn spoken_status(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".to_owned(),
    }
}
