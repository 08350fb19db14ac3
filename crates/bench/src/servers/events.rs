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
    /// Opens so many streams.
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
        let wanted = format!("event: {event}\n");
        self.0.iter_mut().try_for_each(|stream| read_past(stream, &wanted))
    }
}

fn open(address: SocketAddr) -> Result<TcpStream, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    read_past(&mut stream, "event: hello\n")?;
    Ok(stream)
}

/// Events are written as a whole, so an empty line at the end of the bytes ends an event.
fn read_past(stream: &mut TcpStream, wanted: &str) -> Result<(), Failed> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(format!("ended before `{}`: {text}", wanted.trim()).into());
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if text.split_once(wanted).is_some_and(|(_, rest)| rest.contains("\n\n")) {
            return Ok(());
        }
    }
}
