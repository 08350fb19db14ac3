//! Lines in air's own files that work around losses of air.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::settings::build::Build;
use crate::settings::value::patterns::with_slashes;

/// air's default for `delay`, which `air init` writes.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// True if the file is air's, by its name: `.air.toml`, `air.toml`, `.air.api.toml`, `.air.conf`.
pub(super) fn is_airs(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').any(|part| part == "air")
}

/// Reads paths that were written on Windows: `tmp\main.exe`.
pub(super) fn replace_backslashes(tmp_dir: &mut Option<PathBuf>, build: &mut Build) {
    let slashed = |path: &mut PathBuf| *path = with_slashes(&path.to_string_lossy()).into();
    let paths =
        tmp_dir.iter_mut().chain(&mut build.bin).chain(&mut build.include_dir).chain(&mut build.include_file);
    paths.for_each(slashed);
    if let Some(program) = build.entrypoint.first_mut() {
        *program = with_slashes(program);
    }
}

/// Removes the settings that `air init` writes and nobody chose, and `stop_on_error`. With air they avoid torn builds and the start of
/// a stale program; here they would lose requests and the good server. Returns the removed lines.
pub(super) fn remove_workarounds(build: &mut Build) -> Vec<String> {
    let mut removed = Vec::new();
    let is_short = |delay: &mut Duration| !delay.is_zero() && *delay <= DEFAULT_DELAY;
    if let Some(delay) = build.delay.take_if(is_short) {
        removed.push(format!("delay = {}", delay.as_millis()));
    }
    if build.kill_delay.take_if(|delay| delay.is_zero()).is_some() {
        removed.push("kill_delay = 0".to_owned());
    }
    if build.stop_on_error.take_if(|stops| *stops).is_some() {
        removed.push("stop_on_error = true".to_owned());
    }
    if build.exclude_unchanged.take_if(|excludes| !*excludes).is_some() {
        removed.push("exclude_unchanged = false".to_owned());
    }
    removed
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_airs, remove_workarounds};
    use crate::settings::Settings;

    #[test]
    fn a_file_of_airs_is_known_by_its_name() {
        for (name, expected) in [
            (".air.toml", true),
            ("/p/.config/air.toml", true),
            (".air.conf", true),
            (".air.worker.toml", true),
            (".hotrun.toml", false),
            ("/air/my.toml", false),
            ("airport.toml", false),
        ] {
            assert_eq!(is_airs(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn only_the_workarounds_are_removed() {
        for (line, expected) in [
            ("delay = 1000", true),
            ("delay = 500", true),
            ("delay = 0", false),
            ("delay = 3000", false),
            ("kill_delay = '0s'", true),
            ("kill_delay = 500", false),
            ("stop_on_error = true", true),
            ("stop_on_error = false", false),
            ("exclude_unchanged = false", true),
            ("exclude_unchanged = true", false),
        ] {
            let (mut settings, _) = Settings::parse(&format!("[build]\n{line}"));
            assert_eq!(!remove_workarounds(&mut settings.build).is_empty(), expected, "{line}");
            assert_eq!(remove_workarounds(&mut settings.build), Vec::<String>::new(), "{line}");
        }
    }
}
