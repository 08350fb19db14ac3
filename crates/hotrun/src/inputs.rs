//! Reads cargo's dependency files: the files that a build has read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Sources besides those that the settings name, as absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inputs {
    pub(crate) files: BTreeSet<PathBuf>,
    /// Folders in which every file counts, such as one that a build script names.
    pub(crate) folders: BTreeSet<PathBuf>,
    /// Packages whose build script names no input. Then cargo takes every file of the package for one.
    pub(crate) silent_scripts: BTreeSet<String>,
}

impl Inputs {
    pub(crate) fn contain(&self, file: &Path) -> bool {
        self.files.contains(file) || file.ancestors().any(|folder| self.folders.contains(folder))
    }

    /// Adds the path, and its target if there are symlinks in it.
    fn add(&mut self, path: PathBuf) {
        let to = if path.is_dir() { &mut self.folders } else { &mut self.files };
        to.extend(path.canonicalize().ok());
        to.insert(path);
    }
}

/// The inputs of an executable that cargo made, from the dependency file and the output of the build scripts beside it.
///
/// Files below the target folder are left out, since cargo made them. Empty if there is no dependency file.
pub(crate) fn of(executable: &Path) -> Inputs {
    let mut inputs = Inputs::default();
    let Ok(listed) = fs::read_to_string(executable.with_extension("d")) else { return inputs };
    let profile = executable.parent().unwrap_or(executable);
    // Above the profile there may be a folder for a target triple, then hotrun's. A mark farther up is of another project.
    let mut folders = executable.ancestors().skip(1).take(3);
    let target = folders.find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap_or(profile);
    for path in dependencies(&listed) {
        if path.is_absolute() && !path.starts_with(target) {
            inputs.add(path);
        }
    }
    inputs.silent_scripts = silent_scripts(profile);
    inputs
}

/// The packages whose build script named no file or variable to watch in its last run.
fn silent_scripts(profile: &Path) -> BTreeSet<String> {
    let mut latest: BTreeMap<String, (SystemTime, bool)> = BTreeMap::new();
    let profile = if profile.ends_with("examples") { profile.parent().unwrap_or(profile) } else { profile };
    for entry in fs::read_dir(profile.join("build")).into_iter().flatten().flatten() {
        let output = entry.path().join("output");
        let Ok(ran) = fs::metadata(&output).and_then(|found| found.modified()) else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((package, _)) = name.rsplit_once('-') else { continue };
        let said = fs::read_to_string(&output).unwrap_or_default();
        let silent = !said.lines().any(|line| {
            line.strip_prefix("cargo::")
                .or(line.strip_prefix("cargo:"))
                .is_some_and(|line| line.starts_with("rerun-if-"))
        });
        let known = latest.entry(package.to_owned()).or_insert((ran, silent));
        if ran >= known.0 {
            *known = (ran, silent);
        }
    }
    latest.into_iter().filter(|(_, (_, silent))| *silent).map(|(package, _)| package).collect()
}

/// The names on the right side of a `make` rule. Spaces separate them; a space in a name has a backslash before it.
fn dependencies(rule: &str) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for line in rule.lines() {
        let Some((_, right)) = line.split_once(": ") else { continue };
        let mut name = String::new();
        let mut rest = right.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '\\' if rest.peek() == Some(&' ') => name.extend(rest.next()),
                ' ' => names.push(std::mem::take(&mut name)),
                other => name.push(other),
            }
        }
        names.push(name);
    }
    names.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{dependencies, of};

    #[test]
    fn files_that_cargo_made_are_no_inputs_wherever_the_project_is() {
        let cache = tempfile::tempdir().unwrap();
        let project = cache.path().join("project");
        let made = project.join("target/hotrun/debug/build/app/out/made.rs");
        let program = project.join("target/hotrun/debug/app");
        fs::create_dir_all(made.parent().unwrap()).unwrap();
        fs::write(cache.path().join("CACHEDIR.TAG"), "").unwrap();
        let source = project.join("src/main.rs");
        let rule = format!("{}: {} {}\n", program.display(), source.display(), made.display());
        fs::write(program.with_extension("d"), rule).unwrap();
        let inputs = of(&program);
        assert!(inputs.contain(&source) && !inputs.contain(&made), "{inputs:?}");
    }

    #[test]
    fn a_rule_is_read_with_spaces_in_names() {
        for (rule, expected) in [
            ("/t/app: /p/src/main.rs /p/a\\ b.html\n", &["/p/src/main.rs", "/p/a b.html"][..]),
            ("/t/a\\ b/app: /p/main.rs", &["/p/main.rs"]),
            ("/t/app: /p/main.rs\n\n/p/main.rs:\n", &["/p/main.rs"]),
            ("/t/app:\n", &[]),
            ("", &[]),
        ] {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(dependencies(rule), expected, "{rule}");
        }
    }
}
