//! One server, from its start to its end.

mod departure;
mod readiness;
mod server_event;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Child as Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use intercept::{Address, Interceptor, Listeners, Spec};
use process_tree::ProcessTree;

use crate::drain::Drain;
use crate::idle::Owed;
use crate::notify_socket::NotifySocket;
use crate::plan::Plan;
use crate::probe::{Probe, Question};
use crate::proxy::UnderWay;
use crate::socket_mode::{Chosen, SocketMode};

pub(crate) use crate::generation::readiness::Readiness;
pub(crate) use crate::generation::server_event::ServerEvent;

/// A program may wait for connections (`epoll`) without a call that shows it. If there is no sign within this time after the
/// start, hotrun connects.
const SILENCE: Duration = Duration::from_millis(300);
/// Interval between two such connections.
const POKES: Duration = Duration::from_millis(200);

/// Upper bound on the end of a process after `SIGKILL`.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// A server to be started.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) spec: Spec,
    /// Its port behind the proxy.
    pub(crate) port: Option<SocketAddr>,
    pub(crate) under_way: Option<UnderWay>,
}

/// The state of a server that does not listen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// At the last look its processes waited for something.
    pub(crate) rests: bool,
    /// hotrun has said that it does not listen.
    pub(crate) is_said: bool,
    /// It became ready without an address, as a worker does.
    pub(crate) is_worker: bool,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) began: Instant,
    /// Its address behind the proxy.
    pub(crate) port: Option<SocketAddr>,
    /// The addresses at which it listens, on hotrun's sockets.
    pub(crate) addresses: Vec<Address>,
    /// The reason why no socket could be lent to it, if that was wanted.
    pub(crate) unfiltered: Option<String>,
    /// The answers that it owed when it was told to stop.
    pub(crate) owed: Owed,
    pub(crate) silence: Silence,
    tree: ProcessTree,
    /// It was told to stop.
    told: Arc<AtomicBool>,
    under_way: Option<UnderWay>,
    mode: SocketMode,
    path: Option<String>,
    drains_itself: bool,
    ready: bool,
    interceptor: Option<Arc<Interceptor>>,
    probe: Option<Probe>,
    drain: Option<Drain>,
    _notify_socket: Option<NotifySocket>,
}

