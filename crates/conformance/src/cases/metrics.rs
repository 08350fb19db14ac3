//! `GET /metrics`.

use crate::{
    Demo, Server,
    claim::{Verdict, claims},
    wait_until,
};

claims![
    every_metric_of_the_contract_is_there,
    it_is_prometheus_text,
    requests_are_counted_by_route_and_status,
    reloads_are_counted_by_source_and_outcome,
    connections_are_counted,
];

fn every_metric_of_the_contract_is_there(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.get("/")?;
    let text = server.get("/metrics")?.text();
    for name in [
        "config_last_reload_successful",
        "config_last_reload_success_timestamp_seconds",
        "config_reloads_total",
        "config_generation",
        "config_reload_seconds",
        "http_requests_total",
        "http_request_seconds",
        "http_connections",
        "drains_total",
        "watch_degraded",
        "log_lines_dropped_total",
        "process_",
    ] {
        let family = text
            .lines()
            .any(|line| line.trim_start_matches("# TYPE ").starts_with(name.trim_end_matches("_total")));
        assert!(family, "{name} in:\n{text}");
    }
    for word in ["memory", "fds", "threads"] {
        assert!(
            text.lines().any(|line| line.starts_with("process_") && line.contains(word)),
            "process {word} in:\n{text}"
        );
    }
    Ok(())
}

fn it_is_prometheus_text(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.get("/unknown?\"quoted\"")?;
    let answer = server.get("/metrics")?;
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"), "{kind}");
    for line in answer.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let value = line.rsplit(' ').next().unwrap_or_default();
        assert!(value.parse::<f64>().is_ok() || matches!(value, "+Inf" | "-Inf" | "NaN"), "{line}");
    }
    Ok(())
}

fn requests_are_counted_by_route_and_status(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for target in ["/dynamic-config", "/dynamic-config", "/ping", "/unknown-1", "/unknown-2", "/unknown-3"] {
        server.get(target)?;
    }
    for (route, status, count) in [("/dynamic-config", "200", 2), ("other", "404", 3)] {
        server.wait_for_metric("http_requests_total", &[("route", route), ("status", status)], count)?;
    }
    let text = server.get("/metrics")?.text();
    assert!(!text.contains("unknown-1"), "a stranger cannot make series:\n{text}");
    Ok(())
}

fn reloads_are_counted_by_source_and_outcome(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    let mut events = server.events()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    events.event("config")?;
    server.edit("port: 8080", "port: 65536")?;
    events.event("problem")?;
    server.replace("templates/index.html", "two")?;
    events.event("template")?;
    // The first accepted attempt is the start.
    for (source, outcome, count) in
        [("config", "accepted", 2), ("config", "rejected", 1), ("templates", "accepted", 2)]
    {
        server.wait_for_metric("config_reloads_total", &[("source", source), ("outcome", outcome)], count)?;
    }
    server.wait_for_metric("config_generation", &[], 2)?;
    assert!(server.metric("config_last_reload_success_timestamp_seconds", &[])? > 1.6e9);
    server.replace("config.yaml", Server::shipped_config())?;
    events.event("solved")?;
    Ok(())
}

fn connections_are_counted(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let idle = (0..5).map(|_| server.events()).collect::<Result<Vec<_>, _>>()?;
    wait_until("5 and this one", || server.metric("http_connections", &[]).is_ok_and(|open| open > 5.5))?;
    drop(idle);
    wait_until("this one", || server.metric("http_connections", &[]).is_ok_and(|open| open < 1.5))
}
