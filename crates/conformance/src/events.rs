//! A client of `/events`.

use crate::{Answer, Client, DEADLINE, Failed, answer::Framing};
use serde_json::Value;
use std::time::{Duration, Instant};

/// An open stream of server-sent events.
#[derive(Debug)]
pub struct Events {
    /// The answer that opened it, without a body.
    pub head: Answer,
    /// All frames so far.
    pub seen: Vec<Frame>,
    /// All bytes so far.
    pub raw: Vec<u8>,
    client: Client,
    framing: Framing,
    parsed: usize,
}

/// The lines between two empty lines of the stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The value of `event:`. It is empty in a frame of comments.
    pub event: String,
    /// The values of all `data:` lines, joined by line breaks.
    pub data: String,
    /// The value of `retry:` in force, in milliseconds: of this frame or of one before it.
    pub retry: Option<u64>,
    /// A line that begins with a colon.
    pub comment: Option<String>,
    /// The lines of the frame, unparsed.
    pub raw: String,
}

impl Events {
    /// Opens the stream that `client` has just requested.
    pub fn open(mut client: Client) -> Result<Events, Failed> {
        let (head, framing) = client.head("GET")?;
        if head.status != 200 {
            return Err(format!("/events answered {}", head.status).into());
        }
        Ok(Events { head, seen: Vec::new(), raw: Vec::new(), client, framing, parsed: 0 })
    }

    /// Waits for the next frame, which may be a comment. Returns none when the stream has ended properly.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Failed> {
        loop {
            let text = String::from_utf8_lossy(&self.raw[self.parsed..]).into_owned();
            if let Some(end) = text.find("\n\n") {
                self.parsed += end + 2;
                let mut frame = Frame::parse(&text[..end])?;
                frame.retry = frame.retry.or(self.seen.last().and_then(|last| last.retry));
                self.seen.push(frame.clone());
                return Ok(Some(frame));
            }
            match self.client.piece(&mut self.framing)? {
                Some(piece) => self.raw.extend(piece),
                None if text.is_empty() => return Ok(None),
                None => return Err(format!("the stream ended within a frame: {text:?}").into()),
            }
        }
    }

    /// True if more of the stream, or its end, comes within `patience`.
    pub(crate) fn goes_on_within(&mut self, patience: Duration) -> Result<bool, Failed> {
        let complete = self.raw[self.parsed..].windows(2).any(|two| two == b"\n\n");
        Ok(complete || self.client.has_more_within(patience)?)
    }

    /// Waits for the next frame that the predicate accepts. `what` names it in a failure.
    pub fn until(&mut self, what: &str, predicate: impl Fn(&Frame) -> bool) -> Result<Frame, Failed> {
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            match self.next_frame()? {
                Some(frame) if predicate(&frame) => return Ok(frame),
                Some(_) => {}
                None => return Err(format!("the stream ended before {what}; seen {:?}", self.seen).into()),
            }
        }
        Err(format!("waited {DEADLINE:?} in vain for {what}; seen {:?}", self.seen).into())
    }

    /// Waits for the next event of this name.
    pub fn event(&mut self, name: &str) -> Result<Frame, Failed> {
        self.until(&format!("event `{name}`"), |frame| frame.event == name)
    }

    /// Reads all frames up to the end of the stream.
    pub fn rest(&mut self) -> Result<Vec<Frame>, Failed> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    /// The number of events of this name so far.
    pub fn count(&self, name: &str) -> usize {
        self.seen.iter().filter(|frame| frame.event == name).count()
    }
}

impl Frame {
    /// The data as JSON.
    pub fn json(&self) -> Result<Value, Failed> {
        serde_json::from_str(&self.data).map_err(|e| format!("{e} in {:?}", self.raw).into())
    }

    fn parse(text: &str) -> Result<Frame, Failed> {
        let mut frame = Frame { raw: text.to_owned(), ..Frame::default() };
        let mut data = Vec::new();
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" => frame.comment = Some(value.to_owned()),
                "event" => value.clone_into(&mut frame.event),
                "data" => data.push(value),
                "retry" => frame.retry = Some(value.parse().map_err(|e| format!("{line:?}: {e}"))?),
                "id" => {}
                _ => return Err(format!("no field of an event stream: {line:?}").into()),
            }
        }
        frame.data = data.join("\n");
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_frame_is_read_field_by_field() {
        let frame = Frame::parse("retry: 250\nevent: bye\ndata: {\"location\":\ndata: \"x\"}").unwrap();
        assert_eq!((frame.event.as_str(), frame.retry), ("bye", Some(250)));
        assert_eq!(frame.json().unwrap()["location"], "x");
        assert_eq!(Frame::parse(": beat").unwrap().comment.as_deref(), Some("beat"));
        assert!(Frame::parse("evnt: bye").is_err());
    }
}
