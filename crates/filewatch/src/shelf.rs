//! Everything that the builds read, as it is known at the moment.

use crate::chain::Chain;
use crate::file::{Terms, WatchedFile};
use crate::files::TreeLimits;
use crate::reading::Content;
use crate::settle::{EVERYTHING, Suspects};
use crate::tree::{Keep, Listing, WatchedTree};
use crate::ward::{Scope, Wards, ward};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::ops::BitOr;
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(crate) struct Shelf {
    files: BTreeMap<(PathBuf, u64), WatchedFile>,
    trees: BTreeMap<(PathBuf, TreeLimits), WatchedTree>,
    build: u64,
    /// The last build's result was thrown away, so that what it was given says nothing.
    discarded: bool,
    /// Other names or folders must be watched than when this was last asked.
    moved: bool,
}

impl Shelf {
    /// A build begins.
    pub(crate) fn begin(&mut self) {
        self.build += 1;
        self.discarded = false;
    }

    /// What the build is given for the file at `path`.
    pub(crate) fn file(&mut self, path: &Path, limit: u64) -> Content {
        let build = self.build;
        self.file_at(path, limit).give(build)
    }

    /// What the build is given for the folder at `root`: the paths below it that `keep` wants.
    pub(crate) fn tree(&mut self, root: &Path, limits: TreeLimits, keep: Keep) -> Listing {
        let tree = match self.trees.entry((root.to_owned(), limits)) {
            Entry::Occupied(known) => {
                let tree = known.into_mut();
                tree.keep(keep);
                tree
            }
            Entry::Vacant(unknown) => {
                self.moved = true;
                unknown.insert(WatchedTree::open(root.to_owned(), limits, keep))
            }
        };
        tree.give(self.build)
    }

    /// The build's result stands: watch what it read, and nothing else.
    pub(crate) fn accept(&mut self) {
        let count = self.files.len() + self.trees.len();
        let build = self.build;
        self.files.retain(|_, file| file.used == build);
        self.trees.retain(|_, tree| tree.used == build);
        self.moved |= self.files.len() + self.trees.len() != count;
    }

    /// The build's result does not stand: another build is due, whatever the files hold.
    pub(crate) fn discard(&mut self) {
        self.discarded = true;
    }

    /// Whether a build would be given anything else than the last one was.
    pub(crate) fn differs(&self) -> bool {
        self.discarded
            || self.files.values().any(|file| file.used == self.build && file.differs())
            || self.trees.values().any(|tree| tree.used == self.build && tree.differs())
    }

    /// Whether the build was given something that was never read while it was watched.
    pub(crate) fn is_unproven(&self) -> bool {
        self.moved || self.files.values().any(|file| file.used == self.build && file.is_fresh())
    }

    /// Whether something that happened at `at`, a name in a folder of a tree, may matter.
    pub(crate) fn concerns_tree(&self, at: &Path) -> bool {
        self.trees.values().any(|tree| tree.concerns(at))
    }

    /// Whether something that was renamed to `at` replaced a file: by taking its name, or that of a folder or symlink on the way to it.
    pub(crate) fn is_replaced(&self, at: &Path) -> bool {
        let at_name = at.as_os_str();
        let last = |file: &WatchedFile| file.chain.last().is_some_and(|last| last.at.as_os_str() == at_name);
        let on_the_way = |file: &WatchedFile| names(&file.chain).any(|name| name == at_name);
        self.files.values().any(last)
            || self.files.values().any(|file| on_the_way(file) && file.has_moved())
            || self.trees.values().any(|tree| tree.concerns(at))
    }

