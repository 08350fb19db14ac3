//! Everything that the builds read, as far as it is known.

use crate::dir_filter::{self, DirFilters, Scope};
use crate::engine::file::{RefreshRules, Refreshed, WatchedFile};
use crate::engine::reading::Content;
use crate::engine::tree::{Keep, Listing, TreeLimits, WatchedTree};
use crate::resolved_path::ResolvedPath;
use crate::settle::{EVERYTHING, Pending, Writer};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(crate) struct FileCache {
    files: BTreeMap<(PathBuf, u64), WatchedFile>,
    trees: BTreeMap<(PathBuf, TreeLimits), WatchedTree>,
    build: u64,
    /// The last build's result was discarded, so another build is due.
    discarded: bool,
    /// Other names or folders must be watched than before.
    moved: bool,
}

impl FileCache {
    /// A build begins.
    pub(crate) fn begin(&mut self) {
        self.build += 1;
        self.discarded = false;
    }

    /// Gives the build the file at `path`.
    pub(crate) fn file(&mut self, path: &Path, limit: u64) -> Content {
        let build = self.build;
        self.file_at(path, limit).give(build)
    }

    /// Gives the build the paths below the folder `root` that `keep` wants.
    pub(crate) fn tree(&mut self, root: &Path, limits: TreeLimits, keep: Keep) -> Listing {
        let tree = match self.trees.entry((root.to_owned(), limits)) {
            Entry::Occupied(known) => {
                let tree = known.into_mut();
                tree.set_keep(keep);
                tree
            }
            Entry::Vacant(unknown) => {
                self.moved = true;
                unknown.insert(WatchedTree::open(root.to_owned(), limits, keep))
            }
        };
        tree.give(self.build)
    }

    /// The build's result counts. Files and trees that the build did not read are forgotten.
    pub(crate) fn accept(&mut self) {
        let count = self.files.len() + self.trees.len();
        let build = self.build;
        self.files.retain(|_, file| file.used == build);
        self.trees.retain(|_, tree| tree.used == build);
        self.moved |= self.files.len() + self.trees.len() != count;
    }

    /// The build's result does not count. Another build is due, whatever the files hold.
    pub(crate) fn discard(&mut self) {
        self.discarded = true;
    }

    /// True if a build would be given anything else than the last one.
    pub(crate) fn differs(&self) -> bool {
        self.discarded
            || self.files.values().any(|file| file.used == self.build && file.differs())
            || self.trees.values().any(|tree| tree.used == self.build && tree.differs())
    }

    /// True if the build was given something that was not read since it is watched.
    pub(crate) fn is_unproven(&self) -> bool {
        self.moved || self.files.values().any(|file| file.used == self.build && file.is_unproven())
    }

    /// True if an event at `path`, a name in a folder of a tree, may matter.
    pub(crate) fn concerns_tree(&self, path: &Path) -> bool {
        self.trees.values().any(|tree| tree.concerns(path))
    }

    /// True if a rename to `path` replaced a file. `path` is its own name, or that of a folder or a symlink on the way to it.
    pub(crate) fn is_replaced(&self, path: &Path) -> bool {
        let name = path.as_os_str();
        let on_the_way = |file: &WatchedFile| names(&file.resolved).any(|other| other == name);
        self.files.values().any(|file| is_last(file, name))
            || self.files.values().any(|file| on_the_way(file) && file.has_moved())
            || self.concerns_tree(path)
    }

