//! Options that a program set on its socket before `bind`.

use std::os::fd::BorrowedFd;

use rustix::io::Result;
use rustix::net::sockopt;

/// Copies the options that connections inherit from their listener, where they differ.
///
/// Options of a bound socket that cannot change any more (`IPV6_V6ONLY`, `SO_BINDTODEVICE`, `IP_TRANSPARENT`) stay as the first
/// program set them.
pub(crate) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) {
    copy_one(from, to, sockopt::socket_keepalive, sockopt::set_socket_keepalive);
    copy_one(from, to, sockopt::socket_linger, sockopt::set_socket_linger);
    copy_one(from, to, sockopt::tcp_nodelay, sockopt::set_tcp_nodelay);
    copy_one(from, to, sockopt::tcp_keepcnt, sockopt::set_tcp_keepcnt);
    copy_one(from, to, sockopt::tcp_keepidle, sockopt::set_tcp_keepidle);
    copy_one(from, to, sockopt::tcp_keepintvl, sockopt::set_tcp_keepintvl);
    copy_one(from, to, sockopt::tcp_user_timeout, sockopt::set_tcp_user_timeout);
    copy_one(from, to, sockopt::ip_tos, sockopt::set_ip_tos);
    // The kernel doubles the size that is set, and returns the double (socket(7)).
    copy_one(from, to, sockopt::socket_recv_buffer_size, |to, size| {
        sockopt::set_socket_recv_buffer_size(to, size / 2)
    });
    copy_one(from, to, sockopt::socket_send_buffer_size, |to, size| {
        sockopt::set_socket_send_buffer_size(to, size / 2)
    });
}

/// Does nothing for an option that this socket or this kernel does not have.
fn copy_one<'a, T: PartialEq>(
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    get: impl Fn(BorrowedFd<'a>) -> Result<T>,
    set: impl Fn(BorrowedFd<'a>, T) -> Result<()>,
) {
    if let (Ok(wanted), Ok(present)) = (get(from), get(to))
        && wanted != present
    {
        let _ = set(to, wanted);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::net::sockopt;
    use socket2::{Domain, Socket, TcpKeepalive, Type};

    use super::copy;

    #[test]
    fn options_that_a_program_sets_before_bind_are_on_the_lent_socket() {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let (from, to) = (socket(), socket());
        from.set_tcp_nodelay(true).unwrap();
        from.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(7))).unwrap();
        from.set_recv_buffer_size(64 * 1024).unwrap();
        to.set_linger(Some(Duration::from_secs(3))).unwrap();
        copy(from.as_fd(), to.as_fd());
        assert!(to.tcp_nodelay().unwrap() && to.keepalive().unwrap());
        assert_eq!(sockopt::tcp_keepidle(&to).unwrap(), Duration::from_secs(7));
        assert_eq!(to.recv_buffer_size().unwrap(), from.recv_buffer_size().unwrap());
        assert_eq!(to.linger().unwrap(), None);
    }
}
