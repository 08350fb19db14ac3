//! Values that the site derives from one configuration.

use bytes::Bytes;
use configs::{AppConfig, Snapshot};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::limiter::Limiter;

/// The configuration that a request sees, with what is derived from it.
pub type Config = Snapshot<AppConfig, Derived>;

/// Values that depend on one configuration and on nothing else. They are made once, and swapped together with it.
pub struct Derived {
    generation: Bytes,
    message: String,
    dynamic_config: Document,
    limiter: Option<Limiter>,
}

/// A JSON document with its validator.
#[derive(Clone, Debug)]
pub struct Document {
    /// The body.
    pub json: Bytes,
    /// The `ETag`, with its quotes.
    pub etag: String,
}

impl Document {
    /// True if an `If-None-Match` names this document.
    pub(crate) fn is_known_to(&self, if_none_match: Option<&[u8]>) -> bool {
        let Some(known) = if_none_match.and_then(|header| std::str::from_utf8(header).ok()) else {
            return false;
        };
        known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag)
    }
}

impl Derived {
    /// Derives from `config`. An edit that keeps the rate of `previous` keeps its limiter with what was spent.
    pub(crate) fn new(config: &Snapshot<AppConfig>, previous: Option<&Config>) -> Self {
        let message = dynamic_message(config);
        let limiter = previous.and_then(|previous| previous.derived().limiter.as_ref());
        Self {
            generation: config.generation().to_string().into(),
            dynamic_config: dynamic_config(config, &message),
            message,
            limiter: Limiter::adapted(limiter, config.limits.requests_per_second),
        }
    }

    /// The generation in decimal digits.
    pub(crate) fn generation(&self) -> &Bytes {
        &self.generation
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn dynamic_config(&self) -> &Document {
        &self.dynamic_config
    }

    pub(crate) fn limiter(&self) -> Option<&Limiter> {
        self.limiter.as_ref()
    }
}

fn dynamic_message(config: &Snapshot<AppConfig>) -> String {
    let at = config.at().strftime("%H:%M:%S");
    if config.generation() == 1 {
        format!("Initial message at {at}")
    } else {
        format!("Config updated at {at}. Interval: {} seconds.", config.settings.refresh_interval_seconds)
    }
}

#[derive(Serialize)]
struct DynamicConfig<'a> {
    message: &'static str,
    log_level: &'a str,
    feature_flag_a: bool,
    refresh_interval_seconds: u32,
    dynamic_message: &'a str,
}

fn dynamic_config(config: &AppConfig, message: &str) -> Document {
    let body = DynamicConfig {
        message: "Current dynamic config values",
        log_level: &config.settings.log_level,
        feature_flag_a: config.settings.feature_flag_a,
        refresh_interval_seconds: config.settings.refresh_interval_seconds,
        dynamic_message: message,
    };
    let json = serde_json::to_vec(&body).expect("strings and numbers are always JSON");
    let digest = Sha256::digest(&json);
    let etag = format!("\"{:016x}\"", u64::from_be_bytes(digest[..8].try_into().expect("8 of 32 bytes")));
    Document { json: json.into(), etag }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Document;

    #[test]
    fn a_client_knows_the_document_by_any_of_its_tags() {
        let document = Document { json: Bytes::new(), etag: "\"abc\"".to_owned() };
        for (header, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"x\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(document.is_known_to(Some(header.as_bytes())), expected, "{header}");
        }
        assert!(!document.is_known_to(None));
    }
}
