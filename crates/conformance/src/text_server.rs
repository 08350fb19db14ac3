//! An HTTP server with one text, for tests of clients.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A server on a loopback port, with one text at every path. It ends when this is dropped.
#[derive(Debug)]
pub struct TextServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The way in which a [`TextServer`] answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// With the text and an `ETag`; with 304 if the client has it.
    Text,
    /// The same, but it waits up to 20 s for another text if the client has this one and asks to wait.
    LongPoll,
    /// With the text alone.
    Plain,
    /// With the text, to the client that sends this `Authorization`; to others with 401.
    Password(String),
    /// With this status and no body.
    Status(u16),
    /// With a redirect to this address.
    Redirect(String),
    /// With a body of 1 GB.
    Huge,
    /// With a body that never ends, one byte at a time.
    Endless,
    /// Not at all.
    Silent,
    /// With something else than HTTP.
    NotHttp,
    /// With half of the text.
    Half,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    text: Vec<u8>,
    version: u64,
    requests: Vec<String>,
}

/// The time after which a waiting connection looks for the end of the server.
const LOOK: Duration = Duration::from_millis(20);

impl TextServer {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(behaviour: Behaviour, text: &str) -> TextServer {
        TextServer::at(SocketAddr::from(([127, 0, 0, 1], 0)), behaviour, text)
    }

    /// Starts a server at an address.
    ///
    /// # Panics
    /// When it cannot be bound.
    pub fn at(address: SocketAddr, behaviour: Behaviour, text: &str) -> TextServer {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State { behaviour, text: text.into(), version: 1, requests: Vec::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for stream in listener.incoming().flatten() {
                    if serving.is_over() {
                        break;
                    }
                    let shared = &serving;
                    // A client that goes away in the middle is no failure.
                    scope.spawn(move || drop(shared.answer(&stream)));
                }
            });
        });
        TextServer { address, shared, thread: Some(thread) }
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT/NAME`.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Replaces the text.
    pub fn write(&self, text: &str) {
        let mut state = self.shared.state();
        state.text = text.into();
        state.version += 1;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Answers in another way from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.state().behaviour = behaviour;
        self.shared.changed.notify_all();
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }
}

impl Shared {
    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut head = String::new();
        let mut reader = BufReader::new(stream);
        while reader.read_line(&mut head)? > 2 {}
        let mut state = self.state();
        state.requests.push(head.to_lowercase());
        if state.behaviour == Behaviour::LongPoll {
            let asks = head.to_lowercase().contains("prefer: wait=");
            let etag = format!("\"{}\"", state.version);
            let mut left = 1_000;
            while asks
                && head.contains(&etag)
                && format!("\"{}\"", state.version) == etag
                && left > 0
                && !self.is_over()
            {
                state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
                left -= 1;
            }
        }
        let State { behaviour, text, version, .. } = &*state;
        let (behaviour, text, version) = (behaviour.clone(), text.clone(), *version);
        drop(state);
        let mut out = stream;
        let etag = format!("etag: \"{version}\"\r\n");
        let applied = "preference-applied: wait=20\r\n";
        match behaviour {
            Behaviour::Text | Behaviour::LongPoll if head.contains(&format!("\"{version}\"")) => {
                let applied = if behaviour == Behaviour::LongPoll { applied } else { "" };
                write!(out, "HTTP/1.1 304 Not Modified\r\n{etag}{applied}\r\n")
            }
            Behaviour::Text => body(out, &etag, &text),
            Behaviour::LongPoll => body(out, &format!("{etag}{applied}"), &text),
            Behaviour::Plain => body(out, "", &text),
            Behaviour::Password(expected) if head.contains(&expected) => body(out, &etag, &text),
            Behaviour::Password(_) => write!(out, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"),
            Behaviour::Status(status) => write!(out, "HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n"),
            Behaviour::Redirect(to) => {
                write!(out, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
            }
            Behaviour::Huge => {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")?;
                let part = vec![b'#'; 65_536];
                (0..15_000).try_for_each(|_| out.write_all(&part))
            }
            Behaviour::Endless => {
                write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                while !self.is_over() {
                    write!(out, "1\r\n#\r\n")?;
                    thread::sleep(LOOK);
                }
                Ok(())
            }
            Behaviour::Silent => {
                while !self.is_over() && self.state().behaviour == Behaviour::Silent {
                    thread::sleep(LOOK);
                }
                Ok(())
            }
            Behaviour::NotHttp => write!(out, "220 mail.example ESMTP\r\n"),
            Behaviour::Half => {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len())?;
                out.write_all(&text[..text.len() / 2])
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for TextServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        // It wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn body(mut out: &TcpStream, headers: &str, text: &[u8]) -> std::io::Result<()> {
    write!(out, "HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", text.len())?;
    out.write_all(text)
}
