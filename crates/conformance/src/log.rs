//! The stderr of a server, line by line.

use crate::{Failed, wait_for};
use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// The lines of a server's stderr so far. A thread reads them at once, so that the server never waits for its reader.
#[derive(Debug)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Log {
        let lines = Arc::default();
        let reader = thread::spawn({
            let lines = Arc::clone(&lines);
            move || read_lines(stream, &lines)
        });
        Log { lines, reader: Some(reader) }
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines so far as one text.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits for a line that the predicate accepts; earlier lines count. `what` names it in a failure.
    pub fn wait_for_log(&self, what: &str, predicate: impl Fn(&str) -> bool) -> Result<String, Failed> {
        wait_for(what, || self.lines().into_iter().find(|line| predicate(line)))
    }

    /// Waits for the end of the stream, which comes when the process has ended.
    pub(crate) fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read_lines(stream: impl Read, lines: &Mutex<Vec<String>>) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
