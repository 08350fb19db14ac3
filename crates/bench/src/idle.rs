//! The cost of an idle server.

use std::{fs, path::Path, thread, time::Duration};

use conformance::{Failed, Server};
use serde_json::{Value, json};

use crate::{stats::round, torture::load};

/// Ticks per second in `/proc`: `USER_HZ`, 100 on every Linux.
const TICKS: f64 = 100.0;

/// The context switches and the processor time of every thread over `seconds`, without connections.
pub(crate) fn cost(binary: &Path, seconds: u64) -> Result<Value, Failed> {
    let server = Server::new(binary).start()?;
    // The work of the start is over by then.
    thread::sleep(Duration::from_secs(3));
    let before = threads(server.pid())?;
    let busy = ticks(server.pid())?;
    thread::sleep(Duration::from_secs(seconds));
    let after = threads(server.pid())?;
    let minutes = Duration::from_secs(seconds).as_secs_f64() / 60.0;
    let mut by_thread = serde_json::Map::new();
    let mut sum = 0.0;
    for (id, name, switches) in after {
        let earlier = before.iter().find(|thread| thread.0 == id).map_or(0.0, |thread| thread.2);
        let rate = (switches - earlier) / minutes;
        sum += rate;
        by_thread.insert(format!("{name} {id}"), json!(round(rate)));
    }
    Ok(json!({
        "what": "an idle server",
        "seconds": seconds,
        "wake_ups_a_minute": round(sum),
        "of_each_thread": by_thread,
        "processor_milliseconds_a_minute": round((ticks(server.pid())? - busy) / TICKS * 1000.0 / minutes),
        "load_average": load(),
    }))
}

/// The id, the name and the voluntary context switches of each thread.
fn threads(pid: u32) -> Result<Vec<(String, String, f64)>, Failed> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(entry?.path().join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        let switches = field("voluntary_ctxt_switches").parse()?;
        threads.push((field("Pid"), field("Name"), switches));
    }
    Ok(threads)
}

/// The user and system time of the process, in ticks.
fn ticks(pid: u32) -> Result<f64, Failed> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_the_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_the_name.split_whitespace().collect();
    let [user, system] = [11, 12].map(|index| fields.get(index).and_then(|ticks| ticks.parse::<f64>().ok()));
    Ok(user.ok_or("no user time")? + system.ok_or("no system time")?)
}
