//! The notation of patterns.

use globset::{Glob, GlobBuilder};
use regex::Regex;
use toml_edit::Item;

use super::{Fault, Read};

impl Read for Glob {
    const EXPECTED: &'static str = "a pattern such as \"*.rs\"";
    const LIST: &'static str = "a list of patterns such as [\"*_generated.rs\"]";

    /// `*` matches within one folder, like in air; `**` across folders.
    fn read(item: &Item) -> Result<Self, Fault> {
        let text = String::read(item)?;
        let pattern = text.trim().trim_start_matches("./").trim_end_matches('/');
        GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| Fault::saying(format!("holds `{text}`: {}", error.kind())))
    }
}

impl Read for Regex {
    const EXPECTED: &'static str = "a regular expression";
    const LIST: &'static str = "a list of regular expressions such as ['_test\\.go$']";

    fn read(item: &Item) -> Result<Self, Fault> {
        let text = String::read(item)?;
        Regex::new(&text).map_err(|error| {
            let last = error.to_string();
            let reason = last.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Fault::saying(format!("holds `{text}`: {reason}"))
        })
    }
}
