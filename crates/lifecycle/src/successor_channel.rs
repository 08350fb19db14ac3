//! The messages between the old process and its successor, on the side of the old one.

use std::io;
use std::os::unix::net::UnixStream as Pair;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use crate::heartbeat::Heartbeat;
use crate::upgrade::Release;

/// Upper bound on the time from the permission to accept to the successor accepting.
const ACCEPTING: Duration = Duration::from_secs(10);

/// The old process's end of the channel.
#[derive(Debug)]
pub(crate) struct SuccessorChannel {
    lines: Lines<BufReader<UnixStream>>,
    heartbeat: Heartbeat,
    step: Step,
    probation: Duration,
}

/// The message that is expected next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// `READY=1`, until then.
    Ready { by: Instant, limit: Duration },
    /// The permission, from this process.
    Permission,
    /// `SERVING=1`, until then.
    Serving { by: Instant },
    /// The end of the probation, then.
    Probation { until: Instant },
}

/// A message of the successor, or its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// It could accept.
    Ready,
    /// It accepts.
    Serving,
    /// It is watched no longer.
    Released(Release),
    /// It failed.
    Lost(Loss),
}

/// The failure of a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It closed the channel.
    Closed,
    /// It was not ready, or did not accept, within this time.
    Late(Duration),
    /// Its heartbeats are missing.
    Silent,
}

impl SuccessorChannel {
    /// `limit` is how long the successor may take to be ready. Must be called on a tokio runtime.
    pub(crate) fn new(ours: Pair, limit: Duration, probation: Duration) -> io::Result<SuccessorChannel> {
        ours.set_nonblocking(true)?;
        Ok(SuccessorChannel {
            lines: BufReader::new(UnixStream::from_std(ours)?).lines(),
            heartbeat: Heartbeat::new(),
            step: Step::Ready { by: Instant::now() + limit, limit },
            probation,
        })
    }

    /// True if the successor serves, on probation.
    pub(crate) fn is_on_probation(&self) -> bool {
        matches!(self.step, Step::Probation { .. })
    }

    /// Lets the successor accept. If it is gone, [`SuccessorChannel::next`] says so.
    pub(crate) fn permit(&mut self) {
        self.tell("GO=1");
        self.step = Step::Serving { by: Instant::now() + ACCEPTING };
    }

    /// Says that the probation is over.
    pub(crate) fn release(&mut self) {
        self.tell("OVER=1");
    }

