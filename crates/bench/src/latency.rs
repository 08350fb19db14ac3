//! From the end of a save to the first answer that carries it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use conformance::{Client, Failed, Running, Server};
use serde_json::{Value, json};

use crate::{output::progress, stats};

/// The target that is requested.
const TARGET: &str = "/dynamic-config";

/// The time after which a save counts as lost.
const LOST: Duration = Duration::from_secs(10);

/// A function that saves a text at a path.
type Save = fn(&Path, &str) -> std::io::Result<()>;

/// Saves `config.yaml` repeatedly, in place and by rename in turn. Meanwhile one connection sends requests without a pause.
pub(crate) fn save_to_served(binary: &Path, saves: u32) -> Result<Value, Failed> {
    let server = Server::new(binary).start()?;
    let mut client = server.client()?;
    let round_trips = (0..1000).map(|_| round_trip(&mut client)).collect::<Result<Vec<_>, _>>()?;
    let original = server.config()?;
    let kinds: [(&str, Save); 2] = [("in_place", in_place), ("by_rename", by_rename)];
    let mut latencies = [Vec::new(), Vec::new()];
    for number in 0..saves {
        for (index, (_, save)) in kinds.iter().enumerate() {
            let wanted = 10 + (2 * number + u32::try_from(index).unwrap_or(0)) % 80_000;
            latencies[index].push(one(&server, &mut client, &original, *save, wanted)?);
        }
        if number % 200 == 199 {
            progress(&format!("{} saves of each kind", number + 1));
        }
    }
    let [in_place, by_rename] = latencies.map(stats::summary);
    Ok(json!({
        "what": "end of save to first answer, microseconds",
        "in_place": in_place,
        "by_rename": by_rename,
        "round_trip_of_one_request": stats::summary(round_trips),
    }))
}

fn one(
    server: &Running,
    client: &mut Client,
    original: &str,
    save: Save,
    seconds: u32,
) -> Result<f64, Failed> {
    let text =
        original.replace("refresh_interval_seconds: 5", &format!("refresh_interval_seconds: {seconds}"));
    let wanted = format!("\"refresh_interval_seconds\":{seconds},");
    save(&server.path("config.yaml"), &text)?;
    let saved = Instant::now();
    loop {
        let answer = client.get(TARGET)?;
        let elapsed = saved.elapsed();
        if answer.text().contains(&wanted) {
            return Ok(elapsed.as_secs_f64() * 1e6);
        }
        if elapsed > LOST {
            return Err(format!("the save of `{seconds}` was not served in {LOST:?}").into());
        }
    }
}

fn round_trip(client: &mut Client) -> Result<f64, Failed> {
    let begun = Instant::now();
    client.get(TARGET)?;
    Ok(begun.elapsed().as_secs_f64() * 1e6)
}

fn in_place(path: &Path, text: &str) -> std::io::Result<()> {
    fs::write(path, text)
}

fn by_rename(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("saving");
    fs::write(&beside, text)?;
    fs::rename(beside, path)
}
