//! Who holds a port.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::net::SocketAddr;

/// A process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// As the kernel keeps it: at most 15 bytes.
    pub(crate) name: String,
    pub(crate) pid: u32,
}

/// Who listens on this address' port, as far as we may see: processes of the same user, or all for root.
pub(crate) fn holder(address: SocketAddr) -> Option<Holder> {
    let inodes = listening_on(address.port());
    let numbers = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pid = processes.find(|process| inodes.iter().any(|inode| has(*process, *inode)))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(Holder { name: name.trim().to_owned(), pid })
}

/// The inodes of the sockets that listen on `port`.
pub(crate) fn listening_on(port: u16) -> Vec<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter();
    let tables = tables.filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| listening(&table, port)).collect()
}

impl Display for Holder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.name, self.pid)
    }
}

/// The inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let here = u16::from_str_radix(local_port, 16).ok()? == port && *fields.get(3)? == LISTEN;
        here.then_some(fields.get(9)?)?.parse().ok()
    };
    table.lines().filter_map(inode).collect()
}

fn has(process: u32, inode: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    let socket = format!("socket:[{inode}]");
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.as_os_str() == socket.as_str())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process;

    use super::{holder, listening};

    #[test]
    fn only_sockets_that_listen_on_the_port_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1
   2: nonsense
";
        assert_eq!(listening(table, 8080), [4711]);
        assert_eq!(listening(table, 8081), [0; 0]);
        assert_eq!(listening("", 8080), [0; 0]);
    }

    #[test]
    fn we_find_ourselves() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = holder(listener.local_addr().unwrap()).unwrap();
        assert_eq!(found.pid, process::id());
        assert!(found.to_string().contains(&format!("(process {})", process::id())), "{found}");
    }
}
