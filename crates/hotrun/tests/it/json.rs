//! `hotrun --json`: stdout has one event a line and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::project::{DEADLINE, Project, get};

/// A running `hotrun --json`. Dropping it ends it.
struct Json {
    project: Project,
    child: Child,
    events: Arc<Mutex<Vec<Value>>>,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Json {
    fn of(project: Project) -> Json {
        Json::read(Json::unread(project))
    }

    /// Reads its events.
    fn read((mut json, stdout): (Json, ChildStdout)) -> Json {
        let events = Arc::clone(&json.events);
        json.readers.push(thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.expect("UTF-8");
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                events.lock().expect("a lock").push(event);
            }
        }));
        json
    }

    /// Its stdout, which is not read.
    fn unread(project: Project) -> (Json, ChildStdout) {
        let command = project.command();
        Json::start(project, command)
    }

    fn start(project: Project, mut command: Command) -> (Json, ChildStdout) {
        let mut child = command.arg("--json").spawn().expect("hotrun");
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let keeps = Arc::clone(&said);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let mut said = keeps.lock().expect("a lock");
                said.push_str(&String::from_utf8_lossy(&line));
                said.push('\n');
            }
        });
        (Json { project, child, events: Arc::default(), said, readers: vec![reader] }, stdout)
    }

    fn events(&self) -> Vec<Value> {
        self.events.lock().expect("a lock").clone()
    }

    fn said(&self) -> String {
        self.said.lock().expect("a lock").clone()
    }

    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < end, "no {what}: {:#?}\n{}", self.events(), self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for an event with these values, and returns the place of the last one.
    #[track_caller]
    fn wait_for(&self, name: &str, fields: &[(&str, Value)]) -> usize {
        let place = || self.events().iter().rposition(|event| is(event, name, fields));
        self.wait_until(&format!("`{name}` with {fields:?}"), || place().is_some());
        place().expect("it was there")
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        kill_process(process, signal).expect("it lives");
    }

    /// Waits for the end, and for the last lines.
    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                break status;
            }
            assert!(Instant::now() < end, "it does not end: {}", self.said());
            thread::sleep(Duration::from_millis(5));
        };
        self.readers.drain(..).for_each(|reader| reader.join().expect("each line is an event"));
        status
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        while matches!(self.child.try_wait(), Ok(None)) {
            self.signal(if Instant::now() < end { Signal::INT } else { Signal::KILL });
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn is(event: &Value, name: &str, fields: &[(&str, Value)]) -> bool {
    event["event"] == name && fields.iter().all(|(field, value)| event[field] == *value)
}

#[test]
fn a_run_is_told_event_by_event() {
    let settings = "[[build.rules]]\nname = \"style\"\ncmd = \"echo styled\"\ninclude_ext = [\"css\"]\n";
    let project = Project::server().file(".hotrun.toml", settings).edited(
        "src/main.rs",
        "// before",
        "println!(\"begun\"); eprintln!(\"in full\");",
    );
    let mut json = Json::of(project);
    let first = json.wait_for("ready", &[("server", 1.into())]);
    json.wait_for("line", &[("text", "begun".into()), ("stream", "stdout".into())]);
    json.wait_for("line", &[("text", "in full".into()), ("stream", "stderr".into())]);
    let events = json.events();
    let root = json.project.folder().canonicalize().expect("a folder");
    let begin = [("process", json.child.id().into()), ("root", root.to_str().expect("UTF-8").into())];
    assert!(is(&events[0], "begin", &begin), "{}", events[0]);
    assert_eq!(events[0]["settings"], root.join(".hotrun.toml").to_str().expect("UTF-8"));
    assert_eq!(events[first]["addresses"][0], format!("http://{}", json.project.address()));

    json.project.save("site.css", "a {}");
    let end = json.wait_for("rule_ended", &[("name", "style".into()), ("ok", true.into())]);
    let rule = json.wait_for("rule", &[("name", "style".into()), ("command", "echo styled".into())]);
    let styled = json.wait_for("output", &[("text", "styled".into())]);
    assert!(rule < styled && styled < end, "{:#?}", json.events());

    json.project.edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    let failed = json.wait_for("built", &[("outcome", "failed".into())]);
    let events = json.events();
    assert_eq!(events[failed]["reason"], "exit status: 101");
    let change = json.wait_for("change", &[("files", vec![file(&json.project)].into())]);
    let build = json.wait_for("build", &[("version", events[failed]["version"].clone())]);
    assert!(change < build && build < failed, "{events:#?}");
    let words = |event: &Value| event["text"].as_str().is_some_and(|text| text.contains("expected `;`"));
    assert!(
        events[build..failed].iter().any(|event| is(event, "output", &[]) && words(event)),
        "{events:#?}"
    );

    let text = fs::read_to_string(json.project.path("src/main.rs")).expect("a server");
    json.project.save("src/main.rs", &text.replace("nonsense", "").replace("version 1", "version 2"));
    let ended = json.wait_for("ended", &[("server", 1.into())]);
    let [start, ready, leave] = ["start", "ready", "leave"]
        .map(|name| json.wait_for(name, &[("server", if name == "leave" { 1 } else { 2 }.into())]));
    assert!(start < ready && ready < leave && leave < ended, "the swap: {:#?}", json.events());
    assert!(get(json.project.address()).expect("an answer").ends_with("version 2"));

    json.project.edit("src/main.rs", "println!(\"begun", "panic!(\"no database\"); println!(\"begun");
    let rejected = json.wait_for("rejected", &[("server", 3.into())]);
    let reason = json.events()[rejected]["reason"].to_string();
    assert!(reason.contains("ended with status 101 before it was ready and is given up"), "{reason}");
    assert!(get(json.project.address()).expect("an answer").ends_with("version 2"));

    json.signal(Signal::INT);
    assert!(json.wait().success());
    let stop = json.wait_for("stop", &[("reason", "signal".into())]);
    let end = json.wait_for("ended", &[("server", 2.into())]);
    assert!(stop < end, "the last events are not lost: {:#?}", json.events());
    let count = |name: &str| json.events().iter().filter(|event| is(event, name, &[])).count();
    let counted: BTreeMap<_, _> =
        ["stop", "begin", "rejected", "rule", "lost", "down"].map(|name| (name, count(name))).into();
    let expected = [("begin", 1), ("down", 0), ("lost", 0), ("rejected", 1), ("rule", 1), ("stop", 1)];
    assert_eq!(counted, expected.into());
    // A person reads the same run on stderr.
    let said = json.said();
    for words in
        ["hotrun  server 1 is ready", "begun\n", "in full\n", "styled\n", "expected `;`", "hotrun  ends\n"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
}

fn file(project: &Project) -> Value {
    let root = project.folder().canonicalize().expect("a folder");
    root.join("src/main.rs").to_str().expect("UTF-8").into()
}

#[test]
fn commands_of_the_settings_do_not_write_between_the_events() {
    let settings = "[build]\npre_cmd = [\"echo before\"]\ncmd = \"echo made\"\n\
        full_bin = \"echo begun; exec sleep 600\"\npost_cmd = [\"echo after\"]\n";
    let mut json = Json::of(Project::new().file(".hotrun.toml", settings));
    json.wait_for("line", &[("text", "begun".into())]);
    json.wait_for("output", &[("text", "before".into())]);
    json.wait_for("output", &[("text", "made".into())]);
    json.signal(Signal::INT);
    assert!(json.wait().success());
    for words in ["before\n", "made\n", "begun\n", "after\n"] {
        assert!(json.said().contains(words), "{words}: {}", json.said());
    }
}

#[test]
fn events_of_several_programs_have_a_name() {
    let settings = "[run.a]\nfull_bin = \"echo one; exec sleep 600\"\n[run.b]\nfull_bin = \"exec sleep 600\"\ncmd = \"false\"\n";
    let mut json = Json::of(Project::new().file(".hotrun.toml", settings));
    json.wait_for("line", &[("text", "one".into()), ("program", "a".into())]);
    json.wait_for("built", &[("outcome", "failed".into()), ("program", "b".into())]);
    json.wait_for("down", &[("program", "b".into())]);
    json.wait_for("begin", &[("program", Value::Null)]);
    json.wait_until("line for a person", || json.said().contains("a | one\n"));
    json.signal(Signal::INT);
    assert!(json.wait().success());
    json.wait_for("stop", &[("program", Value::Null)]);
}

#[test]
fn an_error_before_the_run_is_an_event_too() {
    for (project, status, words) in [
        (Project::new().file(".hotrun.toml", "[build]\ncmd = 1\n"), 1, "`build.cmd` is an integer"),
        (Project::new(), 1, "nothing to run"),
    ] {
        let mut json = Json::of(project);
        assert_eq!(json.wait().code(), Some(status), "{}", json.said());
        let events = json.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        assert!(is(&events[0], "message", &[("level", "error".into())]), "{events:#?}");
        assert!(events[0]["text"].as_str().is_some_and(|text| text.contains(words)), "{events:#?}");
        assert!(json.said().contains(words), "{}", json.said());
    }
}

#[test]
fn before_a_subcommand_it_is_wrong_usage() {
    for verb in ["check", "init", "stop", "status"] {
        let output = Project::new().command().args(["--json", verb]).output().expect("hotrun");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("`--json` before a subcommand has no meaning"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// As in a pipeline whose reader has ended.
#[test]
fn without_a_reader_hotrun_ends_in_order() {
    let settings = "[build]\nfull_bin = \"echo begun; exec sleep 600\"\npost_cmd = [\"touch ended\"]\n";
    let (mut json, stdout) = Json::unread(Project::new().file(".hotrun.toml", settings));
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    assert!(line.contains("\"event\":\"begin\""), "{line}");
    let end = Instant::now() + DEADLINE;
    while json.child.try_wait().expect("a status").is_none() && Instant::now() < end {
        json.project.save("changed.py", &format!("{:?}", Instant::now()));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(json.wait().success());
    assert!(
        json.said().contains("hotrun  ends: nobody reads the events, since stdout is closed"),
        "{}",
        json.said()
    );
    assert!(json.project.path("ended").exists(), "in order");
}

/// A pipe takes 64 KiB. Then the program must not stand still, nor hotrun.
#[test]
fn a_reader_that_does_not_read_stops_nothing() {
    let server = "import sys\nfor n in range(40000): print('line', n)\nopen('written', 'w').close()\n\
        import http.server as h\nclass A(h.BaseHTTPRequestHandler):\n    def do_GET(self):\n\
        \x20       self.send_response(200); self.end_headers(); self.wfile.write(open('word.txt').read().encode())\n\
        h.HTTPServer(('127.0.0.1', PORT), A).serve_forever()\n";
    let project = Project::new()
        .file("server.py", server)
        .file("word.txt", "first")
        .file(".hotrun.toml", "[build]\nfull_bin = \"python3 server.py\"\n");
    let (mut json, stdout) = Json::unread(project);
    let answers = || get(json.project.address()).is_ok_and(|text| text.ends_with("first"));
    json.wait_until("answer", answers);
    fs::remove_file(json.project.path("written")).expect("it was written");
    json.project.edit("server.py", "import sys", "import sys, os");
    json.wait_until("second server", || json.said().contains("server 2 is ready"));
    json.wait_until("answer", answers);
    json.signal(Signal::INT);
    let mut text = String::new();
    BufReader::new(stdout).read_to_string(&mut text).expect("UTF-8");
    assert!(json.wait().success());
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let lost =
        events.iter().filter(|event| is(event, "lost", &[])).filter_map(|event| event["count"].as_u64());
    let lines = events.iter().filter(|event| is(event, "line", &[])).count() as u64;
    assert!(lost.sum::<u64>() > 0 && lines > 10_000, "{lines} lines of {}", events.len());
}

/// JSON is UTF-8, names of files are bytes.
#[test]
fn a_folder_whose_name_is_no_text_is_one_as_any_other() {
    let project = Project::new();
    let folder = project.folder().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&folder).expect("a folder");
    let settings = "[build]\nfull_bin = \"echo begun; exec sleep 600\"\n";
    fs::write(folder.join(".hotrun.toml"), settings).expect("settings");
    let mut command = project.command();
    command.current_dir(&folder);
    let mut json = Json::read(Json::start(project, command));
    json.wait_for("line", &[("text", "begun".into())]);
    let status =
        json.project.command().args(["status", "--json"]).current_dir(&folder).output().expect("hotrun");
    assert!(String::from_utf8_lossy(&status.stdout).contains("caf\u{fffd}"), "{status:?}");
    fs::write(folder.join("page.py"), "1").expect("a file");
    let change = json.wait_for("change", &[]);
    let name = json.events()[change]["files"][0].to_string();
    assert!(name.contains("caf\u{fffd}/page.py"), "{name}");
    json.signal(Signal::INT);
    assert!(json.wait().success());
}

#[test]
fn a_file_whose_name_is_no_text_is_a_source_as_any_other() {
    let project = Project::new().file(".hotrun.toml", "[build]\nfull_bin = \"echo begun; exec sleep 600\"\n");
    let file = project.folder().join(OsStr::from_bytes(b"caf\xe9.py"));
    fs::write(&file, "1").expect("a file");
    let mut json = Json::of(project);
    json.wait_for("line", &[("text", "begun".into())]);
    fs::write(&file, "2").expect("a file");
    json.wait_for("start", &[("server", 2.into())]);
    let change = json.wait_for("change", &[]);
    let name = json.events()[change]["files"][0].to_string();
    assert!(name.contains("caf\u{fffd}.py"), "{name}");
    json.signal(Signal::INT);
    assert!(json.wait().success());
}
