//! Processes for the tests: this test binary again, which then runs one of the roles below.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lifecycle::{
    DrainTimeouts, Endpoint, Filter, Format, Hangup, Inherited, Logs, PidFile, Rules, Server, Signal,
    Signals, Socket, notify,
};
use rustix::process::{Pid, Resource, Rlimit, Signal as Kill, getrlimit, kill_process, setrlimit};

use crate::server::{LONG, Setup, TestService, wait_for};

/// The variable that names the role. Without it a role that is run as a test does nothing.
const ROLE: &str = "LIFECYCLE_TEST_ROLE";

/// A process that is not running yet.
pub(crate) struct Child {
    command: Command,
}

/// A running process. Dropping it kills it.
pub(crate) struct Running {
    process: std::process::Child,
    lines: BufReader<std::process::ChildStdout>,
    errors: Option<BufReader<std::process::ChildStderr>>,
}

impl Child {
    pub(crate) fn start(role: &str) -> Child {
        Child::through(&[], role)
    }

    /// Starts it through a launcher, such as a line of shell: the command follows the launcher's own arguments.
    pub(crate) fn through(launcher: &[&str], role: &str) -> Child {
        let program = env::current_exe().unwrap();
        let mut command = match launcher {
            [] => Command::new(&program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        command
            .args(["--exact", &format!("child::{role}"), "--ignored", "--nocapture", "--quiet"])
            .arg("--test-threads=1")
            .env(ROLE, role)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Child { command }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Child {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, file: impl Into<OwnedFd>) -> Child {
        self.command.stdin(file.into());
        self
    }

    pub(crate) fn stderr(mut self, file: impl Into<OwnedFd>) -> Child {
        self.command.stderr(file.into());
        self
    }

    pub(crate) fn spawn(mut self) -> Running {
        let mut process = self.command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let errors = process.stderr.take().map(BufReader::new);
        Running { process, lines, errors }
    }
}

impl Running {
    /// The next line that the role prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(
                self.lines.read_line(&mut line).unwrap() > 0,
                "the child ended: {}",
                self.rest_of_stderr()
            );
            if let Some(said) = line.strip_prefix("> ") {
                return String::from(said.trim_end());
            }
        }
    }

    /// Waits for a line with `text` on its stderr.
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.errors.as_mut().unwrap().read_line(&mut line).unwrap() > 0, "the child ended");
        }
    }

    pub(crate) fn signal(&self, signal: Kill) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Ends it by `SIGTERM`, and returns the rest of its stderr.
    pub(crate) fn terminate(&mut self) -> String {
        self.signal(Kill::TERM);
        assert!(self.exit().success());
        self.rest_of_stderr()
    }

    pub(crate) fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the child lives on");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn rest_of_stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(errors) = &mut self.errors {
            errors.read_to_string(&mut text).unwrap();
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn has_role(role: &str) -> bool {
    env::var(ROLE).is_ok_and(|playing| playing == role)
}

fn say(line: impl std::fmt::Display) {
    println!("\n> {line}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn terminated(signals: &mut Signals) {
    while signals.next().await != Signal::Terminate {}
}

#[test]
#[ignore = "a role that other tests run"]
fn starving_server() {
    if !has_role("starving_server") {
        return;
    }
    let _logs = Logs::start(&Filter::parse("warn").unwrap(), Format::Text);
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(40), maximum }).unwrap();
    runtime().block_on(async {
        let mut signals = Signals::new().unwrap();
        let server = Setup::own(LONG, LONG).start();
        say(server.address());
        terminated(&mut signals).await;
    });
}

#[test]
#[ignore = "a role that other tests run"]
fn server_on_an_inherited_socket() {
    if !has_role("server_on_an_inherited_socket") {
        return;
    }
    match Socket::take() {
        Ok(None) => say("nothing"),
        Ok(Some(socket)) => {
            let left = ["LISTEN_FDS", "LISTEN_PID"].iter().any(|name| env::var_os(name).is_some());
            say(format!("{} shared={} left={left}", socket.address(), socket.is_shared()));
            let server = Setup::shared(LONG, LONG).start_on(socket, "server_on_an_inherited_socket");
            runtime().block_on(async {
                terminated(&mut Signals::new().unwrap()).await;
            });
            drop(server);
        }
        Err(error) => say(format!("error: {error}")),
    }
}

#[test]
#[ignore = "a role that other tests run"]
fn sender_of_messages() {
    if !has_role("sender_of_messages") {
        return;
    }
    let _logs = Logs::start(&Filter::parse("warn").unwrap(), Format::Text);
    notify::ready();
    notify::reloading();
    notify::ready();
    notify::main_pid(4711);
    notify::status("two\nlines");
    notify::stopping();
    say(env::var("NOTIFY_SOCKET").unwrap_or_default());
}