    /// Resolves the paths again that are pending, and lists their folders. True if other folders must be watched now.
    pub(crate) fn resolve(&mut self, pending: &Pending) -> bool {
        let all = pending.contains_key(Path::new(EVERYTHING));
        let writers: HashMap<&OsStr, Writer> =
            pending.iter().map(|(path, writer)| (path.as_os_str(), *writer)).collect();
        for file in self.files.values_mut() {
            let named = names(&file.resolved).filter_map(|name| writers.get(name)).copied().max();
            if let Some(writer) = named {
                file.name(writer);
            }
            let way = file.resolved.components.split_last().map(|(_, way)| way).unwrap_or_default();
            if all || way.iter().any(|component| writers.contains_key(component.path.as_os_str())) {
                self.moved |= file.resolve();
            } else if named.is_some() {
                self.moved |= file.resolve_end();
            }
        }
        let mut found = Vec::new();
        for ((_, limits), tree) in &mut self.trees {
            if all || pending.keys().any(|path| tree.concerns(path)) {
                self.moved |= tree.walk();
                found.extend(tree.files().into_iter().map(|path| (path, limits.file_bytes)));
            }
        }
        for (path, limit) in found {
            self.file_at(&path, limit);
        }
        std::mem::take(&mut self.moved)
    }

    /// Reads again what is pending, and what was not read since it is watched.
    /// Returns the names that need some quiet first, and whether the event of a write may come only now.
    pub(crate) fn refresh<'a>(
        &mut self,
        rules: impl Fn(&ResolvedPath) -> RefreshRules<'a>,
    ) -> (Vec<PathBuf>, bool) {
        let (mut held, mut awaits_event) = (Vec::new(), false);
        for file in self.files.values_mut() {
            let rules = rules(&file.resolved);
            match file.refresh(rules) {
                Refreshed::Done => {}
                Refreshed::AwaitsEvent => awaits_event = true,
                Refreshed::NotYet => held.extend(file.resolved.last().map(|last| last.path.clone())),
            }
        }
        (held, awaits_event)
    }

    /// Looks at everything. Returns the names at which something is different. Files on a remote file system are opened to be looked at.
    pub(crate) fn poll(&mut self, is_remote: impl Fn(&ResolvedPath) -> bool) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for file in self.files.values_mut() {
            if file.looks_different(is_remote(&file.resolved)) {
                found.extend(file.resolved.last().map(|last| last.path.clone()));
            }
        }
        for tree in self.trees.values_mut() {
            if tree.looks_different() {
                self.moved = true;
                found.extend(tree.ways().first().and_then(ResolvedPath::last).map(|last| last.path.clone()));
            }
        }
        found
    }

    /// No event told of a change at these names.
    pub(crate) fn mark_missed(&mut self, found: &[PathBuf]) {
        for file in self.files.values_mut() {
            if file.resolved.last().is_some_and(|last| found.contains(&last.path)) {
                file.mark_missed();
            }
        }
    }

    /// No event can tell of what happened up to now.
    pub(crate) fn mark_all_missed(&mut self) {
        self.files.values_mut().for_each(WatchedFile::mark_missed);
    }

    /// An event told that this name was written.
    pub(crate) fn confirm(&mut self, path: &Path) {
        let name = path.as_os_str();
        self.files.values_mut().filter(|file| is_last(file, name)).for_each(WatchedFile::confirm);
    }

    /// The folders and names whose changes matter.
    pub(crate) fn filters(&self) -> DirFilters {
        let ways = self.trees.values().flat_map(WatchedTree::ways);
        let paths = self.files.values().map(|file| &file.resolved).chain(ways);
        let folders = self.trees.values().flat_map(WatchedTree::folders);
        dir_filter::filters(paths, folders.map(|folder| (&folder.path, folder.id)), Scope::Visible)
    }

    fn file_at(&mut self, path: &Path, limit: u64) -> &mut WatchedFile {
        let moved = &mut self.moved;
        self.files.entry((path.to_owned(), limit)).or_insert_with(|| {
            *moved = true;
            WatchedFile::open(path.to_owned(), limit)
        })
    }
}

fn names(path: &ResolvedPath) -> impl Iterator<Item = &OsStr> {
    path.components.iter().map(|component| component.path.as_os_str())
}

fn is_last(file: &WatchedFile, name: &OsStr) -> bool {
    file.resolved.last().is_some_and(|last| last.path.as_os_str() == name)
}
