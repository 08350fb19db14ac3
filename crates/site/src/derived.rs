//! Values that the site derives from one configuration.

use configs::{AppConfig, Snapshot};

use crate::{dynamic_config, greeter::Reader, limiter::Limiter};

/// The configuration that a request sees, with what is derived from it.
pub type Config = Snapshot<AppConfig, Derived>;

/// Values that depend on one configuration and on nothing else. They are made once, and swapped together with it.
pub struct Derived {
    message: String,
    etag: String,
    limiter: Option<Limiter>,
    greeter: Reader,
}

impl Derived {
    /// Derives from `config`, for which `greeter` was loaded. An edit that keeps the rate of `previous` keeps its limiter with
    /// what was spent.
    pub(crate) fn new(config: &Snapshot<AppConfig>, previous: Option<&Config>, greeter: Reader) -> Self {
        let message = dynamic_message(config);
        let limiter = previous.and_then(|previous| previous.derived().limiter.as_ref());
        Self {
            etag: dynamic_config::etag(config, &message),
            message,
            limiter: Limiter::adapted(limiter, config.limits.requests_per_second),
            greeter,
        }
    }

    /// The `ETag` of the dynamic configuration, with its quotes.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// True if the value of an `If-None-Match` header names the dynamic configuration.
    pub fn is_known_to(&self, if_none_match: &[u8]) -> bool {
        dynamic_config::matches(if_none_match, &self.etag)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn greeter(&self) -> &Reader {
        &self.greeter
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
