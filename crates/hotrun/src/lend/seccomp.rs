//! The kernel's side of lending: the filter, and the descriptor on which it tells of calls.
//!
//! No safe crate knows seccomp's user notifications, so this one file speaks to the kernel through `libc`.
#![allow(unsafe_code, reason = "seccomp(2) and its ioctls have no safe wrapper")]

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, F_SETFL, FIONBIO, SECCOMP_ADDFD_FLAG_SEND,
    SECCOMP_ADDFD_FLAG_SETFD, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_GET_ACTION_AVAIL,
    SECCOMP_IOCTL_NOTIF_ADDFD, SECCOMP_IOCTL_NOTIF_ID_VALID, SECCOMP_IOCTL_NOTIF_RECV,
    SECCOMP_IOCTL_NOTIF_SEND, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF,
    SECCOMP_SET_MODE_FILTER, SECCOMP_USER_NOTIF_FLAG_CONTINUE, SHUT_WR, SO_ATTACH_BPF, SO_ATTACH_FILTER,
    SOL_SOCKET, SYS_accept, SYS_accept4, SYS_bind, SYS_fcntl, SYS_ioctl, SYS_listen, SYS_setsockopt,
    SYS_shutdown, c_long, c_uint, c_ulong, sock_filter, sock_fprog,
};

/// The architecture whose system calls the filter knows: a program of another one (a 32-bit one on a 64-bit
/// machine) has other numbers, and is left alone.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
/// See above.
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
/// Nobody has tried.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

/// Where `seccomp_data` has the number of the call, the architecture, and the low halves of the second and third argument.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const SECOND: u32 = 24;
const THIRD: u32 = 32;

/// Wakes the program on the processor on which it was answered (Linux 6.6).
const SYNC_WAKE_UP: u64 = 1;

/// The calls that the filter reports, some of them only with certain arguments.
const REPORTED: [(c_long, Kind); 8] = [
    (SYS_bind, Kind::Bind),
    (SYS_listen, Kind::Listen),
    (SYS_accept, Kind::Accept),
    (SYS_accept4, Kind::Accept4),
    (SYS_shutdown, Kind::Shutdown),
    (SYS_ioctl, Kind::Ioctl),
    (SYS_fcntl, Kind::Fcntl),
    (SYS_setsockopt, Kind::Filter),
];

/// Where a filter reports the calls of everybody under it.
#[derive(Debug)]
pub(crate) struct Notifications(OwnedFd);

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) id: u64,
    /// The thread that calls.
    pub(crate) thread: u32,
    pub(crate) kind: Kind,
    /// The socket's number in the calling process.
    pub(crate) descriptor: RawFd,
    /// The second to fourth argument, as they are.
    pub(crate) arguments: [u64; 3],
}

/// What is called.
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
    /// `setsockopt(SO_ATTACH_FILTER)`: which packets the socket takes, whoever holds it.
    Filter,
    Other,
}

/// Why filters cannot be used here; `None` when they can.
pub(crate) fn unavailable() -> Option<String> {
    if ARCHITECTURE.is_none() {
        return Some("the machine is neither x86_64 nor aarch64".to_owned());
    }
    let action: u32 = SECCOMP_RET_USER_NOTIF;
    // SAFETY: reads the four bytes of `action`.
    let answer = unsafe { seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (&raw const action).cast()) };
    answer.err().map(|error| format!("the kernel has no user notifications: {error}"))
}

/// Puts this thread, and all that it starts, under the filter. `PR_SET_NO_NEW_PRIVS` must be set.
pub(crate) fn install() -> io::Result<OwnedFd> {
    let architecture = ARCHITECTURE.ok_or(io::ErrorKind::Unsupported)?;
    let mut filter = filter(architecture);
    let length = u16::try_from(filter.len()).expect("a filter has two dozen instructions");
    let program = sock_fprog { len: length, filter: filter.as_mut_ptr() };
    // SAFETY: `program` points to `length` instructions that live until the call returns; the kernel copies them.
    let descriptor = unsafe {
        seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, (&raw const program).cast())
    }?;
    let descriptor = RawFd::try_from(descriptor).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel made this descriptor for us just now.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

