//! A folder with a configuration, and waiting for conditions.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use configs::{AppConfig, Attempt, Builder, Configs, Rejection};
use tempfile::TempDir;

/// A temporary folder with a `config.yaml`.
pub(crate) struct Desk {
    folder: TempDir,
}

pub(crate) const GOOD: &str = "\
app_name: MyRustApp
port: 8080
database:
  host: localhost
  port: 5432
  user: admin
  password: hunter2-secret
  name: myapp_db
settings:
  log_level: info
  feature_flag_a: true
  refresh_interval_seconds: 5
";

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::with(GOOD)
    }

    pub(crate) fn with(config: impl AsRef<[u8]>) -> Desk {
        let desk = Desk { folder: TempDir::new().unwrap() };
        desk.save(config);
        desk
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.file("config.yaml")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn save(&self, config: impl AsRef<[u8]>) {
        self.write("config.yaml", config);
    }

    /// Writes a file by rename, as editors do.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let draft = self.file(".draft");
        fs::write(&draft, content).unwrap();
        fs::rename(&draft, self.file(name)).unwrap();
    }

    pub(crate) fn builder(&self) -> Builder<AppConfig> {
        let builder = AppConfig::builder().file(self.config()).check("routes", |config, _| {
            let wrong = config.routes.keys().filter(|path| !path.starts_with('/'));
            wrong.map(|path| Rejection::new(format!("routes.{path}"), "a route begins with `/`")).collect()
        });
        builder.check("log_level", |config, _| {
            let is_level = ["debug", "info", "warn"].contains(&config.settings.log_level.as_str());
            let rejection = Rejection::new("settings.log_level", "expected a log level").naming_the_value();
            if is_level { Vec::new() } else { vec![rejection] }
        })
    }

    pub(crate) fn open(&self) -> Configs<AppConfig> {
        self.builder().open().unwrap()
    }
}

/// Waits until the condition holds; fails after 20 s.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The attempt after the first `known` ones.
pub(crate) fn attempt_after(configs: &Configs<AppConfig>, known: usize) -> Attempt {
    until("a further attempt", || configs.history().len() > known);
    configs.history().remove(0)
}

/// The good configuration with one line replaced.
pub(crate) fn edited(line: &str, instead: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    GOOD.replace(line, instead)
}
