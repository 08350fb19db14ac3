//! Files in memory. They have no name. So no other process can change them, and nothing is left of them when the process ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;

/// A file in memory with these bytes. `name` is shown in `/proc/PID/maps`.
pub(crate) fn memory_file(name: &str, bytes: &[u8]) -> io::Result<File> {
    // Linux before 6.3 does not know the flag that permits to execute the file.
    let descriptor: OwnedFd = match memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(name, MemfdFlags::CLOEXEC)?,
        created => created?,
    };
    let mut file = File::from(descriptor);
    file.write_all(bytes)?;
    Ok(file)
}

/// A path to an open file of this process.
///
/// The loader takes two equal paths for one library. So each number gives another path to the same file.
pub(crate) fn path(file: &impl AsRawFd, number: usize) -> String {
    let spelling: String =
        (0..usize::BITS).map(|bit| if (number >> bit) & 1 == 1 { "/." } else { "/" }).collect();
    format!("/proc/self{spelling}/fd/{}", file.as_raw_fd())
}
