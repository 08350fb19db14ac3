//! Known keys, hotrun's and air's.

/// Every key that has an effect.
pub(crate) const KEYS: &[&str] = &[
    "root",
    "tmp_dir",
    "testdata_dir",
    "env_files",
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
    "build.ignore_dangerous_root_dir",
    "build.follow_symlink",
    "build.poll",
    "build.poll_interval",
    "build.rules",
    "rule",
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
    "log.main_only",
    "log.silent",
    "screen.clear_on_rebuild",
    "screen.keep_scroll",
    "proxy.enabled",
    "proxy.proxy_port",
    "proxy.app_port",
    "proxy.app_start_timeout",
    "color.main",
    "color.watcher",
    "color.build",
    "color.runner",
    "color.app",
    "color.mode",
    "misc.clean_on_exit",
];

/// The warning about a key without an effect.
pub(crate) fn unknown(key: &str) -> String {
    match nearest_of_program(key).or_else(|| nearest(key).map(str::to_owned)) {
        Some(meant) => format!("unknown key `{key}` is ignored; did you mean `{meant}`?"),
        None => format!("unknown key `{key}` is ignored"),
    }
}

/// True if the key is one of air's without an effect here that nobody misses: hotrun has no banner, and another system's commands are
/// for that system.
pub(crate) fn is_needless(key: &str) -> bool {
    ["misc.startup_banner", "build.windows", "build.darwin", "build.linux"].contains(&key)
}

/// The most similar known key of `[run.NAME]`, which has those of `[build]`, and some tables.
fn nearest_of_program(key: &str) -> Option<String> {
    let (name, rest) = key.strip_prefix("run.")?.split_once('.')?;
    let meant = if rest.contains('.') { nearest(rest)? } else { nearest(&format!("build.{rest}"))? };
    let (table, last) = meant.split_once('.').unwrap_or(("", meant));
    match table {
        "build" => Some(format!("run.{name}.{last}")),
        "socket" | "ready" | "probation" => Some(format!("run.{name}.{meant}")),
        _ => None,
    }
}

/// The most similar known key: the same name in another table, or a similar name.
fn nearest(key: &str) -> Option<&'static str> {
    let last = |key: &'static str| key.rsplit_once('.').map_or(key, |(_, last)| last);
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let tables = ["build", "run", "socket", "ready", "probation", "log", "screen", "proxy", "color", "misc"];
    let slips = |written: &str, meant: &str| strsim::damerau_levenshtein(&folded(written), &folded(meant));
    if table.is_empty()
        && let Some(meant) = tables.iter().find(|meant| name != **meant && slips(name, meant) <= 1)
    {
        return Some(meant);
    }
    let elsewhere = |meant: &'static str| {
        usize::from(!meant.starts_with(table) || table.is_empty() == meant.contains('.'))
    };
    let ranked = KEYS.iter().map(|meant| (2 * slips(name, last(meant)) + elsewhere(meant), *meant));
    let (distance, meant) = ranked.min_by_key(|(distance, _)| *distance)?;
    let most = if name.chars().count() > 6 { 2 } else { 1 };
    (distance / 2 <= most).then_some(meant)
}

/// The name without dashes, in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::unknown;

    /// Each row: a key, and the key that was meant, if one is near.
    #[test]
    fn a_misspelt_key_is_told_from_an_unknown_one() {
        for (key, expected) in [
            ("build.dellay", Some("build.delay")),
            ("build.inclide_file", Some("build.include_file")),
            ("build.killDelay", Some("build.kill_delay")),
            ("build.follow_symlinks", Some("build.follow_symlink")),
            ("build.pre_cmds", Some("build.pre_cmd")),
            ("build.tmp_dir", Some("tmp_dir")),
            ("build.env_file", Some("env_files")),
            ("cmd", Some("build.cmd")),
            ("bin", Some("build.bin")),
            ("build.root", Some("root")),
            ("build.time", Some("probation.time")),
            ("biuld", Some("build")),
            ("colour", Some("color")),
            ("build.stop_on_root", None),
            ("build.kill_signal", None),
            ("build.include", None),
            ("build.tags", None),
            ("log.level", None),
            ("log.time_format", None),
            ("log.skip_dir", None),
            ("screen.no_pty", None),
            ("tmp_folder", None),
            ("ignore", None),
            ("serve", None),
            ("watch", None),
            ("run", None),
            ("port", None),
            ("frobnicate", None),
        ] {
            let meant = expected.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            assert_eq!(unknown(key), format!("unknown key `{key}` is ignored{meant}"));
        }
    }
}