impl Notifications {
    pub(crate) fn new(descriptor: OwnedFd) -> Notifications {
        let notifications = Notifications(descriptor);
        // SAFETY: takes the flags by value; an older kernel says no, and is merely slower.
        let _ =
            unsafe { libc::ioctl(notifications.0.as_raw_fd(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
        notifications
    }

    /// The next call; `None` if its caller was interrupted meanwhile. Waits if there is none.
    pub(crate) fn receive(&self) -> io::Result<Option<Call>> {
        // SAFETY: a struct of integers; the kernel demands zeros.
        let mut heard: libc::seccomp_notif = unsafe { zeroed() };
        // SAFETY: `heard` is as large as the number of the ioctl says.
        match unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_RECV, &raw mut heard) } {
            Ok(_) => Ok(Some(Call::read(&heard))),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the caller still waits: what was read of its process was read of *its* process.
    pub(crate) fn waits(&self, call: &Call) -> bool {
        let mut id = call.id;
        // SAFETY: reads the eight bytes of `id`.
        unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id) }.is_ok()
    }

    /// The call is to be carried out as if nobody had heard it.
    pub(crate) fn carry_on(&self, call: &Call) {
        let flags = u32::try_from(SECCOMP_USER_NOTIF_FLAG_CONTINUE).expect("it is 1");
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags });
    }

    /// The call succeeds with 0.
    pub(crate) fn succeed(&self, call: &Call) {
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: 0 });
    }

    /// The call fails.
    pub(crate) fn fail(&self, call: &Call, error: rustix::io::Errno) {
        self.send(libc::seccomp_notif_resp { id: call.id, val: 0, error: -error.raw_os_error(), flags: 0 });
    }

    /// Puts `ours` in the place of the caller's descriptor. The call still waits for its answer.
    pub(crate) fn replace(&self, call: &Call, ours: BorrowedFd<'_>, on_exec: c_uint) -> io::Result<()> {
        self.add(call, ours, SECCOMP_ADDFD_FLAG_SETFD, call.descriptor, on_exec).map(drop)
    }

    /// Gives `ours` to the caller under a number of its own, which is what its call returns.
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

    /// A caller that was interrupted or killed has no use for an answer.
    fn send(&self, mut answer: libc::seccomp_notif_resp) {
        // SAFETY: `answer` is as large as the number of the ioctl says.
        let _ = unsafe { self.ioctl(SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    }

    /// # Safety
    ///
    /// `argument` must be what `request` reads and writes.
    unsafe fn ioctl<T>(&self, request: libc::Ioctl, argument: *mut T) -> io::Result<c_long> {
        // SAFETY: the caller's promise.
        let answer = unsafe { libc::ioctl(self.0.as_raw_fd(), request, argument) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer.into()) }
    }
}

impl AsFd for Notifications {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Call {
    fn read(heard: &libc::seccomp_notif) -> Call {
        let number = c_long::from(heard.data.nr);
        let kind = REPORTED.iter().find(|(reported, _)| *reported == number);
        let [descriptor, second, third, fourth, ..] = heard.data.args;
        Call {
            id: heard.id,
            thread: heard.pid,
            kind: kind.map_or(Kind::Other, |(_, kind)| *kind),
            descriptor: int(descriptor),
            arguments: [second, third, fourth],
        }
    }
}

/// An `int` in a register: the upper half is noise.
pub(crate) fn int(argument: u64) -> i32 {
    let low = u32::try_from(argument & u64::from(u32::MAX)).expect("the upper half is masked");
    low.cast_signed()
}

/// One step of the filter; jumps name the step they lead to.
enum Step {
    Load(u32),
    Test { equals: u32, then: usize, otherwise: usize },
    Return(u32),
}

/// Reports what [`Kind`] lists, allows all else.
fn filter(architecture: u32) -> Vec<sock_filter> {
    use Step::{Load, Return, Test};
    const ALLOW: usize = 22;
    const TELL: usize = 23;
    let call = |number: c_long| u32::try_from(number).expect("numbers of system calls are small");
    let fionbio = u32::try_from(FIONBIO).expect("the number of an ioctl has 32 bits");
    let steps = [
        Load(ARCH),
        Test { equals: architecture, then: 2, otherwise: ALLOW },
        Load(NUMBER),
        Test { equals: call(SYS_accept4), then: TELL, otherwise: 4 },
        Test { equals: call(SYS_accept), then: TELL, otherwise: 5 },
        Test { equals: call(SYS_bind), then: TELL, otherwise: 6 },
        Test { equals: call(SYS_listen), then: TELL, otherwise: 7 },
        Test { equals: call(SYS_ioctl), then: 11, otherwise: 8 },
        Test { equals: call(SYS_fcntl), then: 13, otherwise: 9 },
        Test { equals: call(SYS_shutdown), then: 15, otherwise: 10 },
        Test { equals: call(SYS_setsockopt), then: 17, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: fionbio, then: TELL, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: F_SETFL.cast_unsigned(), then: TELL, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: SHUT_WR.cast_unsigned(), then: ALLOW, otherwise: TELL },
        Load(SECOND),
        Test { equals: SOL_SOCKET.cast_unsigned(), then: 19, otherwise: ALLOW },
        Load(THIRD),
        Test { equals: SO_ATTACH_FILTER.cast_unsigned(), then: TELL, otherwise: 21 },
        Test { equals: SO_ATTACH_BPF.cast_unsigned(), then: TELL, otherwise: ALLOW },
        Return(SECCOMP_RET_ALLOW),
        Return(SECCOMP_RET_USER_NOTIF),
    ];
    steps.iter().enumerate().map(|(at, step)| step.instruction(at)).collect()
}

impl Step {
    fn instruction(&self, at: usize) -> sock_filter {
        let code = |parts: c_uint| u16::try_from(parts).expect("codes of instructions have 16 bits");
        let ahead =
            |to: usize| u8::try_from(to - at - 1).expect("jumps lead forward, two dozen steps at most");
        match *self {
            Step::Load(offset) => {
                sock_filter { code: code(BPF_LD | BPF_W | BPF_ABS), jt: 0, jf: 0, k: offset }
            }
            Step::Test { equals, then, otherwise } => sock_filter {
                code: code(BPF_JMP | BPF_JEQ | BPF_K),
                jt: ahead(then),
                jf: ahead(otherwise),
                k: equals,
            },
            Step::Return(action) => sock_filter { code: code(BPF_RET | BPF_K), jt: 0, jf: 0, k: action },
        }
    }
}

/// # Safety
///
/// `argument` must be what `operation` reads.
unsafe fn seccomp(operation: c_uint, flags: c_ulong, argument: *const libc::c_void) -> io::Result<c_long> {
    // SAFETY: the caller's promise.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, argument) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use libc::{
        F_GETFL, F_SETFL, FIONBIO, IPPROTO_IPV6, IPV6_V6ONLY, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF,
        SHUT_RD, SHUT_RDWR, SHUT_WR, SO_ATTACH_BPF, SO_ATTACH_FILTER, SO_KEEPALIVE, SOL_SOCKET, SYS_accept,
        SYS_accept4, SYS_bind, SYS_close, SYS_connect, SYS_fcntl, SYS_ioctl, SYS_listen, SYS_setsockopt,
        SYS_shutdown, TCGETS, sock_filter,
    };

