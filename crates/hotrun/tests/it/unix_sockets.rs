//! Programs on a Unix socket.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;

use crate::lending::{present, script};
use crate::project::{DEADLINE, Hotrun, Project};

const EDITS: usize = 4;
const CLIENTS: usize = 4;

/// One request on a connection of its own.
fn get(socket: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") && !body.is_empty() => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!("answered `{answer}`"))),
    }
}

/// The different answers, and the failures.
#[derive(Clone, Debug, Default)]
struct Seen {
    answers: BTreeSet<String>,
    failures: Vec<String>,
}

/// Clients that ask without a pause until they are ended, and retry nothing.
struct Clients {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    fn on(socket: &Path) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let threads = (0..CLIENTS).map(|_| {
            let (over, seen, socket) = (Arc::clone(&over), Arc::clone(&seen), socket.to_owned());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    match get(&socket) {
                        Ok(answer) => drop(seen.lock().unwrap().answers.insert(answer)),
                        Err(error) => seen.lock().unwrap().failures.push(error.to_string()),
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            })
        });
        Self { threads: threads.collect(), seen, over }
    }

    fn has_seen(&self, version: usize) -> bool {
        self.seen.lock().unwrap().answers.contains(&format!("version {version}."))
    }

    /// The failures.
    fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.seen.lock().unwrap().failures.clone()
    }
}

fn serving(program: &str, settings: &str) -> (Hotrun, PathBuf) {
    let build =
        format!("[build]\nfull_bin = \"{program} run/app.sock\"\ninclude_ext = [\"txt\"]\n{settings}");
    let project = Project::new().file("version.txt", "version 1.").file("run/.keep", "");
    let socket = project.path("run/app.sock");
    let hotrun = project.file(".hotrun.toml", &build).hotrun();
    hotrun.wait_until("first answer", || get(&socket).is_ok());
    (hotrun, socket)
}

/// Edits the program under load, until a client has seen each version.
fn edited(program: &str, settings: &str) -> (Hotrun, Vec<String>) {
    let (hotrun, socket) = serving(program, settings);
    let clients = Clients::on(&socket);
    for version in 1..=EDITS + 1 {
        hotrun.project().save("version.txt", &format!("version {version}."));
        hotrun.wait_until(&format!("client that saw version {version}"), || clients.has_seen(version));
    }
    (hotrun, clients.end())
}

#[track_caller]
fn nothing_is_lost(program: &str) {
    let (mut hotrun, failures) = edited(program, "");
    assert_eq!(failures, Vec::<String>::new(), "{}", hotrun.said());
    let socket = hotrun.project().path("run/app.sock");
    let named = format!("serves unix:{}", socket.canonicalize().unwrap().display());
    assert!(hotrun.said().contains(&named), "`{named}` in {}", hotrun.said());
    hotrun.signal(Signal::INT);
    hotrun.wait();
    assert!(!socket.exists(), "the socket of a program that has ended is removed");
}

#[test]
fn a_program_that_removes_its_socket_loses_no_request() {
    if let Some(python) = present("python3") {
        nothing_is_lost(&format!("{python} {}", script("unix.py")));
    }
}

#[test]
fn a_program_that_handles_no_signal_loses_no_request() {
    if present("go").is_none() {
        return;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-unix");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg(script("unix.go")).status();
    assert!(built.unwrap().success());
    nothing_is_lost(program.to_str().unwrap());
}

#[test]
fn a_program_that_leaves_its_socket_loses_no_request() {
    if conformance::long_tier()
        && let Some(node) = present("node")
    {
        nothing_is_lost(&format!("{node} {}", script("unix.js")));
    }
}

/// The negative control. The program leaves its file: the old one would remove that of its successor.
#[test]
fn a_program_whose_socket_is_not_lent_loses_requests() {
    let Some(python) = present("python3") else { return };
    let program = format!("STAYS=1 {python} {}", script("unix.py"));
    let (_hotrun, failures) = edited(&program, "[socket]\nway = \"none\"\n");
    assert!(!failures.is_empty());
}

/// The end of the program is no reason to let clients wait.
#[test]
fn after_the_end_of_the_program_its_socket_answers_with_the_reason() {
    let Some(python) = present("python3") else { return };
    let (hotrun, socket) =
        serving(&format!("{python} {}", script("unix.py")), "[probation]\ntime = \"200ms\"\n");
    let status = hotrun.project().command().args(["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let process = status["servers"][0]["process"].as_i64().unwrap();
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    rustix::process::kill_process(process, Signal::KILL).unwrap();
    hotrun.wait_for("requests are answered with 503 and the reason");
    let refused = get(&socket).unwrap_err().to_string();
    assert!(refused.contains("503") && refused.contains("was ended by signal 9"), "{refused}");
}
