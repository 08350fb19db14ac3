//! The settings of the demo servers. The rest of the crate does not depend on this module.

mod checks;
mod fields;
mod schema;

use std::collections::BTreeMap;

use garde::Validate;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::configs::Configs;
use crate::origin::Origin;
use crate::provenance::Provenance;
use crate::rejection::Rejection;

/// The settings of the demo servers: `config.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::root)]
pub struct AppConfig {
    /// The name of the application, 1 to 200 characters.
    #[garde(custom(checks::app_name))]
    #[schemars(length(min = 1, max = 200))]
    pub app_name: String,
    /// The address to serve at: an IP address or `localhost`.
    #[garde(custom(checks::host))]
    pub host: String,
    /// The port to serve at, 1 to 65535. 0, any free port, is accepted from an override alone.
    #[garde(skip)]
    #[serde(deserialize_with = "fields::port")]
    #[schemars(range(min = 1))]
    pub port: u16,
    /// The database of the page and of `/database`.
    #[garde(dive)]
    pub database: Database,
    /// The values that an operator changes most often.
    #[garde(dive)]
    pub settings: Settings,
    /// Paths and the texts with which they are answered; each at most 1 KiB.
    #[garde(skip)]
    #[serde(deserialize_with = "fields::routes")]
    pub routes: BTreeMap<String, String>,
    /// True: requests are answered with 503 and a plain page.
    #[garde(skip)]
    pub maintenance: bool,
    /// Limits for the whole process.
    #[garde(skip)]
    pub limits: Limits,
    /// The bearer token of the guarded routes, at least 8 characters.
    #[garde(inner(custom(checks::admin_token)))]
    #[schemars(with = "Option<String>", length(min = 8))]
    pub admin_token: Option<SecretString>,
    /// Counts edits: an edit that lowers or drops it is refused as stale.
    #[garde(skip)]
    pub revision: Option<u64>,
    /// True: the debug routes are answered.
    #[garde(skip)]
    #[serde(default)]
    pub debug: bool,
    /// When an upgrade begins, and what it may start.
    #[garde(dive)]
    pub upgrade: Upgrade,
    /// Native code that the server loads.
    #[garde(dive)]
    pub plugins: Plugins,
}

/// The database of the page and of `/database`. Nothing connects before the first request. It is serialized without the
/// password.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize, Validate)]
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
    /// The user that connects.
    #[garde(skip)]
    pub user: String,
    /// The user's password.
    #[garde(skip)]
    #[schemars(with = "String")]
    #[serde(skip_serializing)]
    pub password: SecretString,
    /// The database's name.
    #[garde(skip)]
    pub name: String,
    /// Upper bound on the connections, 1 to 1000.
    #[garde(custom(checks::pool_size))]
    #[serde(default = "Database::pool_size", deserialize_with = "fields::pool_size")]
    #[schemars(range(min = 1, max = 1000))]
    pub pool_size: u16,
    /// A connection that a request holds for longer is logged, in seconds, 1 to 86400.
    #[garde(custom(checks::seconds))]
    #[serde(default = "Database::leak_after", deserialize_with = "fields::seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub leak_after: u32,
}

/// The values that an operator changes most often.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize, Validate)]
#[schemars(transform = schema::section)]
pub struct Settings {
    /// The filter of the log: `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,hyper=debug`. The
    /// server checks it.
    #[garde(skip)]
    pub log_level: String,
    /// True: the page shows its optional part.
    #[garde(skip)]
    pub feature_flag_a: bool,
    /// The period in which the page refreshes its clock, in seconds, 1 to 86400.
    #[garde(custom(checks::seconds))]
    #[serde(deserialize_with = "fields::seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub refresh_interval_seconds: u32,
}

/// Limits for the whole process.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(transform = schema::section)]
pub struct Limits {
    /// Requests per second, with a burst of the same size; 0 is off.
    #[schemars(default)]
    pub requests_per_second: u32,
}

/// When an upgrade begins, and what it may start; empty, only when it is asked for, and any binary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::section)]
pub struct Upgrade {
    /// The SHA-256 of the only binary, in 64 hexadecimal digits.
    #[garde(inner(custom(checks::sha256)))]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// A minisign key: a binary needs a good signature by it, in a file beside the binary.
    #[garde(inner(custom(checks::public_key)))]
    #[schemars(regex(pattern = "^RW[Q-T][A-Za-z0-9+/]{53}$"))]
    pub public_key: Option<String>,
    /// True: the server upgrades itself when the binary at its path was replaced.
    #[garde(skip)]
    #[serde(default)]
    pub watch: bool,
}

/// Native code that the server loads; empty, there is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[schemars(transform = schema::section)]
pub struct Plugins {
    /// The shared library behind `/greet`. A relative path counts from the folder of the file that names it.
    #[garde(skip)]
    pub greeter: Option<String>,
    /// The SHA-256 of the only library that is loaded, in 64 hexadecimal digits.
    #[garde(inner(custom(checks::sha256)))]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
}

const DEFAULTS: &str = "
host: 127.0.0.1
routes: {}
maintenance: false
limits:
  requests_per_second: 0
debug: false
upgrade:
  watch: false
plugins: {}
";

impl AppConfig {
    /// A builder with the defaults, secrets, checks and revision key of the demos, and no other layer. The server
    /// checks by itself that it can serve the `routes` and read `log_level`: see [`Builder::check`].
    pub fn builder() -> Builder<AppConfig> {
        Configs::builder()
            .defaults(DEFAULTS)
            .secret("database.password")
            .secret("admin_token")
            .revision_key("revision")
            .validate()
            .check("port", port_0_is_for_overrides)
            .check("plugins", a_digest_needs_a_plugin)
    }
}

// Not in `DEFAULTS`: there, a file without `database:` would lack the keys in it instead.
impl Database {
    fn pool_size() -> u16 {
        4
    }

    fn leak_after() -> u32 {
        30
    }
}

fn a_digest_needs_a_plugin(config: &AppConfig, _: &Provenance) -> Vec<Rejection> {
    match config.plugins {
        Plugins { greeter: None, sha256: Some(_) } => {
            let message = "expected a library in `plugins.greeter`, to which this digest belongs";
            let help = "name the library in `plugins.greeter`, or remove `plugins.sha256`";
            vec![Rejection::new("plugins.sha256", message).help(help)]
        }
        Plugins { .. } => Vec::new(),
    }
}

fn port_0_is_for_overrides(config: &AppConfig, provenance: &Provenance) -> Vec<Rejection> {
    let is_override = provenance.origin("port").is_some_and(Origin::is_override);
    if config.port != 0 || is_override {
        return Vec::new();
    }
    let message = "expected a port from 1 to 65535, found `0`, which is accepted from an override alone";
    vec![Rejection::new("port", message)]
}
