//! The sockets that this process inherited.

use std::env;
use std::ffi::{CString, OsString};
use std::fmt::Display;
use std::io;
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use listenfd::ListenFd;

use crate::predecessor::Predecessor;
use crate::socket::Socket;

/// In `LISTEN_FDNAMES`: the socket is the predecessor's own, and the server may move.
pub(crate) const OWN: &str = "lifecycle.own";

/// In `LISTEN_FDNAMES`: the socket is a supervisor's.
pub(crate) const SUPERVISED: &str = "lifecycle.supervised";

/// In `LISTEN_FDNAMES`: the channel to the process that this one takes over from.
pub(crate) const PREDECESSOR: &str = "lifecycle.predecessor";

/// The descriptors that the process inherited: a listener, and a predecessor's channel.
#[derive(Debug, Default)]
pub struct Inherited {
    /// A listening socket.
    pub socket: Option<Socket>,
    /// The process that this one takes over from.
    pub predecessor: Option<Predecessor>,
}

static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();

impl Inherited {
    /// Takes the descriptors that `LISTEN_FDS` and `LISTEN_PID` announce. They come from a supervisor by systemd's convention,
    /// or from a process that upgrades itself, which says so in `LISTEN_FDNAMES`.
    ///
    /// Call it once, before any thread starts. It removes the first two variables from the environment, so that
    /// children do not take the descriptors for theirs.
    pub fn take() -> io::Result<Inherited> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut inherited = ListenFd::from_env();
        let own = format!("{OWN}:{PREDECESSOR}");
        let upgrade = [&own, &format!("{SUPERVISED}:{PREDECESSOR}")].contains(&&names);
        let (sockets, shared) = match inherited.len() {
            2 if upgrade => (1, names != own),
            count => (count, true),
        };
        if sockets > 1 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`LISTEN_FDS` passes {sockets} sockets, expected 1: give each its own server"),
            ));
        }
        let predecessor = if inherited.len() == 2 { predecessor(&mut inherited)? } else { None };
        executable_of(predecessor.as_ref())?;
        if sockets == 0 {
            return Ok(Inherited { socket: None, predecessor });
        }
        let listener = inherited.take_tcp_listener(0).map_err(|error| unusable(&error))?;
        let socket = listener.map(|listener| listening(listener, shared)).transpose()?;
        Ok(Inherited { socket, predecessor })
    }
}

impl Socket {
    /// The socket that a supervisor passes by systemd's convention: `LISTEN_FDS` is 1, `LISTEN_PID` names this process or is
    /// absent. `None` if there is none. [`Inherited::take`] takes a predecessor's channel too.
    ///
    /// Call it once, before any thread starts. It removes both variables from the environment, so that children do not take
    /// the descriptor for theirs.
    pub fn take() -> io::Result<Option<Socket>> {
        Ok(Inherited::take()?.socket)
    }
}

/// The path of the program as it was first started. Successors run from copies in memory and have the same path.
pub fn executable() -> io::Result<&'static Path> {
    if EXECUTABLE.get().is_none() {
        let _ = EXECUTABLE.set(env::current_exe()?);
    }
    EXECUTABLE.get().map(PathBuf::as_path).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn listening(listener: TcpListener, shared: bool) -> io::Result<Socket> {
    if socket2::SockRef::from(&listener).is_listener()? {
        Socket::new(listener, shared)
    } else {
        Err(unusable(&"it does not listen"))
    }
}

fn unusable(reason: &dyn Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("`LISTEN_FDS` passes no listening TCP socket: {reason}"),
    )
}

fn predecessor(inherited: &mut ListenFd) -> io::Result<Option<Predecessor>> {
    const AF_UNIX: i32 = 1;
    const SOCK_STREAM: i32 = 1;
    let channel = inherited.take_custom::<UnixStream>(1, AF_UNIX, SOCK_STREAM, "unix stream")?;
    Ok(channel.map(Predecessor::new))
}

fn executable_of(predecessor: Option<&Predecessor>) -> io::Result<()> {
    match predecessor {
        Some(predecessor) => {
            let path = PathBuf::from(OsString::from_vec(predecessor.executable()?));
            name_process(&path);
            let _ = EXECUTABLE.set(path);
            Ok(())
        }
        None => executable().map(drop),
    }
}

/// Gives the process the name of its program, as `ps` shows it. A process that was started from memory is named after
/// the number of a descriptor.
fn name_process(program: &Path) {
    let name = program.file_name().and_then(|name| CString::new(name.as_encoded_bytes()).ok());
    if let Some(name) = name {
        // The name is for people only, so an error does not matter.
        let _ = rustix::thread::set_name(&name);
    }
}
