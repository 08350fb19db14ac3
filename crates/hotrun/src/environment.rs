//! Variables from files such as `.env`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The variables of some files, as they were when all of them could be read last.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    files: Vec<PathBuf>,
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Without variables, until [`read`](Self::read) is called.
    pub(crate) fn of(files: Vec<PathBuf>) -> Self {
        Self { files, variables: BTreeMap::new() }
    }

    /// Reads the files anew. A missing file has no variables, and a later file comes before an earlier one. Returns whether a
    /// variable has changed.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood, in words. The variables stay as they were.
    pub(crate) fn read(&mut self) -> Result<bool, String> {
        let mut variables = BTreeMap::new();
        for file in &self.files {
            let shown = file.display();
            let bytes = match fs::read(file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("`{shown}` cannot be read: {error}")),
            };
            for variable in dotenvy::from_read_iter(&bytes[..]) {
                let (name, value) = variable
                    .map_err(|error| format!("`{shown}`: {error}; expected lines such as NAME=value"))?;
                variables.insert(name, value);
            }
        }
        let changed = variables != self.variables;
        self.variables = variables;
        Ok(changed)
    }

    /// The variables that hotrun's own environment does not have. Like in air, that comes first.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let missing = self.variables.iter().filter(|(name, _)| env::var_os(name).is_none());
        missing.map(|(name, value)| (name.into(), value.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Environment;

    #[test]
    fn later_files_come_first_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "HOTRUN_A=1\n# comment\nexport HOTRUN_B='two words'\nPATH=/nowhere\n").unwrap();
        let mut environment = Environment::of(vec![path("a"), path("missing"), path("b")]);
        assert_eq!(environment.read(), Ok(true));
        assert_eq!(environment.read(), Ok(false));
        let found = |environment: &Environment| {
            let all = environment.variables().into_iter();
            all.map(|(name, value)| format!("{}={}", name.display(), value.display())).collect::<Vec<_>>()
        };
        assert_eq!(
            found(&environment),
            ["HOTRUN_A=1", "HOTRUN_B=two words"],
            "and not PATH, which hotrun has"
        );
        fs::write(path("b"), "HOTRUN_A=2\n").unwrap();
        assert_eq!(environment.read(), Ok(true));
        assert_eq!(found(&environment), ["HOTRUN_A=2", "HOTRUN_B=two words"]);
        fs::write(path("b"), "not a variable\n").unwrap();
        let error = environment.read().unwrap_err();
        assert!(error.contains("b`: ") && error.contains("expected lines such as NAME=value"), "{error}");
        assert_eq!(found(&environment), ["HOTRUN_A=2", "HOTRUN_B=two words"]);
    }
}
