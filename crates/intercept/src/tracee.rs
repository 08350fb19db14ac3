//! The process whose call waits for an answer, seen from outside.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::net::getsockname;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::address::Address;
use crate::sockaddr::{self, LONGEST};

/// Length in bytes of the longest path (`PATH_MAX`), with its zero.
const LONGEST_PATH: usize = 4096;

/// A thread that is stopped in a system call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracee {
    thread: u32,
}

impl Tracee {
    pub(crate) fn new(thread: u32) -> Tracee {
        Tracee { thread }
    }

    /// The process that the thread belongs to.
    pub(crate) fn process(self) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.thread)).ok()?;
        status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
    }

    /// The inode of the socket behind a descriptor of the thread.
    pub(crate) fn socket(self, descriptor: RawFd) -> Option<u64> {
        socket_behind(self.thread, descriptor)
    }

    /// The flags of a descriptor: those of the open file, and `O_CLOEXEC`.
    pub(crate) fn flags(self, descriptor: RawFd) -> Option<i32> {
        let told = fs::read_to_string(format!("/proc/{}/fdinfo/{descriptor}", self.thread)).ok()?;
        let flags = told.lines().find_map(|line| line.strip_prefix("flags:"))?;
        i32::from_str_radix(flags.trim(), 8).ok()
    }

    /// A duplicate of a descriptor of the thread, in this process.
    pub(crate) fn duplicate(self, descriptor: RawFd) -> io::Result<OwnedFd> {
        let process = self.process().and_then(|process| Pid::from_raw(process.cast_signed()));
        let process = pidfd_open(process.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
        Ok(pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty())?)
    }

    /// The address in the thread's memory, with an absolute path; `None` for another family.
    pub(crate) fn address(self, place: u64, length: u64) -> io::Result<Option<Address>> {
        let mut bytes = [0; LONGEST];
        let length =
            usize::try_from(length & u64::from(u32::MAX)).map_or(LONGEST, |length| length.min(LONGEST));
        self.memory(false)?.read_exact_at(&mut bytes[..length], place)?;
        Ok(match sockaddr::parse(&bytes[..length]) {
            Some(Address::Unix(path)) => Some(Address::Unix(self.absolute(&path, libc::AT_FDCWD)?)),
            other => other,
        })
    }

    /// The name of a Unix socket that the thread has bound, with an absolute path; `None` for other sockets.
    pub(crate) fn unix_address(self, socket: &OwnedFd) -> io::Result<Option<Address>> {
        let bytes = sockaddr::format(&getsockname(socket)?).unwrap_or_default();
        Ok(match sockaddr::parse(&bytes) {
            Some(Address::Unix(path)) => Some(Address::Unix(self.absolute(&path, libc::AT_FDCWD)?)),
            Some(address @ Address::Abstract(_)) => Some(address),
            _ => None,
        })
    }

    /// The path in the thread's memory. If it is relative, it is one below the folder of the descriptor `folder`.
    pub(crate) fn path(self, place: u64, folder: RawFd) -> io::Result<PathBuf> {
        let mut bytes = vec![0; LONGEST_PATH];
        let mut read = 0;
        let memory = self.memory(false)?;
        // The page after the text may not be mapped.
        while read < bytes.len() && !bytes[..read].contains(&0) {
            match memory.read_at(&mut bytes[read..], place + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let end = bytes[..read].iter().position(|byte| *byte == 0).ok_or(io::ErrorKind::InvalidData)?;
        bytes.truncate(end);
        self.absolute(Path::new(&OsString::from_vec(bytes)), folder)
    }

    fn absolute(self, path: &Path, folder: RawFd) -> io::Result<PathBuf> {
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        let folder = match folder {
            libc::AT_FDCWD => format!("/proc/{}/cwd", self.thread),
            folder => format!("/proc/{}/fd/{folder}", self.thread),
        };
        Ok(fs::read_link(folder)?.join(path))
    }

    /// The `int` at `place` in the thread's memory.
    pub(crate) fn number(self, place: u64) -> io::Result<i32> {
        let mut bytes = [0; 4];
        self.memory(false)?.read_exact_at(&mut bytes, place)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    /// Stores an address as accept(2) does: the part that there is room for, then its whole length.
    pub(crate) fn store(self, bytes: &[u8], place: u64, length_place: u64) -> io::Result<()> {
        if place == 0 {
            return Ok(());
        }
        let memory = self.memory(true)?;
        let mut room = [0; 4];
        memory.read_exact_at(&mut room, length_place)?;
        let room =
            usize::try_from(u32::from_ne_bytes(room)).map_or(bytes.len(), |room| room.min(bytes.len()));
        memory.write_all_at(&bytes[..room], place)?;
        let length = u32::try_from(bytes.len()).expect("an address is short");
        memory.write_all_at(&length.to_ne_bytes(), length_place)
    }

    fn memory(self, write: bool) -> io::Result<File> {
        File::options().read(true).write(write).open(format!("/proc/{}/mem", self.thread))
    }
}

/// The inode of the socket behind a process' descriptor; `None` if that is no socket.
pub(crate) fn socket_behind(process: u32, descriptor: RawFd) -> Option<u64> {
    let target = fs::read_link(format!("/proc/{process}/fd/{descriptor}")).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
