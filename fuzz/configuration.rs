//! Fuzzes the configuration: two layers, overrides, then an edit of the upper layer.
//!
//! The input is split at every NUL into the lower layer, the upper one (JSON if it begins
//! with a space, TOML if it begins with a tab), the edited upper one, and overrides (`KEY=VALUE`; one that begins with `APP__`
//! comes from the environment). Nothing may panic. An input may take 100 ms of processor time for every 4 KiB. No known
//! secret may be in a diagnosis or in the history.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use configs::{AppConfig, Diagnosis, ExposeSecret, Unwatched, UnknownKeys};
use libfuzzer_sys::fuzz_target;

/// Upper bound on the time of an input of up to 4 KiB; a longer one may take as much for every 4 KiB.
const HANG: Duration = Duration::from_millis(100);
const PIECE: usize = 4096;

/// A shorter secret may be part of other words by chance.
const TELLING: usize = 8;

/// The secret in the seeds, on lines of its own.
const PLANTED: &str = "Xq7hunter2ZZ";

fuzz_target!(|input: &[u8]| {
    let begun = processor_time();
    try_out(input);
    let took = processor_time().saturating_sub(begun);
    let pieces = u32::try_from(input.len().div_ceil(PIECE).max(1)).unwrap_or(u32::MAX);
    assert!(took < HANG * pieces, "{} bytes took {took:?}", input.len());
});

fn try_out(input: &[u8]) {
    let mut pieces = input.split(|byte| *byte == 0);
    let mut piece = || pieces.next().unwrap_or_default();
    let [lower, upper, edited] = [piece(), piece(), piece()];
    let ending = match upper.first() {
        Some(b' ') => "json",
        Some(b'\t') => "toml",
        _ => "yaml",
    };
    let (low, up) = (folder().join("lower.yaml"), folder().join(format!("upper.{ending}")));
    write(&low, lower);
    write(&up, upper);
    let mut builder = AppConfig::builder().files([&low, &up]);
    if edited.first() == Some(&b'#') {
        builder = builder.unknown_keys(UnknownKeys::Warn);
    }
    let overrides: Vec<String> = pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
    let variables = overrides.iter().filter_map(|text| text.split_once('=')).filter(|(name, _)| name.starts_with("APP__"));
    builder = builder.environment_from("APP", variables);
    for assigned in overrides.iter().filter(|text| !text.starts_with("APP__")) {
        builder = match builder.set(assigned) {
            Ok(builder) => builder,
            Err(malformed) => return drop(malformed.to_string()),
        };
    }
    let mut secrets: Vec<String> = planted(input).into_iter().collect();
    let mut unwatched = builder.unwatched();
    let mut diagnoses: Vec<Diagnosis> = unwatched.attempt().err().into_iter().collect();
    secrets.extend(in_force(&unwatched));
    if !edited.is_empty() {
        write(&up, edited);
        diagnoses.extend(unwatched.attempt().err());
        secrets.extend(in_force(&unwatched));
        diagnoses.extend(unwatched.attempt().err());
    }
    for error in &diagnoses {
        assert!(!error.problems().is_empty(), "a diagnosis says what is wrong");
        let said = [error.message(), error.public(), error.render(), format!("{error:?}"), error.to_string()];
        tells_nothing(&said, &secrets);
    }
    for attempt in unwatched.history() {
        let changed = serde_json::to_string(&attempt.changed).expect("a change is JSON");
        tells_nothing(&[changed, format!("{attempt:?}")], &secrets);
    }
}

/// Checks that no text contains a secret.
fn tells_nothing(said: &[String], secrets: &[String]) {
    for secret in secrets {
        // JSON and `Debug` escape some characters.
        let plain = secret.chars().all(|c| c.is_ascii_alphanumeric());
        if let Some(telling) = said.iter().find(|text| plain && text.contains(secret.as_str())) {
            panic!("`{secret}` is in: {telling}");
        }
    }
}

fn in_force(unwatched: &Unwatched<AppConfig>) -> Vec<String> {
    let Some(snapshot) = unwatched.snapshot() else { return Vec::new() };
    let token = snapshot.admin_token.as_ref().map(|token| token.expose_secret().to_owned());
    let password = snapshot.database.password.expose_secret().to_owned();
    // A secret that is also a key or another value does not count.
    token.into_iter().chain([password]).filter(|secret| secret.len() >= TELLING && secret.contains(PLANTED)).collect()
}

/// The planted secret, if it occurs only as the value of a secret key.
fn planted(input: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(input);
    let of_a_key = |line: &str| line.trim_start_matches(' ').strip_prefix("password: ") == Some(PLANTED);
    let assigned = [format!("database.password={PLANTED}"), format!("APP__ADMIN_TOKEN={PLANTED}")];
    let is_secret = |(number, piece): (usize, &str)| {
        let mut lines = piece.split('\n').filter(|line| line.contains(PLANTED));
        if number < 3 { lines.all(of_a_key) } else { !piece.contains(PLANTED) || assigned.iter().any(|whole| whole == piece) }
    };
    (text.contains(PLANTED) && text.split('\0').enumerate().all(is_secret)).then(|| PLANTED.to_owned())
}

fn write(path: &PathBuf, bytes: &[u8]) {
    fs::write(path, bytes).expect("the folder can be written");
}

/// A folder in memory for this process.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let parent = PathBuf::from("/dev/shm");
        let parent = if parent.is_dir() { parent } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("fuzz-").tempdir_in(parent).expect("a folder can be made");
        folder.keep()
    })
}

/// The processor time of this thread, from the scheduler's statistics, in nanoseconds. Wall-clock time would count other
/// programs.
fn processor_time() -> Duration {
    let books = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = books.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
    Duration::from_nanos(nanos)
}
