//! hotrun on a terminal: keys, and lines for people.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use vt100::Parser;

use crate::project::{DEADLINE, Project, get};

/// The size of the terminal at the start.
pub(crate) const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 100;

/// hotrun on a terminal of its own. Dropping it ends it.
pub(crate) struct OnTerminal {
    pub(crate) project: Project,
    child: Child,
    terminal: OwnedFd,
    said: Arc<Mutex<String>>,
    /// The rows that a person sees, or can scroll back to.
    screen: Arc<Mutex<Parser>>,
}

impl OnTerminal {
    pub(crate) fn start(project: Project) -> OnTerminal {
        // A session of its own, whose terminal this is.
        OnTerminal::started_by(project, &["setsid", "--ctty"])
    }

    fn started_by(project: Project, starter: &[&str]) -> OnTerminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let project = project.started_by(starter);
        let mut command = project.command();
        // Before the project's own variables.
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm");
        }
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let screen = Arc::new(Mutex::new(Parser::new(ROWS, COLUMNS, 10_000)));
        let (mut reader, heard) = (File::from(terminal.try_clone().unwrap()), Arc::clone(&said));
        let seen = Arc::clone(&screen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end of the last process on the terminal.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                seen.lock().unwrap().process(&buffer[..read]);
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        OnTerminal { project, child, terminal, said, screen }
    }

    /// All rows, also those that have scrolled away, up to the last one that is not empty.
    pub(crate) fn rows(&self) -> Vec<String> {
        let mut parser = self.screen.lock().unwrap();
        let screen = parser.screen_mut();
        let columns = screen.size().1;
        screen.set_scrollback(usize::MAX);
        let mut rows = Vec::new();
        for above in (1..=screen.scrollback()).rev() {
            screen.set_scrollback(above);
            rows.extend(screen.rows(0, columns).next());
        }
        screen.set_scrollback(0);
        rows.extend(screen.rows(0, columns));
        let mut rows: Vec<_> = rows.iter().map(|row| row.trim_end().to_owned()).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// The last row.
    pub(crate) fn last_row(&self) -> String {
        self.rows().pop().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn wait_for_last_row(&self, words: &str) {
        self.wait_until(&format!("last row `{words}`"), || self.last_row().contains(words));
    }

    /// Changes the size, as a person does who drags a corner of the window.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(rows, columns);
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.terminal, size).unwrap();
    }

    /// hotrun itself, if its starter does not become hotrun.
    fn child_of_starter(&self) -> Pid {
        let children = format!("/proc/{0}/task/{0}/children", self.process().as_raw_nonzero());
        Pid::from_raw(fs::read_to_string(children).unwrap().trim().parse().unwrap()).unwrap()
    }

    pub(crate) fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn press(&self, keys: &str) {
        rustix::io::write(&self.terminal, keys.as_bytes()).unwrap();
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < end, "no {what}; it was said:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str, count: usize) {
        self.wait_until(&format!("`{words}` {count} times"), || self.said().matches(words).count() >= count);
    }

    #[track_caller]
    pub(crate) fn wait_for_answer(&self, words: &str) {
        self.wait_until(&format!("answer `{words}`"), || {
            get(self.project.address()).is_ok_and(|text| text.ends_with(words))
        });
    }

    /// Waits for the end, and says whether it was a good one.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> bool {
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
    pub(crate) fn has_lines(&self) -> bool {
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
    let mut hotrun = OnTerminal::start(with_browser(Project::server()));
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

/// A shell script that says in `opened` what it was told to open.
fn with_browser(project: Project) -> Project {
    let project = project.file("browser", "#!/bin/sh\necho \"$1\" > opened~\nmv opened~ opened\n");
    let browser = project.path("browser");
    let made = Command::new("chmod").arg("+x").arg(&browser).status().unwrap();
    assert!(made.success());
    project.env("BROWSER", browser.to_str().unwrap())
}

#[test]
fn keys_are_for_all_programs() {
    let (api, web) = (Project::new().address(), Project::new().address());
    let server = "import http.server, sys\n\
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()\n";
    let table = |name: &str, port: u16| {
        format!(
            "[run.{name}]\nfull_bin = \"python3 server.py {port}\"\ninclude_ext = []\ninclude_file = [\"shared.txt\"]\n"
        )
    };
    let settings = table("api", api.port())
        + &table("web", web.port())
        + "[run.job]\ncmd = \"echo a build\"\nfull_bin = \"exec sleep 600\"\ninclude_ext = [\"job\"]\n";
    let project = Project::new().file("server.py", server).file("shared.txt", "one");
    let mut hotrun = OnTerminal::start(with_browser(project).file(".hotrun.toml", &settings));
    let serve = |server: u32| {
        for name in ["api", "web"] {
            hotrun.wait_for(&format!("{name}: server {server} is ready"), 1);
        }
    };
    serve(1);
    hotrun.wait_for("job: built in", 1);
    hotrun.press("r");
    serve(2);
    hotrun.press("b");
    serve(3);
    hotrun.wait_for("job: built in", 2);
    hotrun.press("p");
    hotrun.wait_for("edits wait until `p` is pressed again", 1);
    hotrun.project.save("shared.txt", "two");
    // Once, although it concerns two programs.
    hotrun.wait_until("waiting edit", || {
        hotrun.rows().contains(&"hotrun  shared.txt changed, and waits".to_owned())
    });
    hotrun.press("p");
    serve(4);
    hotrun.press("o");
    let opened = hotrun.project.path("opened");
    hotrun.wait_until("opened address", || opened.exists());
    assert_eq!(fs::read_to_string(opened).unwrap(), format!("http://{api}\n"));
    hotrun.press("B");
    hotrun.wait_for("job: nothing is removed: only cargo's builds are known", 1);
    serve(5);
    hotrun.wait_for("job: built in", 3);
    assert_eq!(hotrun.said().matches("nothing is removed").count(), 1, "{}", hotrun.said());
    hotrun.press("q");
    assert!(hotrun.ends(), "{}", hotrun.said());
    assert!(hotrun.has_lines());
}

#[test]
fn a_killed_hotrun_leaves_a_terminal_that_shows_what_is_typed() {
    // A program that started hotrun, and that does not look at the terminal when hotrun has ended.
    let wrapper = &["setsid", "--ctty", "sh", "-c", "\"$@\"; exec sleep 600", "sh"];
    let hotrun = OnTerminal::started_by(Project::server(), wrapper);
    hotrun.wait_for_answer("version 1");
    hotrun.wait_until("keys", || !hotrun.has_lines());
    kill_process(hotrun.child_of_starter(), Signal::KILL).unwrap();
    hotrun.wait_until("lines", || hotrun.has_lines());
}

#[test]
fn a_stopped_hotrun_goes_on_in_the_background() {
    let shell = "set -m; trap 'kill -INT %1; kill -CONT %1; wait %1; exit' INT; \"$@\"; bg; while ! wait %1; do sleep 0.1; done";
    let hotrun =
        OnTerminal::started_by(Project::server(), &["setsid", "--ctty", "bash", "-c", shell, "bash"]);
    hotrun.wait_for_last_row(", serves http://");
    let process = hotrun.child_of_starter();
    let stat = format!("/proc/{}/stat", process.as_raw_nonzero());
    hotrun.press("\x1a");
    hotrun.project.edit("src/main.rs", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
    // For the shell, not for hotrun.
    hotrun.press("q\n");
    hotrun.wait_until("no status line", || !hotrun.last_row().contains(", serves http://"));
    hotrun.project.edit("src/main.rs", "version 2", "version 3");
    hotrun.wait_for_answer("version 3");
    let state = fs::read_to_string(&stat).unwrap();
    assert!(state.contains(") S ") || state.contains(") R "), "{state}");
    assert!(hotrun.has_lines());
    // It ends there, too: the terminal does not stop it.
    kill_process(process, Signal::INT).unwrap();
    hotrun.wait_until("end", || !fs::exists(&stat).unwrap());
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
