//! The queue of log lines, and the thread that writes them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for a slow writer. Further lines are dropped.
const LINES: usize = 8192;

/// Bytes that are written at once while lines come faster than they are written.
const BATCH: usize = 16 * 1024;

/// Starts the thread that writes to `writer`.
pub(crate) fn start(writer: impl Write + Send + 'static) -> (Queue, Counts, WorkerGuard) {
    let totals = Arc::new(Totals::default());
    let batches =
        Batches { writer, totals: Arc::clone(&totals), buffer: Vec::with_capacity(BATCH), lines: 0 };
    let (writer, worker) =
        NonBlockingBuilder::default().buffered_lines_limit(LINES).thread_name("log").finish(batches);
    let counts = Counts { totals, dropped: writer.error_counter() };
    (Queue { writer, counts: counts.clone() }, counts, worker)
}

/// The lines that wait for the writing thread. Writing to it never blocks.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    writer: NonBlocking,
    counts: Counts,
}

/// Numbers of lines that were written and lost.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    totals: Arc<Totals>,
    dropped: ErrorCounter,
}

#[derive(Debug, Default)]
struct Totals {
    sent: AtomicU64,
    written: AtomicU64,
    refused: AtomicU64,
}

struct Batches<W> {
    writer: W,
    totals: Arc<Totals>,
    buffer: Vec<u8>,
    lines: u64,
}

impl Counts {
    /// Lines that were lost: too many waited, or the writer refused them.
    pub(crate) fn lost(&self) -> u64 {
        self.totals.refused.load(Ordering::SeqCst) + self.dropped.dropped_lines() as u64
    }

    /// Blocks until no line waits any more. Returns `false` if that takes longer than `limit`.
    pub(crate) fn flushed_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.totals.written.load(Ordering::SeqCst) + self.lost()
            < self.totals.sent.load(Ordering::SeqCst)
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
        self.counts.totals.sent.fetch_add(1, Ordering::SeqCst);
        self.writer.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(line);
        self.lines += 1;
        if self.buffer.len() >= BATCH {
            self.flush()?;
        }
        Ok(line.len())
    }

    /// A writer that refuses loses these lines. Later lines are written.
    fn flush(&mut self) -> io::Result<()> {
        let taken = self.writer.write_all(&self.buffer).and_then(|()| self.writer.flush());
        let count = if taken.is_ok() { &self.totals.written } else { &self.totals.refused };
        count.fetch_add(self.lines, Ordering::SeqCst);
        self.buffer.clear();
        self.lines = 0;
        Ok(())
    }
}
