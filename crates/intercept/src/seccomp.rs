//! seccomp(2) and the descriptor on which a filter reports calls.
//!
//! No safe crate covers seccomp's user notifications, so this file calls `libc`.
#![allow(unsafe_code, reason = "seccomp(2) and its ioctls have no safe wrapper")]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{
    SECCOMP_ADDFD_FLAG_SEND, SECCOMP_ADDFD_FLAG_SETFD, SECCOMP_FILTER_FLAG_NEW_LISTENER,
    SECCOMP_GET_ACTION_AVAIL, SECCOMP_GET_NOTIF_SIZES, SECCOMP_IOCTL_NOTIF_ADDFD,
    SECCOMP_IOCTL_NOTIF_ID_VALID, SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND,
    SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_RET_USER_NOTIF, SECCOMP_SET_MODE_FILTER,
    SECCOMP_USER_NOTIF_FLAG_CONTINUE, SYS_accept, SYS_accept4, SYS_bind, SYS_fcntl, SYS_ioctl, SYS_listen,
    SYS_setsockopt, SYS_shutdown, SYS_unlinkat, c_long, c_uint, c_ulong, sock_fprog,
};

use crate::filter::{ARCHITECTURE, UNLINK, filter};

/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: the program wakes up on the processor of the answer (Linux 6.6).
const SYNC_WAKE_UP: u64 = 1;

/// The calls that the filter reports, some only with certain arguments.
const REPORTED: [(c_long, Kind); 9] = [
    (SYS_bind, Kind::Bind),
    (SYS_listen, Kind::Listen),
    (SYS_accept, Kind::Accept),
    (SYS_accept4, Kind::Accept4),
    (SYS_shutdown, Kind::Shutdown),
    (SYS_ioctl, Kind::Ioctl),
    (SYS_fcntl, Kind::Fcntl),
    (SYS_setsockopt, Kind::PacketFilter),
    (SYS_unlinkat, Kind::UnlinkAt),
];

/// The descriptor on which a filter reports the calls of all processes under it.
#[derive(Debug)]
pub(crate) struct Notifications {
    descriptor: OwnedFd,
    sizes: Sizes,
}

/// Lengths in bytes of the kernel's structs. A later kernel may have longer structs than this program was compiled with.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    call: usize,
    answer: usize,
}

/// Zeroed memory for a struct of the kernel's, aligned to 8 bytes.
#[derive(Debug)]
struct Buffer(Vec<u64>);

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) id: u64,
    /// The calling thread, `pid` in seccomp_unotify(2).
    pub(crate) thread: u32,
    pub(crate) kind: Kind,
    /// The first argument.
    pub(crate) first: u64,
    /// The first argument as a descriptor of the calling process.
    pub(crate) descriptor: RawFd,
    /// The second to fourth argument.
    pub(crate) arguments: [u64; 3],
}

/// The system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bind,
    Listen,
    Accept,
    Accept4,
    /// For reading, or for both directions.
    Shutdown,
    /// `ioctl(FIONBIO)`
    Ioctl,
    /// `fcntl(F_SETFL)`
    Fcntl,
    /// `setsockopt(SO_ATTACH_FILTER)` and `SO_ATTACH_BPF`, which hold for every process that has the socket.
    PacketFilter,
    /// `aarch64` has `unlinkat` alone.
    Unlink,
    UnlinkAt,
    Other,
}

/// Why filters cannot be used on this machine; `None` if they can.
pub(crate) fn unavailable() -> Option<String> {
    if ARCHITECTURE.is_none() {
        return Some("the machine is neither x86_64 nor aarch64".to_owned());
    }
    let mut action: u32 = SECCOMP_RET_USER_NOTIF;
    // SAFETY: reads the four bytes of `action`.
    let answer = unsafe { seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (&raw mut action).cast()) };
    let error = answer.err().or(Sizes::ask().err())?;
    Some(format!("the kernel has no user notifications: {error}"))
}

/// Puts this thread and all processes that it starts under the filter. `PR_SET_NO_NEW_PRIVS` must be set.
pub(crate) fn install() -> io::Result<OwnedFd> {
    let architecture = ARCHITECTURE.ok_or(io::ErrorKind::Unsupported)?;
    let mut filter = filter(architecture);
    let length = u16::try_from(filter.len()).expect("a filter has two dozen instructions");
    let mut program = sock_fprog { len: length, filter: filter.as_mut_ptr() };
    // SAFETY: `program` points to `length` instructions that live until the call returns; the kernel copies them.
    let descriptor = unsafe {
        seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, (&raw mut program).cast())
    }?;
    let descriptor = RawFd::try_from(descriptor).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel made this descriptor for us just now.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

