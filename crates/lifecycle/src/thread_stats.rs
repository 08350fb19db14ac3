//! The threads of this process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// A thread of this process: see [`thread_stats`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ThreadStats {
    /// The number of the thread, as `top -H` shows it.
    pub id: u32,
    /// Its name; the kernel cuts names after 15 bytes.
    pub name: String,
    /// Its state, in the kernel's words: `running`, `sleeping`, `disk sleep`, …
    pub state: &'static str,
    /// Processor time that it has taken so far, in steps of 10 ms.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "cpu_seconds", serialize_with = "crate::seconds::serialize")
    )]
    pub cpu: Duration,
}

/// The threads of this process, now, from `/proc/self/task`. Sorted by number, so the first one is `main`'s.
pub fn thread_stats() -> Vec<ThreadStats> {
    let listed = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    // A thread may end meanwhile.
    let mut threads: Vec<_> = listed.filter_map(|entry| thread(&entry.path())).collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

fn thread(folder: &Path) -> Option<ThreadStats> {
    parsed(&fs::read_to_string(folder.join("stat")).ok()?, clock_ticks_per_second())
}

/// Reads the kernel's line: `42 (name) S …`. The name may contain brackets and spaces. The times in user and in kernel mode are
/// the 14th and the 15th field.
fn parsed(stat: &str, ticks_per_second: u64) -> Option<ThreadStats> {
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ThreadStats {
        id: id.parse().ok()?,
        name: name.to_owned(),
        state: state(fields[0]),
        cpu: Duration::from_millis(ticks * 1000 / ticks_per_second.max(1)),
    })
}

fn state(letter: &str) -> &'static str {
    match letter {
        "R" => "running",
        "S" => "sleeping",
        "D" => "disk sleep",
        "T" | "t" => "stopped",
        "Z" | "X" => "dead",
        "I" => "idle",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::{parsed, thread_stats};

    #[test]
    fn a_thread_is_listed_by_its_name_until_it_ends() {
        let (end, told) = std::sync::mpsc::channel::<()>();
        let named = thread::Builder::new().name("thread-stats-1".into()).spawn(move || told.recv()).unwrap();
        let is_listed = || thread_stats().iter().any(|thread| thread.name == "thread-stats-1");
        // A thread names itself.
        while !is_listed() {
            thread::yield_now();
        }
        drop(end);
        let _ = named.join().unwrap();
        while is_listed() {
            thread::yield_now();
        }
    }

    #[test]
    fn the_kernels_line_is_read_whatever_the_name_is() {
        let line = "42 (a) (b c) S 1 1 1 0 -1 4194560 9 0 0 0 150 27 0 0 20 0 8 0 100 5 6";
        let thread = parsed(line, 100).unwrap();
        assert_eq!((thread.id, thread.name.as_str(), thread.state), (42, "a) (b c", "sleeping"));
        assert_eq!(thread.cpu, Duration::from_millis(1770));
        for bad in ["", "42", "42 (a", "42 (a) S 1", "x (a) S 1 1 1 0 -1 1 9 0 0 0 1 2 0"] {
            assert_eq!(parsed(bad, 100), None, "{bad}");
        }
    }
}