    /// Looks up again the ways to whatever is under suspicion, and lists its folders. Whether other folders must be watched now.
    pub(crate) fn trace(&mut self, suspects: &Suspects) -> bool {
        let all = suspects.contains_key(Path::new(EVERYTHING));
        let settled: HashMap<&OsStr, bool> =
            suspects.iter().map(|(path, settled)| (path.as_os_str(), *settled)).collect();
        for file in self.files.values_mut() {
            let named = names(&file.chain).filter_map(|name| settled.get(name)).copied().reduce(BitOr::bitor);
            if let Some(settled) = named {
                file.suspect(settled);
            }
            let way = file.chain.links.split_last().map(|(_, way)| way).unwrap_or_default();
            if all || way.iter().any(|link| settled.contains_key(link.at.as_os_str())) {
                self.moved |= file.follow();
            } else if named.is_some() {
                self.moved |= file.follow_end();
            }
        }
        let mut found = Vec::new();
        for ((_, limits), tree) in &mut self.trees {
            if all || suspects.keys().any(|suspect| tree.concerns(suspect)) {
                self.moved |= tree.walk();
                found.extend(tree.files().into_iter().map(|path| (path, limits.file_bytes)));
            }
        }
        for (path, limit) in found {
            self.file_at(&path, limit);
        }
        std::mem::take(&mut self.moved)
    }

    /// Reads again what is under suspicion, and what was never read while it was watched.
    /// Returns the names that need some quiet first.
    pub(crate) fn refresh(&mut self, terms: impl Fn(&Chain) -> Terms) -> Vec<PathBuf> {
        let files = self.files.values_mut();
        let held = files.filter_map(|file| {
            let terms = terms(&file.chain);
            let done = file.refresh(terms);
            (!done).then(|| file.chain.last().map(|last| last.at.clone()))
        });
        held.flatten().collect()
    }

    /// Looks at everything; the names at which something is different. `opened` says whose files must be opened to see it.
    pub(crate) fn look(&mut self, opened: impl Fn(&Chain) -> bool) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for file in self.files.values_mut() {
            if file.looks_different(opened(&file.chain)) {
                found.extend(file.chain.last().map(|last| last.at.clone()));
            }
        }
        for tree in self.trees.values_mut() {
            if tree.looks_different() {
                self.moved = true;
                found.extend(tree.chains().first().and_then(Chain::last).map(|last| last.at.clone()));
            }
        }
        found
    }

    /// No event told that something happened at these names.
    pub(crate) fn distrust(&mut self, found: &[PathBuf]) {
        for file in self.files.values_mut() {
            if file.chain.last().is_some_and(|last| found.contains(&last.at)) {
                file.distrust();
            }
        }
    }

    /// No event can tell of what happened up to now.
    pub(crate) fn distrust_all(&mut self) {
        self.files.values_mut().for_each(WatchedFile::distrust);
    }

    /// An event told that something was written at this name.
    pub(crate) fn trust(&mut self, at: &Path) {
        let at = at.as_os_str();
        for file in self.files.values_mut() {
            if file.chain.last().is_some_and(|last| last.at.as_os_str() == at) {
                file.trust();
            }
        }
    }

    /// The folders in which something can happen that matters.
    pub(crate) fn wards(&self) -> Wards {
        let mut wards = Wards::new();
        let trees = self.trees.values();
        let chains = self.files.values().map(|file| &file.chain).chain(trees.flat_map(WatchedTree::chains));
        for link in chains.flat_map(Chain::loose) {
            ward(&mut wards, &link.folder, link.id).add(link);
        }
        for folder in self.trees.values().flat_map(WatchedTree::folders) {
            let ward = ward(&mut wards, &folder.path, folder.id);
            ward.scope = Scope::Visible;
            ward.vital = true;
        }
        wards
    }

    fn file_at(&mut self, path: &Path, limit: u64) -> &mut WatchedFile {
        let moved = &mut self.moved;
        self.files.entry((path.to_owned(), limit)).or_insert_with(|| {
            *moved = true;
            WatchedFile::open(path.to_owned(), limit)
        })
    }
}

fn names(chain: &Chain) -> impl Iterator<Item = &OsStr> {
    chain.links.iter().map(|link| link.at.as_os_str())
}
