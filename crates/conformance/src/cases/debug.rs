//! The debug routes.

use crate::{
    Client, Demo, Failed, Request, Running, Server,
    claim::{Verdict, claims},
    tier, wait_until,
};
use serde_json::Value;
use std::net::SocketAddr;

claims! {
    every demo:
        they_are_unknown_unless_debug_is_true,
        they_are_guarded,
        a_connection_is_listed_with_its_requests_and_its_last_route,
        every_runtime_is_listed_and_its_figures_move;
    one demo:
        the_threads_are_listed_and_their_time_grows,
        every_key_is_listed_with_its_origin,
        the_pool_is_unused_at_the_start,
        no_figure_of_a_leak_has_grown_after_many_requests;
}

const ROUTES: [&str; 5] =
    ["/debug/config", "/debug/connections", "/debug/pool", "/debug/runtime", "/debug/threads"];
const PROFILE: &str = "/debug/pprof/profile?seconds=0";
const ON: &str = "\ndebug: true\n";

fn they_are_unknown_unless_debug_is_true(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let config = server.config()?;
    let statuses = || ROUTES.iter().map(|route| server.status(route)).collect::<Result<Vec<_>, _>>();
    assert_eq!(statuses()?, [404; 5]);
    assert_eq!(server.get("/debug/config")?.text(), r#"{"error":"not found","path":"/debug/config"}"#);
    server.save_config(format!("{config}{ON}"))?;
    server.wait_for_generation(2)?;
    assert_eq!(statuses()?, [200; 5]);
    assert_eq!(server.request(&Request::new("POST", "/debug/config"))?.status, 405);
    for other in ["/debug", "/debug/", "/debug/config/", "/debug/pprof", "/debug/pprof/"] {
        assert_eq!(server.status(other)?, 404, "{other}");
    }
    // The length is wrong, so that no demo begins a profile.
    let profile = server.get(PROFILE)?;
    let needs_feature = profile.status == 404 && profile.text().contains("without the feature `profiling`");
    assert!(needs_feature || profile.status == 400, "{} {}", profile.status, profile.text());
    server.save_config(config)?;
    server.wait_for_generation(3)?;
    assert_eq!(server.get(PROFILE)?.text(), r#"{"error":"not found","path":"/debug/pprof/profile"}"#);
    assert_eq!(statuses()?, [404; 5]);
    Ok(())
}

fn they_are_guarded(demo: &Demo) -> Verdict {
    const TOKEN: &str = "a-token-of-some-length";
    let server = debugged(demo)?;
    for route in ROUTES.into_iter().chain([PROFILE]) {
        assert_eq!(
            server.request(&Request::get(route).header("Host", "demo.example"))?.status,
            403,
            "{route}"
        );
    }
    server.save_config(format!("{}admin_token: {TOKEN}\n", server.config()?))?;
    server.wait_for_generation(2)?;
    assert_eq!(server.status(PROFILE)?, 401);
    for route in ROUTES {
        assert_eq!(server.status(route)?, 401, "{route}");
        assert_eq!(server.request(&Request::get(route).bearer(TOKEN))?.status, 200, "{route}");
    }
    Ok(())
}

fn a_connection_is_listed_with_its_requests_and_its_last_route(demo: &Demo) -> Verdict {
    let server = debugged(demo)?;
    let mut client = server.client()?;
    let here = client.local_address()?;
    client.get("/ping")?;
    let first = listed(&server, here)?.ok_or("the connection is not listed")?;
    assert_eq!((&first["requests"], &first["route"]), (&1.into(), &"configured".into()), "{first}");
    assert_eq!(first["local"], server.address().to_string());
    client.get("/dynamic-config")?;
    let second = listed(&server, here)?.ok_or("the connection is not listed any more")?;
    assert_eq!((&second["requests"], &second["route"]), (&2.into(), &"/dynamic-config".into()), "{second}");
    for figure in ["age_seconds", "bytes_received", "bytes_sent"] {
        let before = first[figure].as_f64().ok_or_else(|| format!("{figure} in {first}"))?;
        // The client's system may wait a moment before it acknowledges what was sent.
        wait_until(&format!("{figure} to grow: {first}"), || {
            let now = listed(&server, here).ok().flatten();
            now.is_some_and(|now| now[figure].as_f64().is_some_and(|now| now > before))
        })?;
    }
    drop(client);
    wait_until("the closed connection to be listed no more", || {
        listed(&server, here).is_ok_and(|connection| connection.is_none())
    })
}

fn every_runtime_is_listed_and_its_figures_move(demo: &Demo) -> Verdict {
    let server = debugged(demo)?;
    let runtimes = list(&server, "/debug/runtime")?;
    let names: Vec<_> = runtimes.iter().filter_map(|runtime| runtime["name"].as_str()).collect();
    let port = format!("port-{}", server.address().port());
    assert!(names.contains(&"main") && names.contains(&port.as_str()), "{names:?}");
    let has_workers = names.iter().any(|name| name.starts_with("actix-server work"));
    assert_eq!(has_workers, demo.framework() == "Actix-web", "{names:?}");
    let before = tasks(&runtimes);
    let (parks, busy) = (of_workers(&runtimes, "parks"), of_workers(&runtimes, "busy_seconds"));
    let streams = (0..20).map(|_| server.events()).collect::<Result<Vec<_>, _>>()?;
    let after = list(&server, "/debug/runtime")?;
    assert!(tasks(&after) >= before + 20, "{runtimes:?}, then {after:?}");
    assert!(of_workers(&after, "parks") > parks, "{runtimes:?}, then {after:?}");
    assert!(of_workers(&after, "busy_seconds") > busy, "{runtimes:?}, then {after:?}");
    assert!(after.iter().all(|runtime| runtime["global_queue"].is_u64()), "{after:?}");
    drop(streams);
    wait_until("the tasks to end", || {
        list(&server, "/debug/runtime").is_ok_and(|runtimes| tasks(&runtimes) < before + 10)
    })
}

fn the_threads_are_listed_and_their_time_grows(demo: &Demo) -> Verdict {
    let server = debugged(demo)?;
    let threads = list(&server, "/debug/threads")?;
    assert_eq!(threads[0]["id"], server.pid(), "the first one is the main thread: {threads:?}");
    let port = format!("server-{}", server.address().port());
    assert!(threads.iter().any(|thread| thread["name"] == port), "{port} in {threads:?}");
    let known = ["running", "sleeping", "disk sleep", "stopped", "idle"];
    let state = |thread: &Value| thread["state"].as_str().is_some_and(|state| known.contains(&state));
    assert!(threads.iter().all(state), "{threads:?}");
    let time =
        |threads: &[Value]| threads.iter().filter_map(|thread| thread["cpu_seconds"].as_f64()).sum::<f64>();
    let before = time(&threads);
    wait_until("their processor time to grow", || {
        list(&server, "/debug/threads").is_ok_and(|threads| time(&threads) > before)
    })
}

fn every_key_is_listed_with_its_origin(demo: &Demo) -> Verdict {
    let config = format!("{}{ON}", Server::shipped_config());
    let server = demo.server().config(config).args("--set app_name=Flagged").env("APP__MAINTENANCE", "false");
    let server = server.start()?;
    let shown = |key: &str| -> Result<[String; 3], Failed> {
        let values = list(&server, "/debug/config")?;
        let value = values.iter().find(|value| value["key"] == key).ok_or(format!("{key} in {values:?}"))?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Ok([value["value"].to_string(), text("origin"), text("layer")])
    };
    for (key, value, origin, layer) in [
        ("app_name", "\"Flagged\"", "--set app_name", "flag"),
        ("maintenance", "false", "environment APP__MAINTENANCE", "environment"),
        ("database.password", "\"***\"", "config.yaml:10:13", "file"),
        ("settings.feature_flag_a", "true", "config.yaml:15:19", "file"),
        ("limits.requests_per_second", "0", "built-in default", "default"),
    ] {
        assert_eq!(shown(key)?, [value, origin, layer], "{key}");
    }
    server.edit("settings:", "# one more line\nsettings:")?;
    wait_until("the line to move", || {
        shown("settings.feature_flag_a").is_ok_and(|[_, origin, _]| origin == "config.yaml:16:19")
    })
}

fn the_pool_is_unused_at_the_start(demo: &Demo) -> Verdict {
    let pool = debugged(demo)?.get("/debug/pool")?.json()?;
    assert_eq!((&pool["state"], &pool["generation"]), (&"unused".into(), &1.into()), "{pool}");
    for figure in ["in_use", "in_use_peak", "idle", "draining", "drained", "cut", "leaks"] {
        assert_eq!(pool[figure], 0, "{figure} in {pool}");
    }
    Ok(())
}

/// 500 requests, and 10,000 in the full tier.
fn no_figure_of_a_leak_has_grown_after_many_requests(demo: &Demo) -> Verdict {
    let server = debugged(demo)?;
    // Every thread that the server starts when it is asked is there.
    for _ in 0..100 {
        server.get("/")?;
    }
    let mut meter = server.client()?;
    wait_until("the last socket but this one to be closed", || {
        meter.get("/debug/connections").is_ok_and(|listed| listed.text().matches("\"peer\"").count() == 1)
    })?;
    let before = figures(&mut meter)?;
    drop(meter);
    let mut clients = (0..10).map(|_| server.client()).collect::<Result<Vec<_>, _>>()?;
    let rounds = if tier::is_full() { 1000 } else { 50 };
    for round in 0..rounds {
        for client in &mut clients {
            client.get(["/", "/dynamic-config", "/ping", "/metrics"][round % 4])?;
        }
    }
    let during = figures(&mut server.client()?)?;
    assert!(during[0] >= before[0] + 9.5 && during[2] >= before[2] + 9.5, "{before:?}, then {during:?}");
    drop(clients);
    let (mut meter, mut after) = (server.client()?, during);
    wait_until("the figures to be where they began", || {
        after = figures(&mut meter).unwrap_or(after);
        after.iter().zip(&before).all(|(after, before)| after <= before)
    })
    .map_err(|_| format!("{before:?}, then {after:?}"))?;
    for (figure, least) in [("http_connections", 10.5), ("process_open_fds", during[2] - 0.5)] {
        let peak = server.metric("peak", &[("figure", figure)])?;
        assert!(peak > least, "{figure} was at most {peak}, expected {least}");
    }
    Ok(())
}

/// Connections, tasks, descriptors and threads. All on one connection, since one that is being closed has a descriptor still.
fn figures(meter: &mut Client) -> Result<[f64; 4], Failed> {
    let text = meter.get("/metrics")?.text();
    let figure = |name: &str| -> Result<f64, Failed> {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| format!("{name} in {text}").into())
    };
    Ok([
        figure("http_connections")?,
        figure("tokio_tasks")?,
        figure("process_open_fds")?,
        figure("process_threads")?,
    ])
}

fn debugged(demo: &Demo) -> Result<Running, Failed> {
    demo.server().config(format!("{}{ON}", Server::shipped_config())).start()
}

fn list(server: &Running, route: &str) -> Result<Vec<Value>, Failed> {
    match server.get(route)?.json()? {
        Value::Array(items) => Ok(items),
        other => Err(format!("{route} is {other}").into()),
    }
}

/// The connection of this client as the server lists it.
fn listed(server: &Running, client: SocketAddr) -> Result<Option<Value>, Failed> {
    let connections = list(server, "/debug/connections")?;
    Ok(connections.into_iter().find(|connection| connection["peer"] == client.to_string()))
}

fn tasks(runtimes: &[Value]) -> u64 {
    runtimes.iter().filter_map(|runtime| runtime["tasks"].as_u64()).sum()
}

/// The sum of a figure over all workers.
fn of_workers(runtimes: &[Value], figure: &str) -> f64 {
    let workers = runtimes.iter().filter_map(|runtime| runtime["workers"].as_array()).flatten();
    workers.filter_map(|worker| worker[figure].as_f64()).sum()
}
