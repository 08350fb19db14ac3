//! A running `compare`.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use conformance::{Answer, Client, Request, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::programs::{compare, demos};

/// The program that serves the page. It gets `SIGTERM` when this is dropped.
pub(crate) struct Showing {
    child: Child,
    pub(crate) address: SocketAddr,
    _results: TempDir,
}

/// One figure of each kind.
pub(crate) const FIGURES: &str = r#"{
    "schema": 1,
    "servers": [
        { "id": "demo-axum", "name": "axum", "language": "Rust", "counterpart": "go-gin" },
        { "id": "go-gin", "name": "gin", "language": "Go", "note": null }
    ],
    "figures": [
        { "id": "start", "group": "start", "title": "Start to first answer", "unit": "ms", "better": "lower",
          "command": "just bench", "at": "2026-11-20T15:02:11Z", "machine": { "processor": "A processor", "cores": 2 },
          "columns": ["p99"],
          "rows": [ { "server": "demo-axum", "median": 9.5, "p99": 12 }, { "server": "go-gin", "median": 21.25 } ] },
        { "id": "rate", "group": "throughput", "title": "Requests a second, `/`", "better": "higher",
          "x": { "title": "connections", "log": true },
          "rows": [ { "server": "demo-axum", "x": 1, "median": 100 }, { "server": "demo-axum", "x": 64, "median": 71234 },
                    { "server": "go-gin", "note": "not offered" } ] }
    ],
    "aims": [ { "server": "demo-axum", "against": "go-gin", "what": "times faster", "wanted": "3", "measured": 2.2, "met": false } ]
}"#;

/// The time limit of an answer. One may wait for a build in Go, or for an edit in eight servers.
const TIMEOUT: Duration = Duration::from_mins(5);

impl Showing {
    /// Starts it on a free port, with some figures.
    pub(crate) fn start() -> Showing {
        Showing::of(&mut compare())
    }

    /// The same, by this command.
    pub(crate) fn of(command: &mut Command) -> Showing {
        let results = tempfile::tempdir().unwrap();
        fs::write(results.path().join("bench.json"), FIGURES).unwrap();
        let mut child = command
            .args(["--port", "0", "--no-open", "--programs"])
            .arg(demos())
            .arg("--results")
            .arg(results.path())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = said.find(|line| line.contains("the page is http://")).expect("it says where the page is");
        let address = line.split(['/', ';']).nth(2).unwrap().parse().unwrap();
        Showing { child, address, _results: results }
    }

    pub(crate) fn request(&self, request: &Request) -> Answer {
        Client::patient(self.address, TIMEOUT).unwrap().request(request).unwrap()
    }

    pub(crate) fn page(&self) -> String {
        let answer = self.request(&Request::get("/"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// Makes an edit as the page's script does, and returns the HTML that the page would show.
    pub(crate) fn edit(&self, name: &str) -> String {
        let answer = self.request(&self.post(&format!("/edits/{name}")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// A request of the page's script.
    pub(crate) fn post(&self, target: &str) -> Request {
        Request::new("POST", target).header("Origin", &format!("http://{}", self.address))
    }

    /// The addresses of the demos, in order.
    pub(crate) fn demos(&self) -> Vec<SocketAddr> {
        let page = self.page();
        page.split("<iframe src=\"http://")
            .skip(1)
            .map(|rest| rest.split('/').next().unwrap().parse().unwrap())
            .collect()
    }

    /// The folders of the demos' files, in order.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let page = self.page();
        page.split("its files: <code>").skip(1).map(|rest| rest.split('<').next().unwrap().into()).collect()
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        self.end_by(Signal::TERM)
    }

    pub(crate) fn end_by(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        wait_for("the program to end", || self.child.try_wait().unwrap()).unwrap()
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
        }
    }
}
