//! Settings from files of each format and from etcd: time to served, memory and size.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use conformance::{Client, Etcd, Failed, Running, Server};
use serde_json::{Map, Value, json};

use crate::{output::progress, settings::document::Format, stats::summary};

mod document;

/// The programs and the scope.
#[derive(Args)]
pub(crate) struct Settings {
    /// A demo with the feature `remote`
    remote: PathBuf,
    /// The same demo without it
    #[arg(long)]
    plain: Option<PathBuf>,
    /// An older build, whose saves are measured in turn with the others
    #[arg(long)]
    before: Option<PathBuf>,
    /// Saves of each program, format and size
    #[arg(long, default_value_t = 50)]
    saves: u32,
    /// Writes in etcd
    #[arg(long, default_value_t = 200)]
    writes: u32,
}

/// The sizes of the settings, in routes.
const KEYS: [u32; 2] = [10, 10_000];

const REPLICAS: usize = 3;

/// The target that is requested.
const TARGET: &str = "/dynamic-config";

/// The time after which a change counts as lost.
const LOST: Duration = Duration::from_secs(10);

/// The pause between two looks of a client.
const LOOK: Duration = Duration::from_micros(200);

/// The pause before a change, so that the one before is over.
const REST: Duration = Duration::from_millis(20);

/// The pause before memory is read.
const SETTLED: Duration = Duration::from_secs(2);

/// A server with a file of one format and size.
struct Saved {
    program: &'static str,
    format: Format,
    keys: u32,
    server: Running,
    took: Vec<f64>,
}

