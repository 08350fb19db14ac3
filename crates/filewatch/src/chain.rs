//! The way from a path to its file: every folder passed, every symlink taken.

use crate::fingerprint::Id;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many symlinks as Linux follows.
const MAX_HOPS: usize = 40;

/// Every name that decides which file a path means, in the order in which they are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
    /// Where it leads, free of symlinks; nothing if it breaks off.
    pub(crate) end: Option<(PathBuf, Id)>,
}

/// A name in a folder. The folder's path is free of symlinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) folder: PathBuf,
    pub(crate) id: Id,
    /// The folder's path with the name.
    pub(crate) at: PathBuf,
    /// Whether the name is that of a symlink, or the last one.
    pub(crate) decides: bool,
    /// A file system is mounted at the name, so that it can be neither renamed nor removed: nothing to watch for.
    pub(crate) is_mount: bool,
}

enum Step {
    Base(PathBuf),
    Up,
    Down(OsString),
}

impl Chain {
    /// Looks up `path`, an absolute one. Where it breaks off (a name is missing, or may not be looked up, or the symlinks lead
    /// in a circle) the chain ends, so that its last link is the name to wait for.
    pub(crate) fn follow(path: &Path) -> Self {
        let mut chain = Self::default();
        let mut here = PathBuf::new();
        let mut id = None;
        let mut hops = 0;
        let mut steps: VecDeque<Step> = steps(path).collect();
        while let Some(step) = steps.pop_front() {
            let name = match step {
                Step::Base(base) => {
                    here.push(base);
                    id = None;
                    continue;
                }
                Step::Up => {
                    here.pop();
                    id = None;
                    continue;
                }
                Step::Down(name) => name,
            };
            let Some(folder) = id.take().or_else(|| Id::at(&here).ok()) else { return chain };
            let at = here.join(&name);
            let found = fs::symlink_metadata(&at);
            let is_symlink = found.as_ref().is_ok_and(fs::Metadata::is_symlink);
            let decides = is_symlink || steps.is_empty() || found.is_err();
            let is_mount = found.as_ref().is_ok_and(|found| found.is_dir() && mounted(&at));
            chain.links.push(Link { folder: here.clone(), id: folder, at: at.clone(), decides, is_mount });
            let Ok(found) = found else { return chain };
            if is_symlink {
                hops += 1;
                let Ok(target) = fs::read_link(&at) else { return chain };
                if hops > MAX_HOPS {
                    return chain;
                }
                let ahead: Vec<Step> = self::steps(&target).collect();
                for step in ahead.into_iter().rev() {
                    steps.push_front(step);
                }
            } else if found.is_dir() || steps.is_empty() {
                here = at;
                id = Some(Id::of(&found));
            } else {
                return chain;
            }
        }
        chain.end = id.or_else(|| Id::at(&here).ok()).map(|id| (here, id));
        chain
    }

    /// Looks up the last name alone. False if that is not enough: it is not, or was not, that of a regular file, or its folder is another.
    pub(crate) fn renew_end(&mut self) -> bool {
        let (Some(last), Some((end, id))) = (self.links.last(), &mut self.end) else { return false };
        let Ok(found) = fs::symlink_metadata(&last.at) else { return false };
        *id = Id::of(&found);
        found.is_file() && last.at == *end && Id::at(&last.folder).is_ok_and(|folder| folder == last.id)
    }

    /// The names at which something can happen that makes it another way.
    pub(crate) fn loose(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| !link.is_mount)
    }

    /// The name under which the file itself is written and renamed, or the one to wait for.
    pub(crate) fn last(&self) -> Option<&Link> {
        self.links.last()
    }
}

fn steps(path: &Path) -> impl Iterator<Item = Step> {
    path.components().filter_map(|component| match component {
        Component::Prefix(prefix) => Some(Step::Base(prefix.as_os_str().into())),
        Component::RootDir => Some(Step::Base(Component::RootDir.as_os_str().into())),
        Component::CurDir => None,
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
    })
}

#[cfg(target_os = "linux")]
fn mounted(at: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, at, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn mounted(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::Chain;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn names(chain: &Chain, root: &Path) -> Vec<String> {
        let below = chain.links.iter().filter_map(|link| link.at.strip_prefix(root).ok());
        below.filter(|name| !name.as_os_str().is_empty()).map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn every_name_on_the_way_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("v1")).unwrap();
        fs::write(root.join("v1/file"), "x").unwrap();
        symlink("v1", root.join("..data")).unwrap();
        symlink("..data/file", root.join("file")).unwrap();
        let chain = Chain::follow(&root.join("file"));
        assert_eq!(names(&chain, &root), ["file", "..data", "v1", "v1/file"]);
        assert_eq!(chain.end.as_ref().unwrap().0, root.join("v1/file"));
        assert_eq!(
            names(&Chain::follow(&root.join("v1/../..data/./file")), &root),
            ["v1", "..data", "v1", "v1/file"]
        );
    }

    /// Every process that opens something in `/dev` or `/` would wake the watcher otherwise.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_folder_around_a_mount_is_not_watched() {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        if !mounts.lines().any(|line| line.split(' ').nth(1) == Some("/proc")) {
            return eprintln!("SKIPPED: `/proc` is no mount");
        }
        let chain = Chain::follow(Path::new("/proc/uptime"));
        let all: Vec<_> = chain.links.iter().map(|link| link.at.as_path()).collect();
        let loose: Vec<_> = chain.loose().map(|link| link.at.as_path()).collect();
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
        let mut chain = Chain::follow(&root.join("a"));
        fs::rename(root.join("b"), root.join("a")).unwrap();
        assert!(chain.renew_end());
        assert_eq!(chain, Chain::follow(&root.join("a")));
        symlink("c", root.join("link")).unwrap();
        fs::rename(root.join("link"), root.join("a")).unwrap();
        assert!(!chain.renew_end(), "it has become a symlink");
        assert!(!Chain::follow(&root.join("missing")).renew_end());
        let mut through_a_link = Chain::follow(&root.join("a"));
        assert!(through_a_link.renew_end());
        assert_eq!(through_a_link, Chain::follow(&root.join("a")));
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/file"), "x").unwrap();
        let mut moved = Chain::follow(&root.join("folder/file"));
        fs::rename(root.join("folder"), root.join("former")).unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/file"), "y").unwrap();
        assert!(!moved.renew_end(), "its folder is another");
    }

    #[test]
    fn a_chain_ends_where_it_breaks_off() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("file"), "x").unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let missing = Chain::follow(&root.join("no/such/file"));
        assert_eq!((names(&missing, &root), missing.end), (vec!["no".to_owned()], None));
        let through_a_file = Chain::follow(&root.join("file/below"));
        assert_eq!((names(&through_a_file, &root), through_a_file.end), (vec!["file".to_owned()], None));
        let circle = Chain::follow(&root.join("a"));
        assert_eq!((names(&circle, &root).len(), circle.end), (41, None));
    }
}
