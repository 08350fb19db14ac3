//! Lists the Unix sockets of this machine, from `/proc/net/unix`.

use std::fs;
use std::path::Path;

use intercept::Address;

/// A socket at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnixSocket {
    pub(super) inode: u64,
    /// It is the server's side of a connection, and does not listen.
    pub(super) is_connected: bool,
}

/// The sockets that listen at one of these addresses, and the connections that were accepted there.
pub(super) fn sockets(addresses: &[Address]) -> Vec<UnixSocket> {
    if addresses.iter().all(|address| address.tcp().is_some()) {
        return Vec::new();
    }
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    table.lines().filter_map(|line| row(line, addresses)).collect()
}

fn row(line: &str, addresses: &[Address]) -> Option<UnixSocket> {
    const CONNECTED: &str = "03";
    let mut fields = line.split_ascii_whitespace();
    let (state, inode) = (fields.nth(5)?, fields.next()?.parse().ok()?);
    let name = line.split_once(&format!(" {inode} "))?.1;
    let is_here = |address: &Address| match address {
        // The kernel shows the path as the program gave it, perhaps a relative one.
        Address::Unix(path) => !name.is_empty() && path.ends_with(Path::new(name)),
        Address::Abstract(expected) => {
            name.strip_prefix('@').is_some_and(|name| name.as_bytes() == expected.as_slice())
        }
        _ => false,
    };
    addresses.iter().any(is_here).then_some(UnixSocket { inode, is_connected: state == CONNECTED })
}

#[cfg(test)]
mod tests {
    use intercept::Address;

    use super::{UnixSocket, row};

    #[test]
    fn a_row_of_proc_shows_a_connection() {
        let file = [Address::Unix("/p/run/a b.sock".into())];
        let name = [Address::Abstract(b"app".to_vec())];
        let found = |is_connected| Some(UnixSocket { inode: 4711, is_connected });
        let row_of =
            |state: &str, name: &str| format!("0000: 00000002 00000000 00000000 0001 {state}  4711 {name}");
        assert_eq!(row(&row_of("03", "run/a b.sock"), &file), found(true));
        assert_eq!(row(&row_of("01", "/p/run/a b.sock"), &file), found(false));
        assert_eq!(row(&row_of("03", "@app"), &name), found(true));
        for (line, addresses) in [
            (row_of("03", "/q/a b.sock"), &file),
            (row_of("03", "app"), &name),
            (row_of("03", ""), &file),
            ("Num RefCount Protocol Flags Type St Inode Path".to_owned(), &file),
        ] {
            assert_eq!(row(&line, addresses), None, "{line}");
        }
    }
}
