//! The body of `/dynamic-config`.

use configs::{AppConfig, Snapshot};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::derived::Config;

/// The part of the configuration that changes most often.
#[derive(Clone, Debug, Serialize)]
pub struct DynamicConfig {
    message: &'static str,
    log_level: String,
    feature_flag_a: bool,
    refresh_interval_seconds: u32,
    dynamic_message: String,
}

impl DynamicConfig {
    /// The dynamic part of `config`.
    pub fn new(config: &Config) -> Self {
        Self::of(config, config.derived().message())
    }

    fn of(config: &AppConfig, message: &str) -> Self {
        Self {
            message: "Current dynamic config values",
            log_level: config.settings.log_level.clone(),
            feature_flag_a: config.settings.feature_flag_a,
            refresh_interval_seconds: config.settings.refresh_interval_seconds,
            dynamic_message: message.to_owned(),
        }
    }
}

/// The `ETag` of a [`DynamicConfig`]. It is weak: it identifies the values, and a framework decides about the bytes.
pub(crate) fn etag(config: &Snapshot<AppConfig>, message: &str) -> String {
    let json = serde_json::to_vec(&DynamicConfig::of(config, message));
    let digest = Sha256::digest(json.expect("strings and numbers are always JSON"));
    format!("W/\"{:016x}\"", u64::from_be_bytes(digest[..8].try_into().expect("8 of 32 bytes")))
}

/// True if the value of an `If-None-Match` header names `etag`, by the weak comparison of RFC 9110, section 8.8.3.2.
pub(crate) fn matches(if_none_match: &[u8], etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    std::str::from_utf8(if_none_match)
        .is_ok_and(|tags| tags.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(etag)))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_client_knows_the_values_by_any_of_its_tags() {
        for (header, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"x\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(matches(header.as_bytes(), "W/\"abc\""), expected, "{header}");
        }
        assert!(!matches(b"\xff", "W/\"abc\""));
    }
}
