//! What the process can count about itself.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs;
use crate::stage::Outcome;
use crate::upgrade_error::UpgradeError;

/// The figures of this process, taken by [`figures`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Connections open now, over all listeners.
    pub connections: u64,
    /// Drains ended so far.
    pub drains: Drains,
    /// Upgrades ended so far, by outcome: `succeeded` is counted by the successor, the others by the process that
    /// serves on.
    pub upgrades: Vec<(&'static str, u64)>,
    /// Resident memory in bytes, where the system tells.
    pub memory: Option<u64>,
    /// Open file descriptors, where the system tells.
    pub descriptors: Option<u64>,
    /// Threads, where the system tells.
    pub threads: Option<u64>,
    /// Log lines that were dropped because stderr did not take them.
    pub lines_dropped: u64,
}

/// Drains by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drains {
    /// Every connection ended by itself.
    pub clean: u64,
    /// Something was cut at the deadline.
    pub cut: u64,
    /// Ended by a second signal.
    pub forced: u64,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static UPGRADES: [AtomicU64; UpgradeError::OUTCOMES.len()] =
    [const { AtomicU64::new(0) }; UpgradeError::OUTCOMES.len()];
static CLEAN: AtomicU64 = AtomicU64::new(0);
static CUT: AtomicU64 = AtomicU64::new(0);
static FORCED: AtomicU64 = AtomicU64::new(0);

/// The figures of this process, now. The last three optional ones are read from `/proc/self` at every call.
pub fn figures() -> Figures {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Figures {
        connections: connections(),
        drains: Drains {
            clean: CLEAN.load(Ordering::Relaxed),
            cut: CUT.load(Ordering::Relaxed),
            forced: FORCED.load(Ordering::Relaxed),
        },
        upgrades: UpgradeError::OUTCOMES
            .iter()
            .zip(&UPGRADES)
            .map(|(&outcome, count)| (outcome, count.load(Ordering::Relaxed)))
            .collect(),
        memory: field(&status, "VmRSS:").map(|kibibytes| kibibytes * 1024),
        descriptors: descriptors(),
        threads: field(&status, "Threads:"),
        lines_dropped: logs::lost(),
    }
}

/// The connections open now, over all listeners.
pub(crate) fn connections() -> u64 {
    CONNECTIONS.load(Ordering::Relaxed)
}

pub(crate) fn connected() {
    CONNECTIONS.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn disconnected() {
    CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
}

pub(crate) fn drained(outcome: Outcome) {
    let counter = match outcome {
        Outcome::Clean => &CLEAN,
        Outcome::Cut(_) => &CUT,
        Outcome::Forced(_) => &FORCED,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Counts an upgrade by its outcome. The successor counts a success, which `None` stands for.
pub(crate) fn upgraded(error: Option<&UpgradeError>) {
    let outcome = error.map_or(UpgradeError::OUTCOMES[0], UpgradeError::as_str);
    if let Some(at) = UpgradeError::OUTCOMES.iter().position(|known| *known == outcome) {
        UPGRADES[at].fetch_add(1, Ordering::Relaxed);
    }
}

/// The number after `name` in the text of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The listing holds one descriptor of its own, which is not counted.
fn descriptors() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(listed).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{field, figures};
    use crate::drain::Drain;
    use crate::stage::DrainTimeouts;

    #[test]
    fn a_connection_and_a_drain_are_counted() {
        let before = figures();
        let drain = Drain::new(DrainTimeouts::default(), false);
        let connection = drain.connection();
        assert!(figures().connections > 0);
        drop(connection);
        drain.begin();
        drain.settle();
        assert!(figures().drains.clean > before.drains.clean);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_knows_its_size() {
        let figures = figures();
        assert!(figures.memory.is_some_and(|bytes| bytes > 1 << 20), "{figures:?}");
        assert!(figures.descriptors.is_some_and(|open| open >= 3), "{figures:?}");
        assert!(figures.threads.is_some_and(|threads| threads >= 1), "{figures:?}");
    }

    #[test]
    fn the_kernels_text_is_read_by_name() {
        let status = "Name:\tdemo\nVmRSS:\t    5120 kB\nThreads:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(5120));
        assert_eq!(field(status, "Threads:"), Some(7));
        assert_eq!(field(status, "VmHWM:"), None);
        assert_eq!(field("VmRSS:\tmany kB", "VmRSS:"), None);
    }
}
