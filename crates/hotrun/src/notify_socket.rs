//! The socket at which a server reports `READY=1` (`NOTIFY_SOCKET`, systemd's protocol).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

const OVER: &[u8] = b"OVER";

/// The `NOTIFY_SOCKET` of one server. It has an abstract name, so no file can be left. Dropping this ends its thread.
#[derive(Debug)]
pub(crate) struct NotifySocket {
    name: String,
}

impl NotifySocket {
    /// Listens for one server. `tell` is called on another thread when the server reports that it is ready.
    pub(crate) fn open(tell: impl Fn() + Send + 'static) -> io::Result<NotifySocket> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("hotrun-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        let listen = move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = socket.recv(&mut buffer) {
                if &buffer[..read] == OVER {
                    return;
                }
                if buffer[..read].split(|&byte| byte == b'\n').any(|line| line == b"READY=1") {
                    tell();
                }
            }
        };
        thread::Builder::new().name("notify_socket".to_owned()).spawn(listen)?;
        Ok(NotifySocket { name })
    }

    /// The value of the variable `NOTIFY_SOCKET`.
    pub(crate) fn address(&self) -> String {
        format!("@{}", self.name)
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        let address = SocketAddr::from_abstract_name(&self.name);
        let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(OVER, &address));
    }
}
