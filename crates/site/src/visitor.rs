//! The query of `GET /greet`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The query of `GET /greet`: `name`, or `World` without it. Any query is one: other keys are ignored, and of two names the last
/// one counts.
#[derive(Debug, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Visitor {
    /// The name to greet.
    pub name: String,
}

impl From<BTreeMap<String, String>> for Visitor {
    fn from(mut query: BTreeMap<String, String>) -> Self {
        Self { name: query.remove("name").unwrap_or_else(|| "World".to_owned()) }
    }
}
