//! Passes the output of a program on, line by line, with the program's name.

use std::io::{self, BufRead, BufReader, ErrorKind, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::report::{Report, Stream};

/// A longer line is passed on in parts, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Upper bound on the wait for the rest of the output, once no process is left that writes.
const REST: Duration = Duration::from_secs(1);

/// The threads that read the output of a program's servers.
#[derive(Debug)]
pub(super) struct Output {
    /// Each thread holds one. Nothing is sent.
    open: Option<Sender<()>>,
    closed: Receiver<()>,
}

impl Output {
    pub(super) fn new() -> Self {
        let (open, closed) = mpsc::channel();
        Self { open: Some(open), closed }
    }

    /// The ends of two pipes for stdout and stderr of a server. Their lines are printed until both are closed.
    pub(super) fn pipes(&self, report: &Report) -> io::Result<(OwnedFd, OwnedFd)> {
        Ok((self.pipe(Stream::Out, report)?, self.pipe(Stream::Err, report)?))
    }

    fn pipe(&self, stream: Stream, report: &Report) -> io::Result<OwnedFd> {
        let (reader, writer) = io::pipe()?;
        let (report, open) = (report.clone(), self.open.clone());
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            pass_on(reader, stream, &report);
            drop(open);
        })?;
        Ok(writer.into())
    }

    /// Waits until everything is printed that was written.
    pub(super) fn finish(&mut self) {
        self.open = None;
        // Ends with an error: nothing is sent.
        let _ = self.closed.recv_timeout(REST);
    }
}

fn pass_on(pipe: PipeReader, stream: Stream, report: &Report) {
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
