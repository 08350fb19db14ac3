//! Which of the files that changed is a change of a source.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};

use crate::inputs::Inputs;
use crate::sources::ignores::Ignores;
use crate::sources::rules::{Script, SourceRules, Verdict};
use crate::sources::stamp;

/// How long the watching may wait for the contents of the sources to be read. A file that was not read by then counts as
/// changed when it is first written, even with the same content.
const FIRST_READING: Duration = Duration::from_millis(150);

/// By how much the time of a file may lag behind the clock, and then some.
const CLOCK_TICK: Duration = Duration::from_millis(20);

pub(super) type Content = [u8; 32];

#[derive(Debug)]
pub(crate) struct Judge {
    rules: SourceRules,
    ignores: Ignores,
    /// What the compiler read; empty until a build has succeeded.
    inputs: Inputs,
    /// The build that the inputs are of.
    inputs_of: u32,
    /// The newest build that was learnt from.
    learnt: u32,
    /// The files that may count, with what is known of their content.
    known: HashMap<PathBuf, Option<Content>>,
    /// What files held before a change that is not reported yet: one that is being saved may be found cut off. None while a
    /// build is under way, which may have read it so.
    former: Option<HashMap<PathBuf, Content>>,
    /// The inputs are those of the last build; otherwise it failed, and they say too little.
    settled: bool,
    /// New since the inputs were learnt: the next build may read them.
    arrived: BTreeSet<PathBuf>,
    /// Changed, but no source as far as was known.
    unheeded: BTreeSet<PathBuf>,
    /// When the last build may have begun to read.
    begun: SystemTime,
    /// A build after which manifests were changed is under way: cargo may write the lock file.
    locks: bool,
    /// What cargo wrote to the lock file before this was such a build's doing, even if it is heard of later.
    locked: SystemTime,
    /// No build has succeeded yet.
    is_first: bool,
}

impl Judge {
    /// A build begins, and nothing is known yet.
    pub(crate) fn new(rules: SourceRules, ignores: Ignores) -> Self {
        Self {
            rules,
            ignores,
            inputs: Inputs::default(),
            inputs_of: 0,
            learnt: 0,
            known: HashMap::new(),
            former: None,
            settled: false,
            arrived: BTreeSet::new(),
            unheeded: BTreeSet::new(),
            begun: stamp::now(),
            locks: true,
            locked: SystemTime::UNIX_EPOCH,
            is_first: true,
        }
    }

    /// When the last build may have begun to read.
    pub(crate) fn begun(&self) -> SystemTime {
        self.begun
    }

    /// Takes in what there was when the watching began, so that only a change is one.
    ///
    /// Returns the sources that were changed or removed before that, but after the last build had begun. `younger` are all files that
    /// were changed since then: whether the build or `known` has the change already, nobody can say.
    pub(crate) fn take_stock(
        &mut self,
        known: HashMap<PathBuf, Option<Content>>,
        mut younger: Vec<PathBuf>,
    ) -> Vec<PathBuf> {
        for (path, content) in known {
            self.known.entry(path).or_insert(content);
        }
        younger.extend(self.removed(self.known.keys()));
        younger.extend(self.removed(&self.inputs.files));
        for path in younger.iter().filter(|path| path.exists()) {
            self.known.remove(path);
        }
        self.weigh(younger)
    }

    /// Which of these files are sources whose content has changed.
    pub(crate) fn weigh(&mut self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        files.into_iter().filter(|file| self.has_changed(file)).collect()
    }

    /// Which of these files do not hold again what they held when the last report was made.
    pub(crate) fn differing(&self, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
        if let Some(former) = self.former.as_ref().filter(|_| self.rules.exclude_unchanged) {
            let now = |file: &PathBuf| self.known.get(file).copied().flatten();
            files.retain(|file| now(file).is_none_or(|now| former.get(file) != Some(&now)));
        }
        files
    }

    /// A build begins that will read everything changed so far, these files among it.
    pub(crate) fn told(&mut self, files: &[PathBuf]) {
        self.former = None;
        self.locks = self.locks || files.iter().any(|file| file.ends_with("Cargo.toml"));
        self.unheeded.clear();
        self.begun = stamp::now();
    }

