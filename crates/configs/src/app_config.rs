//! The demo's own settings. The machinery beside this module never names them.

mod checks;
mod fields;
mod schema;

use std::collections::BTreeMap;

use garde::Validate;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::builder::Builder;
use crate::configs::Configs;
use crate::diagnosis::Rejection;
use crate::origin::{Origin, Provenance};

/// The settings of the demo servers: `config.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::root)]
pub struct AppConfig {
    /// What the application calls itself, 1 to 200 characters.
    #[garde(custom(checks::app_name))]
    #[schemars(length(min = 1, max = 200))]
    pub app_name: String,
    /// The address to serve at: an IP address or `localhost`.
    #[garde(custom(checks::host))]
    pub host: String,
    /// The port to serve at, 1 to 65535; 0, any free one, from an override alone.
    #[garde(skip)]
    #[serde(deserialize_with = "fields::port")]
    #[schemars(range(min = 1))]
    pub port: u16,
    /// The database that the page names.
    #[garde(dive)]
    pub database: Database,
    /// What is turned while running.
    #[garde(dive)]
    pub settings: Settings,
    /// Paths answered straight from here, with their texts; each at most 1 KiB.
    #[garde(skip)]
    #[serde(deserialize_with = "fields::routes")]
    pub routes: BTreeMap<String, String>,
    /// Whether requests are answered with 503 and a plain page.
    #[garde(skip)]
    pub maintenance: bool,
    /// How much the whole process serves.
    #[garde(skip)]
    pub limits: Limits,
    /// What the guarded routes ask for, at least 8 characters.
    #[garde(inner(custom(checks::admin_token)))]
    #[schemars(with = "Option<String>", length(min = 8))]
    pub admin_token: Option<SecretString>,
    /// Counts edits: one that lowers it is refused as stale.
    #[garde(skip)]
    pub revision: Option<u64>,
    /// What an upgrade may start.
    #[garde(dive)]
    pub upgrade: Upgrade,
}

/// The database that the page names.
#[derive(Clone, Debug, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::database)]
pub struct Database {
    /// The database's host.
    #[garde(skip)]
    pub host: String,
    /// The database's port, 1 to 65535.
    #[garde(custom(checks::open_port))]
    #[serde(deserialize_with = "fields::port")]
    #[schemars(range(min = 1))]
    pub port: u16,
    /// Who connects.
    #[garde(skip)]
    pub user: String,
    /// The user's password.
    #[garde(skip)]
    #[schemars(with = "String")]
    pub password: SecretString,
    /// The database's name.
    #[garde(skip)]
    pub name: String,
}

/// What is turned while running.
#[derive(Clone, Debug, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::section)]
pub struct Settings {
    /// What is logged: `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,hyper=debug`.
    #[garde(custom(checks::log_level))]
    pub log_level: String,
    /// Whether the page shows its optional part.
    #[garde(skip)]
    pub feature_flag_a: bool,
    /// How often the page refreshes its clock, in seconds, 1 to 86400.
    #[garde(custom(checks::refresh_interval))]
    #[serde(deserialize_with = "fields::seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub refresh_interval_seconds: u32,
}

/// How much the whole process serves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(transform = schema::section)]
pub struct Limits {
    /// Requests per second, with a burst of the same size; 0 is off.
    #[schemars(default)]
    pub requests_per_second: u32,
}

/// What an upgrade may start; anything when nothing is said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::section)]
pub struct Upgrade {
    /// The only binary, by its SHA-256 in 64 hexadecimal digits.
    #[garde(inner(custom(checks::sha256)))]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// Any binary with a good minisign signature beside it by this key.
    #[garde(inner(custom(checks::public_key)))]
    #[schemars(regex(pattern = "^RW[Q-T][A-Za-z0-9+/]{53}$"))]
    pub public_key: Option<String>,
}

const DEFAULTS: &str = "
host: 127.0.0.1
routes: {}
maintenance: false
limits:
  requests_per_second: 0
upgrade: {}
";

impl AppConfig {
    /// A builder with the demo's defaults, secrets, checks and revision key, and no other layer. Whether a path of `routes` can
    /// be served is for the server to check.
    pub fn builder() -> Builder<AppConfig> {
        Configs::builder()
            .defaults(DEFAULTS)
            .secret("database.password")
            .secret("admin_token")
            .revision_key("revision")
            .rule(a_free_port_is_chosen_by_overrides_alone)
    }
}

fn a_free_port_is_chosen_by_overrides_alone(config: &AppConfig, provenance: &Provenance) -> Vec<Rejection> {
    let is_override = provenance.origin("port").is_some_and(Origin::is_override);
    if config.port != 0 || is_override {
        return Vec::new();
    }
    let message = "expected a port from 1 to 65535, found `0`, which is accepted from an override alone";
    vec![Rejection::new("port", message)]
}
