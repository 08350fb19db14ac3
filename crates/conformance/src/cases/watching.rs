//! File events that are missing because a limit of the kernel is reached, seen from outside. Changes are still served. The
//! fault is in the metrics, and once in the log, until it is over.
//!
//! The limits are those of a user namespace of the server's own; nothing system-wide is touched.

use crate::{
    Demo, Failed, Running, Server,
    claim::{Verdict, claims},
    wait_until,
};
use std::{fs, process::Command};

claims! {
    one demo:
        without_file_events_edits_are_served_and_that_is_said_until_they_are_back,
        a_limit_that_is_reached_while_running_is_said_until_it_is_raised;
}

/// The reason why no user namespace can be made here, if any.
pub(crate) fn missing() -> Option<String> {
    let probe = Command::new("unshare").args(["-Ur", "true"]).output();
    let made = probe.is_ok_and(|probe| probe.status.success());
    (!made).then(|| "no user namespaces (`unshare -Ur`)".to_owned())
}

const INSTANCES: &str = "max_inotify_instances";
const WATCHES: &str = "max_inotify_watches";

/// A server in its own user namespace with this limit.
fn limited(demo: &Demo, limit: &str, most: u32) -> Server {
    let line = format!("echo {most} > /proc/sys/user/{limit}; exec \"$0\" \"$@\"");
    demo.server().after(&format!("set -- unshare -Ur sh -euc '{line}' \"$@\""))
}

/// Sets the limit of a server in a namespace.
fn set(server: &Running, limit: &str, most: u32) -> Verdict {
    let line = format!("echo {most} > /proc/sys/user/{limit}");
    let status = Command::new("nsenter")
        .args(["--user", "--preserve-credentials", "--target", &server.pid().to_string()])
        .args(["sh", "-euc", &line])
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` in the namespace: {status}").into()) }
}

/// Waits until the metric of this fault has this value.
fn is_degraded(server: &Running, reason: &str, is: u32) -> Result<(), Failed> {
    server.wait_for_metric("watch_degraded", &[("reason", reason)], is)
}

/// The number of log lines with these words.
fn said(server: &Running, words: &str) -> usize {
    server.log().lines().iter().filter(|line| line.contains(words)).count()
}

fn without_file_events_edits_are_served_and_that_is_said_until_they_are_back(demo: &Demo) -> Verdict {
    let server = limited(demo, INSTANCES, 0).template("index.html", "one").start()?;
    is_degraded(&server, "no_events", 1)?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    server.save_template("index.html", "two")?;
    wait_until("the template is served", || server.get("/").is_ok_and(|page| page.text() == "two"))?;
    for followed in ["the configuration: no file events", "the templates: no file events"] {
        server.log().wait_for_log(followed, |line| line.contains(followed))?;
        assert_eq!(said(&server, followed), 1, "`{followed}` in:\n{}", server.log().text());
    }
    set(&server, INSTANCES, 128)?;
    is_degraded(&server, "no_events", 0)?;
    server.edit("feature_flag_a: false", "feature_flag_a: true")?;
    server.wait_for_generation(3)?;
    for followed in
        ["the configuration: no longer: no file events", "the templates: no longer: no file events"]
    {
        server.log().wait_for_log(followed, |line| line.contains(followed))?;
        assert_eq!(said(&server, followed), 1, "`{followed}` in:\n{}", server.log().text());
    }
    Ok(())
}

fn a_limit_that_is_reached_while_running_is_said_until_it_is_raised(demo: &Demo) -> Verdict {
    let server = limited(demo, WATCHES, 1000).template("index.html", "one").start()?;
    is_degraded(&server, "watch_limit", 0)?;
    set(&server, WATCHES, 0)?;
    fs::create_dir(server.path("templates/below"))?;
    server.save_template("below/other.html", "new")?;
    is_degraded(&server, "watch_limit", 1)?;
    server.save_template("below/other.html", "{{ newer }")?;
    server.log().wait_for_log("the mistake", |line| line.contains("other.html"))?;
    server.save_template("below/other.html", "newer")?;
    server.save_template("index.html", "two")?;
    wait_until("the template is served", || server.get("/").is_ok_and(|page| page.text() == "two"))?;
    let told = "the templates: not every folder is watched";
    server.log().wait_for_log(told, |line| line.contains(told))?;
    assert_eq!(said(&server, told), 1, "`{told}` in:\n{}", server.log().text());
    set(&server, WATCHES, 1000)?;
    is_degraded(&server, "watch_limit", 0)?;
    let over = "the templates: no longer: not every folder is watched";
    server.log().wait_for_log(over, |line| line.contains(over))?;
    assert_eq!(said(&server, over), 1, "`{over}` in:\n{}", server.log().text());
    Ok(())
}
