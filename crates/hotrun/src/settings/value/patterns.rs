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
        let pattern = with_slashes(&text);
        let pattern = pattern.trim().trim_start_matches("./").trim_end_matches('/');
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

/// The path with `/` for each backslash, as files that were written on Windows have it. A backslash before a character of a pattern
/// takes that character as it is, and stays.
pub(in crate::settings) fn with_slashes(text: &str) -> String {
    let mut path = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_separator =
            character == '\\' && characters.peek().is_none_or(|next| !"*?[]{}!\\".contains(*next));
        path.push(if is_separator { '/' } else { character });
    }
    path
}
