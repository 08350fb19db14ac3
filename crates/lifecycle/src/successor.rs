//! The process that takes over, as the old one sees it.

use std::env;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as Pair;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use crate::binary::{Binary, Rules};
use crate::fault;
use crate::heartbeat::Heartbeat;
use crate::inherited::{OWN, PREDECESSOR, SUPERVISED};
use crate::socket::Socket;
use crate::successor_channel::{Loss, Message, SuccessorChannel};
use crate::upgrade_error::UpgradeError;

/// Upper bound on the time from the request for an upgrade to the successor being ready.
const READY: Duration = Duration::from_secs(30);

/// Time in which a process that has closed its channel may exit by itself.
const EXIT: Duration = Duration::from_millis(100);

/// The child's descriptors are moved from here on, away from the numbers that it expects them at.
const HIGH: i32 = 16;

/// A process that was started to take over.
///
/// Dropping it ends a process that accepts nothing yet. One that was permitted to accept goes on.
#[derive(Debug)]
pub(crate) struct Successor {
    child: Child,
    pid: u32,
    channel: SuccessorChannel,
    permitted: bool,
}

/// A successor that is being started on a thread of its own.
#[derive(Debug)]
pub(crate) struct Start {
    started: JoinHandle<Result<Successor, UpgradeError>>,
    by: Instant,
    progress: Arc<Mutex<Progress>>,
}

/// The progress of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The program is copied and verified. That takes as long as the disk takes.
    Copying,
    /// The process with this id was started.
    Started(u32),
    /// No process may be started any more.
    GivenUp,
}

impl Start {
    /// Starts the program that is at `path` now with this process's arguments, environment and folder, and hands `socket`
    /// to it. Must be called on a tokio runtime.
    pub(crate) fn new(path: PathBuf, rules: Rules, socket: Socket, probation: Duration) -> Start {
        let progress = Arc::new(Mutex::new(Progress::Copying));
        let shared = Arc::clone(&progress);
        let started = spawn_blocking(move || start(&path, &rules, &socket, probation, &shared));
        Start { started, by: Instant::now() + READY, progress }
    }

    /// The successor, or why there is none. Cancelling it loses nothing.
    pub(crate) async fn started(&mut self) -> Result<Successor, UpgradeError> {
        tokio::select! {
            started = &mut self.started => started.unwrap_or_else(|_| {
                Err(UpgradeError::Unstartable("the start of the successor panicked".to_owned()))
            }),
            () = sleep_until(self.by) => {
                self.give_up();
                Err(UpgradeError::Late(READY.as_secs()))
            }
        }
    }

    /// Ends the successor if it runs, and keeps it from being started otherwise. It waits for one `fork` and `exec` at
    /// most, and not for the disk.
    pub(crate) fn give_up(&self) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Progress::Started(pid) = *progress {
            // Its id is its own until this process has waited for it.
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
        *progress = Progress::GivenUp;
    }
}

impl Successor {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Its next message. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Message {
        self.channel.next().await
    }

    /// Lets it accept.
    pub(crate) fn permit(&mut self) {
        fault::strike("old.permitting");
        self.permitted = true;
        self.channel.permit();
        fault::strike("old.permitted");
    }

    /// Lets it go on alone.
    pub(crate) fn release(mut self) {
        self.channel.release();
    }

    /// Ends it, waits until it is gone, and says why the upgrade failed.
    pub(crate) async fn end(mut self, loss: Loss) -> UpgradeError {
        let grace = if loss == Loss::Closed { EXIT } else { Duration::ZERO };
        let status = match self.exit(grace).await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        match loss {
            Loss::Late(limit) => UpgradeError::Late(limit.as_secs()),
            Loss::Closed if self.channel.is_on_probation() => UpgradeError::Died(status),
            Loss::Closed => UpgradeError::Exited(status),
            Loss::Silent => UpgradeError::Died(format!(
                "it gave no sign of life for {} s; {status}",
                Heartbeat::SILENCE.as_secs()
            )),
        }
    }

    /// Waits until the process has ended; kills it if it lives for longer than `grace`.
    async fn exit(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Ok(exited) = timeout(grace, self.child.wait()).await {
            return exited;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.permitted {
            let _ = self.child.start_kill();
        }
    }
}

/// Copies, verifies and starts the program. It blocks.
fn start(
    path: &Path,
    rules: &Rules,
    socket: &Socket,
    probation: Duration,
    progress: &Mutex<Progress>,
) -> Result<Successor, UpgradeError> {
    let mut binary = Binary::verified(path, rules)?;
    if !binary.is_program() {
        return Err(UpgradeError::Unstartable(format!("`{}` is no program", path.display())));
    }
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    if *progress == Progress::GivenUp {
        return Err(UpgradeError::Unstartable("the start of the successor was given up".to_owned()));
    }
    let started = spawn(path, &binary.into_image(), socket, probation);
    if let Ok(successor) = &started {
        *progress = Progress::Started(successor.pid);
    }
    fault::strike("old.started");
    started.map_err(|error| {
        UpgradeError::Unstartable(format!("cannot start the program at `{}`: {error}", path.display()))
    })
}

fn spawn(path: &Path, image: &OwnedFd, socket: &Socket, probation: Duration) -> io::Result<Successor> {
    let (ours, theirs) = Pair::pair()?;
    let listener = socket.try_clone()?.into_listener();
    let image = fcntl_dupfd_cloexec(image, HIGH)?;
    let listener = fcntl_dupfd_cloexec(&listener, HIGH)?;
    let theirs = fcntl_dupfd_cloexec(&theirs, HIGH)?;
    let _occupied = occupied(&theirs)?;
    let mut arguments = env::args_os();
    let kind = if socket.is_shared() { SUPERVISED } else { OWN };
    let mut command = process::Command::new(format!("/proc/self/fd/{}", image.as_raw_fd()));
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
    // It is sent before the successor runs, so that it arrives even if this process dies in between.
    (&ours).write_all(&[b"EXECUTABLE=", path.as_os_str().as_bytes(), b"\n"].concat())?;
    let channel = SuccessorChannel::new(ours, READY, probation)?;
    let child = Command::from(command).spawn()?;
    let pid = child.id().unwrap_or_default();
    Ok(Successor { child, pid, channel, permitted: false })
}

/// Occupies the numbers of the child's descriptors in this process. While the standard library starts a process it opens
/// a pipe of its own, which would be overwritten there.
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
