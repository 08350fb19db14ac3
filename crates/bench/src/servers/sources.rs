//! The servers' sources, which are edited in copies only.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use conformance::Failed;

/// Files and folders that are no sources.
const NOT_COPIED: [&str; 4] = ["target", "tmp", ".git", "results"];

/// The folder of the workspace, which has the demos.
pub(crate) fn of_demos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of the counterparts.
pub(crate) fn of_counterparts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/go")
}

/// Copies a folder, without files that are no sources.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if NOT_COPIED.iter().any(|name| OsStr::new(name) == entry.file_name()) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The source below a folder that contains this text.
pub(crate) fn with(folder: &Path, text: &str) -> Result<PathBuf, Failed> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path).is_ok_and(|source| source.contains(text)) {
                return Ok(path);
            }
        }
    }
    Err(format!("no source below `{}` contains `{text}`", folder.display()).into())
}

#[cfg(test)]
mod tests {
    use super::{of_demos, with};

    #[test]
    fn the_answers_that_an_edit_changes_are_in_the_sources_of_the_site() {
        let site = of_demos().join("crates/site/src");
        assert!(with(&site, "\"Current dynamic config values\"").is_ok());
        assert!(with(&site, "no such text").is_err());
    }
}
