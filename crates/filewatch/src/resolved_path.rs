//! The way from a path to its file: every folder and every symlink on it.

use crate::fingerprint::Id;
use crate::mount::is_mount;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{self, Path, PathBuf};

/// The most symlinks on one way, as in Linux.
const MAX_SYMLINKS: usize = 40;

/// Every name that decides which file a path means, in the order in which they are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResolvedPath {
    pub(crate) components: Vec<Component>,
    /// The path that it means, without symlinks. `None` if a name on the way cannot be looked up.
    pub(crate) end: Option<(PathBuf, Id)>,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    /// The folder's path, without symlinks.
    pub(crate) folder: PathBuf,
    pub(crate) id: Id,
    /// The folder's path with the name.
    pub(crate) path: PathBuf,
    /// The name is that of a symlink, or the last one.
    pub(crate) decides: bool,
    /// A file system is mounted at the name. So it can be neither renamed nor removed, and need not be watched.
    pub(crate) is_mount: bool,
}

enum Part {
    Base(PathBuf),
    Up,
    Down(OsString),
}

impl ResolvedPath {
    /// Looks up `path`, an absolute one. The way ends at a name that is missing, that may not be looked up, or at which the
    /// symlinks form a circle. So its last component is the name to wait for.
    pub(crate) fn new(path: &Path) -> Self {
        let mut resolved = Self::default();
        let mut here = PathBuf::new();
        let mut id = None;
        let mut symlinks = 0;
        let mut parts: VecDeque<Part> = parts(path).collect();
        while let Some(part) = parts.pop_front() {
            let name = match part {
                Part::Base(base) => {
                    here.push(base);
                    id = None;
                    continue;
                }
                Part::Up => {
                    here.pop();
                    id = None;
                    continue;
                }
                Part::Down(name) => name,
            };
            let Some(folder) = id.take().or_else(|| Id::at(&here).ok()) else { return resolved };
            let path = here.join(&name);
            let found = fs::symlink_metadata(&path);
            let is_symlink = found.as_ref().is_ok_and(fs::Metadata::is_symlink);
            let decides = is_symlink || parts.is_empty() || found.is_err();
            let is_mount = found.as_ref().is_ok_and(|found| found.is_dir() && is_mount(&path));
            let component =
                Component { folder: here.clone(), id: folder, path: path.clone(), decides, is_mount };
            resolved.components.push(component);
            let Ok(found) = found else { return resolved };
            if is_symlink {
                symlinks += 1;
                let Ok(target) = fs::read_link(&path) else { return resolved };
                if symlinks > MAX_SYMLINKS {
                    return resolved;
                }
                let ahead: Vec<Part> = self::parts(&target).collect();
                for part in ahead.into_iter().rev() {
                    parts.push_front(part);
                }
            } else if found.is_dir() || parts.is_empty() {
                here = path;
                id = Some(Id::of(&found));
            } else {
                return resolved;
            }
        }
        resolved.end = id.or_else(|| Id::at(&here).ok()).map(|id| (here, id));
        resolved
    }

    /// Looks up the last name only. False if that is not enough: it is not, or was not, that of a regular file, or its folder is
    /// another one.
    pub(crate) fn update_end(&mut self) -> bool {
        let (Some(last), Some((end, id))) = (self.components.last(), &mut self.end) else { return false };
        let Ok(found) = fs::symlink_metadata(&last.path) else { return false };
        *id = Id::of(&found);
        found.is_file() && last.path == *end && Id::at(&last.folder).is_ok_and(|folder| folder == last.id)
    }

    /// The components at which a change is possible that makes it another way.
    pub(crate) fn changeable(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| !component.is_mount)
    }

    /// The name under which the file itself is written and renamed, or the one to wait for.
    pub(crate) fn last(&self) -> Option<&Component> {
        self.components.last()
    }
}

fn parts(path: &Path) -> impl Iterator<Item = Part> {
    path.components().filter_map(|component| match component {
        path::Component::Prefix(prefix) => Some(Part::Base(prefix.as_os_str().into())),
        path::Component::RootDir => Some(Part::Base(path::Component::RootDir.as_os_str().into())),
        path::Component::CurDir => None,
        path::Component::ParentDir => Some(Part::Up),
        path::Component::Normal(name) => Some(Part::Down(name.to_owned())),
    })
}

/// The path from the root.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::ResolvedPath;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn names(resolved: &ResolvedPath, root: &Path) -> Vec<String> {
        let below = resolved.components.iter().filter_map(|component| component.path.strip_prefix(root).ok());
        below.filter(|name| !name.as_os_str().is_empty()).map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn every_name_on_the_way_is_a_component() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("v1")).unwrap();
        fs::write(root.join("v1/file"), "x").unwrap();
        symlink("v1", root.join("..data")).unwrap();
        symlink("..data/file", root.join("file")).unwrap();
        let resolved = ResolvedPath::new(&root.join("file"));
        assert_eq!(names(&resolved, &root), ["file", "..data", "v1", "v1/file"]);
        assert_eq!(resolved.end.as_ref().unwrap().0, root.join("v1/file"));
        assert_eq!(
            names(&ResolvedPath::new(&root.join("v1/../..data/./file")), &root),
            ["v1", "..data", "v1", "v1/file"]
        );
    }

    /// Otherwise every process that opens something in `/dev` or `/` would wake the watching thread.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_folder_around_a_mount_is_not_watched() {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        if !mounts.lines().any(|line| line.split(' ').nth(1) == Some("/proc")) {
            return conformance::skipped("`/proc` is not a mount");
        }
        let resolved = ResolvedPath::new(Path::new("/proc/uptime"));
        let all: Vec<_> = resolved.components.iter().map(|component| component.path.as_path()).collect();
        let loose: Vec<_> = resolved.changeable().map(|component| component.path.as_path()).collect();
        assert_eq!(all, [Path::new("/proc"), Path::new("/proc/uptime")]);
        assert_eq!(loose, [Path::new("/proc/uptime")]);
    }

    #[test]
    fn the_end_alone_is_enough_while_it_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let mut resolved = ResolvedPath::new(&root.join("a"));
        fs::rename(root.join("b"), root.join("a")).unwrap();
        assert!(resolved.update_end());
        assert_eq!(resolved, ResolvedPath::new(&root.join("a")));
        symlink("c", root.join("link")).unwrap();
        fs::rename(root.join("link"), root.join("a")).unwrap();
        assert!(!resolved.update_end(), "it has become a symlink");
        assert!(!ResolvedPath::new(&root.join("missing")).update_end());
        let mut through_a_link = ResolvedPath::new(&root.join("a"));
        assert!(through_a_link.update_end());
        assert_eq!(through_a_link, ResolvedPath::new(&root.join("a")));
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/file"), "x").unwrap();
        let mut moved = ResolvedPath::new(&root.join("folder/file"));
        fs::rename(root.join("folder"), root.join("former")).unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/file"), "y").unwrap();
        assert!(!moved.update_end(), "its folder is another");
    }

    #[test]
    fn a_way_ends_at_the_name_that_cannot_be_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("file"), "x").unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let missing = ResolvedPath::new(&root.join("no/such/file"));
        assert_eq!((names(&missing, &root), missing.end), (vec!["no".to_owned()], None));
        let through_a_file = ResolvedPath::new(&root.join("file/below"));
        assert_eq!((names(&through_a_file, &root), through_a_file.end), (vec!["file".to_owned()], None));
        let circle = ResolvedPath::new(&root.join("a"));
        assert_eq!((names(&circle, &root).len(), circle.end), (41, None));
    }
}
