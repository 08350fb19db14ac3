//! Writes to stdout and stderr, from several threads.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style as Look;
use rustix::fs::fstat;
use rustix::process::getpgrp;
use rustix::termios::{Winsize, tcgetpgrp, tcgetwinsize};

use crate::report::screen::{Screen, Source};

/// A stream of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    fn write(self, bytes: &[u8]) {
        let _ = match self {
            Stream::Out => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Stream::Err => io::stderr().lock().write_all(bytes),
        };
    }

    fn colors(self) -> ColorChoice {
        match self {
            Stream::Out => AutoStream::choice(&io::stdout()),
            Stream::Err => AutoStream::choice(&io::stderr()),
        }
    }
}

/// Writes all output. With a status line nothing else may write to the terminal.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// `None` without a status line.
    screen: Mutex<Option<Screen>>,
}

impl Printer {
    /// From now on there is a status line, if stderr is a terminal that can erase.
    pub(super) fn open_screen(&self) {
        let term = env::var_os("TERM").filter(|term| !term.is_empty() && term != "dumb");
        if io::stderr().is_terminal() && term.is_some() {
            *self.screen() = Some(Screen::default());
        }
    }

    /// Erases the status line for good.
    pub(super) fn close_screen(&self) {
        self.status(None, Look::new());
        *self.screen() = None;
    }

    pub(super) fn has_screen(&self) -> bool {
        self.screen().is_some()
    }

    /// Writes with colours if the stream is to have them.
    pub(super) fn write(&self, stream: Stream, source: Source, bytes: &[u8]) {
        let mut colored = AutoStream::new(Vec::new(), stream.colors());
        let _ = colored.write_all(bytes);
        self.pass_on(stream, source, &colored.into_inner());
    }

    /// Writes these bytes as they are.
    pub(super) fn pass_on(&self, stream: Stream, source: Source, bytes: &[u8]) {
        let mut screen = self.screen();
        match &mut *screen {
            Some(screen) if stream == Stream::Err || is_one_terminal() => {
                screen.fit(visible_columns());
                stream.write(&screen.write(source, bytes));
            }
            _ => stream.write(bytes),
        }
    }

    /// Writes a control sequence to stderr that empties it.
    pub(super) fn clear(&self, sequence: &str) {
        match &mut *self.screen() {
            Some(screen) => {
                screen.fit(visible_columns());
                Stream::Err.write(screen.clear(sequence).as_bytes());
            }
            None => Stream::Err.write(sequence.as_bytes()),
        }
    }

    /// Sets the words of the status line.
    pub(super) fn status(&self, words: Option<&str>, look: Look) {
        if let Some(screen) = &mut *self.screen() {
            screen.fit(visible_columns());
            let is_colored = Stream::Err.colors() != ColorChoice::Never;
            let look = if is_colored { look } else { Look::new() };
            Stream::Err.write(screen.status(words, look).as_bytes());
        }
    }

    /// Draws the status line again, for the width that the terminal has now.
    pub(super) fn redraw(&self) {
        if let Some(screen) = &mut *self.screen() {
            screen.fit(visible_columns());
            Stream::Err.write(screen.redraw().as_bytes());
        }
    }

    /// Erases the status line until something is written.
    pub(super) fn hide(&self) {
        if let Some(screen) = &mut *self.screen() {
            screen.fit(0);
            Stream::Err.write(screen.redraw().as_bytes());
        }
    }

    fn screen(&self) -> MutexGuard<'_, Option<Screen>> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Size of the terminal; `None` if stderr is no terminal.
pub(crate) fn size() -> Option<Winsize> {
    let stderr = io::stderr();
    if stderr.is_terminal() { tcgetwinsize(&stderr).ok() } else { None }
}

/// The columns for a status line. None in the background, where a shell writes its prompt, and on a terminal of one or two rows.
fn visible_columns() -> usize {
    let is_in_front = tcgetpgrp(io::stderr()).is_ok_and(|group| group == getpgrp());
    match size().filter(|_| is_in_front) {
        Some(Winsize { ws_row: 1 | 2, .. }) | None => 0,
        // Some terminals do not say it.
        Some(Winsize { ws_col: 0, .. }) => 80,
        Some(size) => size.ws_col.into(),
    }
}

/// True if stdout and stderr are the same terminal.
pub(crate) fn is_one_terminal() -> bool {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let same = |(out, err): (rustix::fs::Stat, rustix::fs::Stat)| out.st_rdev == err.st_rdev;
    stdout.is_terminal()
        && stderr.is_terminal()
        && fstat(&stdout).ok().zip(fstat(&stderr).ok()).is_some_and(same)
}
