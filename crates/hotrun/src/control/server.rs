//! hotrun's end of the socket.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::control::folder;
use crate::control::request::Call;
use crate::job;
use crate::journal::{self, Event, Record, RequestResult};

/// Upper bound on the wait for a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Upper bound on the length of a request, in bytes.
const LONGEST: u64 = 4096;

/// The pause after a connection could not be accepted, for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket(PathBuf);

impl ControlSocket {
    /// Listens for requests about the project with this root. `tell` is called on other threads.
    ///
    /// # Errors
    ///
    /// There is no folder for the socket, or no thread.
    pub(crate) fn open(root: &Path, tell: impl Fn(Call) + Clone + Send + 'static) -> io::Result<Self> {
        let folder = folder::folder()?;
        folder::remove_stale(&folder);
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let path = folder.join(folder::name(&root, process::id()));
        // One of an earlier process with this number.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        let socket = Self(path);
        let serve = move || {
            for stream in listener.incoming() {
                match stream {
                    Ok(stream) => {
                        let _ = job::start("control", (stream, tell.clone()), |(stream, tell)| {
                            let _ = answer(&stream, tell);
                        });
                    }
                    Err(_) => thread::sleep(PAUSE),
                }
            }
        };
        thread::Builder::new().name("control".to_owned()).spawn(serve)?;
        Ok(socket)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Reads one request, and writes the lines of its answer as they come.
fn answer(mut stream: &UnixStream, tell: impl Fn(Call)) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    let request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let words = format!("not understood: {error}; expected a line such as {{\"do\":\"status\"}}");
            let refusal = RequestResult { usage: true, ..RequestResult::failed(words, String::new()) };
            return writeln!(stream, "{}", Record::now(None, Event::Result(refusal)).line());
        }
    };
    let (answer, lines) = mpsc::sync_channel::<String>(journal::QUEUE);
    tell(Call { request, answer });
    for line in lines {
        writeln!(stream, "{line}")?;
    }
    Ok(())
}
