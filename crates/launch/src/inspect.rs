//! The parts of the process that the debug routes show, as JSON.

use lifecycle::{ConnectionStats, RuntimeStats, ThreadStats};
use serde_json::{Value, json};
use site::Inspected;

/// The state of a part of this process, now.
pub(crate) fn inspect(part: Inspected) -> Value {
    match part {
        Inspected::Connections => lifecycle::connection_stats().iter().map(connection).collect(),
        Inspected::Runtimes => lifecycle::runtime_stats().iter().map(runtime).collect(),
        Inspected::Threads => lifecycle::thread_stats().iter().map(thread).collect(),
    }
}

fn connection(stats: &ConnectionStats) -> Value {
    let ConnectionStats { peer, local, age, requests, received, sent, route } = stats;
    json!({
        "peer": peer.to_string(),
        "local": local.to_string(),
        "age_seconds": age.as_secs_f64(),
        "requests": requests,
        "bytes_received": received,
        "bytes_sent": sent,
        "route": route,
    })
}

fn runtime(stats: &RuntimeStats) -> Value {
    let workers = stats.workers.iter();
    let workers: Vec<_> = workers
        .map(|worker| json!({ "busy_seconds": worker.busy.as_secs_f64(), "parks": worker.parks }))
        .collect();
    json!({
        "name": stats.name,
        "tasks": stats.tasks,
        "global_queue": stats.global_queue,
        "workers": workers,
    })
}

fn thread(stats: &ThreadStats) -> Value {
    let ThreadStats { id, name, state, cpu } = stats;
    json!({ "id": id, "name": name, "state": state, "cpu_seconds": cpu.as_secs_f64() })
}
