//! Passes the output of a program on.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, PipeReader, Read};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::pseudo_terminal::PseudoTerminal;
use crate::report::{Report, Source, Stream, is_one_terminal, new_source, size};

/// A longer line is passed on in parts, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Upper bound on the wait for the rest of the output, once no process is left that writes.
const REST: Duration = Duration::from_secs(1);

/// The same while hotrun goes on.
const REST_OF_ONE: Duration = Duration::from_millis(100);

/// After this time without output, a line on a terminal that has no end yet is passed on.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The threads that read the output of a program's servers.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// For each server: each of its threads holds a sender. Nothing is sent.
    closed: BTreeMap<u32, Receiver<()>>,
    terminals: Vec<Weak<PseudoTerminal>>,
}

impl Output {
    /// The ends of two pipes for stdout and stderr of a server. Its lines are passed on until both are closed.
    pub(super) fn pipes(&mut self, server: u32, report: &Report) -> io::Result<(OwnedFd, OwnedFd)> {
        let open = self.open(server);
        let pipe = |stream| {
            let (reader, writer) = io::pipe()?;
            let report = report.clone();
            read(&open, move || pass_lines_on(reader, stream, &report))?;
            Ok(writer.into())
        };
        pipe(Stream::Out).and_then(|out| Ok((out, pipe(Stream::Err)?)))
    }

    /// A terminal for a server, for each of its streams that would go to hotrun's. All output on it is passed on there.
    pub(super) fn terminal(&mut self, server: u32, report: &Report) -> io::Result<(OwnedFd, OwnedFd)> {
        let size = size().ok_or(ErrorKind::NotConnected)?;
        let (terminal, err) = PseudoTerminal::open(size)?;
        let terminal = Arc::new(terminal);
        self.terminals.retain(|terminal| terminal.strong_count() > 0);
        self.terminals.push(Arc::downgrade(&terminal));
        let report = report.clone();
        let source = new_source();
        read(&self.open(server), move || pass_bytes_on(&terminal, source, &report))?;
        let out =
            if is_one_terminal() { err.try_clone()? } else { io::stdout().as_fd().try_clone_to_owned()? };
        Ok((out, err))
    }

    /// The terminal of hotrun has another size.
    pub(super) fn resize(&self) {
        if let Some(size) = size() {
            self.terminals.iter().filter_map(Weak::upgrade).for_each(|terminal| terminal.resize(size));
        }
    }

    /// Waits until everything is passed on that this server has written.
    pub(super) fn finish(&mut self, server: u32) {
        if let Some(closed) = self.closed.remove(&server) {
            // Ends with an error: nothing is sent.
            let _ = closed.recv_timeout(REST_OF_ONE);
        }
    }

    /// The same for all servers.
    pub(super) fn finish_all(&mut self) {
        let end = Instant::now() + REST;
        for closed in mem::take(&mut self.closed).into_values() {
            let _ = closed.recv_timeout(end.saturating_duration_since(Instant::now()));
        }
    }

    fn open(&mut self, server: u32) -> Sender<()> {
        let (open, closed) = mpsc::channel();
        self.closed.insert(server, closed);
        open
    }
}

/// Reads on a thread that is known to live as long as it holds `open`.
fn read(open: &Sender<()>, read: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let open = open.clone();
    let started = thread::Builder::new().name("output".to_owned()).spawn(move || {
        read();
        drop(open);
    });
    started.map(drop)
}

fn pass_lines_on(pipe: PipeReader, stream: Stream, report: &Report) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => report.line_of_program(stream, &line),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Passes lines on at once, and a line without an end after a pause: a piece of one is often only the end of a buffer.
fn pass_bytes_on(terminal: &PseudoTerminal, source: Source, report: &Report) {
    let mut rest = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if !rest.is_empty() {
            let mut asked = [PollFd::new(terminal.output(), PollFlags::IN)];
            if let Ok(0) = poll(&mut asked, Some(&PAUSE)) {
                report.of_server(source, &mem::take(&mut rest));
            }
        }
        match rustix::io::read(terminal.output(), &mut buffer) {
            Err(error) if error == rustix::io::Errno::INTR => {}
            Ok(0) | Err(_) => break,
            Ok(count) => {
                rest.extend_from_slice(&buffer[..count]);
                let whole = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let whole = if rest.len() > buffer.len() { rest.len() } else { whole };
                if whole > 0 {
                    report.of_server(source, &rest[..whole]);
                    rest.drain(..whole);
                }
            }
        }
    }
    if !rest.is_empty() {
        report.of_server(source, &rest);
    }
}
