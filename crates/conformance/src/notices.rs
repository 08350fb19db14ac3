//! The other end of systemd's `NOTIFY_SOCKET`.

use crate::{DEADLINE, Failed};
use std::{io, os::unix::net::UnixDatagram, path::Path, time::Duration};

/// A socket that receives the notifications of a server.
#[derive(Debug)]
pub struct Notices {
    socket: UnixDatagram,
    seen: Vec<String>,
}

impl Notices {
    /// Listens at `path`, the value for `NOTIFY_SOCKET`.
    pub fn at(path: &Path) -> io::Result<Notices> {
        let socket = UnixDatagram::bind(path)?;
        socket.set_read_timeout(Some(DEADLINE))?;
        Ok(Notices { socket, seen: Vec::new() })
    }

    /// Waits for a message with this line, and returns the whole message.
    pub fn wait_for_line(&mut self, line: &str) -> Result<String, Failed> {
        loop {
            let mut buffer = [0; 4096];
            let length = self
                .socket
                .recv(&mut buffer)
                .map_err(|e| format!("no `{line}`: {e}; seen {:?}", self.seen))?;
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            self.seen.push(message.clone());
            if message.lines().any(|l| l == line) {
                return Ok(message);
            }
        }
    }

    /// All messages so far.
    pub fn so_far(&mut self) -> Result<&[String], Failed> {
        self.socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            self.seen.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        self.socket.set_read_timeout(Some(DEADLINE))?;
        Ok(&self.seen)
    }
}