impl Notifications {
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Notifications> {
        // SAFETY: takes the flags by value. An older kernel refuses them, and is slower.
        let _ = unsafe { libc::ioctl(descriptor.as_raw_fd(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
        Ok(Notifications { descriptor, sizes: Sizes::ask()? })
    }

    /// Waits for the next call. `None` if its thread was interrupted meanwhile.
    pub(crate) fn receive(&self) -> io::Result<Option<Call>> {
        let mut buffer = Buffer::zeroed(self.sizes.call);
        // SAFETY: the buffer is as large as the kernel says, and zeroed as the kernel demands.
        match unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_RECV, buffer.start()) } {
            // SAFETY: the struct has integers only, the buffer is aligned to 8 bytes and at least as large.
            Ok(_) => Ok(Some(Call::read(unsafe { &*buffer.start().cast() }))),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// True if the thread still waits. If so, its process id was not given to another process meanwhile, and what was read of
    /// its memory and descriptors is true.
    pub(crate) fn is_waiting(&self, call: &Call) -> bool {
        let mut id = call.id;
        // SAFETY: reads the eight bytes of `id`.
        unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id) }.is_ok()
    }

    /// Lets the kernel carry the call out.
    pub(crate) fn carry_on(&self, call: &Call) {
        let flags = u32::try_from(SECCOMP_USER_NOTIF_FLAG_CONTINUE).expect("it is 1");
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags });
    }

    /// Lets the call return 0.
    pub(crate) fn succeed(&self, call: &Call) {
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: 0 });
    }

    /// Lets the call fail.
    pub(crate) fn fail(&self, call: &Call, error: rustix::io::Errno) {
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: -error.raw_os_error(), flags: 0 });
    }

    /// Replaces the descriptor of the calling process by `ours`. The call still waits for its answer.
    pub(crate) fn replace(&self, call: &Call, ours: BorrowedFd<'_>, on_exec: c_uint) -> io::Result<()> {
        self.add(call, ours, SECCOMP_ADDFD_FLAG_SETFD, call.descriptor, on_exec).map(drop)
    }

    /// Adds `ours` to the calling process. The call returns the new descriptor.
    pub(crate) fn give(&self, call: &Call, ours: BorrowedFd<'_>, on_exec: c_uint) -> io::Result<()> {
        self.add(call, ours, SECCOMP_ADDFD_FLAG_SEND, 0, on_exec).map(drop)
    }

    fn add(
        &self,
        call: &Call,
        ours: BorrowedFd<'_>,
        flags: c_ulong,
        number: RawFd,
        on_exec: c_uint,
    ) -> io::Result<c_long> {
        let unsigned = |number: RawFd| u32::try_from(number).map_err(|_| io::ErrorKind::InvalidInput);
        let mut added = libc::seccomp_notif_addfd {
            id: call.id,
            flags: u32::try_from(flags).map_err(|_| io::ErrorKind::InvalidInput)?,
            srcfd: unsigned(ours.as_raw_fd())?,
            newfd: unsigned(number)?,
            newfd_flags: on_exec,
        };
        // SAFETY: `added` is as large as the number of the ioctl says, and `srcfd` is open as long as `ours` is.
        unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_ADDFD, &raw mut added) }
    }

    /// Does nothing if the thread was interrupted or killed.
    fn send(&self, answer: libc::seccomp_notif_resp) {
        let mut buffer = Buffer::zeroed(self.sizes.answer);
        // SAFETY: the buffer is aligned to 8 bytes and at least as large as the struct.
        unsafe { buffer.start().cast::<libc::seccomp_notif_resp>().write(answer) };
        // SAFETY: the buffer is as large as the kernel says.
        let _ = unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_SEND, buffer.start()) };
    }

    /// # Safety
    ///
    /// `argument` must be what `request` reads and writes.
    unsafe fn ioctl<T>(&self, request: libc::Ioctl, argument: *mut T) -> io::Result<c_long> {
        // SAFETY: the caller's promise.
        let answer = unsafe { libc::ioctl(self.descriptor.as_raw_fd(), request, argument) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer.into()) }
    }
}

impl AsFd for Notifications {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Sizes {
    /// Asks the kernel (`SECCOMP_GET_NOTIF_SIZES`, Linux 5.0).
    fn ask() -> io::Result<Self> {
        let mut sizes =
            libc::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
        // SAFETY: writes the struct of three numbers.
        unsafe { seccomp(SECCOMP_GET_NOTIF_SIZES, 0, (&raw mut sizes).cast()) }?;
        Ok(Self {
            call: usize::from(sizes.seccomp_notif).max(size_of::<libc::seccomp_notif>()),
            answer: usize::from(sizes.seccomp_notif_resp).max(size_of::<libc::seccomp_notif_resp>()),
        })
    }
}

impl Buffer {
    fn zeroed(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(size_of::<u64>())])
    }

    fn start(&mut self) -> *mut u64 {
        self.0.as_mut_ptr()
    }
}

impl Call {
    fn read(notification: &libc::seccomp_notif) -> Call {
        let number = c_long::from(notification.data.nr);
        let kind = match REPORTED.iter().find(|(reported, _)| *reported == number) {
            Some((_, kind)) => *kind,
            None if UNLINK == Some(number) => Kind::Unlink,
            None => Kind::Other,
        };
        let [first, second, third, fourth, ..] = notification.data.args;
        Call {
            id: notification.id,
            thread: notification.pid,
            kind,
            first,
            descriptor: int(first),
            arguments: [second, third, fourth],
        }
    }
}

/// An `int` argument. The upper half of the register is undefined.
pub(crate) fn int(argument: u64) -> i32 {
    let low = u32::try_from(argument & u64::from(u32::MAX)).expect("the upper half is masked");
    low.cast_signed()
}

/// # Safety
///
/// `argument` must be what `operation` reads and writes.
unsafe fn seccomp(operation: c_uint, flags: c_ulong, argument: *mut libc::c_void) -> io::Result<c_long> {
    // SAFETY: the caller's promise.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, argument) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, Sizes};

    #[test]
    fn a_call_has_room_for_what_the_kernel_writes() {
        let Ok(sizes) = Sizes::ask() else { return };
        assert!(sizes.call >= size_of::<libc::seccomp_notif>() && sizes.answer >= 24, "{sizes:?}");
        assert_eq!(Buffer::zeroed(81).0, [0; 11]);
    }
}
