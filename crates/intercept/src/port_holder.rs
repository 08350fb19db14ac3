//! The process that holds a port.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::net::SocketAddr;

/// A process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortHolder {
    /// Its name in the kernel (`/proc/PID/comm`), at most 15 bytes.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// The process that listens on the port of this address. Only root sees processes of other users.
#[must_use]
pub fn port_holder(address: SocketAddr) -> Option<PortHolder> {
    let inodes = listening_sockets(address.port());
    let numbers = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pid = processes.find(|process| inodes.iter().any(|inode| has(*process, *inode)))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(PortHolder { name: name.trim().to_owned(), pid })
}

/// Inodes of the sockets that listen on `port`, in this network namespace.
fn listening_sockets(port: u16) -> Vec<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter();
    let tables = tables.filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| listening(&table, port)).collect()
}

impl Display for PortHolder {
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

    use super::{listening, port_holder};

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
    fn this_process_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = port_holder(listener.local_addr().unwrap()).unwrap();
        assert_eq!(found.pid, process::id());
        assert!(found.to_string().contains(&format!("(process {})", process::id())), "{found}");
    }
}
