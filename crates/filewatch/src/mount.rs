//! Mounted file systems.

use std::path::Path;

/// True if a file system is mounted at `path`.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount(_: &Path) -> bool {
    false
}

/// True if files in this folder change without events of this system: NFS, SMB, FUSE, 9p (WSL2, gVisor), AFS, Ceph, shared folders
/// of virtual machines. The numbers are those of statfs(2).
#[cfg(target_os = "linux")]
pub(crate) fn is_remote(folder: &Path) -> bool {
    const REMOTE: [u64; 10] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414F,
        0x00C3_6400,
        0x786F_4256,
        0xBACB_ACBC,
    ];
    rustix::fs::statfs(folder)
        .is_ok_and(|found| REMOTE.contains(&(found.f_type.cast_unsigned() & 0xFFFF_FFFF)))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_remote(_: &Path) -> bool {
    false
}
