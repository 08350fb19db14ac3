//! Rules for the watched folders and for the files that count as sources.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::GlobSet;
use regex::RegexSet;

use crate::sources::ignores::Ignores;
use crate::sources::pattern::{Pattern, has_ending};

/// Rules from the settings and the project. All paths are absolute; patterns are matched against paths below the first root.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceRules {
    /// The project's folder, then path dependencies outside of it.
    pub(crate) roots: Vec<PathBuf>,
    /// Endings without the dot; `*` is every file.
    pub(crate) extensions: Vec<String>,
    /// Once the inputs of the compiler are known, a file does not count by its ending alone.
    pub(crate) compiler_decides: bool,
    /// If there are any, files count by their ending only below these.
    pub(crate) include_dirs: Vec<PathBuf>,
    /// Files that count whatever their ending: the settings' own, and manifests.
    pub(crate) include_files: Vec<PathBuf>,
    pub(crate) exclude_dirs: GlobSet,
    pub(crate) exclude_files: GlobSet,
    /// Found anywhere in the absolute path.
    pub(crate) exclude_regex: RegexSet,
    /// Build scripts. A script that does not list its inputs may read its whole package.
    pub(crate) scripts: Vec<Script>,
    /// Files and folders that hotrun and the build write.
    pub(crate) never: Vec<PathBuf>,
    /// A file that is saved with the same content is not changed.
    pub(crate) exclude_unchanged: bool,
    /// Files with variables. They count whatever the other rules say, and need no build.
    pub(crate) env_files: Vec<PathBuf>,
    /// Files that a command handles. They count whatever the other rules say. The first pattern that matches decides if a build follows.
    pub(crate) handled: Vec<Pattern>,
    /// Interval of the poll beside the events; `None` for the usual one.
    pub(crate) poll: Option<Duration>,
}

/// A package with a build script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) package: String,
    pub(crate) folder: PathBuf,
}

/// The result of the rules alone, without the inputs of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Counts always.
    Named,
    /// Counts until the inputs of the compiler are known, if it is not among them.
    Likely,
    /// Counts if it is an input of the compiler.
    Unlikely,
    /// A file that an editor makes while it saves another one. Counts if it is an input itself; that its folder is one is not enough.
    Scratch,
    /// Never counts.
    Excluded,
}

impl SourceRules {
    /// True if the folder is watched.
    pub(crate) fn enters(&self, folder: &Path, ignores: &Ignores) -> bool {
        if self.env_files.iter().any(|file| file.starts_with(folder))
            || self.handled.iter().any(|pattern| pattern.leads_through(folder))
        {
            return true;
        }
        if is_below(&self.never, folder) || self.matches(&self.exclude_dirs, folder) {
            return false;
        }
        let named = self.include_dirs.iter().chain(&self.include_files);
        if named.into_iter().any(|path| path.starts_with(folder)) {
            return true;
        }
        if !self.include_dirs.is_empty() && !is_below(&self.include_dirs, folder) {
            return false;
        }
        let name = folder.file_name().unwrap_or_default();
        let is_skipped = name == "node_modules"
            || name == "__pycache__"
            || (is_hidden(name) && name != ".cargo")
            || folder.join("CACHEDIR.TAG").exists()
            || folder.join("pyvenv.cfg").exists();
        !is_skipped && !ignores.ignore(folder, true)
    }

    /// True if a change of this source needs a build, or a start of the program where nothing is built.
    pub(crate) fn needs_build(&self, file: &Path) -> bool {
        let is_handled = || self.handled.iter().find(|pattern| pattern.matches(file));
        !self.env_files.iter().any(|env| env == file) && is_handled().is_none_or(|pattern| pattern.is_built)
    }

    pub(crate) fn verdict(&self, file: &Path, ignores: &Ignores) -> Verdict {
        let is_handled = || self.handled.iter().any(|pattern| pattern.matches(file));
        if (self.env_files.iter().any(|env| env == file) || is_handled())
            && !file.file_name().is_some_and(is_scratch)
        {
            return Verdict::Named;
        }
        let excluded = is_below(&self.never, file)
            || self.matches(&self.exclude_files, file)
            || file.ancestors().skip(1).any(|folder| self.matches(&self.exclude_dirs, folder))
            || self.exclude_regex.is_match(&file.to_string_lossy());
        if excluded {
            return Verdict::Excluded;
        }
        if self.include_files.iter().any(|named| named == file) {
            return Verdict::Named;
        }
        if file.file_name().is_some_and(is_scratch) {
            return Verdict::Scratch;
        }
        let elsewhere = !self.include_dirs.is_empty() && !is_below(&self.include_dirs, file);
        if elsewhere || !has_ending(file, &self.extensions) || ignores.ignore(file, false) {
            return Verdict::Unlikely;
        }
        if self.compiler_decides { Verdict::Likely } else { Verdict::Named }
    }

    fn matches(&self, globs: &GlobSet, path: &Path) -> bool {
        let below = self.roots.first().and_then(|root| path.strip_prefix(root).ok());
        below.is_some_and(|below| !below.as_os_str().is_empty() && globs.is_match(below))
    }
}

