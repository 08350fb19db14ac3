//! Keys that each program has for itself: two programs with different values, side by side.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Servers;
use crate::control::ask;
use crate::project::{Hotrun, Project};
use crate::silent_writer::SilentWriter;

/// Says which signal it gets, and ends.
const SPEAKS: &str = "trap 'echo got INT; exit' INT; trap 'echo got TERM; exit' TERM; echo begins; while :; do sleep 0.05; done";

/// Ends at no signal that can be caught.
const STAYS: &str = "trap '' INT TERM; echo begins; while :; do sleep 0.05; done";

/// The programs `a` and `b` with the same command and these lines of settings, once both have begun.
fn both(command: &str, a: &str, b: &str) -> Hotrun {
    let of = |name: &str, lines: &str| format!("[run.{name}]\nfull_bin = \"\"\"{command}\"\"\"\n{lines}\n");
    let hotrun = Project::new().file(".hotrun.toml", &(of("a", a) + &of("b", b))).hotrun();
    hotrun.wait_for("a | begins");
    hotrun.wait_for("b | begins");
    hotrun
}

fn kill(process: u32) {
    kill_process(Pid::from_raw(process.cast_signed()).expect("a process"), Signal::KILL).expect("it lives");
}

#[test]
fn each_program_gets_its_signal() {
    let hotrun = both(SPEAKS, "send_interrupt = true", "");
    assert!(ask(hotrun.project(), &["restart", "--wait"]).status.success(), "{}", hotrun.said());
    hotrun.wait_for("a | got INT");
    hotrun.wait_for("b | got TERM");
    assert_eq!(hotrun.count("a | got TERM") + hotrun.count("b | got INT"), 0, "{}", hotrun.said());
}

#[test]
fn each_program_has_its_time_to_end() {
    let hotrun = both(STAYS, "kill_delay = \"50ms\"", "kill_delay = 200");
    assert!(ask(hotrun.project(), &["restart"]).status.success());
    hotrun.wait_for("hotrun  a: server 1 has not ended 50 ms after SIGTERM and is killed");
    hotrun.wait_for("hotrun  b: server 1 has not ended 200 ms after SIGTERM and is killed");
    hotrun.wait_for_count("a | begins", 2);
    hotrun.wait_for_count("b | begins", 2);
}

#[test]
fn each_program_has_its_probation() {
    let servers =
        Servers::start(&[("api", "probation.time = \"60s\""), ("worker", "probation.time = \"1ms\"")]);
    let first = [servers.process(0), servers.process(1)];
    servers.project().save("api.txt", "second");
    servers.project().save("worker.txt", "second");
    servers.hotrun.wait_for("hotrun  worker: server 1 leaves");
    for (at, old) in first.into_iter().enumerate() {
        let successor =
            || servers.answer(at).split(' ').nth(2).is_some_and(|process| process != old.to_string());
        servers.hotrun.wait_until("successor", successor);
        kill(servers.process(at));
    }
    servers.hotrun.wait_for("hotrun  api: server 2 was ended by signal 9 on probation and is given up");
    servers.hotrun.wait_for("hotrun  worker: server 2 was ended by signal 9; a change starts it again");
    servers.hotrun.wait_until("first server", || servers.answer(0).contains(&first[0].to_string()));
}

#[test]
fn each_program_stops_at_an_error_or_not() {
    let build = "cmd = \"test ! -e broken\"";
    let servers = Servers::start(&[("api", &format!("{build}\nstop_on_error = true")), ("worker", build)]);
    let processes = [servers.process(0), servers.process(1)];
    servers.project().save("broken", "");
    servers.project().save("api.txt", "second");
    servers.project().save("worker.txt", "second");
    servers.hotrun.wait_for("hotrun  api: the build failed after ");
    servers.hotrun.wait_for("exit status: 1; `stop_on_error` stops the server");
    servers.hotrun.wait_for("exit status: 1; the server stays as it is");
    servers.hotrun.wait_until("end", || !super::lives(processes[0]));
    assert_eq!(servers.process(1), processes[1], "{}", servers.hotrun.said());
    assert_eq!(servers.hotrun.count("hotrun  api: the server stays"), 0, "{}", servers.hotrun.said());
}

#[test]
fn each_program_has_its_delay() {
    let servers = Servers::start(&[("api", "delay = \"3s\""), ("worker", "")]);
    let saved = Instant::now();
    servers.project().save("api.txt", "second");
    servers.project().save("worker.txt", "second");
    servers.hotrun.wait_for("hotrun  worker: server 2 is ready");
    servers.hotrun.wait_for("hotrun  api: server 2 is ready");
    assert!(saved.elapsed() >= Duration::from_secs(3), "{:?}", saved.elapsed());
    let said = servers.hotrun.said();
    let place = |words: &str| said.find(words).expect("it was said");
    assert!(place("hotrun  api: api.txt changed") < place("hotrun  api: server 2 is ready"), "{said}");
}

/// Without the keys the files are looked at every 3 s.
#[test]
fn the_files_of_a_program_are_polled_as_often_as_it_says() {
    let polled = Servers::start(&[("api", "poll = true\npoll_interval = \"1h\""), ("worker", "")]);
    let usual = Servers::start(&[("api", ""), ("worker", "")]);
    let mut unseen = SilentWriter::open(&polled.project().path("api.txt"));
    unseen.replace("first", "other");
    let mut writer = SilentWriter::open(&usual.project().path("api.txt"));
    for (server, old, new) in [(2, "first", "other"), (3, "other", "third")] {
        writer.replace(old, new);
        usual.hotrun.wait_for(&format!("hotrun  api: server {server} is ready"));
    }
    assert_eq!(polled.hotrun.count("api.txt changed"), 0, "{}", polled.hotrun.said());
    drop(unseen);
    polled.hotrun.wait_for("hotrun  api: server 2 is ready");
    assert_eq!(polled.hotrun.count("worker: server 2"), 0, "{}", polled.hotrun.said());
}
