//! What a server tells its supervisor, by systemd's conventions.
//!
//! Every function sends one datagram to the Unix socket that `NOTIFY_SOCKET` names (`@` in front: an
//! abstract one), and does nothing when it is unset. A supervisor that cannot be reached is logged as a
//! warning; the server's life goes on.
//!
//! `NOTIFY_SOCKET` stays in the environment: a successor that this process starts has to say [`ready`] to
//! the same supervisor.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;

/// `READY=1`: the start is over, or the reload is. Say it immediately before the first accept: all that can
/// fail has not failed, and a process that dies earlier never took a connection from anyone.
pub fn ready() {
    send("READY=1");
}

/// `RELOADING=1` with `MONOTONIC_USEC`, in one datagram, as `Type=notify-reload` asks; [`ready`] ends it.
pub fn reloading() {
    let mut message = String::from("RELOADING=1");
    if let Some(microseconds) = monotonic() {
        let _ = write!(message, "\nMONOTONIC_USEC={microseconds}");
    }
    send(&message);
}

/// `STOPPING=1`: the drain has begun.
pub fn stopping() {
    send("STOPPING=1");
}

/// `MAINPID`: the process that serves from now on. A process file must have changed hands before.
pub fn main_pid(pid: u32) {
    send(&format!("MAINPID={pid}"));
}

/// `STATUS`: one line for people, shown by `systemctl status`.
pub fn status(line: &str) {
    send(&format!("STATUS={}", line.replace(['\n', '\r'], " ")));
}

fn send(message: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return };
    if let Err(error) = deliver(&socket, message) {
        let word = message.lines().next().unwrap_or_default();
        tracing::warn!(socket = ?socket, %error, "cannot tell the supervisor `{word}`");
    }
}

/// A supervisor that reads nothing is given up after a second.
#[cfg(unix)]
fn deliver(socket: &OsStr, message: &str) -> io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    let datagram = UnixDatagram::unbound()?;
    datagram.set_write_timeout(Some(Duration::from_secs(1)))?;
    datagram.send_to_addr(message.as_bytes(), &address(socket)?)?;
    Ok(())
}

#[cfg(not(unix))]
fn deliver(_socket: &OsStr, _message: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn address(socket: &OsStr) -> io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
            return std::os::unix::net::SocketAddr::from_abstract_name(name);
        }
    }
    std::os::unix::net::SocketAddr::from_pathname(socket)
}

#[cfg(unix)]
fn monotonic() -> Option<i64> {
    use rustix::time::{ClockId, clock_gettime};

    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.checked_mul(1_000_000)?.checked_add(now.tv_nsec / 1_000)
}

#[cfg(not(unix))]
fn monotonic() -> Option<i64> {
    None
}
