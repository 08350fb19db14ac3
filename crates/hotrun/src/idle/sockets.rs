//! The sockets that processes hold.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;

use process_tree::ProcessTree;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// The inodes of all sockets that the program holds.
pub(super) fn sockets(tree: ProcessTree) -> BTreeSet<u64> {
    tree.members().into_iter().flat_map(sockets_of).collect()
}

/// The inodes of a process' sockets.
pub(super) fn sockets_of(process: u32) -> impl Iterator<Item = u64> {
    descriptors_of(process).map(|(_, inode)| inode)
}

/// A process' descriptors that are sockets, and their inodes.
pub(super) fn descriptors_of(process: u32) -> impl Iterator<Item = (i32, u64)> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|descriptor| {
        let link = fs::read_link(descriptor.path()).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()?;
        Some((descriptor.file_name().to_str()?.parse().ok()?, inode))
    })
}

/// A duplicate of another process' descriptor.
pub(super) fn duplicate(process: u32, descriptor: i32) -> Option<OwnedFd> {
    let process = pidfd_open(Pid::from_raw(process.cast_signed())?, PidfdFlags::empty()).ok()?;
    pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty()).ok()
}
