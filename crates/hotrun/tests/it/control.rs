//! Requests to a running hotrun, as scripts and editors send them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::project::{Hotrun, Project, get};

fn serving() -> Hotrun {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun
}

/// Runs `hotrun ARGUMENTS` in the project's folder, to its end.
pub(crate) fn ask(project: &Project, arguments: &[&str]) -> Output {
    project.command().args(arguments).output().expect("hotrun")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn status(project: &Project) -> Value {
    serde_json::from_slice(&ask(project, &["status", "--json"]).stdout).expect("one line of JSON")
}

#[test]
fn a_reload_waits_for_the_outcome() {
    let hotrun = serving();
    let project = hotrun.project();
    hotrun.save_version(2);
    let reload = ask(project, &["reload", "--wait"]);
    assert_eq!(reload.status.code(), Some(0), "{reload:?}");
    assert!(out(&reload).contains(" serves"), "{reload:?}");
    assert!(get(project.address()).expect("an answer").ends_with("version 2"), "{}", hotrun.said());
    project.edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    let reload = ask(project, &["reload", "--wait"]);
    assert_eq!(reload.status.code(), Some(1), "{reload:?}");
    assert!(errors(&reload).contains("hotrun  the build failed after"), "{reload:?}");
    assert!(errors(&reload).contains("expected `;`, found keyword"), "the compiler's words: {reload:?}");
    let reload = ask(project, &["reload", "--wait", "--json"]);
    let result: Value = serde_json::from_slice(&reload.stdout).expect("one line of JSON");
    assert_eq!((&result["ok"], reload.status.code()), (&Value::Bool(false), Some(1)), "{result}");
    assert!(get(project.address()).expect("an answer").ends_with("version 2"), "{}", hotrun.said());
    project.edit("src/main.rs", "nonsense", "");
    let reload = ask(project, &["reload", "--wait"]);
    assert_eq!(reload.status.code(), Some(0), "{reload:?}");
}

#[test]
fn a_server_that_fails_at_its_start_is_the_outcome_of_a_reload() {
    let hotrun = serving();
    hotrun.project().edit("src/main.rs", "// before", "panic!(\"no database\");");
    let reload = ask(hotrun.project(), &["reload", "--wait"]);
    assert_eq!(reload.status.code(), Some(1), "{reload:?}");
    assert!(errors(&reload).contains("ended with status 101 before it was ready"), "{reload:?}");
    let status = status(hotrun.project());
    assert_eq!(status["state"], "serves", "the good one: {status}");
    assert!(
        status["problem"]["reason"].as_str().is_some_and(|words| words.contains("is given up")),
        "{status}"
    );
}

#[test]
fn a_restart_starts_the_same_program_without_a_build() {
    let hotrun = serving();
    let restart = ask(hotrun.project(), &["restart", "--wait"]);
    assert_eq!(out(&restart), "server 2 serves\n", "{restart:?}");
    assert_eq!(restart.status.code(), Some(0), "{restart:?}");
    assert_eq!(hotrun.count("hotrun  builds: "), 1, "{}", hotrun.said());
    hotrun.wait_for_answer("version 1");
}

#[test]
fn without_a_build_a_reload_starts_the_program() {
    let settings = "[build]\nfull_bin = \"python3 -m http.server --bind 127.0.0.1 PORT\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("server 1 is ready");
    let reload = ask(hotrun.project(), &["reload", "--wait"]);
    assert_eq!(out(&reload), "server 2 serves\n", "{reload:?} {}", hotrun.said());
}

#[test]
fn the_status_is_for_people_and_for_programs() {
    let hotrun = serving();
    let project = hotrun.project();
    let words = out(&ask(project, &["status"]));
    let address = format!("http://127.0.0.1:{}", project.port());
    for line in [format!("state     serves {address}\n"), format!("hotrun    process {}\n", hotrun.pid())] {
        assert!(words.contains(&line), "{line}: {words}");
    }
    let found = status(project);
    assert_eq!(found["process"], hotrun.pid());
    assert_eq!(found["root"].as_str(), project.folder().canonicalize().expect("a folder").to_str());
    assert_eq!((&found["bin"], &found["state"]), (&Value::from("site"), &Value::from("serves")));
    assert_eq!(found["addresses"][0], address);
    assert_eq!(found["servers"][0]["server"], 1);
    assert_eq!((&found["build"]["outcome"], &found["problem"]), (&Value::from("good"), &Value::Null));
    let below = project.command().arg("status").current_dir(project.path("src")).output().expect("hotrun");
    assert!(out(&below).contains(&address), "from a folder below: {below:?}");
}

#[test]
fn a_stop_returns_when_nothing_runs_any_more() {
    let mut hotrun = serving();
    let stop = ask(hotrun.project(), &["stop"]);
    assert_eq!(stop.status.code(), Some(0), "{stop:?}");
    assert!(get(hotrun.project().address()).is_err());
    assert!(hotrun.wait().success());
    for request in [&["status"][..], &["reload", "--wait"], &["restart"], &["stop"], &["logs"]] {
        let output = ask(hotrun.project(), request);
        assert_eq!(output.status.code(), Some(4), "{request:?}: {output:?}");
        assert!(errors(&output).contains("no hotrun runs in `"), "{request:?}: {output:?}");
    }
}

#[test]
fn the_log_since_the_last_build_is_that_builds() {
    let hotrun = serving();
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    let all = out(&ask(hotrun.project(), &["logs"]));
    assert!(all.contains("hotrun  server 1 is ready"), "{all}");
    let last = out(&ask(hotrun.project(), &["logs", "--since-build"]));
    assert!(last.starts_with("hotrun  builds: cargo build"), "{last}");
    assert!(
        last.contains("expected `;`, found keyword") && last.contains("hotrun  the build failed"),
        "{last}"
    );
    assert!(!last.contains("server 1 is ready"), "{last}");
}

/// Each event is a line, and is in the table of the documentation.
#[test]
fn each_event_is_a_documented_line() {
    let docs =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hotrun.md")).expect("a page");
    let hotrun = serving();
    let mut follow = hotrun.project().command();
    let mut follow =
        follow.args(["logs", "--follow", "--json"]).stdout(Stdio::piped()).spawn().expect("hotrun");
    let mut lines = BufReader::new(follow.stdout.take().expect("a pipe")).lines();
    hotrun.save_version(2);
    let mut seen = BTreeSet::new();
    let mut next =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("UTF-8")).expect("JSON") };
    loop {
        let event = next();
        let name = event["event"].as_str().expect("a name").to_owned();
        assert!(event["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{event}");
        assert!(docs.contains(&format!("| `{name}` |")), "{event} is not in the table");
        for (field, _) in event.as_object().expect("an object") {
            assert!(docs.contains(&format!("`{field}`")), "{field} of {event} is not in the table");
        }
        let is_last = name == "ended";
        seen.insert(name);
        if is_last {
            break;
        }
    }
    let expected =
        ["begin", "build", "built", "change", "ended", "leave", "message", "output", "ready", "start"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    drop(hotrun);
    assert!(follow.wait().expect("a status").success(), "it ends with hotrun");
}

#[test]
fn one_of_several_is_named_by_its_settings() {
    let project = Project::new().file("version.txt", "");
    let command = |name: &str| format!("[build]\nfull_bin = \"echo {name} runs; exec sleep 600\"\n");
    let project = project.file("a.toml", &command("a")).file("b.toml", &command("b"));
    let second = project.command().args(["-c", "b.toml"]).spawn().expect("hotrun");
    let hotrun = project.args(&["-c", "a.toml"]).hotrun();
    hotrun.wait_for("a runs");
    let ask = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hotrun"));
        command.args(arguments).current_dir(hotrun.project().folder()).output().expect("hotrun")
    };
    let both = || errors(&ask(&["status"])).contains("which hotrun? `-c FILE` or `--bin NAME`: process");
    hotrun.wait_until("refusal", both);
    assert_eq!(ask(&["status"]).status.code(), Some(2));
    let named = out(&ask(&["status", "-c", "b.toml"]));
    assert!(named.contains(&format!("hotrun    process {}\n", second.id())), "{named}");
    assert_eq!(ask(&["stop", "-c", "b.toml"]).status.code(), Some(0));
    let left = out(&ask(&["status"]));
    assert!(left.contains(&format!("hotrun    process {}\n", hotrun.pid())), "{left}");
    let mut second = second;
    assert!(second.wait().expect("a status").success());
}

/// A killed hotrun cannot remove its socket. The next one does.
#[test]
fn the_socket_of_a_killed_hotrun_is_removed() {
    let runtime = tempfile::tempdir().expect("a folder");
    let sockets = || fs::read_dir(runtime.path().join("hotrun")).map_or(0, Iterator::count);
    let project = || {
        let settings = "[build]\nfull_bin = \"echo begun; exec sleep 600\"\n";
        let project = Project::new().file(".hotrun.toml", settings);
        project.env("XDG_RUNTIME_DIR", runtime.path().to_str().expect("UTF-8"))
    };
    let mut killed = project().hotrun();
    killed.wait_for("begun");
    killed.signal(Signal::KILL);
    killed.wait();
    assert_eq!(sockets(), 1);
    assert_eq!(ask(killed.project(), &["status"]).status.code(), Some(4));
    let mut next = project().hotrun();
    next.wait_for("begun");
    assert_eq!(sockets(), 1, "its own");
    next.signal(Signal::INT);
    next.wait();
    assert_eq!(sockets(), 0);
}
