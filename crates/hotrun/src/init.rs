//! `hotrun init`: writes a settings file.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::Cli;
use crate::error::Error;
use crate::report::Report;
use crate::settings::FILE;

/// Every setting with its default, commented out.
const TEXT: &str = include_str!("init.toml");

/// Writes the file into the current folder. An existing file is not changed.
pub(crate) fn init(cli: &Cli) -> Result<(), Error> {
    let name = cli.config.as_deref().unwrap_or(Path::new(FILE));
    let here = env::current_dir()
        .map_err(|error| Error::unfit(format!("the current folder cannot be read: {error}")))?;
    let shown = name.display();
    let mut file = File::create_new(here.join(name)).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::unfit(format!("`{shown}` exists already, and is not changed")),
        _ => Error::unfit(format!("`{shown}` cannot be written: {error}")),
    })?;
    file.write_all(TEXT.as_bytes())
        .map_err(|error| Error::unfit(format!("`{shown}` cannot be written: {error}")))?;
    Report::say(&format!("wrote `{shown}`: every setting with its default, none of them needed"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::TEXT;
    use crate::settings::{KEYS, Settings};

    #[test]
    fn the_file_changes_nothing() {
        let (settings, findings) = Settings::parse(TEXT);
        assert_eq!(findings, []);
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn the_file_shows_every_setting_as_it_may_be_written() {
        let line = |line: &str| {
            line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line).to_owned()
        };
        let shown: String = TEXT.lines().map(line).map(|line| line + "\n").collect();
        let (_, findings) = Settings::parse(&shown);
        assert_eq!(findings, [], "{shown}");
        let mut table = String::new();
        let mut keys = Vec::new();
        for line in shown.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[') {
                table = format!("{}.", name.trim_end_matches(']'));
            } else if let Some((key, _)) = line.split_once(" = ") {
                keys.push(format!("{table}{key}"));
            }
        }
        // An alias, and a key of air's without effect.
        let missing = KEYS
            .iter()
            .filter(|key| !["build.args_bin", "color.app"].contains(key) && !keys.contains(&key.to_string()));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
