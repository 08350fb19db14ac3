//! The formats of configuration files.

use std::path::Path;

use crate::json;
#[cfg(not(feature = "toml"))]
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::SourceMap;
#[cfg(feature = "toml")]
use crate::toml;
use crate::tree::{Node, Value};
use crate::yaml;

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// YAML: `.yaml`, `.yml`, and every ending that stands for no other format.
    Yaml,
    /// JSON: `.json`.
    Json,
    /// TOML: `.toml` (Cargo feature `toml`).
    Toml,
}

/// The endings of a file that is searched for, in order.
pub(crate) const ENDINGS: [&str; 4] = ["yaml", "yml", "toml", "json"];

/// Parses a document into a map. If the text looks like another format, the problem says so.
pub(crate) fn parse(text: &str, format: Format, path: &Path) -> Result<(Node, SourceMap), Problem> {
    let parsed = match format {
        Format::Yaml => yaml::parse(text, Some(path)),
        Format::Json => json::parse(text, path),
        #[cfg(feature = "toml")]
        Format::Toml => toml::parse(text, path),
        #[cfg(not(feature = "toml"))]
        Format::Toml => {
            Err(Problem::plain("TOML needs the Cargo feature `toml` of `configs`").at(Origin::whole(path)))
        }
    };
    let problem = match parsed {
        Ok((node, source)) if matches!(node.value, Value::Map(_)) => return Ok((node, source)),
        Ok((node, _)) => {
            let found = if matches!(node.value, Value::List(_)) { "a list" } else { "text" };
            Problem::plain(format!("expected a map of keys, found {found}")).at(node.mark.origin)
        }
        Err(problem) => problem,
    };
    match Format::guess(text) {
        Some(other) if other != format && problem.help.is_none() => Err(problem.help(other.advice())),
        _ => Err(problem),
    }
}

impl Format {
    /// The format that the ending of a name stands for.
    pub fn of(name: &Path) -> Format {
        match name.extension().and_then(|ending| ending.to_str()) {
            Some("json") => Format::Json,
            Some("toml") => Format::Toml,
            _ => Format::Yaml,
        }
    }

    /// The format that the first line with content looks like.
    fn guess(text: &str) -> Option<Format> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        if line.starts_with('{') {
            return Some(Format::Json);
        }
        let is_name = |name: &str| {
            let name = name.trim();
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.\"'".contains(c))
        };
        let is_section = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).is_some_and(is_name);
        if is_section || line.split_once('=').is_some_and(|(name, _)| is_name(name)) {
            return Some(Format::Toml);
        }
        let is_yaml = line == "---" || line.split_once(':').is_some_and(|(name, _)| is_name(name));
        is_yaml.then_some(Format::Yaml)
    }

    fn advice(self) -> &'static str {
        match self {
            Format::Yaml => "this looks like YAML: its name should end with `.yaml`",
            Format::Json => "this looks like JSON: its name should end with `.json`",
            Format::Toml => "this looks like TOML: its name should end with `.toml`",
        }
    }
}