#[test]
#[ignore = "a role that other tests run"]
fn listener_to_signals() {
    if !has_role("listener_to_signals") {
        return;
    }
    runtime().block_on(async {
        let mut signals = Signals::new().unwrap();
        say("listening");
        loop {
            let signal = signals.next().await;
            if signal == Signal::Hangup && signals.hangup_means() == Hangup::Stop {
                std::fs::write(env::var("LIFECYCLE_TEST_FILE").unwrap(), "stopped").unwrap();
                return;
            }
            say(format!("{signal:?}"));
            if signal == Signal::Terminate {
                return;
            }
        }
    });
}

#[test]
#[ignore = "a role that other tests run"]
fn holder_of_a_process_file() {
    if !has_role("holder_of_a_process_file") {
        return;
    }
    runtime().block_on(async {
        let mut signals = Signals::new().unwrap();
        let file = PidFile::create(env::var("LIFECYCLE_TEST_FILE").unwrap(), None);
        match &file {
            Ok(_) => say("mine"),
            Err(error) => say(error),
        }
        terminated(&mut signals).await;
    });
}

#[test]
#[ignore = "a role that other tests run"]
fn writer_of_many_lines() {
    if !has_role("writer_of_many_lines") {
        return;
    }
    let logs = Logs::start(&Filter::parse("info").unwrap(), Format::Text);
    let since = Instant::now();
    for number in 0..50_000 {
        tracing::info!(number, "a line");
    }
    let talked = since.elapsed();
    wait_for(|| logs.lost() > 0);
    assert_eq!(lifecycle::process_stats().lines_dropped, logs.lost());
    drop(logs);
    say(format!("{} {}", talked.as_millis(), since.elapsed().as_millis()));
}

#[test]
#[ignore = "a role that other tests run"]
fn panicker() {
    if !has_role("panicker") {
        return;
    }
    let logs = Logs::start(&Filter::parse("error").unwrap(), Format::Json);
    let _ = thread::spawn(|| panic!("as asked")).join();
    drop(logs);
}

/// Runs a whole server that says its address whenever a listener begins to accept.
fn serve_whole(server: impl FnOnce(Server) -> Server, name: &'static str) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let whole = Server::new(Inherited::take().unwrap(), "127.0.0.1", 0).unwrap();
        let whole = server(whole.drain_timeouts(DrainTimeouts { linger: LONG, deadline: LONG * 10 }));
        let serve = move |endpoint: Endpoint| {
            say(endpoint.address());
            lifecycle::serve(endpoint, TestService::new(name))
        };
        whole.serve(serve).await.unwrap();
    });
}

#[test]
#[ignore = "a role that other tests run"]
fn server_whose_reload_hangs() {
    if !has_role("server_whose_reload_hangs") {
        return;
    }
    let hang = || {
        say("reloading");
        std::future::pending()
    };
    serve_whole(|server| server.on_reload(hang), "hanging");
}

#[test]
#[ignore = "a role that other tests run"]
fn server_that_moves() {
    if !has_role("server_that_moves") {
        return;
    }
    let moving = |server: Server| {
        let handle = server.handle();
        let timeouts = DrainTimeouts { linger: Duration::from_millis(100), deadline: LONG };
        server.drain_timeouts(timeouts).on_reload(move || {
            let handle = handle.clone();
            async move {
                tokio::task::spawn_blocking(move || handle.move_to("127.0.0.2", 0)).await.unwrap().unwrap();
            }
        })
    };
    serve_whole(moving, "moving");
}

#[test]
#[ignore = "a role that other tests run"]
fn server_that_asks_for_an_upgrade() {
    if !has_role("server_that_asks_for_an_upgrade") {
        return;
    }
    let upgrading = |server: Server| {
        let handle = server.handle();
        let timeouts = DrainTimeouts { linger: Duration::ZERO, deadline: LONG };
        let rules = || Rules { sha256: Some(String::from("none")), public_key: None };
        server.drain_timeouts(timeouts).upgrade_rules(rules).on_reload(move || {
            let handle = handle.clone();
            async move { say(format!("{:?}", handle.upgrade().await)) }
        })
    };
    serve_whole(upgrading, "upgrading");
}

#[test]
#[ignore = "a role that other tests run"]
fn service_in_two_lines() {
    if !has_role("service_in_two_lines") {
        return;
    }
    runtime().block_on(async {
        let listener = lifecycle::listener("127.0.0.1:0").unwrap();
        say(listener.local_addr().unwrap());
        lifecycle::shutdown().await;
    });
}

#[test]
#[ignore = "a role that other tests run"]
fn lossless_service() {
    if !has_role("lossless_service") {
        return;
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let endpoint = lifecycle::endpoint("127.0.0.1:0").unwrap();
        say(endpoint.address());
        lifecycle::serve(endpoint, TestService::new("lossless")).await.unwrap();
    });
}
