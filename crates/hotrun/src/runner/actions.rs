//! Does the actions of the supervisor.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process;

use intercept::{Address, Marker, Spec};

use crate::generation::{Generation, Readiness, ServerEvent, Start};
use crate::journal;
use crate::plan::{self, Argument, CommandLine, How, What};
use crate::proxy::Proxy;
use crate::report::spoken;
use crate::socket_mode::SocketMode;
use crate::supervisor::{Action, Event};

use super::program::Newest;
use super::shared_builds::WantedBuild;
use super::silence;
use super::timers::Due;
use super::{Flow, Program, ProgramInput};

impl Program {
    pub(super) fn act(&mut self, action: Action) -> Flow {
        match action {
            Action::Build(version) => {
                self.has_failed = false;
                self.wanted = Some(WantedBuild { version, is_cancelled: false });
            }
            Action::Cancel => {
                self.report.build("something changed meanwhile: the build begins anew");
                self.wanted.iter_mut().for_each(|wanted| wanted.is_cancelled = true);
            }
            Action::Start { server, version } => return self.start(server, version),
            Action::Leave(server) => {
                self.report.event(journal::Event::Leave { server });
                self.report.runner(&format!("server {server} leaves"));
                let tell = self.teller(server);
                if let Some(generation) = self.generations.get_mut(&server) {
                    generation.leave(&self.plan, tell);
                }
            }
            Action::Keep(server) => {
                self.report.event(journal::Event::Keep { server });
                self.report.runner(&format!(
                    "server {server} takes no new connections and is kept for {}, in case its successor fails",
                    spoken(self.plan.probation)
                ));
                let tell = self.teller(server);
                if let Some(generation) = self.generations.get_mut(&server) {
                    generation.keep(&self.plan, tell);
                }
            }
            Action::Stop(server) => {
                let tell = self.teller(server);
                if let Some(generation) = self.generations.get_mut(&server) {
                    generation.stop(&self.plan, tell);
                }
            }
            Action::Kill(server) => self.generations.get(&server).into_iter().for_each(Generation::kill),
            Action::Return(server) => {
                let Some(generation) = self.generations.get_mut(&server) else {
                    return self.apply(Event::Signalled(server));
                };
                if !generation.call_back() {
                    return self.apply(Event::Signalled(server));
                }
                if let (Some(proxy), Some(port)) = (&self.proxy, generation.port) {
                    proxy.switch(Some(port));
                }
                self.report.event(journal::Event::Return { server });
                self.report.runner(&format!("server {server} serves on"));
            }
            Action::Probation(server) => self.timers.set(self.plan.probation, Event::Proven(server)),
            Action::Pause => {
                let delay = self.plan.rerun.as_ref().map(|rerun| rerun.delay).unwrap_or_default();
                self.timers.set(delay, Event::Rerun);
                self.reruns = true;
            }
            Action::Say(message) => self.say(message),
            Action::Exit => return Ok(false),
        }
        self.binary_cache.retain(|version| self.supervisor.needs(version));
        Ok(true)
    }

