//! The names that count in one folder.

use crate::fingerprint::Id;
use crate::resolved_path::ResolvedPath;
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

/// The folders to watch, so that every change on these paths and in these folders is seen. In each of the latter the names of this
/// scope count.
pub(crate) fn filters<'a>(
    paths: impl Iterator<Item = &'a ResolvedPath>,
    folders: impl Iterator<Item = (&'a PathBuf, Id)>,
    scope: Scope,
) -> DirFilters {
    let mut filters = DirFilters::new();
    for component in paths.flat_map(ResolvedPath::changeable) {
        let filter = filter_of(&mut filters, &component.folder, component.id);
        filter.vital |= component.decides;
        filter.names.extend(component.path.file_name().map(OsStr::to_owned));
    }
    for (folder, id) in folders {
        let filter = filter_of(&mut filters, folder, id);
        (filter.scope, filter.vital) = (scope, true);
    }
    filters
}

/// True if `path` is a name that counts. `None` if the owner of its folder must decide.
pub(crate) fn accepts(filters: &DirFilters, path: &Path) -> Option<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Some(false) };
    filters.get(parent).map_or(Some(false), |filter| filter.accepts(name))
}

/// True if the name begins with a dot.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

impl DirFilter {
    /// True if this name counts. `None` if the owner of the folder must decide.
    pub(crate) fn accepts(&self, name: &OsStr) -> Option<bool> {
        match self.scope {
            _ if self.names.contains(name) => Some(true),
            Scope::Everything => None,
            Scope::Visible if !is_hidden(name) => None,
            Scope::Visible | Scope::Nothing => Some(false),
        }
    }
}

/// The filter of this folder. Adds an empty one if there is none.
fn filter_of<'a>(filters: &'a mut DirFilters, folder: &Path, id: Id) -> &'a mut DirFilter {
    filters.entry(folder.to_owned()).or_insert_with(|| DirFilter { id, ..DirFilter::default() })
}
