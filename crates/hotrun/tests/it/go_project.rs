//! A Go project with packages, a template, an env file and air's own settings. air and hotrun run it with the same answers.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::project::{DEADLINE, Project, get};

/// An edit: the file, the words in it, those in their place, and the answer from then on.
const EDITS: [(&str, &str, &str, &str); 7] = [
    (
        "internal/greeting/greeting.go",
        "hello ",
        "good day ",
        "good day two gophers, blue sky, first page, release one, banner one.",
    ),
    (
        "templates/index.tmpl",
        "first",
        "second",
        "good day two gophers, blue sky, second page, release one, banner one.",
    ),
    ("app.env", "blue sky", "rain", "good day two gophers, rain, second page, release one, banner one."),
    // In `exclude_dir`: seen at the next start.
    ("assets/banner.html", "one", "two", "good day two gophers, rain, second page, release one, banner one."),
    // Its ending is not in `include_ext`.
    ("RELEASE", "one", "two", "good day two gophers, rain, second page, release one, banner one."),
    // In `exclude_regex`.
    (
        "internal/greeting/greeting_test.go",
        "empty",
        "nothing",
        "good day two gophers, rain, second page, release one, banner one.",
    ),
    (
        "cmd/server/main.go",
        "*name, os",
        "*name+\"!\", os",
        "good day two gophers!, rain, second page, release two, banner two.",
    ),
];

const FIRST: &str = "hello two gophers, blue sky, first page, release one, banner one.";

/// The project with a runner at work in it. Dropping it ends both.
struct Running {
    project: Project,
    child: Child,
}

impl Running {
    fn start(runner: &str) -> Running {
        let project = Project::new();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/go_project"), &project, "");
        fs::rename(project.path("air.toml"), project.path(".air.toml")).expect("settings");
        project.edit("app.env", "PORT", &project.port().to_string());
        let log = File::create(project.path("run.log")).expect("a log");
        let mut command = Command::new(runner);
        command.current_dir(project.folder()).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        Running { child: command.spawn().expect(runner), project }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.project.path("run.log")).unwrap_or_default()
    }

    fn answer(&self) -> String {
        let text = get(self.project.address()).unwrap_or_default();
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    #[track_caller]
    fn wait_for(&self, runner: &str, expected: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let answer = self.answer();
            if answer == expected {
                return answer;
            }
            let log = || self.log();
            assert!(Instant::now() < end, "{runner} answers `{answer}` and not `{expected}`:\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A build that fails is told in the log of the settings.
    #[track_caller]
    fn wait_for_failure(&self, runner: &str) {
        let end = Instant::now() + DEADLINE;
        while fs::read_to_string(self.project.path("tmp/build-errors.log")).unwrap_or_default().is_empty() {
            assert!(Instant::now() < end, "{runner} tells no failure:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        let _ = kill_process(process, signal);
    }

    /// Ctrl-C, and the end.
    #[track_caller]
    fn ends(mut self, runner: &str) -> (bool, bool) {
        self.signal(Signal::INT);
        let end = Instant::now() + DEADLINE;
        while self.child.try_wait().expect("a status").is_none() {
            assert!(Instant::now() < end, "{runner} does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        (self.project.path("tmp/server").exists(), get(self.project.address()).is_ok())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) {
            self.signal(if Instant::now() < end { Signal::INT } else { Signal::KILL });
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn copy(folder: &Path, to: &Project, below: &str) {
    for entry in fs::read_dir(folder).expect("the project").flatten() {
        let name = format!("{below}{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.path().is_dir() {
            copy(&entry.path(), to, &format!("{name}/"));
        } else {
            to.save(&name, &fs::read_to_string(entry.path()).expect("a text"));
        }
    }
}

/// The answers at the start, after each edit, and after a failed build; then what the end has left: the program, an answer.
fn answers(runner: &str) -> (Vec<String>, (bool, bool)) {
    let running = Running::start(runner);
    let mut answers = Vec::new();
    let mut becomes = |expected: &str| answers.push(running.wait_for(runner, expected));
    becomes(FIRST);
    for (file, from, to, expected) in EDITS {
        running.project.edit(file, from, to);
        becomes(expected);
    }
    running.project.edit("internal/page/page.go", "return http.", "return nonsense.");
    running.wait_for_failure(runner);
    becomes(EDITS[EDITS.len() - 1].3);
    running.project.edit("internal/page/page.go", "return nonsense.", "return http.");
    running.project.edit("internal/greeting/greeting.go", "good day ", "bye ");
    becomes("bye two gophers!, rain, second page, release two, banner two.");
    (answers, running.ends(runner))
}

#[test]
fn a_go_project_answers_the_same_under_air_and_under_hotrun() {
    if !conformance::long_tier() || !conformance::installed(&["go", "air"]) {
        return;
    }
    let air = thread::spawn(|| answers("air"));
    let hotrun = answers(env!("CARGO_BIN_EXE_hotrun"));
    let air = air.join().expect("air's answers");
    assert_eq!(hotrun, air);
    assert_eq!(hotrun.1, (false, false), "nothing is left");
}
