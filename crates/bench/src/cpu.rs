//! CPU time per request.

use std::{fs, path::Path, time::Duration};

use conformance::{Answer, Failed, Running, Server};
use serde_json::{Map, Value, json};

use crate::{
    load, progress,
    stats::{median, round, summary},
};

const TARGETS: [(&str, &str); 2] = [("/dynamic-config", "dynamic-config"), ("/", "index")];

/// The number of connections; each sends a request as soon as it is answered.
const CLIENTS: usize = 16;

/// Puts load on the server and on the static one in turn, and measures the CPU time of a request.
pub(crate) fn per_request(
    binary: &Path,
    static_bytes: &Path,
    rounds: u32,
    seconds: u64,
) -> Result<Value, Failed> {
    let server = Server::new(binary).start()?;
    let mut bare = Server::new(static_bytes);
    for (target, file) in TARGETS {
        let answer = server.get(target)?;
        bare = bare.file(&format!("{file}.head"), whole_head(&answer)).file(file, &answer.body);
    }
    let bare = bare.start()?;
    let mut figures = Map::new();
    for (target, _) in TARGETS {
        progress(&format!("{target}, {rounds} rounds of {seconds} s each"));
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let our = microseconds_a_request(&server, target, seconds)?;
            let their = microseconds_a_request(&bare, target, seconds)?;
            ours.push(our);
            theirs.push(their);
            ratios.push(our / their);
        }
        let ratio = round(median(ratios.clone()));
        let spreads = json!({ "ratio": ratio, "ratios": summary(ratios), "demo": summary(ours), "static": summary(theirs) });
        figures.insert(target.to_owned(), spreads);
    }
    Ok(json!({ "what": "CPU microseconds per request", "clients": CLIENTS, "targets": figures }))
}

#[allow(clippy::cast_precision_loss, reason = "counts and microseconds of seconds are far below 2^52")]
fn microseconds_a_request(server: &Running, target: &str, seconds: u64) -> Result<f64, Failed> {
    let before = cpu_time(server.pid())?;
    let answered = load::run(server.address(), target, CLIENTS, Duration::from_secs(seconds))?;
    let spent = cpu_time(server.pid())?.saturating_sub(before);
    Ok(spent.as_nanos() as f64 / 1000.0 / answered as f64)
}

/// The headers of an answer, one per line, without those that every server adds.
pub(crate) fn whole_head(answer: &Answer) -> String {
    head(answer, |name| !matches!(name, "content-length" | "date" | "connection"))
}

/// The headers of an answer that the predicate accepts, one per line.
pub(crate) fn head(answer: &Answer, carried: impl Fn(&str) -> bool) -> String {
    let carried = answer.headers.iter().filter(|(name, _)| carried(&name.to_ascii_lowercase()));
    carried.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

/// The scheduler's account of the process's threads, in nanoseconds. `/proc/PID/stat` has ticks of 10 ms only.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration, Failed> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let spent = schedstat.split_whitespace().next().and_then(|spent| spent.parse::<u64>().ok());
        nanoseconds += spent.ok_or("`schedstat` begins with a number")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
