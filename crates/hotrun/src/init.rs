//! `hotrun init`: writes a settings file.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::Cli;
use crate::error::Error;
use crate::go_module;
use crate::project::Project;
use crate::report::Report;
use crate::settings::FILE;
use crate::suggestion::{self, Suggestion};

/// Every setting with its default, commented out.
const TEXT: &str = include_str!("init.toml");

/// Writes the file into the current folder, with the settings that its project needs. An existing file is not changed.
pub(crate) fn init(cli: &Cli) -> Result<(), Error> {
    let name = cli.config.as_deref().unwrap_or(Path::new(FILE));
    let here = env::current_dir()
        .map_err(|error| Error::unfit(format!("the current folder cannot be read: {error}")))?;
    let shown = name.display();
    let path = here.join(name);
    let exists = || Error::unfit(format!("`{shown}` exists already, and is not changed"));
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let (text, said) = match suggestion(&here, cli.bin.as_deref())? {
        Some(Ok(found)) => (found.written_into(TEXT), format!("for {}: it runs {}", found.kind, found.runs)),
        Some(Err(words)) => (TEXT.to_owned(), format!("without a program: {words}")),
        None => (TEXT.to_owned(), "every setting with its default, none of them needed".to_owned()),
    };
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(),
        _ => Error::unfit(format!("`{shown}` cannot be written: {error}")),
    })?;
    file.write_all(text.as_bytes())
        .map_err(|error| Error::unfit(format!("`{shown}` cannot be written: {error}")))?;
    Report::say(&format!("wrote `{shown}`: {said}"));
    Ok(())
}

/// The settings that the project in this folder needs; an error of the project's, in words, if its program is not known.
fn suggestion(here: &Path, bin: Option<&str>) -> Result<Option<Result<Suggestion, String>>, Error> {
    match Project::find(here)? {
        Project::Cargo(workspace) => {
            let binaries = match bin {
                Some(name) => workspace.named(name),
                None => workspace.candidates(here),
            };
            if let (Some(name), []) = (bin, &binaries[..]) {
                return Err(Error::usage(format!("no program is called `{name}`")));
            }
            Ok(suggestion::of_workspace(&binaries, bin.is_some()).map(Ok))
        }
        Project::Go(_) => {
            let packages = go_module::main_packages(here)?;
            let binaries = match bin {
                Some(name) => go_module::named(&packages, here, name),
                None => go_module::candidates(&packages, here, here),
            };
            if let (Some(name), []) = (bin, &binaries[..]) {
                return Err(Error::usage(format!("no program is called `{name}`")));
            }
            Ok(suggestion::of_go(&binaries).map(Ok))
        }
        Project::Other(folder) => Ok(Some(
            Suggestion::of_folder(&folder)
                .unwrap_or_else(|| Err("`build.full_bin` is needed, the command to run".to_owned())),
        )),
    }
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
        // Aliases, and a key of air's without effect.
        let missing = KEYS.iter().filter(|key| {
            !["build.args_bin", "rule", "color.app"].contains(key) && !keys.contains(&key.to_string())
        });
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