    /// Takes in what a build has read, or, if that is nothing, that every likely file may matter. Reading the list takes a moment,
    /// so lists may come in another order than the builds: an older list does not replace a newer one.
    ///
    /// Returns the sources that were changed while the build ran, before they were known as sources, then what it
    /// reads outside of the folders that are entered.
    pub(crate) fn learn(
        &mut self,
        build: u32,
        inputs: Inputs,
        began: SystemTime,
    ) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        let is_good = inputs != Inputs::default();
        if build >= self.learnt {
            self.learnt = build;
            self.settled = is_good;
            if began >= self.begun {
                // No other one has begun since.
                self.former.get_or_insert_default();
            }
            if mem::take(&mut self.locks) {
                self.locked = SystemTime::now() - CLOCK_TICK;
            }
        }
        if is_good && build >= self.inputs_of {
            self.inputs_of = build;
            self.inputs = inputs;
            let silent = |script: &&Script| self.inputs.silent_scripts.contains(&script.package);
            let folders: Vec<PathBuf> =
                self.rules.scripts.iter().filter(silent).map(|script| script.folder.clone()).collect();
            self.inputs.folders.extend(folders);
            if build == self.learnt {
                self.arrived.clear();
            }
            if mem::take(&mut self.is_first) {
                // Before the watching had begun, so that no event told of it.
                self.unheeded.extend(self.removed(&self.inputs.files));
            }
        }
        let mut late = Vec::from_iter(mem::take(&mut self.unheeded));
        late.retain(|file| self.counts(file) && self.is_news(file));
        (late, self.outskirts())
    }

    /// Which of these files were changed since the last build began.
    pub(crate) fn younger(&self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        let changed =
            |file: &PathBuf| fs::metadata(file).is_ok_and(|found| stamp::is_younger(&found, self.begun));
        files.into_iter().filter(changed).collect()
    }

    /// Which of these files are gone from a folder that was changed since the last build began.
    fn removed<'a>(&self, files: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let is_gone = |file: &&PathBuf| {
            let mut above = file.ancestors().skip(1).filter_map(|folder| fs::metadata(folder).ok());
            !file.exists() && above.next().is_some_and(|folder| stamp::is_younger(&folder, self.begun))
        };
        files.into_iter().filter(is_gone).cloned().collect()
    }

    fn outskirts(&self) -> BTreeSet<PathBuf> {
        let mut entered = HashMap::new();
        let read = self.inputs.files.iter().chain(&self.inputs.folders);
        let counted = read.filter(|path| self.rules.verdict(path, &self.ignores) != Verdict::Excluded);
        counted.filter(|path| !self.reaches(path, &mut entered)).cloned().collect()
    }

    fn has_changed(&mut self, file: &Path) -> bool {
        if self.rules.verdict(file, &self.ignores) == Verdict::Excluded {
            return false;
        }
        let there = file.exists();
        if there && !self.known.contains_key(file) {
            self.arrived.insert(file.to_owned());
        }
        if !self.counts(file) {
            self.unheeded.insert(file.to_owned());
            return false;
        }
        self.is_news(file) && !(file.ends_with("Cargo.lock") && self.is_cargos_doing(file))
    }

    fn is_cargos_doing(&self, lock: &Path) -> bool {
        let written = fs::metadata(lock).and_then(|found| found.modified());
        self.locks || written.is_ok_and(|written| written <= self.locked)
    }

    /// Whether the file's content differs from what was known of it.
    fn is_news(&mut self, file: &Path) -> bool {
        if !file.exists() {
            let before = self.known.remove(file);
            self.keep(file, before.flatten());
            // What came and went between two looks was never read.
            return before.is_some() || self.inputs.contain(file);
        }
        let now = content(file);
        let before = self.known.insert(file.to_owned(), now).flatten();
        let differs = now.is_none() || before != now;
        if differs {
            self.keep(file, before);
        }
        differs || !self.rules.exclude_unchanged
    }

    fn keep(&mut self, file: &Path, before: Option<Content>) {
        if let Some((former, before)) = self.former.as_mut().zip(before) {
            former.entry(file.to_owned()).or_insert(before);
        }
    }

    /// Whether a file of this name can be a source, as far as is known: others are not waited for while they are written.
    pub(crate) fn may_count(&self, file: &Path) -> bool {
        match self.rules.verdict(file, &self.ignores) {
            Verdict::Excluded => false,
            Verdict::Named | Verdict::Likely => true,
            Verdict::Unlikely => self.inputs.contain(file),
            Verdict::Scratch => self.inputs.files.contains(file),
        }
    }

    fn counts(&self, file: &Path) -> bool {
        match self.rules.verdict(file, &self.ignores) {
            Verdict::Excluded => false,
            Verdict::Named => true,
            Verdict::Likely => !self.settled || self.arrived.contains(file) || self.inputs.contain(file),
            Verdict::Unlikely => self.inputs.contain(file),
            Verdict::Scratch => self.inputs.files.contains(file),
        }
    }

    /// Whether walking from the roots comes by this path.
    fn reaches(&self, path: &Path, entered: &mut HashMap<PathBuf, bool>) -> bool {
        if self.rules.roots.iter().any(|root| root == path) {
            return true;
        }
        let Some(folder) = path.parent() else { return false };
        if let Some(known) = entered.get(folder) {
            return *known;
        }
        let is_root = self.rules.roots.iter().any(|root| root == folder);
        let answer = is_root
            || (!folder.is_symlink()
                && self.rules.enters(folder, &self.ignores)
                && self.reaches(folder, entered));
        entered.insert(folder.to_owned(), answer);
        answer
    }
}

/// What these files hold, as far as there is time to read them.
pub(super) fn contents(files: Vec<PathBuf>) -> HashMap<PathBuf, Option<Content>> {
    let end = Instant::now() + FIRST_READING;
    let read = |path: PathBuf| {
        let content = if Instant::now() < end { content(&path) } else { None };
        (path, content)
    };
    files.into_iter().map(read).collect()
}

/// A digest of what the file holds; `None` if it cannot be read.
fn content(file: &Path) -> Option<Content> {
    let mut file = File::open(file).ok()?;
    let mut digest = Sha256::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Some(digest.finalize().into()),
            Ok(length) => digest.update(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
