//! The layer and the place from which a value came.

use std::fmt::{Display, Formatter, Result};
use std::path::Path;
use std::sync::Arc;

use crate::text::{cut, printable};

/// The origin of a value, as a diagnosis names it: `config.yaml:4:9`, `environment APP__PORT`, `--set port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A place in a file, or in a document of a [`Source`](crate::Source).
    #[non_exhaustive]
    File {
        /// The file, as it was named to the builder; or the name of the document.
        path: Arc<Path>,
        /// Counted from 1; 0 for the file as a whole.
        line: u64,
        /// Counted from 1, in characters; 0 for the file as a whole.
        column: u64,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// An override on the command line: `--set port`.
    Flag(String),
    /// A value that was set at run time, by its key: `override settings.log_level`.
    Runtime(String),
    /// A built-in default.
    Default,
}

/// Longest name of an override that is shown, in characters.
const MAX_NAME: usize = 80;

impl Origin {
    /// True if the value was given for this process alone: by an environment variable, by a flag, or at run time.
    pub fn is_override(&self) -> bool {
        matches!(self, Origin::Environment(_) | Origin::Flag(_) | Origin::Runtime(_))
    }

    /// The kind of layer: `file`, `environment`, `flag`, `override` or `default`.
    pub fn layer(&self) -> &'static str {
        match self {
            Origin::File { .. } => "file",
            Origin::Environment(_) => "environment",
            Origin::Flag(_) => "flag",
            Origin::Runtime(_) => "override",
            Origin::Default => "default",
        }
    }

    /// A file as a whole.
    pub(crate) fn whole(path: &Path) -> Origin {
        Origin::File { path: path.into(), line: 0, column: 0 }
    }
}

impl Display for Origin {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Origin::File { path, line: 0, .. } => write!(out, "{}", path.display()),
            Origin::File { path, line, column } => write!(out, "{}:{line}:{column}", path.display()),
            // Names of variables and flags may contain anything, line ends too.
            Origin::Environment(name) => write!(out, "environment {}", cut(&printable(name), MAX_NAME)),
            Origin::Flag(flag) => out.write_str(&cut(&printable(flag), MAX_NAME)),
            Origin::Runtime(key) => write!(out, "override {}", cut(&printable(key), MAX_NAME)),
            Origin::Default => out.write_str("built-in default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn the_name_of_an_override_fits_in_one_line() {
        for (name, expected) in [
            ("APP__PORT", "environment APP__PORT"),
            ("APP__A\nB\u{1b}[1m", "environment APP__A\u{fffd}B\u{fffd}[1m"),
        ] {
            assert_eq!(Origin::Environment(name.to_owned()).to_string(), expected);
        }
        let long = Origin::Flag(format!("--set {}", "a".repeat(10_000))).to_string();
        assert!(long.len() < 100, "{long}");
    }
}
