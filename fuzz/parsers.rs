//! Fuzzes the parsers of YAML, JSON and TOML, into a value of any shape.
//!
//! The first byte of the input chooses the format. Nothing may panic. An input may take 100 ms of processor time for every
//! 4 KiB. A JSON text that is accepted is JSON for serde_json, too, with the same value; and it is YAML with the same value.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use configs::Configs;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Upper bound on the time of an input of up to 4 KiB; a longer one may take as much for every 4 KiB.
const HANG: Duration = Duration::from_millis(100);
const PIECE: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let Some((&format, text)) = input.split_first() else { return };
    let begun = processor_time();
    match format % 3 {
        0 => drop(parsed("yaml", text)),
        1 => drop(parsed("toml", text)),
        _ => {
            if let Some(value) = parsed("json", text) {
                let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
                let expected: Value = serde_json::from_slice(text).expect("an accepted text is JSON");
                assert!(is_same(&value, &expected), "{value} is {expected} for serde_json");
                // YAML has another form for the characters of surrogate pairs.
                if !text.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"\\u")) {
                    let yaml = parsed("yaml", text).expect("JSON is YAML");
                    assert!(is_same(&value, &yaml), "{value} is {yaml} as YAML");
                }
            }
        }
    }
    let took = processor_time().saturating_sub(begun);
    let pieces = u32::try_from(input.len().div_ceil(PIECE).max(1)).unwrap_or(u32::MAX);
    assert!(took < HANG * pieces, "{} bytes took {took:?}", input.len());
});

/// The value of a text, if it is accepted. A diagnosis says something.
fn parsed(ending: &str, text: &[u8]) -> Option<Value> {
    let path = folder().join(format!("config.{ending}"));
    fs::write(&path, text).expect("the folder can be written");
    let mut unwatched = Configs::<Value>::builder().file(path).unwatched();
    match unwatched.attempt() {
        Ok(()) => unwatched.snapshot().map(|snapshot| Value::clone(snapshot)),
        Err(diagnosis) => {
            assert!(
                !diagnosis.problems().is_empty() && !diagnosis.render().is_empty(),
                "a diagnosis says what is wrong"
            );
            None
        }
    }
}

/// Compares numbers as floats: serde_json reads `-0` as a float, and the last digit of a float may differ.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= one.abs() * 1e-12,
            (one, other) => one == other,
        },
        (one, other) => one == other,
    }
}

/// A folder in memory for this process.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let parent = PathBuf::from("/dev/shm");
        let parent = if parent.is_dir() { parent } else { std::env::temp_dir() };
        let folder =
            tempfile::Builder::new().prefix("fuzz-").tempdir_in(parent).expect("a folder can be made");
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
