//! The tokio runtimes of this process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

/// A runtime of this process: see [`runtime_stats`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RuntimeStats {
    /// The name under which it was registered.
    pub name: String,
    /// Tasks that have not ended.
    pub tasks: usize,
    /// Tasks that wait in its global queue.
    pub global_queue: usize,
    /// Its workers. A runtime of one thread has one.
    pub workers: Vec<WorkerStats>,
}

/// A worker of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WorkerStats {
    /// Time that it has spent on tasks so far.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "busy_seconds", serialize_with = "crate::seconds::serialize")
    )]
    pub busy: Duration,
    /// Number of times that it found nothing to do and waited.
    pub parks: u64,
}

/// A runtime that is listed until this is dropped.
#[derive(Debug)]
pub struct RegisteredRuntime {
    id: Id,
}

static RUNTIMES: Mutex<Vec<(String, Handle)>> = Mutex::new(Vec::new());

/// Lists a runtime in [`runtime_stats`]. The runtimes of a [`Server`](crate::Server)'s listeners, and actix-web's workers, are
/// listed by themselves.
#[must_use = "it is listed as long as this lives"]
pub fn register_runtime(name: impl Into<String>, runtime: &Handle) -> RegisteredRuntime {
    runtimes().push((name.into(), runtime.clone()));
    RegisteredRuntime { id: runtime.id() }
}

/// The registered runtimes, the oldest first. It asks each for numbers that the runtime counts anyway.
pub fn runtime_stats() -> Vec<RuntimeStats> {
    runtimes().iter().map(|(name, runtime)| stats(name, runtime)).collect()
}

/// The tasks of all registered runtimes that have not ended.
pub(crate) fn tasks() -> usize {
    runtimes().iter().map(|(_, runtime)| runtime.metrics().num_alive_tasks()).sum()
}

fn stats(name: &str, runtime: &Handle) -> RuntimeStats {
    let metrics = runtime.metrics();
    let worker = |number| WorkerStats {
        busy: metrics.worker_total_busy_duration(number),
        parks: metrics.worker_park_count(number),
    };
    RuntimeStats {
        name: name.to_owned(),
        tasks: metrics.num_alive_tasks(),
        global_queue: metrics.global_queue_depth(),
        workers: (0..metrics.num_workers()).map(worker).collect(),
    }
}

fn runtimes() -> MutexGuard<'static, Vec<(String, Handle)>> {
    RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for RegisteredRuntime {
    fn drop(&mut self) {
        runtimes().retain(|(_, runtime)| runtime.id() != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::{RuntimeStats, register_runtime, runtime_stats};

    fn listed(name: &str) -> Option<RuntimeStats> {
        runtime_stats().into_iter().find(|runtime| runtime.name == name)
    }

    #[test]
    fn a_runtime_is_listed_with_its_tasks_until_it_is_dropped() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let registered = register_runtime("runtime-stats", runtime.handle());
        assert_eq!(listed("runtime-stats").unwrap().workers.len(), 2);
        let (end, told) = tokio::sync::oneshot::channel::<()>();
        let task = runtime.spawn(told);
        assert_eq!(listed("runtime-stats").unwrap().tasks, 1);
        drop(end);
        let _ = runtime.block_on(task);
        // A worker that finds nothing to do waits in a moment.
        let is_idle = |runtime: RuntimeStats| {
            runtime.tasks == 0 && runtime.workers.iter().any(|worker| worker.parks > 0)
        };
        while !is_idle(listed("runtime-stats").unwrap()) {
            std::thread::yield_now();
        }
        drop(registered);
        assert_eq!(listed("runtime-stats"), None);
    }
}
