//! Which folders are watched, and which files in them count.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use regex::RegexSet;

use crate::sources::ignores::Ignores;

/// What counts as a source. All paths are absolute; patterns are matched against paths below the first root.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceRules {
    /// The project's folder, then path dependencies outside of it.
    pub(crate) roots: Vec<PathBuf>,
    /// Endings without the dot; `*` is every file.
    pub(crate) extensions: Vec<String>,
    /// Once the compiler has said what it reads, a file that only its ending speaks for no longer counts.
    pub(crate) compiler_decides: bool,
    /// If there are any, files by their ending count only below these.
    pub(crate) include_dirs: Vec<PathBuf>,
    /// Files that count whatever their ending: the settings' own, and manifests.
    pub(crate) include_files: Vec<PathBuf>,
    pub(crate) exclude_dirs: GlobSet,
    pub(crate) exclude_files: GlobSet,
    /// Found anywhere in the absolute path.
    pub(crate) exclude_regex: RegexSet,
    /// Build scripts: one that does not say what it reads reads all of its package.
    pub(crate) scripts: Vec<Script>,
    /// What hotrun and the build write themselves.
    pub(crate) never: Vec<PathBuf>,
    /// A file that is written again with the same content is no change.
    pub(crate) exclude_unchanged: bool,
}

/// A package with a build script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) package: String,
    pub(crate) folder: PathBuf,
}

/// What the rules alone say of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Counts, whatever the compiler says.
    Named,
    /// Counts until the compiler has said that it does not read it.
    Likely,
    /// Counts if the compiler says so.
    Unlikely,
    /// Never counts.
    Excluded,
}

impl SourceRules {
    /// Whether to look below this folder.
    pub(crate) fn enters(&self, folder: &Path, ignores: &Ignores) -> bool {
        if self.is_below(&self.never, folder) || self.matches(&self.exclude_dirs, folder) {
            return false;
        }
        let named = self.include_dirs.iter().chain(&self.include_files);
        if named.into_iter().any(|path| path.starts_with(folder)) {
            return true;
        }
        if !self.include_dirs.is_empty() && !self.is_below(&self.include_dirs, folder) {
            return false;
        }
        let name = folder.file_name().unwrap_or_default();
        let dull = name == "node_modules"
            || name == "__pycache__"
            || (is_hidden(name) && name != ".cargo")
            || folder.join("CACHEDIR.TAG").exists()
            || folder.join("pyvenv.cfg").exists();
        !dull && !ignores.ignore(folder, true)
    }

    pub(crate) fn verdict(&self, file: &Path, ignores: &Ignores) -> Verdict {
        let excluded = self.is_below(&self.never, file)
            || self.matches(&self.exclude_files, file)
            || file.ancestors().skip(1).any(|folder| self.matches(&self.exclude_dirs, folder))
            || self.exclude_regex.is_match(&file.to_string_lossy());
        if excluded {
            return Verdict::Excluded;
        }
        if self.include_files.iter().any(|named| named == file) {
            return Verdict::Named;
        }
        let elsewhere = !self.include_dirs.is_empty() && !self.is_below(&self.include_dirs, file);
        if elsewhere || !self.has_ending(file) || ignores.ignore(file, false) {
            return Verdict::Unlikely;
        }
        if self.compiler_decides { Verdict::Likely } else { Verdict::Named }
    }

    fn has_ending(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default();
        let ending = ending(name);
        let listed =
            |listed: &String| listed == "*" || ending.is_some_and(|ending| ending == listed.as_str());
        !is_scratch(name) && self.extensions.iter().any(listed)
    }

    fn is_below(&self, folders: &[PathBuf], path: &Path) -> bool {
        folders.iter().any(|folder| path.starts_with(folder))
    }

    fn matches(&self, globs: &GlobSet, path: &Path) -> bool {
        let below = self.roots.first().and_then(|root| path.strip_prefix(root).ok());
        below.is_some_and(|below| !below.as_os_str().is_empty() && globs.is_match(below))
    }
}

/// After the last dot; `.env` ends in `env`, as air has it.
fn ending(name: &OsStr) -> Option<&OsStr> {
    let name = name.to_str()?;
    name.rsplit_once('.').map(|(_, ending)| OsStr::new(ending))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// What editors put beside a file while it is edited.
fn is_scratch(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let ends = |ending: &[u8]| name.ends_with(ending);
    name.starts_with(b".#")
        || (name.starts_with(b"#") && ends(b"#"))
        || name == b"4913"
        || ends(b"~")
        || ends(b".swp")
        || ends(b".swo")
        || ends(b".swx")
        || name.starts_with(b".goutputstream-")
}