    /// Sends the events of a server to the loop.
    pub(super) fn teller(&self, id: u32) -> impl Fn(ServerEvent) + Clone + Send + 'static {
        let sender = self.sender.clone();
        move |news| sender.send(ProgramInput::ServerEvent(id, news))
    }

    fn start(&mut self, server: u32, version: u32) -> Flow {
        if matches!(self.plan.build.how, How::Nothing) {
            self.report.build_begins();
        }
        let started = self.spec(server, version).and_then(|(spec, port)| {
            let under_way = self.proxy.as_ref().map(Proxy::under_way);
            let start = Start { spec, port, under_way };
            Generation::start(start, &self.plan, &self.chosen, &self.owned, self.teller(server))
        });
        match started {
            Ok(mut generation) => {
                if let Some(watchdog) = self.watchdog.as_deref() {
                    watchdog.watch(generation.tree().leader());
                }
                if let Some(why) = &generation.unfiltered {
                    self.report.warning(&format!("no port can be lent to server {server}: {why}"));
                }
                let process = generation.tree().leader();
                self.report.event(journal::Event::Start { server, version, process });
                let sign = generation.is_ready_when_started().then_some(Readiness::Started);
                let sign = sign.and_then(|sign| generation.becomes_ready(sign));
                self.generations.insert(server, generation);
                self.timers.set(self.plan.ready.timeout, Event::Late(server));
                self.timers.set(silence::LOOK, Due::Look(server));
                self.signed(server, sign)
            }
            Err(error) => {
                self.endings.insert(server, format!("could not be started: {error}"));
                let goes_on = self.apply(Event::Ended(server));
                self.endings.remove(&server);
                goes_on
            }
        }
    }

    /// The process to start for this version, and its port behind the proxy.
    fn spec(&mut self, server: u32, version: u32) -> io::Result<(Spec, Option<SocketAddr>)> {
        let (program, arg0) = self.program(version)?;
        let plan::Program { args, env, dir, what } = &self.plan.program;
        let rerun = self.plan.rerun.as_ref().filter(|_| self.reruns).and_then(|rerun| rerun.cmd.as_ref());
        self.reruns = false;
        let shell = match (rerun, what) {
            (Some(line), _) => Some(line.clone()),
            (None, What::Shell(line)) => {
                let words = std::iter::once(line.as_str()).chain(args.iter().map(Argument::text));
                Some(words.collect::<Vec<_>>().join(" "))
            }
            (None, _) => None,
        };
        // A shell would stay between hotrun and the program.
        let simple = shell.as_deref().and_then(CommandLine::simple);
        let listen_pid = shell.is_none() || simple.is_some();
        let settled = env.iter().map(|(name, value)| (name.into(), value.into()));
        let mut env: Vec<(OsString, OsString)> =
            self.environment.variables().into_iter().chain(settled).collect();
        let program = match (shell, program) {
            (Some(line), _) => match simple {
                Some(simple) => {
                    env.extend(simple.env.into_iter().map(|(name, value)| (name.into(), value.into())));
                    simple.words.into_iter().map(OsString::from).collect()
                }
                None => vec!["/bin/sh".into(), "-c".into(), line.into()],
            },
            (None, Some(program)) => {
                let mut words = vec![program.into_os_string()];
                words.extend(Argument::words(args, &env, dir)?);
                words
            }
            (None, None) => return Err(io::Error::other("there is no program")),
        };
        let line: Vec<_> = program.iter().map(|word| word.to_string_lossy()).collect();
        self.report.debug(&format!("runs: {}", line.join(" ")));
        let mut port = None;
        if self.chosen.mode == SocketMode::Proxy {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            env.push(("PORT".into(), free.port().to_string().into()));
            port = Some(free);
        }
        let hands_on = !self.plan.sockets.addresses.is_empty()
            && matches!(self.chosen.mode, SocketMode::ListenFds | SocketMode::StopFirst);
        let is_given = |address: &Address| {
            hands_on && address.tcp().is_some_and(|address| self.plan.sockets.addresses.contains(&address))
        };
        let listen_fds = self.owned.duplicates(is_given)?;
        let intercept =
            self.chosen.lends && !matches!(self.chosen.mode, SocketMode::Plain | SocketMode::Proxy);
        let prefix = process_tree::mark_prefix(process::id());
        let marker = Some(Marker { name: process_tree::MARK.to_owned(), prefix });
        let dir = dir.clone();
        let mut output = None;
        if self.plan.name.is_some() || self.plan.style.json || self.plan.style.only_hotrun {
            output = Some(self.output.pipes(server, &self.report)?);
            // Python writes to a pipe in blocks, so its lines would come late.
            if std::env::var_os("PYTHONUNBUFFERED").is_none() {
                env.insert(0, ("PYTHONUNBUFFERED".into(), "1".into()));
            }
        } else if self.report.has_status_line() {
            output = Some(self.output.terminal(server, &self.report)?);
        }
        Ok((Spec { program, arg0, env, dir, listen_fds, listen_pid, intercept, marker, output }, port))
    }

    /// The file to execute for a version. If a build has overwritten it since: its copy, and the name of the original.
    fn program(&mut self, version: u32) -> io::Result<(Option<PathBuf>, Option<OsString>)> {
        if matches!(self.plan.program.what, What::Shell(_)) {
            return Ok((None, None));
        }
        if let What::File(path) = &self.plan.program.what
            && matches!(self.plan.build.how, How::Nothing)
        {
            return Ok((Some(path.clone()), None));
        }
        match &self.newest {
            Some(Newest { version: newest, program, is_overwritten: false })
                if *newest == version && program.exists() =>
            {
                Ok((Some(program.clone()), None))
            }
            _ => {
                let (copy, original) = self
                    .binary_cache
                    .find(version)
                    .ok_or_else(|| io::Error::other("no copy of it was kept"))?;
                Ok((Some(copy), Some(original.into_os_string())))
            }
        }
    }
}
