//! The process that is to take over, as the one before it sees it.

use std::env;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as Pair;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::fcntl_dupfd_cloexec;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::binary::{Binary, Rules};
use crate::fault;
use crate::handed::{OWN, PREDECESSOR, SUPERVISED};
use crate::setback::Setback;
use crate::signs::Signs;
use crate::socket::Socket;

/// How long a successor may take from the permission to accept to accepting.
const STEP: Duration = Duration::from_secs(10);

/// Descriptors from here on are in nobody's way.
const HIGH: i32 = 16;

/// A process that was started to take over. Until [`Successor::take_over`] has succeeded, dropping it ends the process.
#[derive(Debug)]
pub struct Successor {
    child: Child,
    serves: bool,
    lines: Lines<BufReader<UnixStream>>,
    signs: Signs,
}

/// How a probation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probation {
    /// The successor goes its own way: it was asked to stop, or upgrades itself.
    Over,
    /// The successor is gone.
    Failed(Setback),
}

impl Successor {
    /// Starts the program that is at `path` now, with this process's arguments, environment and folder, and hands
    /// `socket` to it. The successor accepts nothing yet. It blocks while the program is copied and verified.
    ///
    /// Must be called on a tokio runtime.
    pub fn start(path: &Path, rules: &Rules, socket: &Socket) -> Result<Successor, Setback> {
        let mut binary = Binary::verified(path, rules)?;
        if !binary.is_program() {
            return Err(Setback::Unstartable(format!("`{}` is no program", path.display())));
        }
        let started = spawn(path, &binary.into_image(), socket);
        fault::strike("old.started");
        started.map_err(|error| {
            Setback::Unstartable(format!("cannot start the program at `{}`: {error}", path.display()))
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it is ready, for as long as `patience`.
    pub async fn ready(&mut self, patience: Duration) -> Result<(), Setback> {
        self.say_by("READY=1", patience).await
    }

    /// Lets it accept, and waits until it does. From then on it lives without this process.
    pub async fn take_over(&mut self) -> Result<(), Setback> {
        fault::strike("old.permitting");
        if self.tell("GO=1").is_err() {
            return Err(self.exited());
        }
        fault::strike("old.permitted");
        self.say_by("SERVING=1", STEP).await?;
        self.serves = true;
        Ok(())
    }

    /// Resolves when it ends, or needs to be watched no more; one that gives no sign of life for five seconds is ended.
    /// Cancelling it loses nothing.
    pub async fn watch(&mut self) -> Probation {
        loop {
            tokio::select! {
                biased;
                line = self.lines.next_line() => match line {
                    Ok(Some(line)) if line == "STOPPING=1" || line == "UPGRADING=1" => return Probation::Over,
                    Ok(Some(line)) => self.signs.heard(&line),
                    Ok(None) | Err(_) => return Probation::Failed(Setback::Died(self.end())),
                },
                () = self.signs.ceased() => {
                    let words = format!("it gave no sign of life for {} s; {}", Signs::SILENCE.as_secs(), self.end());
                    return Probation::Failed(Setback::Died(words));
                }
            }
        }
    }

    /// Tells it that its probation is over.
    pub fn acquit(mut self) {
        // It may have ended in this moment.
        let _ = self.tell("OVER=1");
    }

    async fn say_by(&mut self, word: &str, patience: Duration) -> Result<(), Setback> {
        let said = async {
            while let Ok(Some(line)) = self.lines.next_line().await {
                if line == word {
                    return true;
                }
                self.signs.heard(&line);
            }
            false
        };
        match timeout(patience, said).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.exited()),
            Err(_) => {
                self.end();
                Err(Setback::Late(patience.as_secs()))
            }
        }
    }

    fn exited(&mut self) -> Setback {
        Setback::Exited(self.end())
    }

    /// Makes sure that it is gone, and says how it went.
    fn end(&mut self) -> String {
        // Whoever closes the channel is about to exit; whoever does not gets no more time.
        for _ in 0..50 {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        let _ = self.child.kill();
        self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Sends one line. It waits for nobody: this process says three short lines in all, and the socket's buffer holds
    /// them, whether the successor reads or not. They arrive even if this process ends right after.
    fn tell(&mut self, word: &str) -> io::Result<()> {
        let line = format!("{word}\n");
        let sent = rustix::io::write(self.lines.get_ref().get_ref(), line.as_bytes())?;
        if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.serves {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn spawn(path: &Path, image: &OwnedFd, socket: &Socket) -> io::Result<Successor> {
    let (ours, theirs) = Pair::pair()?;
    let listener = socket.try_clone()?.into_listener();
    // The program and what is handed on stand where the places 3 and 4 of the child are not in their way.
    let image = fcntl_dupfd_cloexec(image, HIGH)?;
    let listener = fcntl_dupfd_cloexec(&listener, HIGH)?;
    let theirs = fcntl_dupfd_cloexec(&theirs, HIGH)?;
    let _occupied = occupied(&theirs)?;
    let mut arguments = env::args_os();
    let kind = if socket.is_shared() { SUPERVISED } else { OWN };
    let mut command = Command::new(format!("/proc/self/fd/{}", image.as_raw_fd()));
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command
        .args(arguments)
        .env("LISTEN_FDS", "2")
        .env("LISTEN_FDNAMES", format!("{kind}:{PREDECESSOR}"))
        .env_remove("LISTEN_PID")
        .fd_mappings(vec![
            FdMapping { parent_fd: listener, child_fd: 3 },
            FdMapping { parent_fd: theirs, child_fd: 4 },
        ])
        .map_err(io::Error::other)?;
    // Said before there is anyone to hear it: it is there even if this process is gone by then.
    (&ours).write_all(&[b"EXECUTABLE=", path.as_os_str().as_bytes(), b"\n"].concat())?;
    let child = command.spawn()?;
    drop(command);
    ours.set_nonblocking(true)?;
    let lines = BufReader::new(UnixStream::from_std(ours)?).lines();
    Ok(Successor { child, serves: false, lines, signs: Signs::none_yet() })
}

/// Takes the places that the child's descriptors will have: the standard library keeps a pipe of its own while it
/// starts a process, which must not stand there.
fn occupied(descriptor: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
    let mut occupied = Vec::new();
    loop {
        let another = fcntl_dupfd_cloexec(descriptor, 0)?;
        if another.as_raw_fd() > 4 {
            return Ok(occupied);
        }
        occupied.push(another);
    }
}
