//! Files that a command of `[[build.rules]]` handles.

use std::path::{Path, PathBuf};

use regex::RegexSet;

/// A file matches if it lies below one of the folders and has one of the endings or names. An empty list excludes no file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    /// Absolute, as the files.
    pub(crate) folders: Vec<PathBuf>,
    /// Endings without the dot; `*` is every file.
    pub(crate) extensions: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
    /// Found anywhere in the absolute path.
    pub(crate) exclude: RegexSet,
    /// A build follows the command.
    pub(crate) is_built: bool,
}

impl Pattern {
    pub(crate) fn matches(&self, file: &Path) -> bool {
        let has_place = self.folders.is_empty() || self.folders.iter().any(|folder| file.starts_with(folder));
        let is_any = self.extensions.is_empty() && self.files.is_empty();
        let is_named = || has_ending(file, &self.extensions) || self.files.iter().any(|named| named == file);
        has_place && (is_any || is_named()) && !self.exclude.is_match(&file.to_string_lossy())
    }

    /// True if the folder holds one that the pattern names.
    pub(crate) fn leads_through(&self, folder: &Path) -> bool {
        self.folders.iter().chain(&self.files).any(|named| named.starts_with(folder))
            || self.folders.iter().any(|named| folder.starts_with(named))
    }
}

/// True if the file has one of these endings. An ending may have several parts: `html.tmpl`.
pub(super) fn has_ending(file: &Path, listed: &[String]) -> bool {
    // The part before the ending may be no UTF-8.
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    listed.iter().any(|ending| {
        let is_last = || name.strip_suffix(ending.as_bytes()).is_some_and(|stem| stem.ends_with(b"."));
        ending == "*" || is_last()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use regex::RegexSet;

    use super::Pattern;

    #[test]
    fn a_file_matches_by_its_folder_and_by_its_ending_or_name() {
        let pattern = |folders: &[&str], extensions: &[&str], files: &[&str]| Pattern {
            folders: folders.iter().map(Into::into).collect(),
            extensions: extensions.iter().map(ToString::to_string).collect(),
            files: files.iter().map(Into::into).collect(),
            exclude: RegexSet::new([r"_gen\."]).unwrap(),
            is_built: false,
        };
        for (pattern, path, expected) in [
            (pattern(&[], &["templ"], &[]), "/p/a.templ", true),
            (pattern(&[], &["templ"], &[]), "/p/templ", false),
            (pattern(&[], &["html.tmpl"], &[]), "/p/a.html.tmpl", true),
            (pattern(&[], &["html.tmpl"], &[]), "/p/a.tmpl", false),
            (pattern(&[], &["templ"], &[]), "/p/a_gen.templ", false),
            (pattern(&["/p/css"], &[], &[]), "/p/css/deep/a", true),
            (pattern(&["/p/css"], &[], &[]), "/p/a.css", false),
            (pattern(&["/p/css"], &["css"], &[]), "/p/css/a.css", true),
            (pattern(&["/p/css"], &["css"], &[]), "/p/css/a.js", false),
            (pattern(&["/p"], &["css"], &["/p/a.js"]), "/p/a.js", true),
            (pattern(&[], &[], &["/p/a.js"]), "/p/b.js", false),
            (pattern(&[], &["*"], &[]), "/p/any", true),
        ] {
            assert_eq!(pattern.matches(Path::new(path)), expected, "{pattern:?} {path}");
        }
    }
}
