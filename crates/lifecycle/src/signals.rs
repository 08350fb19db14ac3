//! What the system asks of the process.

use std::io;

/// A wish that arrives as a signal.
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

/// What a `SIGHUP` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// Somebody asks for a reload.
    Reload,
    /// The terminal that the process was started on is gone.
    Stop,
}

/// The signals of this process, as a stream that never ends.
///
/// From [`Signals::new`] on none of them kills the process any more; two whose default would kill it too are
/// ignored: `SIGUSR1`, and `SIGXFSZ`, which makes a write over the limit of file sizes the error that it is.
#[derive(Debug)]
pub struct Signals {
    terminal: bool,
    #[cfg(unix)]
    streams: unix::Streams,
}

impl Signals {
    /// Listens to the signals. Must be called on a tokio runtime.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminal: has_terminal() && !ignores_hangup(),
            #[cfg(unix)]
            streams: unix::Streams::new()?,
        })
    }

    /// The next signal. Cancelling it loses none.
    pub async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        return self.streams.next().await;
        #[cfg(not(unix))]
        loop {
            if tokio::signal::ctrl_c().await.is_ok() {
                return Signal::Interrupt;
            }
        }
    }

    /// What a `SIGHUP` that arrives now means: stop, if the process was started on a terminal that is gone
    /// by now, else reload.
    ///
    /// A process that was told to ignore it (`nohup`) counts as started without a terminal.
    pub fn hangup_means(&self) -> Hangup {
        meaning(self.terminal, has_terminal())
    }
}

fn meaning(terminal_at_start: bool, terminal_now: bool) -> Hangup {
    if terminal_at_start && !terminal_now { Hangup::Stop } else { Hangup::Reload }
}

/// The kernel takes the terminal from every process of its session when it hangs up.
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

#[cfg(unix)]
mod unix {
    use std::io;

    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    use super::Signal;

    #[derive(Debug)]
    pub(super) struct Streams {
        terminate: Stream,
        interrupt: Stream,
        hangup: Stream,
        upgrade: Stream,
        _ignored: [Stream; 2],
    }

    impl Streams {
        pub(super) fn new() -> io::Result<Streams> {
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

        pub(super) async fn next(&mut self) -> Signal {
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
}

#[cfg(test)]
mod tests {
    use super::{Hangup, ignored, meaning};

    #[test]
    fn a_hangup_stops_only_what_lost_its_terminal() {
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
