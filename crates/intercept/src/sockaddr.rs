//! Addresses in the form that the kernel reads and writes (`struct sockaddr`).

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::net::{SocketAddrAny, SocketAddrUnix};

use crate::address::Address;

/// Length in bytes of the longest address that concerns us, `sockaddr_un`.
pub(crate) const LONGEST: usize = 110;

/// Offset of the path in a `sockaddr_un`.
const PATH: usize = 2;

/// Reads an address of TCP or of a Unix socket, whose path may be relative. `None` for another family and for no name.
pub(crate) fn parse(bytes: &[u8]) -> Option<Address> {
    let family = u16::from_ne_bytes(bytes.first_chunk().copied()?);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    match i32::from(family) {
        libc::AF_INET => {
            let address: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(address)), port()?).into())
        }
        libc::AF_INET6 => {
            let address: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let number = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
            let (flow, scope) = (number(4)?, number(24).unwrap_or(0));
            Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(address), port()?, flow, scope)).into())
        }
        libc::AF_UNIX => match bytes.get(PATH..)? {
            [] => None,
            [0, name @ ..] => Some(Address::Abstract(name.to_vec())),
            path => {
                let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
                Some(Address::Unix(PathBuf::from(OsStr::from_bytes(&path[..end]))))
            }
        },
        _ => None,
    }
}

/// The bytes of a peer's address.
pub(crate) fn format(address: &SocketAddrAny) -> Option<Vec<u8>> {
    if let Ok(address) = SocketAddr::try_from(address.clone()) {
        return Some(of_internet(address));
    }
    let address = SocketAddrUnix::try_from(address.clone()).ok()?;
    let mut bytes = family(libc::AF_UNIX).to_vec();
    if let Some(path) = address.path() {
        bytes.extend(path.to_bytes_with_nul());
    } else if let Some(name) = address.abstract_name().filter(|name| !name.is_empty()) {
        bytes.push(0);
        bytes.extend(name);
    }
    Some(bytes)
}

fn of_internet(address: SocketAddr) -> Vec<u8> {
    let kind = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut bytes = [family(kind), address.port().to_be_bytes()].concat();
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

fn family(family: i32) -> [u8; 2] {
    u16::try_from(family).expect("families are small numbers").to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rustix::net::{SocketAddrAny, SocketAddrUnix};

    use super::{format, parse};
    use crate::address::Address;

    #[test]
    fn an_address_is_the_same_after_a_write_and_a_read() {
        for address in ["127.0.0.1:3000", "0.0.0.0:1", "[::1]:65535", "[::]:8080"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(
                format(&SocketAddrAny::from(address)).and_then(|bytes| parse(&bytes)),
                Some(address.into())
            );
        }
        let unix = |address: SocketAddrUnix| format(&SocketAddrAny::from(address)).unwrap();
        let file = unix(SocketAddrUnix::new("run/app.sock").unwrap());
        assert_eq!(parse(&file), Some(Address::Unix("run/app.sock".into())));
        let name = unix(SocketAddrUnix::new_abstract_name(b"app").unwrap());
        assert_eq!(parse(&name), Some(Address::Abstract(b"app".to_vec())));
        let unnamed = unix(SocketAddrUnix::new_unnamed());
        assert_eq!((unnamed.len(), parse(&unnamed)), (2, None));
    }

    #[test]
    fn other_bytes_are_no_address() {
        for bytes in [
            &[][..],
            &[1],
            &[1, 0],
            &[2, 0, 1],
            &[2, 0, 1, 1, 127, 0, 0],
            &[10, 0, 1, 1],
            &[16, 0, 1, 1, 1, 1],
        ] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
    }
}
