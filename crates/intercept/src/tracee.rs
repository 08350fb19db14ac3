//! The process whose call waits for an answer, seen from outside.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// Length in bytes of the longest address that concerns us, `sockaddr_in6`.
const ADDRESS: usize = 28;

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

    /// The internet address in the thread's memory; `None` for another family.
    pub(crate) fn address(self, place: u64, length: u64) -> io::Result<Option<SocketAddr>> {
        let mut bytes = [0; ADDRESS];
        let length =
            usize::try_from(length & u64::from(u32::MAX)).map_or(ADDRESS, |length| length.min(ADDRESS));
        self.memory(false)?.read_exact_at(&mut bytes[..length], place)?;
        Ok(parse(&bytes[..length]))
    }

    /// The `int` at `place` in the thread's memory.
    pub(crate) fn number(self, place: u64) -> io::Result<i32> {
        let mut bytes = [0; 4];
        self.memory(false)?.read_exact_at(&mut bytes, place)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    /// Stores an address as accept(2) does: the part that there is room for, then its whole length.
    pub(crate) fn store(self, address: SocketAddr, place: u64, length_place: u64) -> io::Result<()> {
        if place == 0 {
            return Ok(());
        }
        let memory = self.memory(true)?;
        let mut room = [0; 4];
        memory.read_exact_at(&mut room, length_place)?;
        let bytes = format(address);
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

fn parse(bytes: &[u8]) -> Option<SocketAddr> {
    let family = u16::from_ne_bytes(bytes.first_chunk().copied()?);
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    match i32::from(family) {
        libc::AF_INET => {
            let address: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(address)), port))
        }
        libc::AF_INET6 => {
            let address: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let number = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
            let (flow, scope) = (number(4)?, number(24).unwrap_or(0));
            Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(address), port, flow, scope)))
        }
        _ => None,
    }
}

fn format(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let family = u16::try_from(family).expect("families are small numbers");
    let mut bytes = [family.to_ne_bytes(), address.port().to_be_bytes()].concat();
    match address {
        SocketAddr::V4(address) => {
            bytes.extend(address.ip().octets());
            bytes.extend([0; 8]);
        }
        SocketAddr::V6(address) => {
            bytes.extend(address.flowinfo().to_ne_bytes());
            bytes.extend(address.ip().octets());
            bytes.extend(address.scope_id().to_ne_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{format, parse};

    #[test]
    fn an_address_is_the_same_after_a_write_and_a_read() {
        for address in ["127.0.0.1:3000", "0.0.0.0:1", "[::1]:65535", "[::]:8080"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(parse(&format(address)), Some(address));
        }
    }

    #[test]
    fn other_bytes_are_no_internet_address() {
        for bytes in [
            &[][..],
            &[1, 0],
            &[1, 0, 47, 116, 109, 112],
            &[2, 0, 1],
            &[2, 0, 1, 1, 127, 0, 0],
            &[10, 0, 1, 1],
        ] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
    }
}
