//! An aim with its result, as it is recorded.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One aim for one server, with its result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Aim {
    pub(crate) figure: String,
    pub(crate) server: String,
    pub(crate) against: String,
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) measured: f64,
    pub(crate) met: bool,
}

impl Aim {
    /// A short form of the aim.
    pub(crate) fn brief(&self) -> Value {
        let met = if self.met { "met" } else { "MISSED" };
        let against =
            if self.against.is_empty() { String::new() } else { format!(", against {}", self.against) };
        json!(format!("{met}: {}: {}{against}: {} ({})", self.server, self.what, self.measured, self.wanted))
    }
}
