//! An accepted edit is in force at once.

use crate::{
    Demo, Failed, Running, Server,
    claim::{Verdict, claims},
    wait_until,
};
use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use std::os::fd::OwnedFd;

claims! {
    every demo:
        the_message_tells_of_the_last_change,
        every_value_of_the_page_follows_the_file;
    one demo:
        the_generation_counts_accepted_changes,
        the_log_level_is_in_force_at_once,
        the_flag_shows_and_hides_a_part_of_the_page,
        sighup_reloads_at_once,
        sighup_reads_a_file_without_an_event,
        sighup_on_a_terminal_that_is_there_reloads,
        sighup_after_its_terminal_is_gone_stops_it,
        an_edit_with_which_the_page_cannot_be_rendered_is_rejected;
}

fn the_generation_counts_accepted_changes(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for generation in 2..6 {
        server.replace("config.yaml", with_interval(generation + 100))?;
        server.wait_for_generation(generation)?;
        assert_eq!(server.get("/readyz")?.json()?["generation"], generation);
    }
    Ok(())
}

fn the_message_tells_of_the_last_change(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let first = message(&server)?;
    assert_eq!(shape(&first), "Initial message at 00:00:00", "{first}");
    server.replace("config.yaml", with_interval(42))?;
    server.wait_for_generation(2)?;
    let second = message(&server)?;
    assert_eq!(shape(&second), "Config updated at 00:00:00. Interval: 00 seconds.", "{second}");
    assert!(second.ends_with("Interval: 42 seconds."), "{second}");
    Ok(())
}

fn the_log_level_is_in_force_at_once(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.get("/while-info")?;
    server.edit("log_level: info", "log_level: debug")?;
    events.event("config")?;
    server.get("/while-debug")?;
    server.log().wait_for_log("the access line", |line| line.contains("/while-debug"))?;
    server.edit("log_level: debug", "log_level: error")?;
    events.event("config")?;
    server.get("/while-error")?;
    server.edit("log_level: error", "log_level: debug")?;
    events.event("config")?;
    server.get("/debug-again")?;
    server.log().wait_for_log("the access line", |line| line.contains("/debug-again"))?;
    let text = server.log().text();
    assert!(!text.contains("/while-info") && !text.contains("/while-error"), "{text}");
    let lines = server.log().lines();
    assert_eq!(
        lines.iter().filter(|line| line.contains("/while-debug")).count(),
        1,
        "one line a request:\n{text}"
    );
    Ok(())
}

fn the_flag_shows_and_hides_a_part_of_the_page(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let shown = server.get("/")?.text();
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    let hidden = server.get("/")?.text();
    assert!(shown.contains("true") && hidden.contains("false"));
    assert!(
        shown.lines().count().abs_diff(hidden.lines().count()) > 0 || shown.len().abs_diff(hidden.len()) > 40
    );
    Ok(())
}

fn every_value_of_the_page_follows_the_file(demo: &Demo) -> Verdict {
    let template = "{{ app_name }} {{ database.host }} {{ database.port }} {{ database.user }} {{ database.name }} \
                    {{ settings.log_level }} {{ settings.feature_flag_a }} {{ settings.refresh_interval_seconds }} {{ generation }}";
    let server = demo.server().template("index.html", template).start()?;
    assert_eq!(server.get("/")?.text(), "MyRustApp localhost 5432 admin myapp_db info true 5 1");
    let mut config = Server::shipped_config();
    for (from, to) in [
        ("MyRustApp", "Other"),
        ("host: localhost", "host: db.example"),
        ("5432", "5433"),
        ("user: admin", "user: reader"),
        ("myapp_db", "other_db"),
        ("log_level: info", "log_level: warn"),
        ("feature_flag_a: true", "feature_flag_a: false"),
        ("seconds: 5", "seconds: 6"),
    ] {
        config = config.replacen(from, to, 1);
    }
    server.replace("config.yaml", config)?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/")?.text(), "Other db.example 5433 reader other_db warn false 6 2");
    Ok(())
}

fn sighup_reloads_at_once(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.signal(Signal::HUP)?;
    wait_until("an attempt by signal", || {
        server.history().is_ok_and(|attempts| attempts.iter().any(|attempt| attempt["trigger"] == "signal"))
    })?;
    let attempts = server.history()?;
    assert_eq!(attempts[0]["outcome"], "unchanged");
    assert_eq!(server.get("/healthz")?.generation(), Some(1));
    Ok(())
}

fn sighup_reads_a_file_without_an_event(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.replace("config.yaml", with_interval(77))?;
    server.signal(Signal::HUP)?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 77);
    Ok(())
}

fn sighup_on_a_terminal_that_is_there_reloads(demo: &Demo) -> Verdict {
    let terminal = Terminal::open()?;
    let server = demo.server().after(&terminal.first()).start()?;
    server.signal(Signal::HUP)?;
    wait_until("an attempt by signal", || {
        server.history().is_ok_and(|attempts| attempts.iter().any(|attempt| attempt["trigger"] == "signal"))
    })?;
    assert!(server.lives());
    Ok(())
}

fn sighup_after_its_terminal_is_gone_stops_it(demo: &Demo) -> Verdict {
    let terminal = Terminal::open()?;
    let server = demo.server().args("--linger 0").after(&terminal.first()).start()?;
    drop(terminal);
    server.wait_for_exit()?;
    Ok(())
}

/// A pseudo-terminal. It is closed when this is dropped.
struct Terminal {
    _window: OwnedFd,
    name: String,
}

impl Terminal {
    fn open() -> Result<Terminal, Failed> {
        let window = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&window)?;
        unlockpt(&window)?;
        let name = ptsname(&window, Vec::new())?.into_string()?;
        Ok(Terminal { _window: window, name })
    }

    /// A line of shell that makes this the terminal of the server. The leader of a new session gets the first terminal that it
    /// opens, and the kernel sends it `SIGHUP` when that is closed. The tests may have been started by `nohup`.
    fn first(&self) -> String {
        let open = format!("exec 4<>{}; exec \"$@\"", self.name);
        format!("exec setsid env --default-signal=HUP sh -c '{open}' sh \"$@\" 3<&0 0</dev/null; false")
    }
}

fn an_edit_with_which_the_page_cannot_be_rendered_is_rejected(demo: &Demo) -> Verdict {
    let template = "{% if settings.feature_flag_a %}fine{% else %}{{ nothing_of_that_name }}{% endif %}";
    let server = demo.server().template("index.html", template).start()?;
    let mut events = server.events()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    let problem = events.event("problem")?.json()?;
    assert_eq!(problem["source"], "config");
    assert_eq!(server.get("/")?.text(), "fine");
    assert_eq!(server.get("/dynamic-config")?.json()?["feature_flag_a"], true);
    assert_eq!(server.history()?[0]["outcome"], "rejected");
    Ok(())
}

fn with_interval(seconds: u64) -> String {
    Server::shipped_config()
        .replace("refresh_interval_seconds: 5", &format!("refresh_interval_seconds: {seconds}"))
}

fn message(server: &Running) -> Result<String, Failed> {
    let json = server.get("/dynamic-config")?.json()?;
    Ok(json["dynamic_message"].as_str().ok_or("no message")?.to_owned())
}

/// The text with every digit replaced by zero.
fn shape(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}
