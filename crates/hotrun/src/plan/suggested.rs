//! Completes settings that name no program with those that fit the folder.

use crate::error::Error;
use crate::plan::discovery::Discovery;
use crate::project::Project;
use crate::settings::FILE;
use crate::suggestion::Suggestion;

/// The discovery with the program of the folder, and a note about it. Fails if there is a project, but no program that could be meant.
pub(super) fn completed(mut discovery: Discovery) -> Result<Discovery, Error> {
    let build = &mut discovery.settings.build;
    let is_named = build.cmd.is_some()
        || build.bin.is_some()
        || build.full_bin.is_some()
        || !build.entrypoint.is_empty();
    if is_named || discovery.settings.is_airs || !matches!(discovery.project, Project::Other(_)) {
        return Ok(discovery);
    }
    let Some(found) = Suggestion::of_folder(&discovery.build_in) else { return Ok(discovery) };
    let found = found.map_err(|words| Error::unfit(format!("{words}; `hotrun init` writes a `{FILE}`")))?;
    let own = found.settings();
    (build.cmd, build.bin, build.full_bin) = (own.cmd, own.bin, own.full_bin);
    build.include_ext = build.include_ext.take().or(own.include_ext);
    build.exclude_dir = build.exclude_dir.take().or(own.exclude_dir);
    build.include_file.extend(own.include_file);
    discovery.notes.push(format!(
        "takes this folder for {}: runs {}; `hotrun init` writes that into `{FILE}`",
        found.kind, found.runs
    ));
    Ok(discovery)
}
