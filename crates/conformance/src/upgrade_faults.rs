//! Upgrades under load in which a process is killed or stalled.

use crate::{Client, Demo, Failed, Load, Outcome, Running, Server, wait::wait_as_long_as, wait_until};
use rustix::process::Signal;
use std::{
    fs,
    time::{Duration, Instant},
};

/// Longer than a server waits for anything: it waits 30 s for a successor that never becomes ready.
const PATIENCE: Duration = Duration::from_secs(50);

/// The timeout of one request for the serving instance; it is repeated.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// So many answers show that an instance serves.
const FLOW: u64 = 20;

/// The file that names the next fault and its step.
const FAULT: &str = "fault";

/// Above the pauses of the moderate load.
const LINGER: Duration = Duration::from_millis(600);

/// That linger, and a probation that is longer than every fault.
const ARGUMENTS: &str = "--linger 0.6 --drain-deadline 30 --probation 15 --pid-file pid";

/// A server under load whose upgrades fail.
pub(crate) struct UpgradeFaults {
    demo: Demo,
    pub(crate) server: Running,
    pub(crate) load: Load,
    /// Processes that do not serve any more, or never will.
    past: Vec<u32>,
    /// The number of failed upgrades when the last one began.
    setbacks: usize,
}

/// An instance of the server and its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) instance: String,
    pub(crate) pid: u32,
}

impl UpgradeFaults {
    /// A server with its own listener. While no process holds that, connections are refused.
    pub(crate) fn on_its_own(demo: &Demo) -> Result<UpgradeFaults, Failed> {
        UpgradeFaults::of(demo, UpgradeFaults::server(demo).on_a_free_port())
    }

    /// A server on the listener of a supervisor, which can start another one when none is left.
    pub(crate) fn supervised(demo: &Demo) -> Result<UpgradeFaults, Failed> {
        UpgradeFaults::of(demo, UpgradeFaults::server(demo))
    }

    fn of(demo: &Demo, server: Server) -> Result<UpgradeFaults, Failed> {
        let server = server.start()?;
        let load = Load::moderately_on(server.address());
        let faults = UpgradeFaults { demo: demo.clone(), server, load, past: Vec::new(), setbacks: 0 };
        faults.load.wait_for_successes(&faults.serving()?.instance, FLOW)?;
        Ok(faults)
    }

    /// Heartbeats are frequent, so that the client of `/events` notices the end of the load.
    fn server(demo: &Demo) -> Server {
        let often = ("refresh_interval_seconds: 5", "refresh_interval_seconds: 1");
        demo.server().args(ARGUMENTS).edited(often.0, often.1).env("DEMO_FAULT", format!("once@{FAULT}"))
    }

    /// Starts an upgrade with this fault, and waits until the fault has happened. Returns the process that served before.
    pub(crate) fn strike(&mut self, fault: &str) -> Result<Serving, Failed> {
        let old = self.serving()?;
        fs::write(self.server.path(FAULT), fault)?;
        self.upgrade(&old)?;
        wait_until(&format!("{fault} to strike"), || !self.server.path(FAULT).exists())?;
        Ok(old)
    }

    /// Asks this process to upgrade.
    pub(crate) fn upgrade(&mut self, serving: &Serving) -> Result<(), Failed> {
        self.setbacks = self.said("this process serves on");
        self.server.signal_to(serving.pid, Signal::USR2)
    }

    /// Waits for a stalled process and returns its id.
    pub(crate) fn stalled(&self) -> Result<u32, Failed> {
        wait_as_long_as(PATIENCE, "a process to stall", || {
            self.server.processes().into_iter().find(|&pid| is_stalled(pid))
        })
    }

    /// Continues a stalled process if it still exists.
    pub(crate) fn resume(&self, pid: u32) {
        let _ = self.server.signal_to(pid, Signal::CONT);
    }

    /// The process that answers now.
    pub(crate) fn serving(&self) -> Result<Serving, Failed> {
        let instance = self.instance()?;
        let pid = self.server.process_of(&instance)?;
        Ok(Serving { instance, pid })
    }

