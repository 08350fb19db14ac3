//! The proof that no request is lost: one action is repeated under load.

use crate::{Client, Demo, Failed, Load, Outcome, Running, Server, Tally, own_address, wait_for, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Answers of the newest instance between two actions.
const FLOW: u64 = 100;

/// A change of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A supervisor starts another process on the same listener, then ends the old one.
    Replace,
    /// `SIGUSR2`.
    Upgrade,
    /// The port is edited.
    Move,
    /// A value is edited.
    Reload,
    /// The server is stopped, and started again when it has ended: the usual way without any of the other actions.
    Restart,
}

/// The result of repeating an action under load.
#[derive(Debug)]
pub struct Proof {
    /// The action.
    pub action: Action,
    /// The number of repetitions.
    pub times: u32,
    /// The outcomes of the requests.
    pub tally: Arc<Tally>,
    /// The time from the beginning of each action to the first answer that shows it, with a request every 4 ms.
    pub shown: Vec<Duration>,
    /// The duration of all repetitions.
    pub took: Duration,
    /// Open descriptors of the server without clients, before and after.
    pub descriptors: (usize, usize),
    /// Resident memory of the serving process in KiB: without clients before and after, and under the load after each action.
    pub memory: Memory,
}

/// Resident memory in KiB.
#[derive(Debug)]
pub struct Memory {
    /// Before the load.
    pub before: u64,
    /// After each action.
    pub course: Vec<u64>,
    /// After the load.
    pub after: u64,
}

/// The server at its current address, with its newest process.
struct Served<'a> {
    demo: &'a Demo,
    arguments: String,
    server: Running,
    address: SocketAddr,
}

impl Action {
    /// Every action that loses nothing.
    pub const ALL: [Action; 4] = [Action::Replace, Action::Upgrade, Action::Move, Action::Reload];

    /// Its name in figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Replace => "replacement",
            Action::Upgrade => "upgrade",
            Action::Move => "moved_port",
            Action::Reload => "reload",
            Action::Restart => "restart",
        }
    }
}

impl Proof {
    /// Repeats the action on a server of `demo` that drains with this linger. Before each repetition the newest instance has
    /// answered requests.
    pub fn of(demo: &Demo, action: Action, times: u32, linger: Duration) -> Result<Proof, Failed> {
        let mut served = Served::new(demo, action, linger)?;
        let before = served.size()?;
        let load = Load::on(served.address);
        let (begun, mut shown, mut course) = (Instant::now(), Vec::new(), Vec::new());
        load.wait_for_successes(&served.instance()?, FLOW)?;
        for number in 1..=times {
            shown.push(served.act(action, number)?);
            load.send_to(served.address);
            let newest = served.instance()?;
            load.wait_for_successes(&newest, FLOW)?;
            load.wait_for_follower(&newest)?;
            course.push(served.size()?.1);
        }
        let took = begun.elapsed();
        let tally = load.end();
        wait_until("the connections to be gone", || {
            served.size().is_ok_and(|(descriptors, _)| descriptors <= before.0)
        })
        .map_err(|_| format!("more descriptors than before: {:?}, then {:?}", before, served.size()))?;
        let after = served.size()?;
        let last = served.pid()?;
        assert_eq!(served.server.processes(), [last], "one process is left");
        served.server.signal_to(last, Signal::TERM)?;
        wait_until("the last process to end", || {
            served.server.processes().is_empty() || !served.server.lives()
        })?;
        let descriptors = (before.0, after.0);
        let memory = Memory { before: before.1, course, after: after.1 };
        Ok(Proof { action, times, tally, shown, took, descriptors, memory })
    }

    /// Does the action once to a server that drains without a linger, while every client has an idle connection. Each client
    /// sends one request before and one after it.
    pub(crate) fn without_a_linger(demo: &Demo, action: Action) -> Result<Arc<Tally>, Failed> {
        let mut served = Served::new(demo, action, Duration::ZERO)?;
        let (descriptors, _) = served.size()?;
        let load = Load::before_and_after(served.address);
        wait_until("every client's first answer", || {
            load.tally().count(Outcome::Answered) == load.clients()
        })?;
        served.act(action, 1)?;
        wait_until("the idle connections to be closed", || {
            served.size().is_ok_and(|(open, _)| open <= descriptors)
        })?;
        Ok(load.end())
    }

