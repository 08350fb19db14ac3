//! Decides which changed files are changed sources.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::inputs::Inputs;
use crate::sources::content::{Content, content};
use crate::sources::ignores::Ignores;
use crate::sources::mtime;
use crate::sources::rules::{Script, SourceRules, Verdict};

/// More than a file's time can lag behind the clock. The kernel sets it from a clock that advances in ticks of at most 10 ms.
const CLOCK_TICK: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct ChangeFilter {
    rules: SourceRules,
    ignores: Ignores,
    /// Files and folders that the compiler read. Empty until a build has succeeded.
    inputs: Inputs,
    /// The build that read the inputs.
    inputs_of: u32,
    /// The newest build whose inputs were taken.
    newest_build: u32,
    /// Digests of the files that may count. `None` if a file could not be read yet.
    contents: HashMap<PathBuf, Option<Content>>,
    /// Digests before the changes that are not reported yet: a file that is being saved may be read while it is empty. `None` while
    /// a build runs, which may have read it like that.
    former: Option<HashMap<PathBuf, Content>>,
    /// True if the inputs are those of the last build. After a failed build they are incomplete.
    inputs_are_current: bool,
    /// Files that were made since the inputs were taken. The next build may read them.
    new_files: BTreeSet<PathBuf>,
    /// Changed files that were no sources by the inputs known then.
    ignored: BTreeSet<PathBuf>,
    /// The earliest time at which the last build may have read a file.
    build_began: SystemTime,
    /// True if a build runs after a change of a manifest: cargo may write the lock file.
    cargo_may_lock: bool,
    /// A lock file with this time or an earlier one was written by such a build, even if its event comes later.
    locked_until: SystemTime,
    /// True if no build has succeeded yet.
    is_first: bool,
}

impl ChangeFilter {
    /// For a build that begins now, with no content known.
    pub(crate) fn new(rules: SourceRules, ignores: Ignores) -> Self {
        Self {
            rules,
            ignores,
            inputs: Inputs::default(),
            inputs_of: 0,
            newest_build: 0,
            contents: HashMap::new(),
            former: None,
            inputs_are_current: false,
            new_files: BTreeSet::new(),
            ignored: BTreeSet::new(),
            build_began: mtime::now(),
            cargo_may_lock: true,
            locked_until: SystemTime::UNIX_EPOCH,
            is_first: true,
        }
    }

    /// True if a change of this source needs a build.
    pub(crate) fn needs_build(&self, file: &Path) -> bool {
        self.rules.needs_build(file)
    }

    /// Interval of the poll, if the settings give one.
    pub(crate) fn poll(&self) -> Option<Duration> {
        self.rules.poll
    }

    /// The earliest time at which the last build may have read a file.
    pub(crate) fn build_began(&self) -> SystemTime {
        self.build_began
    }

    /// Takes the contents at the start of the watch. `modified` lists all files that changed since the last build began: nothing tells
    /// whether the build, or `contents`, has read them before or after the change.
    ///
    /// Returns the sources that changed or were removed since the build began.
    pub(crate) fn add_known(
        &mut self,
        contents: HashMap<PathBuf, Option<Content>>,
        mut modified: Vec<PathBuf>,
    ) -> Vec<PathBuf> {
        for (path, content) in contents {
            self.contents.entry(path).or_insert(content);
        }
        modified.extend(self.removed(self.contents.keys()));
        modified.extend(self.removed(&self.inputs.files));
        for path in modified.iter().filter(|path| path.exists()) {
            self.contents.remove(path);
        }
        self.changed(modified)
    }

    /// Keeps the files that are sources and have another content than before.
    pub(crate) fn changed(&mut self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        files.into_iter().filter(|file| self.has_changed(file)).collect()
    }

    /// Removes the files that have the same content again as at the last report.
    pub(crate) fn differing(&self, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
        if let Some(former) = self.former.as_ref().filter(|_| self.rules.exclude_unchanged) {
            let now = |file: &PathBuf| self.contents.get(file).copied().flatten();
            files.retain(|file| now(file).is_none_or(|now| former.get(file) != Some(&now)));
        }
        files
    }

    /// Notes that a build begins, which reads all changes up to now, these files among them.
    pub(crate) fn build_begins(&mut self, files: &[PathBuf]) {
        self.former = None;
        self.cargo_may_lock = self.cargo_may_lock || files.iter().any(|file| file.ends_with("Cargo.toml"));
        self.ignored.clear();
        self.build_began = mtime::now();
    }

