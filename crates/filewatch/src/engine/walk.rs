//! A walk through everything visible below a folder.

use crate::dir_filter::is_hidden;
use crate::engine::reading::{self, Stat};
use crate::error::ReadErrorKind;
use crate::fingerprint::Id;
use crate::resolved_path::ResolvedPath;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The most files and folders that are walked through. That took 60 ms (debug build, one core).
const MOST_ENTRIES: usize = 20_000;

/// Everything visible below a folder, as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The ways to the folder itself and to every folder that a symlink leads to.
    pub(crate) ways: Vec<ResolvedPath>,
    pub(crate) folders: Vec<Folder>,
    /// Everything but folders, by path below the root.
    pub(crate) names: Vec<PathBuf>,
    pub(crate) error: Option<(PathBuf, ReadErrorKind)>,
}

/// A folder of the tree, by its path without symlinks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) id: Id,
    pub(crate) below: PathBuf,
    stat: Stat,
    /// Reached through a symlink in the tree.
    linked: bool,
}

/// A folder that is still to be listed.
struct Visit {
    below: PathBuf,
    /// The folders on the way to it.
    through: Vec<Id>,
    /// The first symlink to a folder on the way to it, by its path below the root.
    link: Option<PathBuf>,
}

impl Walk {
    /// Walks through everything below the root, folders near the root first. So it finds the symlink to a large tree before it
    /// has walked through that tree.
    pub(crate) fn through(root: &Path) -> Self {
        let mut walk = Self { ways: Vec::new(), folders: Vec::new(), names: Vec::new(), error: None };
        let mut left = MOST_ENTRIES;
        let mut visits = VecDeque::from([Visit { below: PathBuf::new(), through: Vec::new(), link: None }]);
        while let Some(visit) = visits.pop_front() {
            walk.enter(root, visit, &mut visits, &mut left);
        }
        walk.names.sort();
        walk
    }

    /// Lists a folder below the root, unless it is one of the folders that it was reached through.
    fn enter(&mut self, root: &Path, visit: Visit, visits: &mut VecDeque<Visit>, left: &mut usize) {
        let Visit { below, mut through, link } = visit;
        let path = root.join(&below);
        let way = ResolvedPath::new(&path);
        let end = way.end.clone();
        let is_way = below.as_os_str().is_empty() || way.last().is_some_and(|last| last.path != path);
        if is_way {
            self.ways.push(way);
        }
        let Some((path, id)) = end else {
            let kind = reading::stat(&path).err().unwrap_or(ReadErrorKind::Missing);
            return self.fail(below, kind);
        };
        if through.contains(&id) {
            return;
        }
        let stat = reading::stat(&path);
        let entries = match list(&path, *left) {
            Ok(Some(entries)) => entries,
            Ok(None) => {
                visits.clear();
                return self.overflow(link.unwrap_or_default());
            }
            Err(kind) => return self.fail(below, kind),
        };
        *left -= entries.len();
        self.folders.push(Folder { path, id, below: below.clone(), stat, linked: link.is_some() });
        through.push(id);
        for Entry { name, is_folder, is_link } in entries {
            let below = below.join(name);
            if is_folder {
                let link = link.clone().or_else(|| is_link.then(|| below.clone()));
                visits.push_back(Visit { below, through: through.clone(), link });
            } else {
                self.names.push(below);
            }
        }
    }

    /// There is more than can be walked through, where `culprit` leads. Folders behind symlinks are not watched then: they may
    /// be the whole system.
    fn overflow(&mut self, culprit: PathBuf) {
        self.names.clear();
        self.folders.retain(|folder| !folder.linked);
        self.error = Some((culprit, ReadErrorKind::TooManyEntries { limit: MOST_ENTRIES }));
    }

    /// True if another walk may find something else.
    pub(crate) fn is_outdated(&self) -> bool {
        let error = self.error.as_ref();
        let can_tell = error.is_none_or(|(_, kind)| matches!(kind, ReadErrorKind::TooManyEntries { .. }));
        let looks_the_same = |folder: &Folder| reading::stat(&folder.path) == folder.stat;
        !can_tell || !self.folders.iter().all(looks_the_same)
    }

    /// A folder below the root that is gone now makes an event. The root itself must be there.
    fn fail(&mut self, below: PathBuf, kind: ReadErrorKind) {
        let matters = below.as_os_str().is_empty() || kind != ReadErrorKind::Missing;
        if matters && self.error.is_none() {
            self.error = Some((below, kind));
        }
    }
}

struct Entry {
    name: OsString,
    /// It is a folder, or a symlink to one.
    is_folder: bool,
    is_link: bool,
}

/// The visible entries of a folder; `None` if there are more than `most`.
fn list(path: &Path, most: usize) -> Result<Option<Vec<Entry>>, ReadErrorKind> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Err(ReadErrorKind::NotAFile(reading::name_of(found.file_type())));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        if entries.len() == most {
            return Ok(None);
        }
        let kind = entry.file_type()?;
        let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        entries.push(Entry { name, is_folder, is_link: kind.is_symlink() });
    }
    Ok(Some(entries))
}