    /// The instance that answers on a new connection.
    fn instance(&self) -> Result<String, Failed> {
        Client::patient(self.server.address(), CONNECT_TIMEOUT)?.instance()
    }

    /// Waits until this process answers on new connections. Those of the load may be held by a process that is stalled.
    pub(crate) fn flows(&self, serving: &Serving) -> Result<(), Failed> {
        let mut answers = 0;
        wait_until(&format!("{FLOW} answers of {}", serving.instance), || {
            let now = self.instance();
            answers += u64::from(now.is_ok_and(|instance| instance == serving.instance));
            answers >= FLOW
        })
    }

    /// Waits until this process has answered the load for longer than the linger. The linger of a stalled process is over then.
    pub(crate) fn outlasts_the_linger(&self, serving: &Serving) -> Result<(), Failed> {
        let since = Instant::now();
        while since.elapsed() < 2 * LINGER {
            self.flows(serving)?;
        }
        Ok(())
    }

    /// Waits until this process has given up its upgrade, is the only one, and serves.
    pub(crate) fn serves_on(&self, old: Serving) -> Result<Serving, Failed> {
        wait_as_long_as(PATIENCE, "the old one to be alone, and to say so", || {
            let said = self.said("this process serves on") > self.setbacks;
            (said && self.server.processes() == [old.pid]).then_some(())
        })?;
        self.flows(&old)?;
        Ok(old)
    }

    /// Waits until a process serves that is neither this one nor an earlier one.
    pub(crate) fn succeeded(&mut self, before: u32) -> Result<Serving, Failed> {
        self.past.push(before);
        let new = wait_as_long_as(PATIENCE, "a successor to serve", || {
            self.serving().ok().filter(|now| !self.past.contains(&now.pid))
        })?;
        self.flows(&new)?;
        Ok(new)
    }

    /// Notes that this process does not serve any more.
    pub(crate) fn is_past(&mut self, pid: u32) {
        self.past.push(pid);
    }

    /// Waits until no process is left, or until another one than `old` serves. Returns whether none is left.
    pub(crate) fn is_left_by_everybody(&self, old: u32) -> Result<bool, Failed> {
        wait_as_long_as(PATIENCE, "an outcome", || match self.serving() {
            Ok(now) => (now.pid != old).then_some(false),
            Err(_) => self.server.processes().is_empty().then_some(true),
        })
    }

    /// Waits until no process is left, then starts another one on the supervisor's listener.
    pub(crate) fn start_another(&mut self) -> Result<Serving, Failed> {
        wait_as_long_as(PATIENCE, "nobody to be left", || self.server.processes().is_empty().then_some(()))?;
        self.server = UpgradeFaults::server(&self.demo).listener(self.server.listener()?).start()?;
        let another = self.serving()?;
        self.flows(&another)?;
        Ok(another)
    }

    /// Ends all other processes, and waits until this one is the only one.
    pub(crate) fn settle(&self, serving: &Serving) -> Result<(), Failed> {
        for pid in self.server.processes().into_iter().filter(|&pid| pid != serving.pid) {
            // It may have ended by now.
            let _ = self.server.signal_to(pid, Signal::TERM);
        }
        wait_until("the one that serves to be alone", || self.server.processes() == [serving.pid])
    }

    /// Upgrades this process once more, without a fault. Returns the number of requests that were lost with the process that
    /// held their connections. Any other loss is a failure.
    pub(crate) fn end(mut self, serving: &Serving) -> Result<u64, Failed> {
        self.upgrade(serving)?;
        let last = self.succeeded(serving.pid)?;
        self.settle(&last)?;
        self.load.wait_for_successes(&last.instance, FLOW)?;
        let clients = self.load.clients();
        let tally = self.load.end();
        let died = tally.count(Outcome::Reset) + tally.count(Outcome::Cut);
        assert_eq!(tally.failed(), died, "refused, late or wrong: {tally:?}");
        assert!(died <= clients, "a client has one connection to lose: {tally:?}");
        Ok(died)
    }

    /// The number of log lines with these words.
    pub(crate) fn said(&self, words: &str) -> usize {
        self.server.log().lines().iter().filter(|line| line.contains(words)).count()
    }
}

pub(crate) fn is_stalled(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}
