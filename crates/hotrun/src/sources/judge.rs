//! Which of the files that changed is a change of a source.

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
    /// The files that may count, with what is known of their content.
    known: HashMap<PathBuf, Option<Content>>,
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
            known: HashMap::new(),
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

    /// A build begins that will read everything changed so far, these files among it.
    pub(crate) fn told(&mut self, files: &[PathBuf]) {
        self.locks = self.locks || files.iter().any(|file| file.ends_with("Cargo.toml"));
        self.unheeded.clear();
        self.begun = stamp::now();
    }

    /// Takes in what the last build has read, or, if it is nothing, that every likely file may matter.
    ///
    /// Returns the sources that were changed while it ran, before it was known that they are, then what it
    /// reads outside of the folders that are entered.
    pub(crate) fn learn(&mut self, inputs: Inputs) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        self.settled = inputs != Inputs::default();
        if mem::take(&mut self.locks) {
            self.locked = SystemTime::now() - CLOCK_TICK;
        }
        if self.settled {
            self.inputs = inputs;
            let silent = |script: &&Script| self.inputs.silent_scripts.contains(&script.package);
            let folders: Vec<PathBuf> =
                self.rules.scripts.iter().filter(silent).map(|script| script.folder.clone()).collect();
            self.inputs.folders.extend(folders);
            self.arrived.clear();
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
            // What came and went between two looks was never read.
            return self.known.remove(file).is_some() || self.inputs.contain(file);
        }
        let now = content(file);
        let before = self.known.insert(file.to_owned(), now).flatten();
        now.is_none() || before != now || !self.rules.exclude_unchanged
    }

    fn counts(&self, file: &Path) -> bool {
        match self.rules.verdict(file, &self.ignores) {
            Verdict::Excluded => false,
            Verdict::Named => true,
            Verdict::Likely => !self.settled || self.arrived.contains(file) || self.inputs.contain(file),
            Verdict::Unlikely => self.inputs.contain(file),
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::{Judge, contents};
    use crate::inputs::Inputs;
    use crate::sources::ignores::Ignores;
    use crate::sources::rules::{Script, SourceRules};
    use crate::sources::stamp;
    use crate::sources::survey::Survey;

    /// A project whose compiler reads `main.rs` and `page.html`, but not `other.rs`.
    struct Case {
        folder: TempDir,
        judge: Judge,
    }

    impl Case {
        fn new() -> Self {
            Self::with(|_| {})
        }

        fn with(change: impl FnOnce(&mut SourceRules)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap();
            for name in ["main.rs", "other.rs", "page.html", "notes.txt", "Cargo.toml"] {
                fs::write(root.join(name), "as it was").unwrap();
            }
            let mut rules = SourceRules {
                roots: vec![root.clone()],
                extensions: vec!["rs".to_owned()],
                compiler_decides: true,
                include_files: vec![root.join("Cargo.toml"), root.join("Cargo.lock")],
                exclude_unchanged: true,
                ..SourceRules::default()
            };
            change(&mut rules);
            let ignores = Ignores::of(&rules.roots);
            let known = contents(Survey::of(&rules, &ignores).files);
            let mut judge = Judge::new(rules, ignores);
            judge.take_stock(known, Vec::new());
            Self { folder, judge }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join(name)
        }

        fn inputs(&self, names: &[&str]) -> Inputs {
            Inputs { files: names.iter().map(|name| self.path(name)).collect(), ..Inputs::default() }
        }

        /// Whether saving this is a change; it is told if so.
        fn save(&mut self, name: &str, text: &str) -> bool {
            let path = self.path(name);
            fs::write(&path, text).unwrap();
            self.see(path)
        }

        fn see(&mut self, path: PathBuf) -> bool {
            let changed = self.judge.weigh(vec![path]);
            if !changed.is_empty() {
                self.judge.told(&changed);
            }
            !changed.is_empty()
        }

        fn learn(&mut self, names: &[&str]) -> Vec<String> {
            let inputs = self.inputs(names);
            let (late, _) = self.judge.learn(inputs);
            late.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        }
    }

    /// What is found out of a change that is made when a build has begun, before the sources are read.
    fn found(change: impl FnOnce(&mut Case)) -> Vec<String> {
        let mut case = Case::new();
        let written = fs::metadata(case.path("Cargo.toml")).unwrap();
        while stamp::is_younger(&written, stamp::now()) {}
        case.judge = Judge::new(case.judge.rules.clone(), case.judge.ignores.clone());
        change(&mut case);
        let Judge { rules, ignores, begun, .. } = &case.judge;
        let known = contents(Survey::of(rules, ignores).files);
        let younger = Survey::younger(rules, ignores, *begun);
        let mut late = case.judge.take_stock(known, younger);
        late.extend(case.judge.learn(case.inputs(&READ)).0);
        late.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_is_changed_before_the_sources_are_read_is_not_forgotten() {
        assert_eq!(found(|_| {}), Vec::<String>::new());
        assert_eq!(found(|case| fs::write(case.path("main.rs"), "new").unwrap()), ["main.rs"]);
        assert_eq!(found(|case| fs::write(case.path("fresh.rs"), "new").unwrap()), ["fresh.rs"]);
        assert_eq!(found(|case| fs::write(case.path("notes.txt"), "new").unwrap()), Vec::<String>::new());
        // The compiler says later that it reads it.
        assert_eq!(found(|case| fs::write(case.path("page.html"), "new").unwrap()), ["page.html"]);
        assert_eq!(found(|case| fs::remove_file(case.path("main.rs")).unwrap()), ["main.rs"]);
    }

    #[test]
    fn what_is_moved_there_before_the_sources_are_read_is_not_forgotten_however_old_it_is() {
        let moved = found(|case| {
            let old = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
            let file = File::create(case.path("beside")).unwrap();
            file.set_modified(old).unwrap();
            fs::rename(case.path("beside"), case.path("main.rs")).unwrap();
        });
        assert_eq!(moved, ["main.rs"]);
    }

    #[test]
    fn what_the_compiler_has_read_and_was_removed_before_the_sources_were_read_is_not_forgotten() {
        let removed = found(|case| {
            case.learn(&READ);
            fs::remove_file(case.path("page.html")).unwrap();
        });
        assert_eq!(removed, ["page.html"]);
    }

    const READ: [&str; 2] = ["main.rs", "page.html"];

    #[test]
    fn the_same_content_is_no_change() {
        let mut case = Case::new();
        assert!(!case.save("main.rs", "as it was"));
        assert!(case.save("main.rs", "new"));
        assert!(!case.save("main.rs", "new"));
        assert!(case.save("main.rs", "as it was"));
    }

    #[test]
    fn the_same_content_is_a_change_where_the_settings_say_so() {
        let mut case = Case::with(|rules| rules.exclude_unchanged = false);
        assert!(case.save("main.rs", "as it was"));
    }

    #[test]
    fn before_a_build_has_succeeded_endings_decide() {
        let mut case = Case::new();
        assert!(case.save("main.rs", "new"));
        assert!(case.save("other.rs", "new"));
        assert!(case.save("Cargo.toml", "new"));
        assert!(!case.save("page.html", "new"));
        assert!(!case.save("notes.txt", "new"));
    }

    #[test]
    fn after_a_build_the_compiler_decides() {
        let mut case = Case::new();
        case.learn(&READ);
        assert!(case.save("main.rs", "new"));
        assert!(case.save("page.html", "new"));
        assert!(case.save("Cargo.toml", "new"));
        assert!(!case.save("other.rs", "new"));
        assert!(!case.save("notes.txt", "new"));
    }

    #[test]
    fn a_file_that_is_new_may_be_what_the_next_build_reads() {
        let mut case = Case::new();
        case.learn(&READ);
        assert!(case.save("fresh.rs", "new"));
        assert!(case.save("fresh.rs", "newer"));
        case.learn(&READ);
        assert!(!case.save("fresh.rs", "newest"), "it was not read");
    }

    #[test]
    fn after_a_failed_build_every_likely_file_counts() {
        let mut case = Case::new();
        case.learn(&READ);
        case.save("main.rs", "mod other;");
        assert_eq!(case.learn(&[]), Vec::<String>::new());
        assert!(case.save("other.rs", "mended"));
        assert!(case.save("page.html", "new"), "and what the last good one read");
        assert!(!case.save("notes.txt", "new"));
    }

    #[test]
    fn what_is_changed_during_the_build_that_first_reads_it_is_not_forgotten() {
        let mut case = Case::new();
        case.learn(&READ);
        case.save("other.rs", "before");
        assert!(case.save("main.rs", "mod other; include_str!(\"notes.txt\")"));
        assert!(!case.save("other.rs", "meanwhile"));
        assert!(!case.save("notes.txt", "meanwhile"));
        assert_eq!(case.learn(&["main.rs", "page.html", "other.rs", "notes.txt"]), ["notes.txt", "other.rs"]);
        assert_eq!(case.learn(&["main.rs", "page.html", "other.rs", "notes.txt"]), Vec::<String>::new());
    }

    #[test]
    fn what_was_changed_before_the_build_is_read_by_it() {
        let mut case = Case::new();
        case.learn(&READ);
        assert!(!case.save("other.rs", "before"));
        assert!(case.save("main.rs", "mod other;"));
        assert_eq!(case.learn(&["main.rs", "page.html", "other.rs"]), Vec::<String>::new());
    }

    #[test]
    fn removing_a_source_is_a_change_and_a_passing_file_is_none() {
        let mut case = Case::new();
        case.learn(&READ);
        for (name, expected) in [("main.rs", true), ("page.html", true), ("other.rs", false), ("x.rs", false)]
        {
            let path = case.path(name);
            let _ = fs::remove_file(&path);
            assert_eq!(case.see(path), expected, "{name}");
        }
    }

    #[test]
    fn cargo_may_write_its_lock_file_when_manifests_were_changed() {
        let mut case = Case::new();
        assert!(!case.save("Cargo.lock", "by the first build"));
        case.learn(&READ);
        assert!(case.save("Cargo.lock", "by cargo update"));
        case.learn(&READ);
        assert!(case.save("Cargo.toml", "one more"));
        assert!(!case.save("Cargo.lock", "by the build"));
        case.learn(&READ);
        assert!(case.save("Cargo.lock", "by cargo update, again"));
    }

    #[test]
    fn a_build_script_that_says_nothing_reads_its_package() {
        let mut case = Case::new();
        let folder = case.path("");
        case.judge.rules.scripts = vec![Script { package: "site".to_owned(), folder }];
        let mut inputs = case.inputs(&READ);
        inputs.silent_scripts.insert("elsewhere".to_owned());
        case.judge.learn(inputs.clone());
        assert!(!case.save("notes.txt", "new"));
        inputs.silent_scripts.insert("site".to_owned());
        case.judge.learn(inputs);
        assert!(case.save("notes.txt", "newer"));
    }

    #[test]
    fn what_the_compiler_reads_elsewhere_is_watched_there() {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut case = Case::with(|rules| {
            rules.never.push(rules.roots[0].join("target"));
        });
        fs::create_dir(case.path(".hidden")).unwrap();
        let outside = elsewhere.path().canonicalize().unwrap().join("a.sql");
        fs::write(&outside, "").unwrap();
        let mut inputs = case.inputs(&["main.rs", ".hidden/b.sql", "target/c.rs"]);
        inputs.files.insert(outside.clone());
        let (_, outskirts) = case.judge.learn(inputs);
        assert_eq!(outskirts, [outside.clone(), case.path(".hidden/b.sql")].into());
        assert!(case.see(outside));
    }
}