fn is_below(folders: &[PathBuf], path: &Path) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// True if this is the name of an editor's temporary file.
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use globset::{GlobBuilder, GlobSet};
    use regex::RegexSet;

    use super::{SourceRules, Verdict};
    use crate::sources::ignores::Ignores;

    fn globs(patterns: &[&str]) -> GlobSet {
        let mut set = GlobSet::builder();
        for pattern in patterns {
            set.add(GlobBuilder::new(pattern).literal_separator(true).build().unwrap());
        }
        set.build().unwrap()
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    /// Each row: a path below the root, and the verdict.
    #[test]
    fn a_file_counts_by_its_place_and_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join(".gitignore"), "*.gen.rs\n/out/\n").unwrap();
        let rules = SourceRules {
            roots: vec![root.clone()],
            extensions: strings(&["rs", "env"]),
            compiler_decides: true,
            include_files: vec![root.join("Cargo.toml"), root.join("old/schema.sql")],
            exclude_dirs: globs(&["old", "**/fixtures"]),
            exclude_files: globs(&["*.skip.rs", "src/odd.rs"]),
            exclude_regex: RegexSet::new([r"_test\.rs$"]).unwrap(),
            never: vec![root.join("target")],
            ..SourceRules::default()
        };
        let ignores = Ignores::of(&rules.roots);
        for (path, expected) in [
            ("src/main.rs", Verdict::Likely),
            ("build.rs", Verdict::Likely),
            ("Cargo.toml", Verdict::Named),
            ("other/Cargo.toml", Verdict::Unlikely),
            ("page.html", Verdict::Unlikely),
            ("src/rs", Verdict::Unlikely),
            (".env", Verdict::Likely),
            ("src/x.gen.rs", Verdict::Unlikely),
            ("target/debug/out.rs", Verdict::Excluded),
            ("old/main.rs", Verdict::Excluded),
            ("old/schema.sql", Verdict::Excluded),
            ("sub/old/main.rs", Verdict::Likely),
            ("sub/fixtures/a.rs", Verdict::Excluded),
            ("sub/fixtures/deep/a.rs", Verdict::Excluded),
            ("a.skip.rs", Verdict::Excluded),
            ("src/a.skip.rs", Verdict::Likely),
            ("src/odd.rs", Verdict::Excluded),
            ("src/main_test.rs", Verdict::Excluded),
            ("src/.#main.rs", Verdict::Scratch),
            ("src/main.rs~", Verdict::Scratch),
            ("src/4913", Verdict::Scratch),
        ] {
            assert_eq!(rules.verdict(&root.join(path), &ignores), expected, "{path}");
        }
    }

    #[test]
    fn an_ending_in_the_settings_counts_without_the_compiler() {
        let rules = |listed: &[&str], include_dirs: &[&str]| SourceRules {
            roots: vec!["/p".into()],
            extensions: strings(listed),
            include_dirs: include_dirs.iter().map(PathBuf::from).collect(),
            ..SourceRules::default()
        };
        let ignores = Ignores::of(&["/p".into()]);
        for (listed, include_dirs, path, expected) in [
            (&["rs", "html"][..], &[][..], "/p/page.html", Verdict::Named),
            (&["rs"], &[], "/p/page.html", Verdict::Unlikely),
            (&["*"], &[], "/p/page.html", Verdict::Named),
            (&["*"], &[], "/p/Makefile", Verdict::Named),
            (&["*"], &[], "/p/.page.html.swp", Verdict::Scratch),
            (&[], &[], "/p/main.rs", Verdict::Unlikely),
            (&["rs"], &["/p/src", "/q"], "/p/src/main.rs", Verdict::Named),
            (&["rs"], &["/p/src", "/q"], "/q/lib.rs", Verdict::Named),
            (&["rs"], &["/p/src", "/q"], "/p/main.rs", Verdict::Unlikely),
        ] {
            let found = rules(listed, include_dirs).verdict(Path::new(path), &ignores);
            assert_eq!(found, expected, "{listed:?} {include_dirs:?} {path}");
        }
    }

    /// Each row: a folder below the root, and whether it is watched.
    #[test]
    fn folders_without_sources_are_not_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["src", "build-a", "venv", "web/node_modules"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("build-a/CACHEDIR.TAG"), "").unwrap();
        fs::write(root.join("venv/pyvenv.cfg"), "").unwrap();
        fs::write(root.join(".gitignore"), "/data/\n!/data/keep/\n*.d\n").unwrap();
        fs::write(root.join("web/.gitignore"), "/dist\n").unwrap();
        let rules = SourceRules {
            roots: vec![root.clone()],
            include_files: vec![root.join(".github/check.rs")],
            exclude_dirs: globs(&["docs"]),
            never: vec![root.join("tmp")],
            ..SourceRules::default()
        };
        let ignores = Ignores::of(&rules.roots);
        for (path, expected) in [
            ("src", true),
            ("src/deep", true),
            (".git", false),
            (".idea", false),
            (".cargo", true),
            (".github", true),
            ("build-a", false),
            ("venv", false),
            ("web", true),
            ("web/node_modules", false),
            ("web/dist", false),
            ("dist", true),
            ("data", false),
            ("conf.d", false),
            ("docs", false),
            ("web/docs", true),
            ("tmp", false),
            ("tmp/deep", false),
        ] {
            assert_eq!(rules.enters(&root.join(path), &ignores), expected, "{path}");
        }
        let only = SourceRules { include_dirs: vec![root.join("a/.b")], ..rules };
        for (path, expected) in
            [("a", true), ("a/.b", true), ("a/.b/c", true), ("a/c", false), ("src", false)]
        {
            assert_eq!(only.enters(&root.join(path), &ignores), expected, "{path}");
        }
    }
}
