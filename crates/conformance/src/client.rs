//! A small HTTP/1.1 client that can also send malformed requests.

use crate::{Answer, DEADLINE, Failed, Request, answer::Framing, wait_until};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects. Reads and writes time out after twice the [`DEADLINE`], which is longer than every deadline of a server.
    pub fn connect(address: SocketAddr) -> Result<Client, Failed> {
        Client::patient(address, 2 * DEADLINE)
    }

    /// Connects. Reads and writes time out after `patience`.
    pub fn patient(address: SocketAddr, patience: Duration) -> Result<Client, Failed> {
        let stream = TcpStream::connect(address).map_err(|e| format!("connecting to {address}: {e}"))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Client { address, stream, unread: Vec::new() })
    }

    /// Makes the receive buffer small, so that a client that does not read soon blocks the server's writes.
    pub fn narrow(&self) -> Result<(), Failed> {
        Ok(set_socket_recv_buffer_size(&self.stream, 4096)?)
    }

    /// This end of the connection.
    pub(crate) fn local_address(&self) -> Result<SocketAddr, Failed> {
        Ok(self.stream.local_addr()?)
    }

    /// Sends these bytes unchanged.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.stream.write_all(bytes).map_err(|e| format!("sending: {e}").into())
    }

    /// Waits until the server has read all bytes that were sent to it, by the queues of both ends in `/proc/net/tcp`. The
    /// connection is an IPv4 one.
    pub fn wait_until_read(&self) -> Result<(), Failed> {
        let (server, client) = (in_proc(self.address)?, in_proc(self.stream.local_addr()?)?);
        wait_until("the server reads what was sent", || {
            let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
            // Loads leave tens of thousands of closed connections in the table, so its lines are not taken apart.
            let queues = |from: &str, to: &str| {
                let row = table.split_once(&format!(" {from} {to} ")).map(|(_, row)| row);
                row.and_then(|row| row.split_whitespace().nth(1)).unwrap_or_default()
            };
            queues(&client, &server).starts_with("00000000:")
                && queues(&server, &client).ends_with(":00000000")
        })
    }

    /// Closes the client's half of the connection: it sends nothing more, and goes on reading.
    pub fn finish_sending(&self) -> Result<(), Failed> {
        Ok(self.stream.shutdown(Shutdown::Write)?)
    }

    /// Sends as much as the connection takes without waiting; what it does not take is left out.
    pub(crate) fn send_without_waiting(&mut self, bytes: &[u8]) -> Result<usize, Failed> {
        self.stream.set_nonblocking(true)?;
        let mut sent = 0;
        while let Ok(count) = self.stream.write(&bytes[sent..])
            && count > 0
        {
            sent += count;
        }
        self.stream.set_nonblocking(false)?;
        Ok(sent)
    }

    /// True if bytes, or the end of the connection, come within `patience`.
    pub(crate) fn has_more_within(&self, patience: Duration) -> Result<bool, Failed> {
        if !self.unread.is_empty() {
            return Ok(true);
        }
        let before = self.stream.read_timeout()?;
        self.stream.set_read_timeout(Some(patience))?;
        let waiting = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(before)?;
        Ok(!waiting.is_err_and(|e| matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)))
    }

    /// Sends a request and reads its answer. The connection stays open unless the server closes it.
    pub fn request(&mut self, request: &Request) -> Result<Answer, Failed> {
        self.send(&request.bytes(self.address))?;
        self.answer(&request.method)
    }

    /// Sends a `GET` on this connection.
    pub fn get(&mut self, target: &str) -> Result<Answer, Failed> {
        self.request(&Request::get(target))
    }

    /// The instance that answers.
    pub fn instance(&mut self) -> Result<String, Failed> {
        Ok(self.get("/healthz")?.header("x-instance").ok_or("no x-instance")?.to_owned())
    }

    /// Reads the answer to a request that was sent by `method`.
    pub fn answer(&mut self, method: &str) -> Result<Answer, Failed> {
        let (mut answer, mut framing) = self.head(method)?;
        while let Some(piece) = self.piece(&mut framing)? {
            answer.body.extend(piece);
        }
        Ok(answer)
    }

    /// Reads all bytes up to the end of the connection.
    pub fn rest(&mut self) -> Result<Vec<u8>, Failed> {
        while self.fill()? {}
        Ok(std::mem::take(&mut self.unread))
    }

    /// Waits until the server closes the connection. Bytes that arrive before are kept.
    pub fn wait_for_close(&mut self) -> Result<(), Failed> {
        while self.fill()? {}
        Ok(())
    }

    /// Reads up to the body. Skips informational answers such as `100 Continue`.
    pub(crate) fn head(&mut self, method: &str) -> Result<(Answer, Framing), Failed> {
        loop {
            let end = loop {
                match position(&self.unread, b"\r\n\r\n") {
                    Some(at) => break at + 4,
                    None if self.fill()? => {}
                    None => {
                        return Err(
                            format!("closed before an answer, after {} bytes", self.unread.len()).into()
                        );
                    }
                }
            };
            let head: Vec<u8> = self.unread.drain(..end).collect();
            let answer = Answer::parse(&String::from_utf8_lossy(&head))?;
            if answer.status >= 200 {
                let framing = answer.framing(method)?;
                return Ok((answer, framing));
            }
        }
    }

    /// Reads the next piece of a body. Returns none at its end.
    pub(crate) fn piece(&mut self, framing: &mut Framing) -> Result<Option<Vec<u8>>, Failed> {
        if let Framing::Chunked { left: 0 } = framing {
            let size = self.line()?;
            let size =
                usize::from_str_radix(size.trim(), 16).map_err(|e| format!("chunk size {size:?}: {e}"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                *framing = Framing::Done;
            } else {
                *framing = Framing::Chunked { left: size };
            }
        }
        if matches!(framing, Framing::Done | Framing::Length(0)) {
            return Ok(None);
        }
        if self.unread.is_empty() && !self.fill()? {
            return match framing {
                Framing::UntilClose => Ok(None),
                _ => Err(format!("the answer was cut in its body, with {framing:?} to come").into()),
            };
        }
        let piece = match framing {
            Framing::Length(left) | Framing::Chunked { left } => {
                let piece: Vec<u8> = self.unread.drain(..self.unread.len().min(*left)).collect();
                *left -= piece.len();
                piece
            }
            Framing::UntilClose | Framing::Done => std::mem::take(&mut self.unread),
        };
        if let Framing::Chunked { left: 0 } = framing {
            self.line()?;
        }
        Ok(Some(piece))
    }

    fn line(&mut self) -> Result<String, Failed> {
        loop {
            if let Some(at) = position(&self.unread, b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if !self.fill()? {
                return Err("the answer was cut between two chunks".into());
            }
        }
    }

    /// Reads available bytes. Returns false at the end of the connection or when it is reset.
    fn fill(&mut self) -> Result<bool, Failed> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(n) => {
                self.unread.extend(&buffer[..n]);
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Ok(false),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(format!("nothing came in time; so far {:?}", String::from_utf8_lossy(&self.unread))
                    .into())
            }
            Err(e) => Err(format!("reading: {e}").into()),
        }
    }
}

/// An address as `/proc/net/tcp` writes it.
fn in_proc(address: SocketAddr) -> Result<String, Failed> {
    let SocketAddr::V4(address) = address else { return Err(format!("{address} is no IPv4 address").into()) };
    Ok(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::Client;
    use std::{
        io::Write,
        net::{SocketAddr, TcpListener},
        thread,
    };

    fn answering(bytes: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || listener.accept().unwrap().0.write_all(bytes.as_bytes()).unwrap());
        address
    }

    #[test]
    fn every_way_to_end_a_body_is_understood() {
        for (bytes, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npongX", "pong"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npon\r\n1\r\ng\r\n0\r\n\r\n", "pong"),
            ("HTTP/1.0 200 OK\r\n\r\npong", "pong"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong", "pong"),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", ""),
        ] {
            let mut client = Client::connect(answering(bytes)).unwrap();
            assert_eq!(client.answer("GET").unwrap().text(), body, "{bytes:?}");
        }
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        for bytes in [
            "",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npon",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npon",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n",
        ] {
            let mut client = Client::connect(answering(bytes)).unwrap();
            assert!(client.answer("GET").is_err(), "{bytes:?}");
        }
    }
}