    /// Takes the inputs of a build. Without inputs the build has failed, and every likely file counts. Lists of inputs are read
    /// on threads and may come in another order than the builds. An older list does not replace a newer one.
    ///
    /// Returns the sources that changed while the build ran, before they were known as sources; then the inputs outside of the
    /// watched folders.
    pub(crate) fn learn(
        &mut self,
        build: u32,
        inputs: Inputs,
        began: SystemTime,
    ) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        let is_good = inputs != Inputs::default();
        if build >= self.newest_build {
            self.newest_build = build;
            self.inputs_are_current = is_good;
            if began >= self.build_began {
                // No other build has begun since.
                self.former.get_or_insert_default();
            }
            if mem::take(&mut self.cargo_may_lock) {
                self.locked_until = SystemTime::now() - CLOCK_TICK;
            }
        }
        if is_good && build >= self.inputs_of {
            self.inputs_of = build;
            self.inputs = inputs;
            let silent = |script: &&Script| self.inputs.silent_scripts.contains(&script.package);
            let folders: Vec<PathBuf> =
                self.rules.scripts.iter().filter(silent).map(|script| script.folder.clone()).collect();
            self.inputs.folders.extend(folders);
            if build == self.newest_build {
                self.new_files.clear();
            }
            if mem::take(&mut self.is_first) {
                // Removed before the watch, so there was no event.
                self.ignored.extend(self.removed(&self.inputs.files));
            }
        }
        let mut late = Vec::from_iter(mem::take(&mut self.ignored));
        late.retain(|file| self.counts(file) && self.content_differs(file));
        (late, self.inputs_outside())
    }

    /// Keeps the files that changed since the last build began.
    pub(crate) fn modified_since_build(&self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        let changed = |file: &PathBuf| {
            fs::metadata(file).is_ok_and(|found| mtime::is_younger(&found, self.build_began))
        };
        files.into_iter().filter(changed).collect()
    }

    /// Keeps the files that do not exist any more, in folders that changed since the last build began.
    fn removed<'a>(&self, files: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let is_gone = |file: &&PathBuf| {
            let mut above = file.ancestors().skip(1).filter_map(|folder| fs::metadata(folder).ok());
            !file.exists() && above.next().is_some_and(|folder| mtime::is_younger(&folder, self.build_began))
        };
        files.into_iter().filter(is_gone).cloned().collect()
    }

    fn inputs_outside(&self) -> BTreeSet<PathBuf> {
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
        if there && !self.contents.contains_key(file) {
            self.new_files.insert(file.to_owned());
        }
        if !self.counts(file) {
            self.ignored.insert(file.to_owned());
            return false;
        }
        self.content_differs(file) && !(file.ends_with("Cargo.lock") && self.was_written_by_cargo(file))
    }

    fn was_written_by_cargo(&self, lock: &Path) -> bool {
        let written = fs::metadata(lock).and_then(|found| found.modified());
        self.cargo_may_lock || written.is_ok_and(|written| written <= self.locked_until)
    }

    /// True if the file's content differs from the known one, which it then is.
    fn content_differs(&mut self, file: &Path) -> bool {
        if !file.exists() {
            let before = self.contents.remove(file);
            self.keep_former(file, before.flatten());
            // A file that was made and removed between two events was never read.
            return before.is_some() || self.inputs.contain(file);
        }
        let now = content(file);
        let before = self.contents.insert(file.to_owned(), now).flatten();
        let differs = now.is_none() || before != now;
        if differs {
            self.keep_former(file, before);
        }
        differs || !self.rules.exclude_unchanged
    }

    fn keep_former(&mut self, file: &Path, before: Option<Content>) {
        if let Some((former, before)) = self.former.as_mut().zip(before) {
            former.entry(file.to_owned()).or_insert(before);
        }
    }

    /// True if a file of this name can be a source, as far as is known. While another file is being written, no report waits for it.
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
            Verdict::Likely => {
                !self.inputs_are_current || self.new_files.contains(file) || self.inputs.contain(file)
            }
            Verdict::Unlikely => self.inputs.contain(file),
            Verdict::Scratch => self.inputs.files.contains(file),
        }
    }

    /// True if a walk from the roots reaches this path.
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
