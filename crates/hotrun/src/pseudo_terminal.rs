//! A terminal for a server, so that hotrun can write the server's output to the real one without a line of its own in it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

/// hotrun's side of the terminal.
#[derive(Debug)]
pub(crate) struct PseudoTerminal(OwnedFd);

impl PseudoTerminal {
    /// Opens one of this size. Returns hotrun's side and the server's. Output passes through unchanged, and nothing can be typed.
    pub(crate) fn open(size: Winsize) -> io::Result<(PseudoTerminal, OwnedFd)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let name = str::from_utf8(name.to_bytes()).map_err(io::Error::other)?;
        let mut options = File::options();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let theirs = OwnedFd::from(options.open(Path::new(name))?);
        let mut modes = tcgetattr(&theirs)?;
        modes.output_modes.remove(OutputModes::OPOST);
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
        let terminal = PseudoTerminal(ours);
        terminal.resize(size);
        Ok((terminal, theirs))
    }

    /// hotrun's side, to read the output. An error is the end of the last process that has the other side open.
    pub(crate) fn output(&self) -> &OwnedFd {
        &self.0
    }

    /// The size for programs that ask for it.
    pub(crate) fn resize(&self, size: Winsize) {
        let _ = tcsetwinsize(&self.0, size);
    }
}
