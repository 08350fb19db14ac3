//! Many clients of `/events`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use conformance::Failed;

/// Open streams that have received `hello`.
pub(crate) struct Crowd(Vec<TcpStream>);

/// The timeout for an event on one stream.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Crowd {
    /// Opens this number of streams.
    pub(crate) fn of(address: SocketAddr, size: u32) -> Result<Crowd, Failed> {
        let streams = (0..size).map(|number| {
            let opened = open(address);
            opened.map_err(|failed| {
                let why = failed.message().unwrap_or_default();
                format!("stream {number} of {size}: {why}; `ulimit -n` must be above that").into()
            })
        });
        streams.collect::<Result<_, Failed>>().map(Crowd)
    }

    /// Reads every stream up to the end of the next event of this name.
    pub(crate) fn hears(&mut self, event: &str) -> Result<(), Failed> {
        self.0.iter_mut().try_for_each(|stream| read_past(stream, event))
    }
}

fn open(address: SocketAddr) -> Result<TcpStream, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    read_past(&mut stream, "hello")?;
    Ok(stream)
}

/// Reads up to the end of an event of this name.
fn read_past(stream: &mut TcpStream, event: &str) -> Result<(), Failed> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(format!("ended before the event `{event}`: {text}").into());
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if is_past(&text, event) {
            return Ok(());
        }
    }
}

/// True if the text holds an event of this name, with the empty line at its end. warp writes no space after the colon.
fn is_past(text: &str, event: &str) -> bool {
    let is_name = |line: &str| line.strip_prefix("event:").is_some_and(|name| name.trim_start() == event);
    let mut lines = text.lines().skip_while(|line| !is_name(line));
    lines.next().is_some() && lines.any(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::is_past;

    #[test]
    fn the_end_of_an_event_is_found_with_and_without_a_space() {
        for (text, expected) in [
            ("event: hello\ndata: {}\n\n", true),
            ("event:hello\ndata:{}\n\n", true),
            ("HTTP/1.1 200 OK\r\n\r\nevent: hello\ndata: {}\n", false),
            ("event: hello", false),
            (": still here\n\nevent: config\ndata: {}\n\n", false),
        ] {
            assert_eq!(is_past(text, "hello"), expected, "{text}");
        }
    }
}
