//! Decides the folder for hotrun's log and its copies of programs.

use std::path::{Component, Path, PathBuf};

use crate::error::Error;
use crate::project::Project;
use crate::settings::Settings;

/// hotrun's folder: in cargo's target folder, or `tmp` as air has it.
pub(super) fn decide(root: &Path, project: &Project, settings: &Settings) -> Result<PathBuf, Error> {
    let tmp = match (&settings.tmp_dir, project) {
        (Some(named), _) => root.join(named),
        (None, Project::Cargo(workspace)) => workspace.target.join("hotrun/run"),
        (None, _) => root.join("tmp"),
    };
    let tmp = without_dots(&tmp);
    if root.starts_with(&tmp) {
        let named = settings.tmp_dir.as_deref().unwrap_or(&tmp).display();
        return Err(Error::unfit(format!(
            "`tmp_dir` is `{named}`, which holds the sources; expected a folder of its own, such as \"tmp\""
        )));
    }
    Ok(tmp)
}

/// The path without `.` and `..`. Symlinks are not resolved.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
