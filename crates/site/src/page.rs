//! The page: what its template sees, and how long one rendering is good for.

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use jiff::{Zoned, civil::DateTime};
use serde::Serialize;
use views::Templates;

use crate::derived::Config;

/// The template that is the page.
pub(crate) const TEMPLATE: &str = "index.html";

/// The `Content-Security-Policy` that the page is sent with.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self' http://127.0.0.1:* http://localhost:*";

/// Renders the page as it is at this second.
///
/// # Errors
/// The template's, with its place in it.
pub(crate) fn render(
    framework: &str,
    port: u16,
    config: &Config,
    templates: &Templates,
    now: DateTime,
) -> Result<String, views::Error> {
    templates.render(
        TEMPLATE,
        &Context {
            title: format!("{framework} Hot Reload & Dynamic Config"),
            framework,
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
            current_time: now.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            dynamic_message: config.derived().message(),
            generation: config.generation(),
            page_script: "/page.js",
        },
    )
}

/// The last rendering. Nothing on the page can differ within one second of one configuration at one port with one set of
/// templates, so within it the page is remembered.
#[derive(Default)]
pub(crate) struct Remembered(ArcSwapOption<Rendering>);

struct Rendering {
    generation: u64,
    templates: u64,
    second: i64,
    port: u16,
    page: Bytes,
}

impl Remembered {
    /// The page at `now`, from memory or from `render`.
    pub(crate) fn page(
        &self,
        config: &Config,
        templates: &Templates,
        second: i64,
        port: u16,
        render: impl FnOnce() -> Result<String, views::Error>,
    ) -> Result<Bytes, views::Error> {
        let (generation, version) = (config.generation(), templates.version());
        if let Some(last) = &*self.0.load()
            && (last.generation, last.templates, last.second, last.port)
                == (generation, version, second, port)
        {
            return Ok(last.page.clone());
        }
        let page = Bytes::from(render()?);
        self.0.store(Some(
            Rendering { generation, templates: version, second, port, page: page.clone() }.into(),
        ));
        Ok(page)
    }
}

/// This second as a visitor's clock shows it.
pub(crate) fn local_time(second: i64) -> DateTime {
    let instant = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Zoned::new(instant, jiff::tz::TimeZone::system()).datetime()
}

#[derive(Serialize)]
struct Context<'a> {
    title: String,
    framework: &'a str,
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

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use configs::{AppConfig, RebuildLock};
    use views::{Templates, Views};

    use super::{Remembered, local_time, render};
    use crate::derived::{Config, Derived};

    const CONFIG: &str = "\
app_name: Testbed
port: 8080
database: {host: db, port: 5432, user: admin, password: correct-horse, name: shop}
settings: {log_level: info, feature_flag_a: true, refresh_interval_seconds: 5}
";

    fn configurations() -> Vec<Arc<Config>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        fs::write(&path, CONFIG).unwrap();
        let configs = AppConfig::builder().file(&path).derive(Derived::new).open().unwrap();
        let mut found = vec![configs.snapshot()];
        for generation in 2..5 {
            fs::write(&path, CONFIG.replace("Testbed", &format!("name {generation}"))).unwrap();
            while configs.load().generation() < generation {
                std::thread::yield_now();
            }
            found.push(configs.snapshot());
        }
        found
    }

    fn sets() -> Vec<Arc<Templates>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.html");
        fs::write(&path, "{{ app_name }} at {{ current_time }}").unwrap();
        let views = Views::open(folder.path(), &RebuildLock::new(), |_| Ok(())).unwrap();
        let mut sets = vec![views.snapshot()];
        for version in 2..5 {
            fs::write(&path, format!("set {version}: {{{{ app_name }}}} at {{{{ current_time }}}}")).unwrap();
            while views.load().version() < version {
                std::thread::yield_now();
            }
            sets.push(views.snapshot());
        }
        sets
    }

    #[test]
    fn a_remembered_page_equals_a_fresh_one() {
        let (configurations, sets) = (configurations(), sets());
        let remembered = Remembered::default();
        let (mut random, mut fresh_ones) = (0x2545_f491_u64, 0);
        for _ in 0..10_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = |shift: u32, count: u64| (random >> shift) % count;
            let config = &configurations[usize::try_from(pick(33, 2) * pick(40, 4)).unwrap()];
            let templates = &sets[usize::try_from(pick(45, 2) * pick(50, 4)).unwrap()];
            let second = 1_700_000_000 + i64::try_from(pick(55, 2)).unwrap();
            let fresh = || render("Test", 8080, config, templates, local_time(second));
            let page = remembered
                .page(config, templates, second, 8080, || {
                    fresh_ones += 1;
                    fresh()
                })
                .unwrap();
            assert_eq!(page, fresh().unwrap());
        }
        assert!((100..9_900).contains(&fresh_ones), "{fresh_ones} of 10,000 were not remembered");
    }
}
