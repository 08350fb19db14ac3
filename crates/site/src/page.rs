//! The variables of the page.

use jiff::Zoned;
use serde::Serialize;

use crate::{derived::Config, site::Site};

/// The template that is the page.
pub const TEMPLATE: &str = "index.html";

/// The `Content-Security-Policy` that the page is sent with.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self' http://127.0.0.1:* http://localhost:*";

/// The address of the script that follows `/events`.
pub(crate) const SCRIPT: &str = "/page.js";

/// The variables that the page's template sees. No secret is among them.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "a field is named as the variable")]
pub struct Page<'a> {
    title: String,
    framework: &'a str,
    /// Null outside an environment.
    environment: Option<&'a str>,
    app_name: &'a str,
    port: u16,
    database: Database<'a>,
    settings: Settings<'a>,
    current_time: String,
    dynamic_message: &'a str,
    generation: u64,
    page_script: &'static str,
}

/// The database as the page may know it: without the password.
#[derive(Serialize)]
struct Database<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Settings<'a> {
    log_level: &'a str,
    feature_flag_a: bool,
    refresh_interval_seconds: u32,
}

impl<'a> Page<'a> {
    /// The page of `site` with `config`, at this second.
    pub fn new(site: &'a Site, config: &'a Config) -> Self {
        site.state().page(config)
    }

    /// `port` is the one that the page shows.
    pub(crate) fn of(
        framework: &'static str,
        environment: Option<&'a str>,
        port: u16,
        config: &'a Config,
    ) -> Self {
        Page {
            title: format!("{framework} Hot Reload & Dynamic Config"),
            framework,
            environment,
            app_name: &config.app_name,
            port,
            database: Database {
                host: &config.database.host,
                port: config.database.port,
                user: &config.database.user,
                name: &config.database.name,
            },
            settings: Settings {
                log_level: &config.settings.log_level,
                feature_flag_a: config.settings.feature_flag_a,
                refresh_interval_seconds: config.settings.refresh_interval_seconds,
            },
            current_time: Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
            dynamic_message: config.derived().message(),
            generation: config.generation(),
            page_script: SCRIPT,
        }
    }
}
