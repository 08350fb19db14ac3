//! The database pool, the plugin and the debug routes: their cost in use, at a swap, and unused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use conformance::{Failed, Postgres, Running, Server, folder, free_address, wait_until};
use serde_json::{Value, json};

use crate::{
    output::progress,
    servers::wrk,
    stats::{round, summary},
};

/// The programs and the scope.
#[derive(Args)]
pub(crate) struct LiveParts {
    /// The demo's program
    binary: PathBuf,
    /// The example `axum_database`: the same query and pool without the site
    #[arg(long)]
    bare: PathBuf,
    /// The example `greeter` of `plugins`, a shared library
    #[arg(long)]
    plugin: PathBuf,
    /// The demo's program without its default features
    #[arg(long)]
    without: PathBuf,
    /// Rounds, each of every variant in turn
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of load on one variant in a round
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// Swaps of the pool, and of the plugin
    #[arg(long, default_value_t = 50)]
    swaps: u32,
}

/// Connections of wrk.
const CONNECTIONS: u32 = 16;
/// Clients of the bounded load, and the pause of each between two requests.
const CLIENTS: usize = 2;
const PAUSE: Duration = Duration::from_millis(2);

/// A process that is killed when this is dropped.
struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures all of it.
pub(crate) fn measure(parts: &LiveParts) -> Result<Value, Failed> {
    let postgres = Postgres::start()?;
    postgres
        .sql("CREATE ROLE admin LOGIN PASSWORD 'secure_password'; CREATE DATABASE myapp_db OWNER admin;")?;
    let database = Server::shipped_config().replace("port: 5432", &format!("port: {}", postgres.port()));
    Ok(json!({
        "what": "the database pool, the plugin and the debug routes",
        "database_requests_per_second": requests(parts, &database)?,
        "pool_swap_longest_request_ms": pool_swaps(parts, &postgres, &database)?,
        "plugin_swap_longest_request_ms": plugin_swaps(parts)?,
        "debug_requests_per_second": debug(parts)?,
        "unused": { "with": unused(&parts.binary)?, "without": unused(&parts.without)? },
    }))
}

/// `/database` of the demo and of the bare framework, in turn.
fn requests(parts: &LiveParts, config: &str) -> Result<Value, Failed> {
    progress("requests per second of /database");
    let demo = Server::new(&parts.binary).config(config).start()?;
    let (place, address) = (folder()?, free_address()?);
    let path = place.path().join("config.yaml");
    fs::write(&path, config)?;
    let bare = Command::new(parts.bare.canonicalize()?).arg(address.to_string()).arg(&path).spawn()?;
    let _bare = Bare(bare);
    let url = |address| format!("http://{address}/database");
    wait_until("the bare server", || wrk::burst(&url(address), 1, 1).is_ok())?;
    in_turn(parts, &[("demo", url(demo.address())), ("bare", url(address))])
}

/// The requests during the swaps of a pool, and as many without a swap.
fn pool_swaps(parts: &LiveParts, postgres: &Postgres, config: &str) -> Result<Value, Failed> {
    progress("swaps of the pool");
    let server = Server::new(&parts.binary).config(config).start()?;
    let mut password = "secure_password".to_owned();
    let swap = |number: u32| {
        let next = format!("rotated{number}");
        postgres.sql(&format!("ALTER ROLE admin PASSWORD '{next}'"))?;
        server.edit(&format!("password: {password}"), &format!("password: {next}"))?;
        password = next;
        server.wait_for_generation(u64::from(number) + 1)
    };
    swaps(parts, &server, "/database", swap)
}

/// The same for a plugin. Bytes after the end of a library make another version of it.
fn plugin_swaps(parts: &LiveParts) -> Result<Value, Failed> {
    progress("swaps of the plugin");
    let config = format!("{}\nplugins:\n  greeter: plugin.so\n", Server::shipped_config());
    let mut library = fs::read(&parts.plugin)?;
    let server = Server::new(&parts.binary).config(config).file("plugin.so", &library).start()?;
    let swap = |number: u32| {
        library.push(0);
        server.replace("plugin.so", &library)?;
        server.wait_for_metric("plugin_mappings", &[], number + 1)
    };
    swaps(parts, &server, "/greet", swap)
}

fn swaps(
    parts: &LiveParts,
    server: &Running,
    target: &str,
    mut swap: impl FnMut(u32) -> Result<(), Failed>,
) -> Result<Value, Failed> {
    let begun = Instant::now();
    let with = longest(server, target, || (1..=parts.swaps).try_for_each(&mut swap))?;
    let time = begun.elapsed();
    let without = longest(server, target, || {
        thread::sleep(time);
        Ok(())
    })?;
    Ok(json!({ "swaps": parts.swaps, "requests_during_swaps": with, "requests_without_a_swap": without }))
}

/// The times of the requests, in milliseconds, that a bounded load sends while `work` is done. A bad answer is an error.
fn longest(
    server: &Running,
    target: &str,
    work: impl FnOnce() -> Result<(), Failed>,
) -> Result<Value, Failed> {
    let over = AtomicBool::new(false);
    let ask = || {
        let mut client = server.client()?;
        let mut times = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let status = client.get(target)?.status;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            if status != 200 {
                return Err(Failed::from(format!("{target} answered {status}")));
            }
            thread::sleep(PAUSE);
        }
        Ok(times)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        let done = work();
        over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| "a client panicked")??);
        }
        done.map(|()| summary(times))
    })
}

/// `/dynamic-config` with the debug routes on and off, in turn.
fn debug(parts: &LiveParts) -> Result<Value, Failed> {
    progress("debug: true and false under load");
    let on = format!("{}\ndebug: true\n", Server::shipped_config());
    let (on, off) = (Server::new(&parts.binary).config(on).start()?, Server::new(&parts.binary).start()?);
    let url = |server: &Running| format!("http://{}/dynamic-config", server.address());
    in_turn(parts, &[("true", url(&on)), ("false", url(&off))])
}

/// The requests per second at both addresses, a burst at each in every round, and the ratio of their medians.
fn in_turn(parts: &LiveParts, urls: &[(&str, String); 2]) -> Result<Value, Failed> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..parts.rounds {
        for ((_, url), rates) in urls.iter().zip(&mut rates) {
            rates.push(wrk::burst(url, CONNECTIONS, parts.seconds)?.per_second);
        }
    }
    let [first, second] = rates.map(summary);
    let median = |rates: &Value| rates["median"].as_f64().unwrap_or(f64::NAN);
    let ratio = round(median(&first) / median(&second));
    Ok(json!({ urls[0].0: first, urls[1].0: second, "ratio_of_medians": ratio }))
}

/// The size of a program, and its memory after the first answers.
fn unused(binary: &Path) -> Result<Value, Failed> {
    let server = Server::new(binary).start()?;
    for _ in 0..10 {
        server.get("/")?;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("a process has a size")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(json!({ "binary_bytes": fs::metadata(binary)?.len(), "memory_mb": round(kilobytes / 1000.0) }))
}
