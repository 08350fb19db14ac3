//! Retired names of files and types stay retired, each in its own crate.
//!
//! Only names of files, folders and types are read: no prose, and no other crate's names.

use std::{fs, path::Path};

/// Each crate and the names of files that are retired there. A type of the same name is retired, too: `sun_dial` and `SunDial`.
const FILES: &[(&str, &str)] = &[
    (
        "filewatch",
        "attention post ear sentry letters bell ward grounds shelf scout keeper chain link hint sign glimpse gate watch",
    ),
    ("configs", "keeper recipe evidence drawn fault rehearsal in_force offer here"),
    ("views", "press leash weave excess spot"),
    ("site", "edition in_force stand leave onward figures"),
    (
        "lifecycle",
        "petition signs handed holder setback terms berth place pier mooring life door lane guest wire patience dial sink tally guardian",
    ),
    ("launch", "berth place pier mooring life succession"),
    ("intercept", "lend answers parked caller parcel grip tenancy lending"),
    (
        "hotrun",
        "answers parked caller parcel way quiet manners census guardian herald shelf judge pace stamp survey ground making ask way errand refusal happening child lend \
         news sign",
    ),
    ("conformance", "ordeal callers caller ended shipped errand fate"),
    ("compare", "keeper leftovers workshop paint glance stage scratch"),
    ("bench", "keeper leftovers toll weather yard workshop deeds contender spread"),
    ("process-tree", "keeper leftovers census guardian ward"),
];

/// The same, where a type may have the name.
const FILES_ALONE: &[(&str, &str)] = &[("configs", "page"), ("views", "page")];

#[test]
fn retired_names_are_not_used_again() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for (name, retired) in FILES {
        let folder = crates.join(name).join("src");
        assert!(folder.exists(), "`{name}` is no crate");
        for (path, text) in sources(&folder) {
            found.extend(violations(name, &path, &text, retired));
        }
    }
    for (name, retired) in FILES_ALONE {
        for (path, _) in sources(&crates.join(name).join("src")) {
            found.extend(violations(name, &path, "", retired));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The negative control.
#[test]
fn a_retired_name_is_found() {
    let retired = "sun_dial";
    for (path, text) in [
        ("sun_dial.rs", ""),
        ("sun_dial/face.rs", ""),
        ("clock/sun_dial.rs", ""),
        ("clock.rs", "struct SunDial;"),
        ("clock.rs", "fn f() {}\n    pub(crate) enum SunDial<T> {"),
        ("clock.rs", "pub type SunDial = Clock;"),
    ] {
        assert_eq!(violations("time", path, text, retired).len(), 1, "{path} {text}");
    }
    for (path, text) in [
        ("clock.rs", "// A SunDial is a struct of stone."),
        ("clock.rs", "struct SunDials;\nfn sun_dial(dial: other::SunDial) {}"),
        ("sun_dials.rs", "use other::SunDial;"),
    ] {
        assert_eq!(violations("time", path, text, retired), Vec::<String>::new(), "{path} {text}");
    }
}

/// The retired names that a source file has, in its path or as names of types.
fn violations(name: &str, path: &str, text: &str, retired: &str) -> Vec<String> {
    let retired: Vec<&str> = retired.split(' ').collect();
    let mut found = Vec::new();
    for part in path.split('/') {
        let part = part.strip_suffix(".rs").unwrap_or(part);
        if retired.contains(&part) {
            found.push(format!("{name}: `{path}`: the file name `{part}` is retired"));
        }
    }
    let types: Vec<String> = retired.iter().map(|file| type_of(file)).collect();
    for line in text.lines().map(str::trim_start) {
        if let Some(defined) = defined_type(line).filter(|defined| types.iter().any(|one| one == defined)) {
            found.push(format!("{name}: `{path}`: the type name `{defined}` is retired"));
        }
    }
    found
}

/// The name of the type that a line defines, if any.
fn defined_type(line: &str) -> Option<&str> {
    let line = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .find_map(|words| line.strip_prefix(words))
        .unwrap_or(line);
    let name = ["struct ", "enum ", "trait ", "union ", "type "]
        .iter()
        .find_map(|words| line.strip_prefix(words))?;
    name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

/// The name of a type that a file of this name defines.
fn type_of(file: &str) -> String {
    file.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The paths below a folder and the texts of all Rust files.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(sources(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((name, fs::read_to_string(path).expect("a source")));
        }
    }
    found
}