impl Generation {
    /// Starts the server; `tell` is called on other threads.
    pub(crate) fn start(
        mut start: Start,
        plan: &Plan,
        chosen: &Chosen,
        owned: &Arc<Listeners>,
        tell: impl Fn(ServerEvent) + Clone + Send + 'static,
    ) -> io::Result<Generation> {
        let began = Instant::now();
        let notified = tell.clone();
        let notify_socket = NotifySocket::open(move || notified(ServerEvent::Notified)).ok();
        if let Some(notify_socket) = &notify_socket {
            start.spec.env.push(("NOTIFY_SOCKET".into(), notify_socket.address().into()));
        }
        let (started, starts) = mpsc::channel::<Process>();
        let ended = tell.clone();
        let told = Arc::new(AtomicBool::new(false));
        let (was_told, longest) = (Arc::clone(&told), plan.stop.kill_delay + AFTER_KILL);
        let wait = move || {
            let Ok(mut process) = starts.recv() else { return };
            let tree = ProcessTree::new(process.id());
            let status = process.wait();
            // A shell or another launcher may be gone at once, while the server below it finishes its requests.
            if was_told.load(Ordering::SeqCst) {
                tree.wait(longest);
            }
            tree.end();
            ended(ServerEvent::Ended(status));
        };
        // The thread starts before the program: a program that runs must be waited for.
        thread::Builder::new().name("wait".to_owned()).spawn(wait)?;
        let child = intercept::start(start.spec)?;
        let tree = ProcessTree::new(child.pid);
        let _ = started.send(child.process);
        let heard = tell.clone();
        let serve = |notify: OwnedFd| {
            Interceptor::serve(notify, Arc::clone(owned), move |what| heard(ServerEvent::Socket(what)))
        };
        let kill = |_: &io::Error| tree.signal(libc::SIGKILL, |_| true);
        let interceptor = child.notify.map(serve).transpose().inspect_err(kill)?.map(Arc::new);
        let mode = match chosen.mode {
            SocketMode::Bind if interceptor.is_none() => SocketMode::Plain,
            mode => mode,
        };
        let mut generation = Generation {
            began,
            port: start.port,
            under_way: start.under_way,
            addresses: Vec::new(),
            silence: Silence::default(),
            tree,
            mode,
            unfiltered: child.unfiltered,
            owed: Owed::default(),
            told,
            path: plan.ready.http.clone(),
            drains_itself: false,
            ready: false,
            interceptor,
            probe: None,
            drain: None,
            _notify_socket: notify_socket,
        };
        if let Some(question) = generation.question(&plan.sockets.addresses) {
            generation.probe =
                Some(Probe::ask(question, move || tell(ServerEvent::Answered)).inspect_err(kill)?);
        }
        Ok(generation)
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> ProcessTree {
        self.tree
    }

    /// The question that shows whether it is ready, if nothing else does.
    fn question(&self, given: &[SocketAddr]) -> Option<Question> {
        let path = self.path.clone();
        let every = None;
        match (self.mode, self.port.or(given.first().copied())) {
            (SocketMode::Proxy, Some(address)) => {
                Some(Question { address, path, tree: None, delay: Duration::ZERO, every })
            }
            (SocketMode::ListenFds | SocketMode::StopFirst, Some(address)) => {
                let tree = Some(self.tree);
                match path {
                    Some(_) => Some(Question { address, path, tree, delay: Duration::ZERO, every }),
                    None => Some(Question { address, path, tree, delay: SILENCE, every: Some(POKES) }),
                }
            }
            (SocketMode::Plain, Some(address)) => {
                Some(Question { address, path, tree: Some(self.tree), delay: Duration::ZERO, every })
            }
            _ => None,
        }
    }

    /// True if it counts as ready at once: there is no sign to wait for.
    pub(crate) fn is_ready_when_started(&self) -> bool {
        self.probe.is_none() && self.interceptor.is_none()
    }

    /// True if it has bound no port, although hotrun would have seen that.
    pub(crate) fn is_worker(&self) -> bool {
        self.mode == SocketMode::Bind && self.addresses.is_empty() && self.path.is_none()
    }

    /// True if it was taken for a worker, and has an address now.
    pub(crate) fn is_late_server(&self) -> bool {
        self.silence.is_worker && self.is_bound()
    }

    /// True if it has an address of hotrun's sockets.
    pub(crate) fn is_bound(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Takes in a call on its sockets. `Some` if that makes it ready.
    pub(crate) fn heard(
        &mut self,
        heard: &intercept::Event,
        tell: impl Fn(ServerEvent) + Send + 'static,
    ) -> Option<Readiness> {
        let (address, sign) = match heard {
            // A channel of the program's own, such as the one by which a demo hands over to its successor. No client connects to it.
            intercept::Event::Bound(Address::Abstract(_))
            | intercept::Event::Listening(Address::Abstract(_))
            | intercept::Event::Accepting(Address::Abstract(_)) => return None,
            intercept::Event::Bound(address) => {
                if !self.addresses.contains(address) {
                    self.addresses.push(address.clone());
                }
                return None;
            }
            intercept::Event::Listening(address) => (address, Readiness::Listens),
            intercept::Event::Accepting(address) => (address, Readiness::Accepts),
            _ => return None,
        };
        if !self.addresses.contains(address) {
            self.addresses.push(address.clone());
        }
        // A Unix socket is asked nothing.
        let Some(address) = address.tcp().filter(|_| self.path.is_some()) else {
            return self.becomes_ready(sign);
        };
        if self.probe.is_none() && !self.ready {
            let path = self.path.clone();
            let question =
                Question { address, path, tree: Some(self.tree), delay: Duration::ZERO, every: None };
            match Probe::ask(question, move || tell(ServerEvent::Answered)) {
                Ok(probe) => self.probe = Some(probe),
                // Without a thread there is no probe: a server that listens counts as ready.
                Err(_) => return self.becomes_ready(sign),
            }
        }
        None
    }

    /// It said `READY=1`.
    pub(crate) fn notified(&mut self) -> Option<Readiness> {
        self.drains_itself = true;
        if self.path.is_some() { None } else { self.becomes_ready(Readiness::Notified) }
    }

    /// `Some` if it was not ready before.
    pub(crate) fn becomes_ready(&mut self, sign: Readiness) -> Option<Readiness> {
        if self.ready {
            return None;
        }
        self.ready = true;
        self.silence.is_worker = self.is_worker();
        self.probe = None;
        Some(sign)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// True if a successor can start beside it.
    pub(crate) fn shares(&self) -> bool {
        match self.mode {
            SocketMode::ListenFds | SocketMode::Proxy => true,
            SocketMode::Bind => !self.addresses.is_empty(),
            SocketMode::StopFirst | SocketMode::Plain => false,
        }
    }

    /// True if it can be kept from new connections.
    pub(crate) fn holds(&self) -> bool {
        self.shares() && (self.interceptor.is_some() || self.port.is_some())
    }
}
