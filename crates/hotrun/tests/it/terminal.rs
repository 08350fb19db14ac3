//! hotrun on a terminal: keys, and lines for people.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::project::{DEADLINE, Project, get};

/// hotrun on a terminal of its own. Dropping it ends it.
struct OnTerminal {
    project: Project,
    child: Child,
    terminal: OwnedFd,
    said: Arc<Mutex<String>>,
}

impl OnTerminal {
    fn start(project: Project) -> OnTerminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        // A session of its own, whose terminal this is.
        let project = project.started_by(&["setsid", "--ctty"]).env("TERM", "xterm");
        let child = project.command().stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut reader, heard) = (File::from(terminal.try_clone().unwrap()), Arc::clone(&said));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end of the last process on the terminal.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        OnTerminal { project, child, terminal, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn press(&self, keys: &str) {
        rustix::io::write(&self.terminal, keys.as_bytes()).unwrap();
    }

    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < end, "no {what}; it was said:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn wait_for(&self, words: &str, count: usize) {
        self.wait_until(&format!("`{words}` {count} times"), || self.said().matches(words).count() >= count);
    }

    #[track_caller]
    fn wait_for_answer(&self, words: &str) {
        self.wait_until(&format!("answer `{words}`"), || {
            get(self.project.address()).is_ok_and(|text| text.ends_with(words))
        });
    }

    /// Waits for the end, and says whether it was a good one.
    #[track_caller]
    fn ends(&mut self) -> bool {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < end, "{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The terminal sends whole lines, and shows what is typed.
    fn has_lines(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.terminal, b"\x03");
        let end = Instant::now() + Duration::from_secs(20);
        while !matches!(self.child.try_wait(), Ok(Some(_))) {
            if Instant::now() > end {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn each_key_does_what_the_help_says() {
    let project = Project::server().file("browser", "#!/bin/sh\necho \"$1\" > opened~\nmv opened~ opened\n");
    let browser = project.path("browser");
    let made = Command::new("chmod").arg("+x").arg(&browser).status().unwrap();
    assert!(made.success());
    let project = project.env("BROWSER", browser.to_str().unwrap());
    let mut hotrun = OnTerminal::start(project);
    hotrun.wait_for("`h` shows the keys", 1);
    hotrun.wait_for_answer("version 1");
    assert!(!hotrun.has_lines());
    hotrun.press("h");
    for key in ["r  start the same program again", "q  quit"] {
        hotrun.wait_for(key, 1);
    }
    hotrun.press("r");
    hotrun.wait_for("server 2 is ready", 1);
    hotrun.press("b");
    hotrun.wait_for("byte for byte the same", 1);
    let opened = hotrun.project.path("opened");
    hotrun.press("o");
    hotrun.wait_until("opened address", || opened.exists());
    assert_eq!(fs::read_to_string(opened).unwrap(), format!("http://{}\n", hotrun.project.address()));
    hotrun.press("B");
    hotrun.wait_for("`target/hotrun/debug` is removed", 1);
    hotrun.wait_for("built in", 3);
    hotrun.press("c");
    hotrun.wait_for("\x1b[2J\x1b[H", 1);
    hotrun.press("q");
    assert!(hotrun.ends(), "{}", hotrun.said());
    assert!(hotrun.has_lines(), "the terminal is as it was");
}

#[test]
fn edits_wait_during_a_pause_and_none_is_lost() {
    let hotrun = OnTerminal::start(Project::server());
    hotrun.wait_for_answer("version 1");
    hotrun.press("p");
    hotrun.wait_for("edits wait until `p` is pressed again", 1);
    hotrun.project.edit("src/main.rs", "version 1", "version 2");
    hotrun.wait_for("src/main.rs changed, and waits", 1);
    assert_eq!(hotrun.said().matches("builds: ").count(), 1, "{}", hotrun.said());
    hotrun.press("p");
    hotrun.wait_for_answer("version 2");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let mut hotrun = OnTerminal::start(Project::server());
    hotrun.wait_for_answer("version 1");
    assert!(!hotrun.has_lines());
    hotrun.press("\x03");
    assert!(hotrun.ends(), "{}", hotrun.said());
    assert!(hotrun.has_lines());
}

/// The negative control: pipes get no keys and no colours.
#[test]
fn without_a_terminal_there_are_plain_lines() {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    assert!(
        !hotrun.said().contains("shows the keys") && !hotrun.said().contains('\x1b'),
        "{}",
        hotrun.said()
    );
}

#[test]
fn colours_are_as_the_flag_and_the_variable_say() {
    let colored = "\x1b[1m\x1b[35mhotrun";
    for (project, expected) in [
        (Project::server(), true),
        (Project::server().env("NO_COLOR", "1"), false),
        (Project::server().args(&["--color", "never"]), false),
        (Project::server().env("NO_COLOR", "1").args(&["--color", "always"]), true),
    ] {
        let hotrun = OnTerminal::start(project);
        hotrun.wait_for("`h` shows the keys", 1);
        assert_eq!(hotrun.said().contains(colored), expected, "{:?}", hotrun.said());
    }
    let (said, _) = Project::new().args(&["--color", "always", "-c", "nothing.toml"]).ends();
    assert!(said.contains('\x1b'), "{said:?}");
}

#[test]
fn the_main_package_of_a_go_module_is_asked_for() {
    if !conformance::installed(&["go"]) {
        return;
    }
    let on = OnTerminal::start(crate::go::module());
    on.wait_for("a number or a name, then Enter:", 1);
    assert!(on.said().contains("1  api of `./cmd/api`"), "{}", on.said());
    on.press("2\n");
    on.wait_for_answer("worker version 1");
}
