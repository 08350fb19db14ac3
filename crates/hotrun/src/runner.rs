//! The loop: events in, actions out.

mod act;
mod cut;
mod hear;
mod timers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use process_tree::Watchdog;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::build::{Building, Built};
use crate::generation::{Generation, News};
use crate::plan::{How, Plan};
use crate::proxy::Proxy;
use crate::refusal::Refusal;
use crate::report::Report;
use crate::shelf::Shelf;
use crate::socket::{self, Chosen, Owned, Way};
use crate::sources::{Changes, Sources};
use crate::supervisor::{Event, Rules, Supervisor};
use crate::tmp_dir::TmpDir;

use self::timers::Timers;

/// Everything that the loop hears of.
#[derive(Debug)]
enum Happening {
    Changes(Changes),
    Built(u32, Built),
    /// There is a copy of this version's program.
    Copied(u32),
    News(u32, News),
    /// A signal that asks to end.
    Asked,
}

/// Why the loop goes on, or does not.
type Verdict = Result<bool, Refusal>;

/// Runs the plan until a signal ends it.
pub(crate) fn run(plan: Plan) -> Result<(), Refusal> {
    let mut runner = Runner::open(plan)?;
    let end = runner.follow();
    runner.close();
    end
}

struct Runner {
    plan: Plan,
    report: Report,
    supervisor: Supervisor,
    chosen: Chosen,
    owned: Arc<Owned>,
    proxy: Option<Proxy>,
    watchdog: Option<Watchdog>,
    sources: Option<Arc<Sources>>,
    tmp_dir: TmpDir,
    shelf: Shelf,
    building: Option<Building>,
    /// The newest version that was built, and its program.
    newest: Option<(u32, PathBuf)>,
    generations: BTreeMap<u32, Generation>,
    /// Why the last build failed, for a message.
    failure: String,
    /// How the servers ended that nothing was said of yet.
    endings: BTreeMap<u32, String>,
    /// The next start is `rerun_cmd`'s.
    reruns: bool,
    said_way: bool,
    said_cut: bool,
    timers: Timers,
    sender: Sender<Happening>,
    happenings: Receiver<Happening>,
}

impl Runner {
    fn open(plan: Plan) -> Result<Runner, Refusal> {
        let report = Report::new(plan.style.clone(), plan.root.clone());
        for note in &plan.notes {
            report.main(note);
        }
        for warning in &plan.warnings {
            report.warning(warning);
        }
        let tmp_dir = TmpDir::make(&plan).map_err(|error| {
            Refusal::unfit(format!("the folder `{}` cannot be made: {error}", plan.tmp.display()))
        })?;
        let chosen = socket::choose(&plan.sockets);
        let owned = Arc::new(Owned::default());
        let mut proxy = None;
        if chosen.way != Way::Plain {
            for &address in &plan.sockets.addresses {
                owned.own(address).map_err(|error| refused(address, &error))?;
            }
        }
        if chosen.way == Way::Proxy {
            proxy = Some(start_proxy(&owned)?);
        }
        let (sender, happenings) = mpsc::channel();
        if let Err(error) = process_tree::adopt_orphans() {
            report.warning(&format!("processes that detach themselves may be left behind: {error}"));
        }
        let watchdog = Watchdog::start().inspect_err(|error| {
            report.warning(&format!("nobody ends the server if hotrun is killed: {error}"));
        });
        listen_to_signals(sender.clone())?;
        let rules = Rules {
            builds: !matches!(plan.build.how, How::Nothing),
            stop_on_error: plan.build.stop_on_error,
            rerun: plan.rerun.is_some(),
        };
        Ok(Runner {
            supervisor: Supervisor::new(rules),
            tmp_dir,
            shelf: Shelf::new(plan.tmp.join("kept")),
            plan,
            report,
            chosen,
            owned,
            proxy,
            watchdog: watchdog.ok(),
            sources: None,
            building: None,
            newest: None,
            generations: BTreeMap::new(),
            failure: String::new(),
            endings: BTreeMap::new(),
            reruns: false,
            said_way: false,
            said_cut: false,
            timers: Timers::default(),
            sender,
            happenings,
        })
    }

    /// Hears and acts until everything is over.
    fn follow(&mut self) -> Result<(), Refusal> {
        let changes = self.sender.clone();
        let tell = move |files| drop(changes.send(Happening::Changes(files)));
        let sources = Sources::open(&self.plan, tell)
            .map_err(|error| Refusal::unfit(format!("sources cannot be watched: {error}")))?;
        self.sources = Some(Arc::new(sources));
        if !self.apply(Event::Changed)? {
            return Ok(());
        }
        loop {
            while let Some(event) = self.timers.due() {
                if !self.due(event)? {
                    return Ok(());
                }
            }
            let wait = self.timers.next().unwrap_or(Duration::from_hours(1));
            match self.happenings.recv_timeout(wait) {
                Ok(happening) => {
                    if !self.hear(happening)? {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Lets the supervisor decide, and does what it decides.
    fn apply(&mut self, event: Event) -> Verdict {
        for action in self.supervisor.on(event) {
            if !self.act(action)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Leaves nothing behind.
    fn close(&mut self) {
        self.sources = None;
        if let Some(building) = self.building.take() {
            building.cancel();
        }
        for generation in self.generations.values() {
            generation.kill();
        }
        process_tree::sweep();
        self.shelf.clear();
        if self.plan.clean_on_exit && self.tmp_dir.clean() {
            let folder = self.report.name(&self.plan.tmp);
            self.report.main(&format!("`{folder}` is not empty and stays: hotrun deletes only what it made"));
        }
    }
}

fn refused(address: std::net::SocketAddr, error: &std::io::Error) -> Refusal {
    match socket::holder(address) {
        Some(holder) => Refusal::held(format!(
            "`{address}` is held by `{}` (process {}): end that, or give another `[socket] address`",
            holder.name, holder.pid
        )),
        None if error.kind() == std::io::ErrorKind::AddrInUse => Refusal::held(format!(
            "`{address}` is held by another program: end that, or give another `[socket] address`"
        )),
        None => Refusal::unfit(format!("`{address}` cannot be bound: {error}")),
    }
}

fn start_proxy(owned: &Owned) -> Result<Proxy, Refusal> {
    let refuse = |error| Refusal::unfit(format!("the proxy cannot be started: {error}"));
    let listener = owned.duplicates().map_err(refuse)?.into_iter().next();
    let listener = listener.ok_or_else(|| {
        Refusal::unfit("`[socket] way = \"proxy\"` needs an `address`, which the proxy is to listen on")
    })?;
    Proxy::start(listener.into()).map_err(refuse)
}

fn listen_to_signals(sender: Sender<Happening>) -> Result<(), Refusal> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Refusal::unfit(format!("signals cannot be caught: {error}")))?;
    let hear = move || {
        for _ in signals.forever() {
            if sender.send(Happening::Asked).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("signals".to_owned()).spawn(hear);
    started.map(drop).map_err(|error| Refusal::unfit(format!("signals cannot be caught: {error}")))
}
