//! The seccomp filter: a list of calls that are reported.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, F_SETFL, FIONBIO, SECCOMP_RET_ALLOW,
    SECCOMP_RET_USER_NOTIF, SHUT_WR, SO_ATTACH_BPF, SO_ATTACH_FILTER, SOL_SOCKET, SYS_accept, SYS_accept4,
    SYS_bind, SYS_fcntl, SYS_ioctl, SYS_listen, SYS_setsockopt, SYS_shutdown, SYS_unlinkat, c_long, c_uint,
    sock_filter,
};

/// `AUDIT_ARCH` of the system calls that the filter knows. A 32-bit program on a 64-bit machine has other numbers, and none of its
/// calls is reported.
#[cfg(target_arch = "x86_64")]
pub(crate) const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
/// `AUDIT_ARCH_AARCH64`.
#[cfg(target_arch = "aarch64")]
pub(crate) const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
/// Not tried on other machines.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) const ARCHITECTURE: Option<u32> = None;

/// The number of `unlink`, which newer machines do not have.
#[cfg(target_arch = "x86_64")]
pub(crate) const UNLINK: Option<c_long> = Some(libc::SYS_unlink);
/// They have `unlinkat` alone.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const UNLINK: Option<c_long> = None;

/// Offsets in `seccomp_data` of the call's number, the architecture, and the low halves of the second and third argument.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const SECOND: u32 = 24;
const THIRD: u32 = 32;

/// One instruction. A test names the steps that follow it.
enum Step {
    Load(u32),
    Test { equals: u32, then: usize, otherwise: usize },
    Return(u32),
}

/// Reports the calls that concern listening sockets and their files, and allows all others.
pub(crate) fn filter(architecture: u32) -> Vec<sock_filter> {
    use Step::{Load, Return, Test};
    const ALLOW: usize = 24;
    const REPORT: usize = 25;
    let call = |number: c_long| u32::try_from(number).expect("numbers of system calls are small");
    let fionbio = u32::try_from(FIONBIO).expect("the number of an ioctl has 32 bits");
    let steps = [
        Load(ARCH),
        Test { equals: architecture, then: 2, otherwise: ALLOW },
        Load(NUMBER),
        Test { equals: call(SYS_accept4), then: REPORT, otherwise: 4 },
        Test { equals: call(SYS_accept), then: REPORT, otherwise: 5 },
        Test { equals: call(SYS_bind), then: REPORT, otherwise: 6 },
        Test { equals: call(SYS_listen), then: REPORT, otherwise: 7 },
        Test { equals: call(SYS_ioctl), then: 13, otherwise: 8 },
        Test { equals: call(SYS_fcntl), then: 15, otherwise: 9 },
        Test { equals: call(SYS_shutdown), then: 17, otherwise: 10 },
        Test { equals: call(SYS_setsockopt), then: 19, otherwise: 11 },
        Test { equals: call(SYS_unlinkat), then: REPORT, otherwise: 12 },
        Test { equals: call(UNLINK.unwrap_or(SYS_unlinkat)), then: REPORT, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: fionbio, then: REPORT, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: F_SETFL.cast_unsigned(), then: REPORT, otherwise: ALLOW },
        Load(SECOND),
        Test { equals: SHUT_WR.cast_unsigned(), then: ALLOW, otherwise: REPORT },
        Load(SECOND),
        Test { equals: SOL_SOCKET.cast_unsigned(), then: 21, otherwise: ALLOW },
        Load(THIRD),
        Test { equals: SO_ATTACH_FILTER.cast_unsigned(), then: REPORT, otherwise: 23 },
        Test { equals: SO_ATTACH_BPF.cast_unsigned(), then: REPORT, otherwise: ALLOW },
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

#[cfg(test)]
mod tests {
    use libc::{
        F_GETFL, F_SETFL, FIONBIO, IPPROTO_IPV6, IPV6_V6ONLY, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF,
        SHUT_RD, SHUT_RDWR, SHUT_WR, SO_ATTACH_BPF, SO_ATTACH_FILTER, SO_KEEPALIVE, SOL_SOCKET, SYS_accept,
        SYS_accept4, SYS_bind, SYS_close, SYS_connect, SYS_fcntl, SYS_ioctl, SYS_listen, SYS_setsockopt,
        SYS_shutdown, SYS_unlinkat, TCGETS, sock_filter,
    };

    use super::{ARCH, NUMBER, SECOND, THIRD, UNLINK, filter};

    const HERE: u32 = 0xC000_003E;
    const ELSEWHERE: u32 = 0x4000_0003;

    /// Runs the program like the kernel, for the three kinds of instructions that are used.
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
            (SYS_unlinkat, 0, 0, true),
            (UNLINK.unwrap_or(SYS_unlinkat), 0, 0, true),
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
