//! The configuration and the templates of this repository.

use crate::Failed;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The text of `config.yaml`.
pub(crate) fn config() -> String {
    fs::read_to_string(repository().join("config.yaml")).expect("the repository ships config.yaml")
}

/// The text of the template of that name.
pub(crate) fn template(name: &str) -> String {
    fs::read_to_string(repository().join("templates").join(name)).expect("the repository ships this template")
}

/// Copies all templates into a folder.
pub(crate) fn templates_into(folder: &Path) -> Result<(), Failed> {
    copy_folder(&repository().join("templates"), folder)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|e| format!("{}: {e}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
