//! Requests of scripts to a hotrun with several programs.

use serde_json::Value;

use super::Servers;
use crate::control::{ask, errors, out};
use crate::project::Project;

#[test]
fn the_status_lists_each_program() {
    let servers = Servers::start(&[("api", ""), ("worker", "")]);
    let words = out(&ask(servers.project(), &["status"]));
    let [api, worker] = [0, 1].map(|at| servers.addresses[at]);
    let expected = format!("program   api\nstate     serves http://{api}\nserver    1 serves (process ");
    assert!(words.starts_with(&expected), "{words}");
    assert!(words.contains(&format!("program   worker\nstate     serves http://{worker}\n")), "{words}");
    let status: Value =
        serde_json::from_str(&out(&ask(servers.project(), &["status", "--json"]))).expect("JSON");
    let programs = status["programs"].as_array().expect("a list");
    let of = |at: usize, key: &str| programs[at][key].clone();
    assert_eq!((of(0, "program"), of(1, "program")), ("api".into(), "worker".into()));
    assert_eq!((of(0, "state"), of(1, "state")), ("serves".into(), "serves".into()));
    assert_eq!(programs[1]["servers"][0]["process"], servers.process(1));
    assert_eq!(status["process"], servers.hotrun.pid());
}

#[test]
fn a_restart_concerns_the_named_program_or_all() {
    let servers = Servers::start(&[("api", ""), ("worker", "")]);
    let processes = [servers.process(0), servers.process(1)];
    let restart = ask(servers.project(), &["restart", "worker", "--wait"]);
    assert_eq!(
        (out(&restart).as_str(), restart.status.code()),
        ("server 2 serves\n", Some(0)),
        "{restart:?}"
    );
    assert_eq!(servers.process(0), processes[0]);
    assert_ne!(servers.process(1), processes[1]);
    let restart = ask(servers.project(), &["restart", "--wait"]);
    assert_eq!(out(&restart), "api: server 2 serves\nworker: server 3 serves\n", "{restart:?}");
    assert_ne!(servers.process(0), processes[0]);
    let reload = ask(servers.project(), &["reload", "api", "--wait", "--json"]);
    let result: Value = serde_json::from_str(&out(&reload)).expect("JSON");
    assert_eq!((&result["ok"], &result["server"]), (&Value::Bool(true), &Value::from(3)), "{result}");
    for request in [&["restart", "web"][..], &["reload", "web", "--wait"], &["logs", "web"]] {
        let refused = ask(servers.project(), request);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(
            errors(&refused).contains("no program is called `web`; there is `api`, `worker`"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_failure_of_one_program_is_the_outcome_for_all() {
    let settings = "[run.good]\nfull_bin = \"sleep 600\"\nsocket.way = \"none\"\n\
        [run.bad]\ncmd = \"test -e missing\"\nfull_bin = \"sleep 600\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("hotrun  bad: the build failed");
    hotrun.wait_for("hotrun  good: server 1 is ready");
    let reload = ask(hotrun.project(), &["reload", "--wait"]);
    assert_eq!(reload.status.code(), Some(1), "{reload:?}");
    assert!(errors(&reload).contains("hotrun  bad: the build failed after "), "{reload:?}");
    let reload = ask(hotrun.project(), &["reload", "good", "--wait"]);
    assert_eq!(reload.status.code(), Some(0), "{reload:?}");
    hotrun.project().save("missing", "");
    let reload = ask(hotrun.project(), &["reload", "bad", "--wait"]);
    assert_eq!((out(&reload).as_str(), reload.status.code()), ("server 1 serves\n", Some(0)), "{reload:?}");
}

#[test]
fn the_log_of_a_program_has_its_lines_and_no_others() {
    let servers = Servers::start(&[("api", ""), ("worker", "")]);
    servers.hotrun.wait_for("worker | begins with silent");
    servers.hotrun.wait_for("hotrun  worker: serves ");
    let log = out(&ask(servers.project(), &["logs", "worker"]));
    assert!(
        log.contains("worker | begins with silent\n") && log.contains("hotrun  worker: serves "),
        "{log}"
    );
    assert!(!log.contains("api"), "{log}");
    let log = out(&ask(servers.project(), &["logs", "api", "--json"]));
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines[0]["event"] == "begin" && lines[0]["program"].is_null(), "about all: {log}");
    assert!(lines[1..].iter().all(|line| line["program"] == "api"), "{log}");
    let own: Vec<&Value> = lines.iter().filter(|line| line["event"] == "line").collect();
    assert!(
        own.iter().any(|line| line["text"] == "begins with silent" && line["stream"] == "stdout"),
        "{log}"
    );
    assert!(own.iter().any(|line| line["text"] == "goes to stderr" && line["stream"] == "stderr"), "{log}");
}

#[test]
fn a_program_that_runs_alone_is_asked_without_a_name() {
    let settings = "[build]\nfull_bin = \"sleep 600\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_until("control socket", || ask(hotrun.project(), &["status"]).status.success());
    let refused = ask(hotrun.project(), &["restart", "api"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(errors(&refused).contains("this hotrun runs one program, without a name"), "{refused:?}");
}
