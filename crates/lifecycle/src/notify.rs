//! Messages to the supervisor, by systemd's conventions.
//!
//! Every function sends one datagram to the Unix socket that `NOTIFY_SOCKET` names; `@` in front stands for an abstract one.
//! Without the variable it does nothing. If the supervisor cannot be reached, it logs a warning. A function blocks for a second
//! at most, while the supervisor does not read.
//!
//! `NOTIFY_SOCKET` stays in the environment, since a successor says [`ready`] to the same supervisor.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;

/// `READY=1`: the start, or the reload, is over. Send it right before the first accept: everything that can fail has succeeded,
/// and a process that dies earlier never had a connection.
pub fn ready() {
    send("READY=1");
}

/// `RELOADING=1` with `MONOTONIC_USEC`, in one datagram, as `Type=notify-reload` needs it. [`ready`] ends the reload.
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

/// `MAINPID`: the process that serves from now on. The process file must name it before.
pub fn main_pid(pid: u32) {
    send(&format!("MAINPID={pid}"));
}

/// `STATUS`: one line of text that `systemctl status` shows.
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

/// Gives up after a second if the supervisor reads nothing.
fn deliver(socket: &OsStr, message: &str) -> io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    let datagram = UnixDatagram::unbound()?;
    datagram.set_write_timeout(Some(Duration::from_secs(1)))?;
    datagram.send_to_addr(message.as_bytes(), &address(socket)?)?;
    Ok(())
}

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

fn monotonic() -> Option<i64> {
    use rustix::time::{ClockId, clock_gettime};

    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.checked_mul(1_000_000)?.checked_add(now.tv_nsec / 1_000)
}
