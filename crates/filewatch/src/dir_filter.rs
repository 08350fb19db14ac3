//! The names that count in one folder.

use crate::fingerprint::Id;
use crate::resolved_path::Component;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The events of one folder that are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirFilter {
    pub(crate) id: Id,
    pub(crate) names: HashSet<OsString>,
    /// Which other names count.
    pub(crate) scope: Scope,
    /// A file or a symlink of ours is in the folder. Others are only on the way to one.
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

/// The folders to watch, by paths without symlinks.
pub(crate) type DirFilters = HashMap<PathBuf, DirFilter>;

impl DirFilter {
    pub(crate) fn add(&mut self, component: &Component) {
        self.vital |= component.decides;
        if let Some(name) = component.path.file_name()
            && !self.names.contains(name)
        {
            self.names.insert(name.to_owned());
        }
    }

    /// True if this name counts. `None` if the owner of the folder must decide.
    pub(crate) fn accepts(&self, name: &OsStr) -> Option<bool> {
        let is_visible = || !name.as_encoded_bytes().starts_with(b".");
        match self.scope {
            _ if self.names.contains(name) => Some(true),
            Scope::Everything => None,
            Scope::Visible if is_visible() => None,
            Scope::Visible | Scope::Nothing => Some(false),
        }
    }
}

/// The filter of this folder. Adds an empty one if there is none.
pub(crate) fn filter_of<'a>(filters: &'a mut DirFilters, folder: &Path, id: Id) -> &'a mut DirFilter {
    if !filters.contains_key(folder) {
        filters.insert(folder.to_owned(), DirFilter { id, ..DirFilter::default() });
    }
    filters.get_mut(folder).expect("it was inserted above")
}

/// True if `path` is a name that counts. `None` if the owner of its folder must decide.
pub(crate) fn accepts(filters: &DirFilters, path: &Path) -> Option<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Some(false) };
    filters.get(parent).map_or(Some(false), |filter| filter.accepts(name))
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
