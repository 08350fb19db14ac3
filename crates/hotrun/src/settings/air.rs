//! Known keys, hotrun's and air's.

use toml_edit::Item;

/// Every key that has an effect.
pub(crate) const KEYS: &[&str] = &[
    "root",
    "tmp_dir",
    "build.cmd",
    "build.bin",
    "build.full_bin",
    "build.entrypoint",
    "build.pre_cmd",
    "build.post_cmd",
    "build.args_bin",
    "build.args",
    "build.env",
    "build.share_target",
    "build.include_ext",
    "build.include_dir",
    "build.include_file",
    "build.exclude_dir",
    "build.exclude_file",
    "build.exclude_regex",
    "build.exclude_unchanged",
    "build.delay",
    "build.stop_on_error",
    "build.log",
    "build.send_interrupt",
    "build.kill_delay",
    "build.rerun",
    "build.rerun_delay",
    "build.rerun_cmd",
    "socket.address",
    "socket.way",
    "socket.drain",
    "ready.http",
    "ready.timeout",
    "probation.time",
    "log.time",
    "color.main",
    "color.watcher",
    "color.build",
    "color.runner",
    "color.app",
    "color.mode",
    "misc.clean_on_exit",
];

/// Further keys and tables of air's, without an effect here.
const AIRS: &[&str] = &[
    "testdata_dir",
    "env_files",
    "build.ignore_dangerous_root_dir",
    "build.follow_symlink",
    "build.poll",
    "build.poll_interval",
    "build.rules",
    "build.windows",
    "build.darwin",
    "build.linux",
    "log.main_only",
    "log.silent",
    "misc.startup_banner",
    "screen",
    "proxy",
];

/// The warning about a key without an effect.
pub(crate) fn unknown(key: &str) -> String {
    if AIRS.contains(&key) {
        return format!("`{key}` is ignored: hotrun does not have this setting of air's");
    }
    match nearest(key) {
        Some(meant) => format!("unknown key `{key}` is ignored; did you mean `{meant}`?"),
        None => format!("unknown key `{key}` is ignored"),
    }
}

/// True if a key of air's needs no warning: its value switches it off, or it changes only the look of the terminal or another system.
pub(crate) fn is_off(key: &str, item: &Item) -> bool {
    let is_false = |item: &Item| {
        item.as_bool() == Some(false)
            || item.as_integer() == Some(0)
            || item.as_str() == Some("")
            || item.as_array().is_some_and(toml_edit::Array::is_empty)
    };
    match key {
        "testdata_dir" | "misc.startup_banner" | "build.poll_interval" | "build.windows" | "build.darwin" => {
            true
        }
        "screen" => item.get("clear_on_rebuild").is_none_or(is_false),
        "proxy" => item.get("enabled").is_none_or(is_false),
        _ => AIRS.contains(&key) && is_false(item),
    }
}

/// The most similar known key: the same name in another table, or a similar name.
fn nearest(key: &str) -> Option<&'static str> {
    let last = |key: &'static str| key.rsplit_once('.').map_or(key, |(_, last)| last);
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let tables = ["build", "socket", "ready", "probation", "log", "color", "misc"];
    let slips = |written: &str, meant: &str| strsim::damerau_levenshtein(&folded(written), &folded(meant));
    if table.is_empty()
        && let Some(meant) = tables.iter().find(|meant| slips(name, meant) <= meant.len() / 3)
    {
        return Some(meant);
    }
    let elsewhere = |meant: &'static str| {
        usize::from(!meant.starts_with(table) || table.is_empty() == meant.contains('.'))
    };
    let ranked = KEYS.iter().map(|meant| (2 * slips(name, last(meant)) + elsewhere(meant), *meant));
    let (distance, meant) = ranked.min_by_key(|(distance, _)| *distance)?;
    (distance / 2 <= name.chars().count() / 3).then_some(meant)
}

/// The name without dashes, in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn an_unknown_key_a_misspelt_key_and_a_key_of_airs_differ() {
        for (key, expected) in [
            ("build.dellay", "did you mean `build.delay`?"),
            ("build.inclide_file", "did you mean `build.include_file`?"),
            ("build.killDelay", "did you mean `build.kill_delay`?"),
            ("cmd", "did you mean `build.cmd`?"),
            ("build.root", "did you mean `root`?"),
            ("build.time", "did you mean `probation.time`?"),
            ("biuld", "did you mean `build`?"),
            ("colour", "did you mean `color`?"),
            ("build.stop_on_root", "is ignored"),
            ("build.poll", "this setting of air's"),
            ("proxy", "this setting of air's"),
            ("frobnicate", "unknown key `frobnicate` is ignored"),
        ] {
            let words = unknown(key);
            assert!(words.contains(expected), "{key}: {words}");
        }
    }
}