    /// The next message. After [`Message::Lost`] there is none to wait for. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            let on_probation = self.is_on_probation();
            let due = match self.step {
                Step::Ready { by, .. } | Step::Serving { by } => Some(by),
                Step::Probation { until } => Some(until),
                Step::Permission => None,
            };
            tokio::select! {
                biased;
                line = self.lines.next_line() => match line {
                    Ok(Some(line)) => {
                        self.heartbeat.heard(&line);
                        if let Some(message) = self.heard(&line) {
                            return message;
                        }
                    }
                    Ok(None) | Err(_) => return Message::Lost(Loss::Closed),
                },
                () = self.heartbeat.stopped(), if on_probation => return Message::Lost(Loss::Silent),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => return match self.step {
                    Step::Ready { limit, .. } => Message::Lost(Loss::Late(limit)),
                    Step::Permission | Step::Serving { .. } => Message::Lost(Loss::Late(ACCEPTING)),
                    Step::Probation { .. } => Message::Released(Release::ProbationOver),
                },
            }
        }
    }

    /// The meaning of a line at this step. Other lines mean nothing.
    fn heard(&mut self, line: &str) -> Option<Message> {
        match (self.step, line) {
            (Step::Ready { .. }, "READY=1") => {
                self.step = Step::Permission;
                Some(Message::Ready)
            }
            (Step::Serving { .. }, "SERVING=1") => {
                self.step = Step::Probation { until: Instant::now() + self.probation };
                Some(Message::Serving)
            }
            (Step::Probation { .. }, "STOPPING=1") => Some(Message::Released(Release::SuccessorStops)),
            (Step::Probation { .. }, "UPGRADING=1") => Some(Message::Released(Release::SuccessorUpgrades)),
            _ => None,
        }
    }

    /// Sends a line. It never waits: the socket's buffer holds the three short lines that this process sends in all. A
    /// line arrives even if this process ends right after it. Nobody reads it if the successor is gone.
    fn tell(&mut self, line: &str) {
        let _ = rustix::io::write(self.lines.get_ref().get_ref(), format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::{ACCEPTING, Loss, Message, SuccessorChannel};
    use crate::heartbeat::Heartbeat;
    use crate::upgrade::Release;

    const READY: Duration = Duration::from_secs(30);
    const PROBATION: Duration = Duration::from_mins(1);

    /// The channel, and a stub of the successor at its other end.
    fn channel() -> (SuccessorChannel, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (SuccessorChannel::new(ours, READY, PROBATION).unwrap(), theirs)
    }

    fn say(stub: &mut UnixStream, lines: &str) {
        stub.write_all(lines.as_bytes()).unwrap();
    }

    fn heard(stub: &mut UnixStream) -> String {
        let mut bytes = [0; 64];
        let count = stub.read(&mut bytes).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    async fn on_probation() -> (SuccessorChannel, UnixStream) {
        let (mut channel, mut stub) = channel();
        say(&mut stub, "READY=1\n");
        assert_eq!(channel.next().await, Message::Ready);
        channel.permit();
        say(&mut stub, "ALIVE=1\nSERVING=1\n");
        assert_eq!(channel.next().await, Message::Serving);
        assert_eq!(heard(&mut stub), "GO=1\n");
        (channel, stub)
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_is_ready_then_permitted_then_serves_then_is_released() {
        let (mut channel, mut stub) = on_probation().await;
        let since = Instant::now();
        let alive = tokio::task::spawn(async move {
            for _ in 1..PROBATION.as_secs() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                say(&mut stub, "ALIVE=1\n");
            }
            stub
        });
        assert_eq!(channel.next().await, Message::Released(Release::ProbationOver));
        assert_eq!(since.elapsed().as_secs(), PROBATION.as_secs());
        channel.release();
        drop(channel);
        assert_eq!(heard(&mut alive.await.unwrap()), "OVER=1\n", "it arrives although its sender is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_that_says_nothing_is_late() {
        let (mut channel, _stub) = channel();
        let since = Instant::now();
        assert_eq!(channel.next().await, Message::Lost(Loss::Late(READY)));
        assert_eq!(since.elapsed(), READY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_that_does_not_accept_is_late() {
        let (mut channel, mut stub) = channel();
        say(&mut stub, "READY=1\n");
        assert_eq!(channel.next().await, Message::Ready);
        assert!(timeout(PROBATION, channel.next()).await.is_err(), "it waits for the permission");
        channel.permit();
        let since = Instant::now();
        assert_eq!(channel.next().await, Message::Lost(Loss::Late(ACCEPTING)));
        assert_eq!(since.elapsed(), ACCEPTING);
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_that_closes_the_channel_is_lost_at_any_step() {
        let (mut starting, stub) = channel();
        drop(stub);
        assert_eq!(starting.next().await, Message::Lost(Loss::Closed));

        let (mut permitted, mut stub) = channel();
        say(&mut stub, "READY=1\n");
        assert_eq!(permitted.next().await, Message::Ready);
        drop(stub);
        permitted.permit();
        assert_eq!(permitted.next().await, Message::Lost(Loss::Closed));

        let (mut on_probation, stub) = on_probation().await;
        drop(stub);
        assert_eq!(on_probation.next().await, Message::Lost(Loss::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_whose_heartbeats_are_missing_is_silent() {
        let (mut channel, _stub) = on_probation().await;
        let since = Instant::now();
        assert_eq!(channel.next().await, Message::Lost(Loss::Silent));
        assert!(since.elapsed() <= Heartbeat::SILENCE, "{:?}", since.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_that_goes_its_own_way_is_released() {
        for (line, release) in
            [("STOPPING=1\n", Release::SuccessorStops), ("UPGRADING=1\n", Release::SuccessorUpgrades)]
        {
            let (mut channel, mut stub) = on_probation().await;
            say(&mut stub, line);
            assert_eq!(channel.next().await, Message::Released(release));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn words_out_of_turn_mean_nothing() {
        let (mut channel, mut stub) = channel();
        say(&mut stub, "SERVING=1\nSTOPPING=1\nWHATEVER\nREADY=1\n");
        assert_eq!(channel.next().await, Message::Ready);
        drop(stub);
        assert_eq!(channel.next().await, Message::Lost(Loss::Closed));
    }
}
