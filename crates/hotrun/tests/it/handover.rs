//! One server takes over from another, and no request fails.

use std::env;

use crate::load::{Load, Manner, Tally};
use crate::project::{Hotrun, Project};

/// Restarts of each program in the quick tier.
const FEW: usize = 3;

/// Restarts in the long tier; `just restarts` sets the variable.
fn many() -> usize {
    env::var("HOTRUN_RESTARTS").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}

/// Replaces the line that binds, for a program that takes its socket from a supervisor.
const TAKES_OVER: &str = "use std::os::fd::FromRawFd; assert_eq!(std::env::var(\"LISTEN_PID\").as_deref(), \
    Ok(std::process::id().to_string().as_str())); let listener = unsafe { TcpListener::from_raw_fd(3) }; \
    listener.set_nonblocking(false).expect(\"a socket\");";

const BINDS: &str = "let listener = TcpListener::bind(\"127.0.0.1:PORT\").expect(\"a port\");";

fn binding(project: &Project) -> String {
    BINDS.replace("PORT", &project.port().to_string())
}

/// Restarts under load; every version must have answered.
fn restarted(hotrun: &Hotrun, count: usize) -> Tally {
    hotrun.wait_for_answer("version 1");
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    for version in 2..=count + 1 {
        hotrun.becomes(version);
        hotrun.wait_until("client that saw it", || load.has_seen(&format!("version {version}")));
    }
    let tally = load.end();
    assert_eq!(tally.answers.len(), count + 1, "every version was seen: {:?}", tally.answers);
    tally
}

#[track_caller]
fn loses_nothing(hotrun: &Hotrun, restarts: usize) {
    let tally = restarted(hotrun, restarts);
    assert_eq!(
        tally.failures,
        Vec::<String>::new(),
        "of {}; it was said:\n{}",
        tally.answered(),
        hotrun.said()
    );
}

/// The main claim: a program with a hard-coded address and without a graceful shutdown; each request has its own connection.
#[test]
fn no_request_fails_over_the_restarts_of_an_untouched_program() {
    let hotrun = untouched().hotrun();
    loses_nothing(&hotrun, FEW);
    assert!(hotrun.said().contains("the program says where when it binds"), "the way and its reason");
}

#[test]
fn no_request_fails_where_the_program_takes_its_socket() {
    let hotrun = takes_its_socket().hotrun();
    loses_nothing(&hotrun, FEW);
    assert!(hotrun.said().contains("`[socket] address` gives it"), "the way and its reason");
}

#[test]
fn no_request_fails_where_the_old_server_is_stopped_first() {
    loses_nothing(&stopped_first().hotrun(), FEW);
}

#[test]
fn no_request_fails_behind_the_proxy() {
    loses_nothing(&behind_the_proxy().hotrun(), FEW);
}

#[test]
fn no_request_fails_over_many_restarts() {
    if !conformance::long_tier() {
        return;
    }
    for project in [untouched(), takes_its_socket(), stopped_first(), behind_the_proxy()] {
        loses_nothing(&project.hotrun(), many());
    }
}

fn untouched() -> Project {
    Project::server()
}

fn takes_its_socket() -> Project {
    let project = Project::server().file(".hotrun.toml", "[socket]\naddress = \"127.0.0.1:PORT\"\n");
    let binds = binding(&project);
    project.edited("src/main.rs", &binds, TAKES_OVER)
}

fn stopped_first() -> Project {
    Project::server().file(".hotrun.toml", "[socket]\nway = \"stop-first\"\n")
}

fn behind_the_proxy() -> Project {
    let settings = "[socket]\nway = \"proxy\"\naddress = \"127.0.0.1:PORT\"\n";
    let project = Project::server().file(".hotrun.toml", settings);
    let binds = binding(&project);
    let port = "let port = std::env::var(\"PORT\").expect(\"a port\"); \
        let listener = TcpListener::bind(format!(\"127.0.0.1:{port}\")).expect(\"a port\");";
    project.edited("src/main.rs", &binds, port)
}

/// The negative control: without hotrun's sockets the same load loses requests.
#[test]
fn requests_fail_where_nothing_is_owned() {
    let project = Project::server().file(".hotrun.toml", "[socket]\nway = \"none\"\n");
    let hotrun = project.hotrun();
    let tally = restarted(&hotrun, 3);
    assert!(!tally.failures.is_empty(), "of {} none failed", tally.answered());
}

/// The answer of the path decides, and not that the program listens.
#[test]
fn a_server_is_ready_when_its_path_answers() {
    let hotrun = Project::server().file(".hotrun.toml", "[ready]\nhttp = \"/ready\"\n").hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.wait_for("it answers");
    hotrun.becomes(2);
    hotrun.wait_for_count("it answers", 2);
}

/// An edit of the address moves the server, and no connection waits at the old address.
#[test]
fn a_server_that_moves_leaves_no_listener_behind() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    let there = Project::new();
    let (from, to) = (hotrun.project().port().to_string(), there.port().to_string());
    hotrun.project().edit("src/main.rs", &format!("127.0.0.1:{from}"), &format!("127.0.0.1:{to}"));
    hotrun.wait_until("answer at the new address", || crate::project::get(there.address()).is_ok());
    hotrun.wait_until("refusal at the old address", || {
        crate::project::get(hotrun.project().address())
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    });
}
