//! The process that listens on a port.

use std::fmt::{Display, Formatter, Result};
use std::fs;

/// A process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortOwner {
    /// Its process id.
    pub pid: u32,
    /// Its name, as the kernel keeps it (at most 15 bytes).
    pub name: String,
}

impl PortOwner {
    /// The process that listens on `port`, if `/proc` tells. It tells a user of the user's own processes, and root of all. It
    /// reads the descriptors of every process, which may take long.
    pub fn of(port: u16) -> Option<PortOwner> {
        let inodes: Vec<u64> = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .flat_map(|table| listening(&table, port))
            .collect();
        if inodes.is_empty() {
            return None;
        }
        fs::read_dir("/proc")
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .find(|pid| holds(*pid, &inodes))
            .map(|pid| PortOwner { pid, name: name(pid) })
    }
}

impl Display for PortOwner {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        write!(formatter, "`{}` (process {})", self.name, self.pid)
    }
}

/// The inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            let (_, local_port) = local.rsplit_once(':')?;
            let here = u16::from_str_radix(local_port, 16).ok()? == port && *state == LISTEN;
            here.then_some(inode)?.parse().ok()
        })
        .collect()
}

/// True if the process has one of these sockets open.
pub(crate) fn holds(pid: u32, inodes: &[u64]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .filter_map(|target| {
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        })
        .any(|inode| inodes.contains(&inode))
}

fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from(name.trim())
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn only_sockets_that_listen_on_the_port_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0
   3: nonsense
";
        assert_eq!(listening(table, 8080), [4711]);
        assert_eq!(listening(table, 22), [4713]);
        assert_eq!(listening(table, 8081), [0; 0]);
        assert_eq!(listening("", 8080), [0; 0]);
    }
}