    /// The figures.
    pub fn json(&self) -> Value {
        let (returns, slowest_return) = self.tally.returns();
        let outcomes =
            Outcome::ALL.map(|outcome| (outcome.as_str().to_owned(), self.tally.count(outcome).into()));
        json!({
            "action": self.action.as_str(),
            "times": self.times,
            "requests": Value::Object(outcomes.into_iter().collect()),
            "failed": self.tally.failed(),
            "events_clients_that_came_back": returns,
            "slowest_return_ms": slowest_return.as_millis(),
            "seconds": self.took.as_secs_f64(),
            "descriptors": [self.descriptors.0, self.descriptors.1],
            "memory_kib": [self.memory.before, self.memory.after],
            "memory_kib_under_load": self.memory.in_ten_steps(),
        })
    }
}

impl Memory {
    /// The values after each action, reduced to ten at most.
    fn in_ten_steps(&self) -> Vec<u64> {
        let tenth = self.course.len().div_ceil(10).max(1);
        self.course.chunks(tenth).filter_map(<[u64]>::last).copied().collect()
    }
}

impl Served<'_> {
    fn new(demo: &Demo, action: Action, linger: Duration) -> Result<Served<'_>, Failed> {
        let arguments = format!("--linger {} --drain-deadline 30 --probation 0.2", linger.as_secs_f64());
        let server = match action {
            Action::Replace => Served::server(demo, &arguments),
            Action::Upgrade | Action::Move | Action::Reload | Action::Restart => {
                let address = own_address()?;
                Served::server(demo, &arguments)
                    .edited("host: 127.0.0.1", &format!("host: {}", address.ip()))
                    .edited("port: 8080", &format!("port: {}", address.port()))
                    .binding_itself()
            }
        };
        let server = server.start()?;
        let address = server.address();
        // The first request of each kind allocates memory.
        for target in ["/", "/dynamic-config", "/readyz"] {
            server.get(target)?;
        }
        Ok(Served { demo, arguments, server, address })
    }

    /// Heartbeats are frequent, so that the client of `/events` notices the end of the load.
    fn server(demo: &Demo, arguments: &str) -> Server {
        let often = ("refresh_interval_seconds: 5", "refresh_interval_seconds: 1");
        demo.server().args(arguments).edited(often.0, often.1)
    }

    /// Does the action and returns the time until an answer shows it.
    fn act(&mut self, action: Action, number: u32) -> Result<Duration, Failed> {
        let begun = Instant::now();
        match action {
            Action::Replace => {
                let successor = Served::server(self.demo, &self.arguments);
                let successor = successor.listener(self.server.listener()?).start()?;
                let old = std::mem::replace(&mut self.server, successor);
                let shown = begun.elapsed();
                assert_eq!(old.stop()?.code(), Some(0));
                Ok(shown)
            }
            Action::Restart => {
                assert_eq!(self.server.stop()?.code(), Some(0));
                let config = self.server.config()?;
                let anew = Served::server(self.demo, &self.arguments).config(config);
                self.server = anew.binding_itself().start()?;
                Ok(begun.elapsed())
            }
            Action::Upgrade => {
                let old = self.instance()?;
                self.server.signal_to(self.pid()?, Signal::USR2)?;
                let new = wait_for("the successor's first answer", || {
                    self.instance().ok().filter(|instance| *instance != old)
                })?;
                let shown = begun.elapsed();
                let pid = self.server.process_of(&new)?;
                wait_until("the successor to be alone", || self.server.processes() == [pid])?;
                Ok(shown)
            }
            Action::Move => {
                let to = own_address()?;
                let (from, port) =
                    (format!("port: {}\n", self.address.port()), format!("port: {}\n", to.port()));
                self.server.edit(&from, &port)?;
                wait_until("the new address to be ready", || {
                    Client::connect(to)
                        .and_then(|mut client| client.get("/readyz"))
                        .is_ok_and(|answer| answer.status == 200)
                })?;
                self.address = to;
                Ok(begun.elapsed())
            }
            Action::Reload => {
                let config = self.server.config()?;
                let line = config.lines().find(|line| line.starts_with("app_name:")).ok_or("no app_name")?;
                self.server.edit(line, &format!("app_name: Edit {number}"))?;
                self.server.wait_for_generation(u64::from(number) + 1)?;
                Ok(begun.elapsed())
            }
        }
    }

    /// The newest process.
    fn pid(&self) -> Result<u32, Failed> {
        self.server.process_of(&self.instance()?)
    }

    fn instance(&self) -> Result<String, Failed> {
        Client::connect(self.address)?.instance()
    }

    /// The number of open descriptors, and resident memory in KiB.
    fn size(&self) -> Result<(usize, u64), Failed> {
        let process = format!("/proc/{}", self.pid()?);
        let status = fs::read_to_string(format!("{process}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let memory =
            memory.trim().trim_end_matches(" kB").parse().map_err(|e| format!("VmRSS {memory:?}: {e}"))?;
        Ok((fs::read_dir(format!("{process}/fd"))?.count(), memory))
    }
}
