//! Where a server says `READY=1`.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::thread;

const OVER: &[u8] = b"OVER";

/// One server's `NOTIFY_SOCKET`, an abstract one, so that nothing of it can be left behind; dropping it ends its thread.
#[derive(Debug)]
pub(crate) struct Herald {
    name: String,
}

impl Herald {
    /// Listens for server `id`; `tell` is called on another thread when it says that it is ready.
    pub(crate) fn open(id: u32, tell: impl Fn() + Send + 'static) -> io::Result<Herald> {
        let name = format!("hotrun-{}-{id}", process::id());
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
        thread::Builder::new().name("herald".to_owned()).spawn(listen)?;
        Ok(Herald { name })
    }

    /// What `NOTIFY_SOCKET` is to be.
    pub(crate) fn address(&self) -> String {
        format!("@{}", self.name)
    }
}

impl Drop for Herald {
    fn drop(&mut self) {
        let address = SocketAddr::from_abstract_name(&self.name);
        let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(OVER, &address));
    }
}
