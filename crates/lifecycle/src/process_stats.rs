//! Numbers about this process.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs;
use crate::runtime_stats;
use crate::stage::Outcome;
use crate::upgrade_error::UpgradeError;

/// Numbers about this process, at one moment: see [`process_stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessStats {
    /// Connections open now, over all listeners.
    pub connections: u64,
    /// The most connections that were open at once.
    pub connections_peak: u64,
    /// Tasks of the registered runtimes that have not ended.
    pub tasks: u64,
    /// Drains that have ended so far.
    pub drains: Drains,
    /// Upgrades that have ended so far, by outcome. The successor counts `succeeded`, the old process the others.
    pub upgrades: Vec<(&'static str, u64)>,
    /// Resident memory in bytes, if the system tells.
    pub memory: Option<u64>,
    /// Open file descriptors, if the system tells.
    pub descriptors: Option<u64>,
    /// Threads, if the system tells.
    pub threads: Option<u64>,
    /// Log lines that were dropped because stderr did not take them.
    pub lines_dropped: u64,
}

/// Drains by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drains {
    /// Every connection ended by itself.
    pub clean: u64,
    /// A connection was cut at the deadline.
    pub cut: u64,
    /// Ended by a second signal.
    pub forced: u64,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static CONNECTIONS_PEAK: AtomicU64 = AtomicU64::new(0);
static UPGRADES: [AtomicU64; UpgradeError::OUTCOMES.len()] =
    [const { AtomicU64::new(0) }; UpgradeError::OUTCOMES.len()];
static CLEAN: AtomicU64 = AtomicU64::new(0);
static CUT: AtomicU64 = AtomicU64::new(0);
static FORCED: AtomicU64 = AtomicU64::new(0);

/// The numbers of this process, now. Every call reads memory, descriptors and threads from `/proc/self`.
pub fn process_stats() -> ProcessStats {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ProcessStats {
        connections: connections(),
        connections_peak: CONNECTIONS_PEAK.load(Ordering::Relaxed),
        tasks: u64::try_from(runtime_stats::tasks()).unwrap_or(u64::MAX),
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

pub(crate) fn connection_opened() {
    let before = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    CONNECTIONS_PEAK.fetch_max(before + 1, Ordering::Relaxed);
}

pub(crate) fn connection_closed() {
    CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
}

pub(crate) fn drain_ended(outcome: Outcome) {
    let counter = match outcome {
        Outcome::Clean => &CLEAN,
        Outcome::Cut(_) => &CUT,
        Outcome::Forced(_) => &FORCED,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Counts an upgrade by its outcome. The successor counts a success, which `None` stands for.
pub(crate) fn upgrade_ended(error: Option<&UpgradeError>) {
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

/// The listing itself has one descriptor open, which is not counted.
fn descriptors() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(listed).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{field, process_stats};
    use crate::drain::Drain;
    use crate::stage::DrainTimeouts;

    #[test]
    fn a_connection_and_a_drain_are_counted() {
        let before = process_stats();
        let drain = Drain::new(DrainTimeouts::default(), false);
        let connection = drain.connection();
        let open = process_stats();
        assert!(open.connections > 0 && open.connections_peak >= open.connections, "{open:?}");
        drop(connection);
        drain.begin();
        drain.settle();
        assert!(process_stats().drains.clean > before.drains.clean);
    }

    #[test]
    fn the_process_knows_its_size() {
        let stats = process_stats();
        assert!(stats.memory.is_some_and(|bytes| bytes > 1 << 20), "{stats:?}");
        assert!(stats.descriptors.is_some_and(|open| open >= 3), "{stats:?}");
        assert!(stats.threads.is_some_and(|threads| threads >= 1), "{stats:?}");
    }

    #[test]
    fn a_field_of_the_kernels_text_is_found_by_its_name() {
        let status = "Name:\tdemo\nVmRSS:\t    5120 kB\nThreads:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(5120));
        assert_eq!(field(status, "Threads:"), Some(7));
        assert_eq!(field(status, "VmHWM:"), None);
        assert_eq!(field("VmRSS:\tmany kB", "VmRSS:"), None);
    }
}
