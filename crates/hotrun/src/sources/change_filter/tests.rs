use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::ChangeFilter;
use crate::inputs::Inputs;
use crate::sources::content::contents;
use crate::sources::ignores::Ignores;
use crate::sources::mtime;
use crate::sources::rules::{Script, SourceRules};
use crate::sources::scan::Scan;

/// A project whose compiler reads `main.rs` and `page.html`, but not `other.rs`.
struct Case {
    folder: TempDir,
    filter: ChangeFilter,
    builds: u32,
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
        let contents = contents(Scan::of(&rules, &ignores).files);
        let mut filter = ChangeFilter::new(rules, ignores);
        filter.add_known(contents, Vec::new());
        Self { folder, filter, builds: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn inputs(&self, names: &[&str]) -> Inputs {
        Inputs { files: names.iter().map(|name| self.path(name)).collect(), ..Inputs::default() }
    }

    /// Saves the file. Returns whether that is a change, which a build then reads.
    fn save(&mut self, name: &str, text: &str) -> bool {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        self.see(path)
    }

    fn see(&mut self, path: PathBuf) -> bool {
        let changed = self.filter.changed(vec![path]);
        if !changed.is_empty() {
            self.filter.build_begins(&changed);
        }
        !changed.is_empty()
    }

    fn learn(&mut self, names: &[&str]) -> Vec<String> {
        let inputs = self.inputs(names);
        let (late, _) = self.learn_inputs(inputs, SystemTime::now());
        late.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    /// Learns from the next build.
    fn learn_inputs(&mut self, inputs: Inputs, began: SystemTime) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        self.builds += 1;
        self.filter.learn(self.builds, inputs, began)
    }
}

/// The reported files after a change that is made when a build has begun, before the sources are read.
fn found(change: impl FnOnce(&mut Case)) -> Vec<String> {
    let mut case = Case::new();
    let written = fs::metadata(case.path("Cargo.toml")).unwrap();
    while mtime::is_younger(&written, mtime::now()) {}
    case.filter = ChangeFilter::new(case.filter.rules.clone(), case.filter.ignores.clone());
    change(&mut case);
    let ChangeFilter { rules, ignores, build_began, .. } = &case.filter;
    let contents = contents(Scan::of(rules, ignores).files);
    let modified = Scan::modified_since(rules, ignores, *build_began);
    let mut late = case.filter.add_known(contents, modified);
    let inputs = case.inputs(&READ);
    late.extend(case.learn_inputs(inputs, SystemTime::now()).0);
    late.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_file_that_was_empty_for_a_moment_is_not_changed() {
    let mut case = Case::new();
    case.learn(&READ);
    let path = case.path("main.rs");
    let text = fs::read(&path).unwrap();
    let files = || vec![path.clone()];
    fs::write(&path, "").unwrap();
    assert_eq!(case.filter.changed(files()), files());
    assert_eq!(case.filter.differing(files()), files());
    fs::write(&path, &text).unwrap();
    assert_eq!(case.filter.changed(files()), files());
    assert!(case.filter.differing(files()).is_empty());
    fs::remove_file(&path).unwrap();
    case.filter.changed(files());
    fs::write(&path, &text).unwrap();
    case.filter.changed(files());
    assert!(case.filter.differing(files()).is_empty());
    fs::write(&path, "").unwrap();
    case.filter.changed(files());
    case.filter.build_begins(&files());
    fs::write(&path, &text).unwrap();
    assert_eq!(case.filter.changed(files()), files());
    assert_eq!(case.filter.differing(files()), files(), "the build has read the empty file");
}

#[test]
fn the_inputs_of_an_earlier_build_say_nothing_about_the_next_one() {
    let mut case = Case::new();
    let (began, path) = (mtime::now(), case.path("main.rs"));
    let files = || vec![path.clone()];
    // Longer than a tick of the clock that sets the times of files.
    thread::sleep(Duration::from_millis(20));
    assert!(case.save("main.rs", "new"));
    let inputs = case.inputs(&READ);
    case.learn_inputs(inputs, began);
    for text in ["", "new"] {
        fs::write(&path, text).unwrap();
        case.filter.changed(files());
    }
    assert_eq!(case.filter.differing(files()), files(), "the running build may have read the empty file");
}

#[test]
fn a_change_before_the_sources_are_read_is_reported() {
    assert_eq!(found(|_| {}), Vec::<String>::new());
    assert_eq!(found(|case| fs::write(case.path("main.rs"), "new").unwrap()), ["main.rs"]);
    assert_eq!(found(|case| fs::write(case.path("fresh.rs"), "new").unwrap()), ["fresh.rs"]);
    assert_eq!(found(|case| fs::write(case.path("notes.txt"), "new").unwrap()), Vec::<String>::new());
    // The compiler says later that it reads it.
    assert_eq!(found(|case| fs::write(case.path("page.html"), "new").unwrap()), ["page.html"]);
    assert_eq!(found(|case| fs::remove_file(case.path("main.rs")).unwrap()), ["main.rs"]);
}

#[test]
fn an_old_file_that_is_moved_there_before_the_sources_are_read_is_reported() {
    let moved = found(|case| {
        let old = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let file = File::create(case.path("beside")).unwrap();
        file.set_modified(old).unwrap();
        fs::rename(case.path("beside"), case.path("main.rs")).unwrap();
    });
    assert_eq!(moved, ["main.rs"]);
}

#[test]
fn an_input_that_is_removed_before_the_sources_are_read_is_reported() {
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
fn a_change_during_the_build_that_first_reads_the_file_is_reported() {
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
fn a_change_before_the_build_is_part_of_it() {
    let mut case = Case::new();
    case.learn(&READ);
    assert!(!case.save("other.rs", "before"));
    assert!(case.save("main.rs", "mod other;"));
    assert_eq!(case.learn(&["main.rs", "page.html", "other.rs"]), Vec::<String>::new());
}

#[test]
fn the_inputs_of_an_older_build_do_not_replace_those_of_a_newer_one() {
    let mut case = Case::new();
    let (older, newer) = (case.inputs(&["main.rs"]), case.inputs(&READ));
    let now = SystemTime::now();
    case.filter.learn(2, newer, now);
    case.filter.learn(1, older.clone(), now);
    assert!(case.save("page.html", "new"));
    // Of a failed build nothing is known, so the inputs of the good one before it are taken.
    case.filter.learn(4, Inputs::default(), now);
    case.filter.learn(3, older, now);
    assert!(!case.save("page.html", "newer"));
    assert!(case.save("other.rs", "mended"), "the last build failed");
}

#[test]
fn only_possible_sources_delay_a_report() {
    let mut case = Case::new();
    let count = |case: &Case| {
        let names = ["main.rs", "other.rs", "page.html", "notes.txt", "Cargo.toml", ".main.rs.swp"];
        names.into_iter().filter(|name| case.filter.may_count(&case.path(name))).collect::<Vec<_>>()
    };
    assert_eq!(count(&case), ["main.rs", "other.rs", "Cargo.toml"]);
    case.learn(&READ);
    assert_eq!(count(&case), ["main.rs", "other.rs", "page.html", "Cargo.toml"]);
}

#[test]
fn removing_a_source_is_a_change_but_not_a_file_that_came_and_went() {
    let mut case = Case::new();
    case.learn(&READ);
    for (name, expected) in [("main.rs", true), ("page.html", true), ("other.rs", false), ("x.rs", false)] {
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
    case.filter.rules.scripts = vec![Script { package: "site".to_owned(), folder }];
    let mut inputs = case.inputs(&READ);
    inputs.silent_scripts.insert("elsewhere".to_owned());
    case.learn_inputs(inputs.clone(), SystemTime::now());
    assert!(!case.save("notes.txt", "new"));
    inputs.silent_scripts.insert("site".to_owned());
    case.learn_inputs(inputs, SystemTime::now());
    assert!(case.save("notes.txt", "newer"));
    assert!(!case.save(".main.rs.swp", "an editor's own"));
}

#[test]
fn inputs_outside_of_the_roots_are_watched() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut case = Case::with(|rules| {
        rules.never.push(rules.roots[0].join("target"));
    });
    fs::create_dir(case.path(".hidden")).unwrap();
    let outside = elsewhere.path().canonicalize().unwrap().join("a.sql");
    fs::write(&outside, "").unwrap();
    let mut inputs = case.inputs(&["main.rs", ".hidden/b.sql", "target/c.rs"]);
    inputs.files.insert(outside.clone());
    let (_, watched) = case.learn_inputs(inputs, SystemTime::now());
    assert_eq!(watched, [outside.clone(), case.path(".hidden/b.sql")].into());
    assert!(case.see(outside));
}
