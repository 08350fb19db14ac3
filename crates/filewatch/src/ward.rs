//! Which folders to watch, and which names count in them.

use crate::chain::Link;
use crate::fingerprint::Id;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What there is to hear in one folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ward {
    pub(crate) id: Id,
    pub(crate) names: HashSet<OsString>,
    /// Which other names count.
    pub(crate) scope: Scope,
    /// Files or symlinks of ours are in it: it is not just passed.
    pub(crate) vital: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    #[default]
    Nothing,
    /// Names that do not begin with a dot.
    Visible,
    Everything,
}

/// The folders to watch.
pub(crate) type Wards = HashMap<PathBuf, Ward>;

impl Ward {
    /// This link's name counts.
    pub(crate) fn add(&mut self, link: &Link) {
        self.vital |= link.decides;
        if let Some(name) = link.at.file_name()
            && !self.names.contains(name)
        {
            self.names.insert(name.to_owned());
        }
    }

    /// Whether this name counts; `None` if its owner must say.
    pub(crate) fn awaits(&self, name: &OsStr) -> Option<bool> {
        let is_visible = || !name.as_encoded_bytes().starts_with(b".");
        match self.scope {
            _ if self.names.contains(name) => Some(true),
            Scope::Everything => None,
            Scope::Visible if is_visible() => None,
            Scope::Visible | Scope::Nothing => Some(false),
        }
    }
}

/// The ward of this folder, a new one if need be.
pub(crate) fn ward<'a>(wards: &'a mut Wards, folder: &Path, id: Id) -> &'a mut Ward {
    if !wards.contains_key(folder) {
        wards.insert(folder.to_owned(), Ward { id, ..Ward::default() });
    }
    wards.get_mut(folder).expect("it was inserted above")
}

/// Whether `path` is a name that counts; `None` if its owner must say.
pub(crate) fn awaits(wards: &Wards, path: &Path) -> Option<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Some(false) };
    wards.get(parent).map_or(Some(false), |ward| ward.awaits(name))
}

/// File systems whose files change without this system's knowledge: NFS, SMB, FUSE, 9p (WSL2, gVisor), AFS, Ceph, shared folders of
/// virtual machines. The numbers are those of statfs(2).
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
