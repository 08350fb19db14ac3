//! The events of `/events`, and their clients.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    Stream,
    future::{Either, pending, select},
    stream,
};
use serde::Serialize;
use tokio::{
    sync::{Notify, broadcast},
    time,
};

use crate::drain_signal::DrainListener;

/// Number of events that a client may be behind before it is cut.
const BACKLOG: usize = 64;

/// Pause of a client after `bye` before it connects again.
const RETRY: Duration = Duration::from_millis(250);

/// The time between two writes to a client at most. Only a write shows that a client is gone.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(15);

/// Time after its half-close until a client is written to once more. One that is gone resets the connection at the first
/// write, so the second one fails.
const PROBE: Duration = Duration::from_secs(1);

/// One item of the stream of `/events`. A framework's type for server-sent events writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An event with its name and its data, which is JSON and one line.
    Message(&'static str, Arc<str>),
    /// Pause of a client before it connects again.
    Retry(Duration),
    /// A comment.
    Heartbeat,
}

/// The source of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Config,
    Templates,
    #[cfg(feature = "plugins")]
    Plugins,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Source::Config => "config",
            Source::Templates => "templates",
            #[cfg(feature = "plugins")]
            Source::Plugins => "plugins",
        }
    }
}

/// The sender of events: one for all clients.
pub(crate) struct Events {
    state: Mutex<State>,
    sender: broadcast::Sender<Addressed>,
}

#[derive(Default)]
struct State {
    problems: BTreeMap<Source, Addressed>,
}

/// One event, serialized once for all clients.
#[derive(Clone)]
struct Addressed {
    /// For a client on this machine.
    local: Event,
    /// For the other clients.
    public: Event,
}

impl Addressed {
    fn to_all(event: Event) -> Self {
        Self { local: event.clone(), public: event }
    }

    fn for_client(&self, is_local: bool) -> Event {
        if is_local { self.local.clone() } else { self.public.clone() }
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), sender: broadcast::Sender::new(BACKLOG) }
    }

    /// An accepted configuration.
    pub(crate) fn config(&self, generation: u64, changed: &[&str]) {
        #[derive(Serialize)]
        struct Data<'a> {
            generation: u64,
            changed: &'a [&'a str],
        }
        self.send(Addressed::to_all(message("config", &Data { generation, changed })));
    }

    /// An accepted set of templates.
    pub(crate) fn template(&self, changed: &[String]) {
        #[derive(Serialize)]
        struct Data<'a> {
            changed: &'a [String],
        }
        self.send(Addressed::to_all(message("template", &Data { changed })));
    }

    /// A rejected edit, in the words for the owner and in those for everyone.
    pub(crate) fn problem(&self, source: Source, message: &str, public: &str) {
        let event =
            Addressed { local: problem_event(source, message), public: problem_event(source, public) };
        let mut state = self.state();
        state.problems.insert(source, event.clone());
        let _ = self.sender.send(event);
    }

    /// The last rejected edit is mended. Says nothing if there was no problem.
    pub(crate) fn solved(&self, source: Source) {
        let mut state = self.state();
        if state.problems.remove(&source).is_some() {
            let data = BTreeMap::from([("source", source.as_str())]);
            let _ = self.sender.send(Addressed::to_all(message("solved", &data)));
        }
    }

    /// One client's stream: `hello`, the problems that are open, then what happens, until `drain` resolves.
    pub(crate) fn stream(
        &self,
        hello: Event,
        is_local: bool,
        drain: DrainListener,
        half_closed: Option<Arc<Notify>>,
    ) -> impl Stream<Item = Event> + Send + Sync + use<> {
        let state = self.state();
        let mut waiting = VecDeque::from([hello]);
        waiting.extend(state.problems.values().map(|problem| problem.for_client(is_local)));
        let client = Client {
            waiting,
            over: false,
            receiver: self.sender.subscribe(),
            drain,
            half_closed,
            probing: false,
            is_local,
        };
        stream::unfold(client, |mut client| async move {
            let event = client.next().await?;
            Some((event, client))
        })
    }

    fn send(&self, event: Addressed) {
        let _state = self.state();
        let _ = self.sender.send(event);
    }

    /// Held while sending, so that a client that subscribes meanwhile neither misses an event nor sees it twice.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first event of every stream.
pub(crate) fn hello(instance: &str, build: &str, generation: u64) -> Event {
    #[derive(Serialize)]
    struct Data<'a> {
        instance: &'a str,
        build: &'a str,
        generation: u64,
    }
    message("hello", &Data { instance, build, generation })
}

/// The last event of a stream: where the client goes on. An empty location stands for the same address.
pub(crate) fn bye(location: Option<SocketAddr>) -> Event {
    let location = location.map_or_else(String::new, |address| format!("http://{address}/"));
    message("bye", &BTreeMap::from([("location", location)]))
}

struct Client {
    waiting: VecDeque<Event>,
    over: bool,
    receiver: broadcast::Receiver<Addressed>,
    drain: DrainListener,
    half_closed: Option<Arc<Notify>>,
    /// The client may be gone: one more write will show it.
    probing: bool,
    is_local: bool,
}

impl Client {
    /// The next event; none after `bye`, or when the client is more than [`BACKLOG`] events behind.
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.waiting.pop_front() {
            return Some(event);
        }
        if self.over {
            return None;
        }
        let period = if std::mem::take(&mut self.probing) { PROBE } else { HEARTBEAT_PERIOD };
        let half_closed = self.half_closed.clone();
        let half_closed = pin!(async {
            match half_closed {
                Some(half_closed) => half_closed.notified().await,
                None => pending().await,
            }
        });
        let (event, drained) = (pin!(self.receiver.recv()), pin!(self.drain.drained()));
        let happens = pin!(select(event, drained));
        match time::timeout(period, select(happens, half_closed)).await {
            Err(_) => Some(Event::Heartbeat),
            Ok(Either::Left((Either::Left((event, _)), _))) => Some(event.ok()?.for_client(self.is_local)),
            Ok(Either::Left((Either::Right((location, _)), _))) => {
                self.over = true;
                self.waiting.push_back(bye(location));
                Some(Event::Retry(RETRY))
            }
            Ok(Either::Right(_)) => {
                self.probing = true;
                Some(Event::Heartbeat)
            }
        }
    }
}

fn problem_event(source: Source, text: &str) -> Event {
    #[derive(Serialize)]
    struct Data<'a> {
        source: &'static str,
        message: &'a str,
    }
    message("problem", &Data { source: source.as_str(), message: text })
}

/// JSON has no raw line end, so the data is always one line.
fn message(name: &'static str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).expect("strings and numbers are always JSON");
    Event::Message(name, data.into())
}