/// Measures all of it. Times are in milliseconds, memory in KiB, sizes in bytes.
pub(crate) fn measure(settings: &Settings) -> Result<Value, Failed> {
    let others = [("plain", &settings.plain), ("before", &settings.before)];
    let others = others.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)));
    let programs: Vec<(&'static str, &Path)> =
        [("remote", settings.remote.as_path())].into_iter().chain(others).collect();
    let mut sizes = Map::new();
    for (name, path) in &programs {
        let size =
            fs::metadata(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        sizes.insert((*name).to_owned(), json!(size.len()));
    }
    Ok(json!({
        "what": "settings: milliseconds to the first answer with a change, memory in KiB, sizes in bytes",
        "cores": thread::available_parallelism().map_or(1, usize::from),
        "save_to_served": saves(&programs, settings.saves)?,
        "write_in_etcd_to_served_on_the_last_replica": writes(&settings.remote, settings.writes)?,
        "memory": memory(&programs)?,
        "binary_bytes": sizes,
        "load_average_at_the_end": crate::torture::load(),
    }))
}

/// From the end of a save by rename to the first answer that carries it. All programs, formats and sizes take turns.
fn saves(programs: &[(&'static str, &Path)], count: u32) -> Result<Value, Failed> {
    let mut all = Vec::new();
    for &(program, path) in programs {
        for format in Format::ALL {
            for keys in KEYS {
                let name = format!("config.{}", format.ending());
                let server = Server::new(path).config(format.text(keys, 1)).config_at(&name);
                let server = server.arg("--config").arg(name).start()?;
                all.push(Saved { program, format, keys, server, took: Vec::new() });
            }
        }
    }
    for seconds in 2..count + 2 {
        for saved in &mut all {
            thread::sleep(REST);
            saved.save(seconds)?;
        }
        if seconds % 10 == 1 {
            progress(&format!("{} saves of each", seconds - 1));
        }
    }
    let row = |saved: Saved| {
        let Saved { program, format, keys, took, .. } = saved;
        json!({ "program": program, "format": format.ending(), "keys": keys, "milliseconds": summary(took) })
    };
    Ok(all.into_iter().map(row).collect())
}

impl Saved {
    fn save(&mut self, seconds: u32) -> Result<(), Failed> {
        let path = self.server.path(&format!("config.{}", self.format.ending()));
        let beside = path.with_extension("saving");
        fs::write(&beside, self.format.text(self.keys, seconds))?;
        let mut client = self.server.client()?;
        let begun = Instant::now();
        fs::rename(beside, path)?;
        let served = until_served(&mut client, seconds)?;
        self.took.push(milliseconds(begun, served));
        Ok(())
    }
}

/// From a write in etcd to the first answer that carries it on the last of three replicas.
fn writes(program: &Path, count: u32) -> Result<Value, Failed> {
    if let Some(missing) = Etcd::missing() {
        progress(&missing);
        return Ok(Value::Null);
    }
    let etcd = Etcd::start()?;
    let write = |seconds| etcd.put("app/config.yaml", &Format::Yaml.text(KEYS[0], seconds));
    write(1)?;
    let address = format!("etcd://{}/app/", etcd.endpoint());
    let replicas = (0..REPLICAS).map(|_| Server::new(program).arg("--config").arg(&address).start());
    let replicas = replicas.collect::<Result<Vec<_>, _>>()?;
    let (mut from_begin, mut from_end) = (Vec::new(), Vec::new());
    for seconds in 2..count + 2 {
        thread::sleep(REST);
        // The clients look from before the write on.
        let ready = Barrier::new(REPLICAS + 1);
        let (begun, ended, last) = thread::scope(|scope| {
            let clients: Vec<_> = replicas
                .iter()
                .map(|replica| {
                    scope.spawn(|| {
                        let client = replica.client();
                        ready.wait();
                        until_served(&mut client?, seconds)
                    })
                })
                .collect();
            ready.wait();
            let begun = Instant::now();
            write(seconds)?;
            let ended = Instant::now();
            let mut last = begun;
            for client in clients {
                last = last.max(client.join().map_err(|_| "a client panicked")??);
            }
            Ok::<_, Failed>((begun, ended, last))
        })?;
        from_begin.push(milliseconds(begun, last));
        from_end.push(milliseconds(ended, last));
        if seconds % 50 == 1 {
            progress(&format!("{} writes", seconds - 1));
        }
    }
    Ok(json!({
        "replicas": REPLICAS,
        "from_the_start_of_etcdctl": summary(from_begin),
        "from_the_end_of_etcdctl": summary(from_end),
        "limits": "`etcdctl put` writes between its start and its end; a change that is served before its end counts as 0 there",
    }))
}

/// The resident memory of a server with the shipped settings from a file, and of one with the same from etcd.
fn memory(programs: &[(&'static str, &Path)]) -> Result<Value, Failed> {
    let text = Format::Yaml.text(KEYS[0], 5);
    let mut rows = Vec::new();
    for (program, path) in programs {
        let server = Server::new(*path).config(text.clone()).start()?;
        rows.push(json!({ "program": program, "settings": "file", "kib": resident(&server)? }));
    }
    if Etcd::missing().is_none() {
        let etcd = Etcd::start()?;
        etcd.put("app/config.yaml", &text)?;
        let address = format!("etcd://{}/app/", etcd.endpoint());
        let server = Server::new(programs[0].1).arg("--config").arg(address).start()?;
        rows.push(json!({ "program": programs[0].0, "settings": "etcd", "kib": resident(&server)? }));
    }
    Ok(rows.into())
}

/// `VmRSS` after some answers.
fn resident(server: &Running) -> Result<u64, Failed> {
    let mut client = server.client()?;
    for _ in 0..100 {
        client.get(TARGET)?;
    }
    thread::sleep(SETTLED);
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("a process has a size")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Asks until an answer has this value, and returns the time of that answer.
fn until_served(client: &mut Client, seconds: u32) -> Result<Instant, Failed> {
    let wanted = format!("\"refresh_interval_seconds\":{seconds},");
    let begun = Instant::now();
    loop {
        let answer = client.get(TARGET)?;
        let now = Instant::now();
        if answer.text().contains(&wanted) {
            return Ok(now);
        }
        if now - begun > LOST {
            return Err(format!("the change to `{seconds}` was not served in {LOST:?}").into());
        }
        thread::sleep(LOOK);
    }
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}
