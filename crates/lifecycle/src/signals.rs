//! The signals of the process.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A signal that the server acts upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`: drain.
    Terminate,
    /// `SIGINT`, Ctrl-C: drain.
    Interrupt,
    /// `SIGHUP`: see [`Signals::hangup_means`].
    Hangup,
    /// `SIGUSR2`: upgrade.
    Upgrade,
}

/// The meaning of a `SIGHUP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// A reload.
    Reload,
    /// The end: the terminal on which the process was started is gone.
    Stop,
}

/// The signals of this process, as a stream that never ends.
///
/// From [`Signals::new`] on none of them kills the process. Two more signals that would kill it are ignored: `SIGUSR1`, and
/// `SIGXFSZ`, so that a write over the limit of file sizes returns an error.
#[derive(Debug)]
pub struct Signals {
    terminal: bool,
    streams: Streams,
}

impl Signals {
    /// Installs the handlers. Must be called on a tokio runtime.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals { terminal: has_terminal() && !ignores_hangup(), streams: Streams::new()? })
    }

    /// The next signal. Cancelling it loses none.
    pub async fn next(&mut self) -> Signal {
        self.streams.next().await
    }

    /// The meaning of a `SIGHUP` that arrives now. It is the end if the process was started on a terminal that is gone by now,
    /// otherwise a reload.
    ///
    /// A process that was started to ignore `SIGHUP` (`nohup`) counts as started without a terminal.
    pub fn hangup_means(&self) -> Hangup {
        meaning(self.terminal, has_terminal())
    }
}

fn meaning(terminal_at_start: bool, terminal_now: bool) -> Hangup {
    if terminal_at_start && !terminal_now { Hangup::Stop } else { Hangup::Reload }
}

/// True if the process has a terminal. When a terminal hangs up, the kernel takes it from every process of its session.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status) & 1 == 1
}

/// The mask of ignored signals in the text of `/proc/self/status`; bit 0 is `SIGHUP`.
fn ignored(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[derive(Debug)]
struct Streams {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
    upgrade: Stream,
    _ignored: [Stream; 2],
}

impl Streams {
    fn new() -> io::Result<Streams> {
        Ok(Streams {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            upgrade: signal(SignalKind::user_defined2())?,
            _ignored: [
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
            ],
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(()) = self.terminate.recv() => Signal::Terminate,
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.upgrade.recv() => Signal::Upgrade,
            Some(()) = self.hangup.recv() => Signal::Hangup,
            else => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hangup, ignored, meaning};

    #[test]
    fn a_hangup_stops_only_a_process_that_lost_its_terminal() {
        for (at_start, now, expected) in [
            (true, true, Hangup::Reload),
            (true, false, Hangup::Stop),
            (false, false, Hangup::Reload),
            (false, true, Hangup::Reload),
        ] {
            assert_eq!(meaning(at_start, now), expected, "at start {at_start}, now {now}");
        }
    }

    #[test]
    fn nohup_shows_in_the_mask_of_ignored_signals() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000001001\n") & 1, 1);
        assert_eq!(ignored("SigIgn:\t0000000000001000\n") & 1, 0);
        assert_eq!(ignored(""), 0);
    }
}
