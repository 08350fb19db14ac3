//! JSON documents. The YAML parser gives the places; serde_json refuses the parts of YAML that JSON does not have.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::origin::Origin;
use crate::problem::Problem;
use crate::source_map::SourceMap;
use crate::tree::Node;
use crate::yaml;

/// Parses one document.
pub(crate) fn parse(text: &str, file: &Path) -> Result<(Node, SourceMap), Problem> {
    let parsed = yaml::parse_json(text, file)?;
    check(text, file)?;
    Ok(parsed)
}

/// Refuses comments, texts without quotes, and all else that is YAML alone.
fn check(text: &str, file: &Path) -> Result<(), Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Err(error) = serde_json::from_str::<IgnoredAny>(text) else { return Ok(()) };
    // The message names what the parser expected, and nothing of the text. The place stands at its end.
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    // serde_json counts bytes.
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(line.as_bytes());
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    let origin = Origin::File { path: file.into(), line: error.line() as u64, column: column as u64 };
    Err(Problem::plain(format!("this is not JSON: {message}")).at(origin))
}
