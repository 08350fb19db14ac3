//! A pool that follows a file, and a record of the log.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use configs::{Configs, ExposeSecret, Outcome, SecretString};
use conformance::{Postgres, wait_until};
use livepool::tokio_postgres::Config;
use livepool::{Connection, Error, LivePool, Settings};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The settings of the tests: `note` is none of the database's.
#[derive(Deserialize)]
pub(crate) struct File {
    database: Database,
    #[serde(rename = "note")]
    _note: String,
}

#[derive(Deserialize)]
struct Database {
    host: String,
    port: u16,
    user: String,
    password: SecretString,
    name: String,
    pool_size: usize,
    leak_after: f64,
}

pub(crate) struct Fixture {
    folder: TempDir,
    text: Mutex<String>,
    pub(crate) configs: Configs<File>,
    pub(crate) pool: LivePool,
    pub(crate) runtime: Runtime,
}

/// The first statements for a test's server: the role `admin` and its database.
pub(crate) const ROLE: &str = "CREATE ROLE admin LOGIN PASSWORD 'first'; CREATE DATABASE app OWNER admin;";

/// A deadline that a test does not wait for.
pub(crate) fn deadline() -> Duration {
    Duration::from_mins(1)
}

/// A server with the role `admin`. `None`: the test is skipped.
#[track_caller]
pub(crate) fn server() -> Option<Postgres> {
    let server = Postgres::for_this_test()?;
    server.sql(ROLE).unwrap();
    Some(server)
}

impl Fixture {
    pub(crate) fn new(port: u16, drain_deadline: Duration) -> Fixture {
        log();
        let folder = conformance::folder().unwrap();
        let path = folder.path().join("settings.yaml");
        let text = format!(
            "note: one\ndatabase:\n  host: 127.0.0.1\n  port: {port}\n  user: admin\n  password: first\n  name: app\n  \
             pool_size: 4\n  leak_after: 30\n"
        );
        std::fs::write(&path, &text).unwrap();
        let configs = Configs::<File>::builder().file(path).secret("database.password").open().unwrap();
        let pool = LivePool::follow(&configs, "database", drain_deadline, |file: &File| {
            let Database { host, port, user, password, name, pool_size, leak_after } = &file.database;
            let mut config = Config::new();
            config.host(host).port(*port).user(user).password(password.expose_secret()).dbname(name);
            let leak_after = Duration::from_secs_f64(*leak_after);
            Settings { config, pool_size: *pool_size, leak_after }
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Fixture { folder, text: Mutex::new(text), configs, pool, runtime }
    }

    /// Replaces one passage of the file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let mut text = self.text.lock().unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
        *text = text.replace(from, to);
        let (path, beside) = (self.folder.path().join("settings.yaml"), self.folder.path().join("new"));
        std::fs::write(&beside, &*text).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    /// Edits, and waits until the edit is in force.
    pub(crate) fn accepted(&self, from: &str, to: &str) {
        let before = self.configs.load().generation();
        self.edit(from, to);
        wait_until("the edit to be in force", || self.configs.load().generation() > before).unwrap();
    }

    /// Edits, and returns the reason why the edit is rejected.
    pub(crate) fn rejected(&self, from: &str, to: &str) -> String {
        let before = self.rejections();
        self.edit(from, to);
        wait_until("the edit to be rejected", || self.rejections() > before).unwrap();
        let attempts = self.configs.history();
        let attempt = attempts.iter().find(|attempt| attempt.outcome == Outcome::Rejected).unwrap();
        attempt.error.as_ref().unwrap().message()
    }

    pub(crate) fn rejections(&self) -> usize {
        let attempts = self.configs.history();
        attempts.iter().filter(|attempt| attempt.outcome == Outcome::Rejected).count()
    }

    /// Takes a connection.
    #[track_caller]
    pub(crate) fn get(&self) -> Result<Connection, Error> {
        self.runtime.block_on(self.pool.get())
    }

    /// The answer of the server to one row of SQL.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let connection = self.get().unwrap();
        self.runtime.block_on(connection.query_one(sql, &[])).unwrap().get(0)
    }
}

/// All lines that the tests of this process have logged.
pub(crate) fn log() -> String {
    static START: Once = Once::new();
    START.call_once(|| {
        tracing_subscriber::fmt().with_writer(|| Record).with_ansi(false).init();
    });
    String::from_utf8_lossy(&lines()).into_owned()
}

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Record;

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lines().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}
