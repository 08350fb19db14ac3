//! Where log lines wait, and the thread that writes them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for a slow writer; further ones are dropped.
const LINES: usize = 8192;

/// Bytes that are written in one go while lines come faster than they are written.
const BATCH: usize = 16 * 1024;

/// Starts the thread that writes to `writer`.
pub(crate) fn start(writer: impl Write + Send + 'static) -> (Queue, Tally, WorkerGuard) {
    let counts = Arc::new(Counts::default());
    let sink = Sink { writer, counts: Arc::clone(&counts), buffer: Vec::with_capacity(BATCH), lines: 0 };
    let (writer, worker) =
        NonBlockingBuilder::default().buffered_lines_limit(LINES).thread_name("log").finish(sink);
    let tally = Tally { counts, dropped: writer.error_counter() };
    (Queue { writer, tally: tally.clone() }, tally, worker)
}

/// Where lines wait for the writing thread. Writing to it never waits.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    writer: NonBlocking,
    tally: Tally,
}

/// What became of the lines.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    counts: Arc<Counts>,
    dropped: ErrorCounter,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    written: AtomicU64,
    refused: AtomicU64,
}

struct Sink<W> {
    writer: W,
    counts: Arc<Counts>,
    buffer: Vec<u8>,
    lines: u64,
}

impl Tally {
    /// Lines that no writer took: dropped because too many waited, or refused.
    pub(crate) fn lost(&self) -> u64 {
        self.counts.refused.load(Ordering::SeqCst) + self.dropped.dropped_lines() as u64
    }

    /// Waits until no line waits any more; `false` when that takes longer than `patience`.
    pub(crate) fn settles_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.counts.written.load(Ordering::SeqCst) + self.lost()
            < self.counts.sent.load(Ordering::SeqCst)
        {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Queue;

    fn make_writer(&'a self) -> Queue {
        self.clone()
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.tally.counts.sent.fetch_add(1, Ordering::SeqCst);
        self.writer.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(line);
        self.lines += 1;
        if self.buffer.len() >= BATCH {
            self.flush()?;
        }
        Ok(line.len())
    }

    /// A writer that refuses loses these lines, never the ones after them.
    fn flush(&mut self) -> io::Result<()> {
        let taken = self.writer.write_all(&self.buffer).and_then(|()| self.writer.flush());
        let count = if taken.is_ok() { &self.counts.written } else { &self.counts.refused };
        count.fetch_add(self.lines, Ordering::SeqCst);
        self.buffer.clear();
        self.lines = 0;
        Ok(())
    }
}
