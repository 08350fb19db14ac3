//! What `/events` says, byte by byte, and to whom.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
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

/// How many events a client may be behind before it is cut.
const BACKLOG: usize = 64;

/// How long a client waits before it comes back after `bye`, in milliseconds.
const RETRY_MILLIS: u32 = 250;

/// How often a client hears something. A write is what finds out that a client is gone.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(15);

/// How long after its half-close a client is written to once more. One that is gone resets the connection at the first
/// write, so the second one fails.
const PROBE: Duration = Duration::from_secs(1);

const HEARTBEAT: &[u8] = b": still here\n\n";

/// Where a problem comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Config,
    Templates,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Source::Config => "config",
            Source::Templates => "templates",
        }
    }
}

/// The sender of events: one for all clients.
pub(crate) struct Events {
    state: Mutex<State>,
    sender: broadcast::Sender<Frame>,
}

#[derive(Default)]
struct State {
    problems: BTreeMap<Source, Frame>,
}

/// One event, framed once for everyone.
#[derive(Clone)]
struct Frame {
    /// What a client on this machine reads.
    local: Bytes,
    /// What the others read.
    public: Bytes,
}

impl Frame {
    fn same(bytes: Bytes) -> Self {
        Self { local: bytes.clone(), public: bytes }
    }

    fn face(&self, local: bool) -> Bytes {
        if local { self.local.clone() } else { self.public.clone() }
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
        self.send(Frame::same(frame("config", &Data { generation, changed })));
    }

    /// An accepted set of templates.
    pub(crate) fn template(&self, changed: &[String]) {
        #[derive(Serialize)]
        struct Data<'a> {
            changed: &'a [String],
        }
        self.send(Frame::same(frame("template", &Data { changed })));
    }

    /// A rejected edit, in the words for the owner and in those for everyone.
    pub(crate) fn problem(&self, source: Source, message: &str, public: &str) {
        let frame = Frame { local: problem_frame(source, message), public: problem_frame(source, public) };
        let mut state = self.state();
        state.problems.insert(source, frame.clone());
        let _ = self.sender.send(frame);
    }

    /// What was rejected last is mended. Says nothing if there was no problem.
    pub(crate) fn solved(&self, source: Source) {
        let mut state = self.state();
        if state.problems.remove(&source).is_some() {
            let data = BTreeMap::from([("source", source.as_str())]);
            let _ = self.sender.send(Frame::same(frame("solved", &data)));
        }
    }

    /// One client's stream: `hello`, the problems that are open, then what happens, until `drain` resolves.
    pub(crate) fn stream(
        &self,
        hello: Bytes,
        local: bool,
        drain: DrainListener,
        half_closed: Option<Arc<Notify>>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<> {
        let state = self.state();
        let mut waiting = VecDeque::from([hello]);
        waiting.extend(state.problems.values().map(|problem| problem.face(local)));
        let client = Client {
            waiting,
            over: false,
            receiver: self.sender.subscribe(),
            drain,
            half_closed,
            probing: false,
            local,
        };
        stream::unfold(client, |mut client| async move {
            let bytes = client.next().await?;
            Some((Ok(bytes), client))
        })
    }

    fn send(&self, frame: Frame) {
        let _state = self.state();
        let _ = self.sender.send(frame);
    }

    /// Held while sending, so that a client that subscribes meanwhile neither misses an event nor sees it twice.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first event of every stream.
pub(crate) fn hello(instance: &str, build: &str, generation: u64) -> Bytes {
    #[derive(Serialize)]
    struct Data<'a> {
        instance: &'a str,
        build: &'a str,
        generation: u64,
    }
    frame("hello", &Data { instance, build, generation })
}

/// The last event of a stream: where to go on, or nowhere in particular.
pub(crate) fn bye(location: Option<SocketAddr>) -> Bytes {
    let location = location.map_or_else(String::new, |address| format!("http://{address}/"));
    let data = serde_json::json!({ "location": location });
    Bytes::from(format!("event: bye\nretry: {RETRY_MILLIS}\ndata: {data}\n\n"))
}

struct Client {
    waiting: VecDeque<Bytes>,
    over: bool,
    receiver: broadcast::Receiver<Frame>,
    drain: DrainListener,
    half_closed: Option<Arc<Notify>>,
    /// The client may be gone: one more write will show it.
    probing: bool,
    local: bool,
}

impl Client {
    /// The next bytes; none when the server said good-bye, or when the client is too far behind to be told all.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.waiting.pop_front() {
            return Some(bytes);
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
            Err(_) => Some(Bytes::from_static(HEARTBEAT)),
            Ok(Either::Left((Either::Left((frame, _)), _))) => Some(frame.ok()?.face(self.local)),
            Ok(Either::Left((Either::Right((location, _)), _))) => {
                self.over = true;
                Some(bye(location))
            }
            Ok(Either::Right(_)) => {
                self.probing = true;
                Some(Bytes::from_static(HEARTBEAT))
            }
        }
    }
}

fn problem_frame(source: Source, message: &str) -> Bytes {
    #[derive(Serialize)]
    struct Data<'a> {
        source: &'static str,
        message: &'a str,
    }
    frame("problem", &Data { source: source.as_str(), message })
}

/// JSON has no raw line end, so an event is always one `data:` line.
fn frame(event: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("strings and numbers are always JSON");
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}