    use super::{ARCH, NUMBER, SECOND, THIRD, filter};

    const HERE: u32 = 0xC000_003E;
    const ELSEWHERE: u32 = 0x4000_0003;

    /// What the kernel would do, for the three kinds of instructions that there are.
    fn run(program: &[sock_filter], number: u32, architecture: u32, second: u32, third: u32) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            match (code, k) {
                (0x20, ARCH) => accumulator = architecture,
                (0x20, NUMBER) => accumulator = number,
                (0x20, SECOND) => accumulator = second,
                (0x20, THIRD) => accumulator = third,
                (0x15, k) => at += usize::from(if accumulator == k { jt } else { jf }),
                (0x06, k) => return k,
                other => panic!("{other:?}"),
            }
            at += 1;
        }
    }

    #[test]
    fn only_calls_that_matter_are_reported() {
        let program = filter(HERE);
        let table: &[(i64, i64, i64, bool)] = &[
            (SYS_bind, 0, 0, true),
            (SYS_listen, 0, 0, true),
            (SYS_accept, 0, 0, true),
            (SYS_accept4, 0, 0, true),
            (SYS_connect, 0, 0, false),
            (SYS_close, 0, 0, false),
            (SYS_shutdown, SHUT_RD.into(), 0, true),
            (SYS_shutdown, SHUT_RDWR.into(), 0, true),
            (SYS_shutdown, SHUT_WR.into(), 0, false),
            (SYS_ioctl, FIONBIO.cast_signed(), 0, true),
            (SYS_ioctl, TCGETS.cast_signed(), 0, false),
            (SYS_fcntl, F_SETFL.into(), 0, true),
            (SYS_fcntl, F_GETFL.into(), 0, false),
            (SYS_bind | 0x4000_0000, 0, 0, false),
            (SYS_setsockopt, SOL_SOCKET.into(), SO_ATTACH_FILTER.into(), true),
            (SYS_setsockopt, SOL_SOCKET.into(), SO_ATTACH_BPF.into(), true),
            (SYS_setsockopt, SOL_SOCKET.into(), SO_KEEPALIVE.into(), false),
            (SYS_setsockopt, IPPROTO_IPV6.into(), IPV6_V6ONLY.into(), false),
        ];
        for &(number, second, third, told) in table {
            let expected = if told { SECCOMP_RET_USER_NOTIF } else { SECCOMP_RET_ALLOW };
            let [number, second, third] = [number, second, third].map(|part| u32::try_from(part).unwrap());
            assert_eq!(
                run(&program, number, HERE, second, third),
                expected,
                "call {number}, {second}, {third}"
            );
            assert_eq!(
                run(&program, number, ELSEWHERE, second, third),
                SECCOMP_RET_ALLOW,
                "call {number} elsewhere"
            );
        }
    }
}
