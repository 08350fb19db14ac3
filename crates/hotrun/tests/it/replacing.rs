//! Edits in quick succession, programs that a shell starts, programs of which there is no copy.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::lending::{present, script};
use crate::load::{Load, Manner, request};
use crate::project::{Hotrun, Project, ask};

/// A short probation: of these programs there is no copy, so the old server is kept for all of it.
const BRIEF: &str = "[probation]\ntime = \"1s\"\n";

/// A server without a build, started by a command.
fn started_by(command: &str, settings: &str) -> Hotrun {
    let settings = format!("[build]\nfull_bin = \"{command}\"\ninclude_ext = [\"txt\"]\n{settings}");
    let project = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &settings);
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1.");
    hotrun
}

/// A program that is built by a copy, and that `SIGTERM` kills.
fn built(settings: &str) -> Hotrun {
    let build = "[build]\ncmd = \"cp server.py run.py && chmod +x run.py\"\nbin = \"run.py\"\n\
                 include_ext = [\"py\"]\nexclude_file = [\"run.py\"]\n";
    let program = fs::read_to_string(script("slow.py")).unwrap();
    let project =
        Project::new().file("server.py", &program).file(".hotrun.toml", &(build.to_owned() + settings));
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1.");
    hotrun
}

/// Asks for something that is answered when the file `go` is there, and waits until the server has it.
fn slow(hotrun: &Hotrun, version: usize) -> JoinHandle<io::Result<String>> {
    let address = hotrun.project().address();
    let request = thread::spawn(move || ask(address, "/slow"));
    hotrun.wait_for(&format!("slow on version {version}."));
    request
}

#[track_caller]
fn is_answered(request: JoinHandle<io::Result<String>>, version: usize, hotrun: &Hotrun) {
    let answer = request.join().unwrap();
    let whole = answer.as_ref().is_ok_and(|text| text.ends_with(&format!("version {version}.")));
    assert!(whole, "version {version}: {answer:?}; it was said:\n{}", hotrun.said());
}

/// The request under way when `full_bin`'s server is replaced.
#[track_caller]
fn finishes_its_request(command: &str) {
    request_is_finished(&started_by(command, BRIEF));
}

#[track_caller]
fn request_is_finished(hotrun: &Hotrun) {
    let request = slow(hotrun, 1);
    hotrun.project().save("version.txt", "version 2.");
    hotrun.wait_for_answer("version 2.");
    hotrun.wait_for("asked to end version 1.");
    hotrun.project().save("go", "");
    is_answered(request, 1, hotrun);
    hotrun.wait_until("end of the first server", || {
        let events = hotrun.project().command().args(["logs", "--json"]).output().unwrap();
        String::from_utf8_lossy(&events.stdout).contains("\"event\":\"ended\",\"server\":1,")
    });
    // It polls for connections, and its successor may have taken the one that it was told of.
    assert!(!hotrun.said().contains("has not ended"), "{}", hotrun.said());
}

/// npm starts a shell, and the shell starts node.
#[test]
fn a_program_below_npm_finishes_its_request() {
    if present("npm").is_none() {
        return;
    }
    let package = format!("{{\"scripts\": {{\"start\": \"node {} PORT\"}}}}", script("graceful.js"));
    let settings = format!("[build]\nfull_bin = \"npm start --silent\"\ninclude_ext = [\"txt\"]\n{BRIEF}");
    let project = Project::new().file("version.txt", "version 1.").file("package.json", &package);
    let hotrun = project.file(".hotrun.toml", &settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    request_is_finished(&hotrun);
    assert_eq!(hotrun.count("asked to end version 1."), 1, "{}", hotrun.said());
}

#[test]
fn a_program_with_variables_before_it_finishes_its_request() {
    if let Some(python) = present("python3") {
        finishes_its_request(&format!("APP_ENV=dev {python} {} PORT", script("graceful.py")));
    }
}

/// The shell dies of the signal at once.
#[test]
fn a_program_below_a_shell_finishes_its_request() {
    if let Some(python) = present("python3") {
        finishes_its_request(&format!("{python} {} PORT; echo over", script("graceful.py")));
    }
}

/// `make run` and scripts with a trap pass the signal on. A server may take the second one for an order to end at once.
#[test]
fn a_program_below_a_launcher_is_asked_once() {
    if let Some(python) = present("python3") {
        let launcher = "trap 'kill -TERM $server' TERM; ";
        let command = format!("{launcher} {python} {} PORT & server=$!; wait; wait", script("graceful.py"));
        finishes_its_request(&command);
    }
}

/// The negative control: what is killed after the signal does not finish.
#[test]
fn a_program_that_is_killed_at_once_loses_its_request() {
    let Some(python) = present("python3") else { return };
    let settings = format!(
        "[build]\nfull_bin = \"{python} {} PORT\"\ninclude_ext = [\"txt\"]\nkill_delay = 0\n{BRIEF}",
        script("graceful.py")
    );
    let project = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &settings);
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1.");
    let request = slow(&hotrun, 1);
    hotrun.project().save("version.txt", "version 2.");
    hotrun
        .wait_for("has not ended 0 ms after SIGTERM and is killed; 1 connection still waited for an answer");
    assert!(!request.join().unwrap().is_ok_and(|text| text.ends_with("version 1.")), "{}", hotrun.said());
}

#[test]
fn a_program_that_is_ready_before_it_works_leaves_the_good_one() {
    if let Some(python) = present("python3") {
        leaves_the_good_one(&format!("{python} {} PORT", script("master.py")));
    }
}

/// gunicorn says that it is ready before a worker has imported anything.
#[test]
fn gunicorn_with_a_syntax_error_leaves_the_good_one() {
    if present("gunicorn").is_none() {
        return;
    }
    let app = "def app(environ, start):\n    body = b'version 1.'\n    \
               start('200 OK', [('Content-Length', str(len(body)))])\n    return [body]\n";
    let settings =
        "[build]\nfull_bin = \"PYTHONDONTWRITEBYTECODE=1 gunicorn --bind 127.0.0.1:PORT app:app\"\n";
    let hotrun = Project::new().file("app.py", app).file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    hotrun.project().edit("app.py", "def app(", "def app((");
    hotrun.wait_for("on probation and is given up");
    hotrun.wait_for("server 1 serves on");
    hotrun.wait_for_answer("version 1.");
    hotrun.project().edit("app.py", "def app((", "def app(");
    hotrun.project().edit("app.py", "version 1.", "version 2.");
    hotrun.wait_for_answer("version 2.");
    let tally = load.end();
    assert_eq!(
        tally.failures,
        Vec::<String>::new(),
        "of {}; it was said:\n{}",
        tally.answered(),
        hotrun.said()
    );
}

#[test]
fn uvicorn_with_variables_before_it_finishes_its_request() {
    if present("uvicorn").is_none() {
        return;
    }
    let app = "import asyncio, os\n\nasync def app(scope, receive, send):\n    if scope['type'] != 'http':\n        \
               raise NotImplementedError\n    if scope['path'] == '/slow':\n        print('slow on version 1.', flush=True)\n        \
               while not os.path.exists('go'):\n            await asyncio.sleep(0.005)\n    \
               await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'10')]})\n    \
               await send({'type': 'http.response.body', 'body': b'version 1.'})\n";
    let settings =
        format!("[build]\nfull_bin = \"PYTHONDONTWRITEBYTECODE=1 uvicorn --port PORT app:app\"\n{BRIEF}");
    let hotrun = Project::new().file("app.py", app).file(".hotrun.toml", &settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    let request = slow(&hotrun, 1);
    hotrun.project().edit("app.py", "b'version 1.'", "b'version 2.'");
    hotrun.wait_for_answer("version 2.");
    hotrun.wait_for("Shutting down");
    hotrun.project().save("go", "");
    is_answered(request, 1, &hotrun);
}

#[track_caller]
fn leaves_the_good_one(command: &str) {
    let hotrun = started_by(command, "");
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    hotrun.project().save("version.txt", "broken.");
    hotrun.wait_for("on probation and is given up");
    hotrun.wait_for("server 1 serves on");
    hotrun.wait_for_answer("version 1.");
    assert!(!hotrun.said().contains("is started again"), "{}", hotrun.said());
    hotrun.project().save("version.txt", "version 3.");
    hotrun.wait_for_answer("version 3.");
    let tally = load.end();
    assert_eq!(
        tally.failures,
        Vec::<String>::new(),
        "of {}; it was said:\n{}",
        tally.answered(),
        hotrun.said()
    );
    assert_eq!(tally.answers.keys().collect::<Vec<_>>(), ["version 1.", "version 3."]);
}

/// The line of the settings names the same file, whatever was built into it.
#[test]
fn a_death_on_probation_under_a_command_brings_the_old_server_back() {
    let build = "[build]\ncmd = \"cp server.py run.py\"\nfull_bin = \"A=1 python3 run.py\"\n\
                 include_ext = [\"py\"]\nexclude_file = [\"run.py\"]\n";
    if present("python3").is_none() {
        return;
    }
    let program = fs::read_to_string(script("slow.py")).unwrap();
    let hotrun = Project::new().file("server.py", &program).file(".hotrun.toml", build).hotrun();
    hotrun.wait_for_answer("version 1.");
    let death = "import threading; threading.Timer(0.7, lambda: os._exit(7)).start()";
    hotrun.project().edit("server.py", "# bound", death);
    hotrun.wait_for("ended with status 7 on probation and is given up");
    hotrun.wait_for_answer("version 1.");
    assert!(!hotrun.said().contains("is started again"), "{}", hotrun.said());
    hotrun.project().edit("server.py", death, "");
    hotrun.project().edit("server.py", "version 1.", "version 2.");
    hotrun.wait_for_answer("version 2.");
}

/// The proxy has gone over to the new server, and comes back.
#[test]
fn a_death_on_probation_behind_the_proxy_brings_the_old_server_back() {
    let Some(python) = present("python3") else { return };
    let program = fs::read_to_string(script("slow.py")).unwrap();
    let project = Project::new();
    project.save("server.py", &program.replace("PORT", "int(os.environ['PORT'])"));
    let settings = format!(
        "[build]\nfull_bin = \"{python} -B server.py\"\n[socket]\nway = \"proxy\"\naddress = \"127.0.0.1:PORT\"\n"
    );
    let hotrun = project.file(".hotrun.toml", &settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    hotrun.project().edit(
        "server.py",
        "# bound",
        "import threading; threading.Timer(0.7, lambda: os._exit(7)).start()",
    );
    hotrun.wait_for("ended with status 7 on probation and is given up");
    hotrun.wait_for_answer("version 1.");
    assert_eq!(hotrun.count("is ready"), 2, "{}", hotrun.said());
}

#[test]
fn edits_in_quick_succession_cut_no_request() {
    if present("python3").is_none() {
        return;
    }
    let hotrun = built("[socket]\ndrain = \"60s\"\n");
    let mut requests = Vec::new();
    for version in 1..=3 {
        requests.push(slow(&hotrun, version));
        let (from, to) = (format!("version {version}."), format!("version {}.", version + 1));
        hotrun.project().edit("server.py", &from, &to);
        hotrun.wait_for_answer(&to);
    }
    hotrun.project().save("go", "");
    for (request, version) in requests.into_iter().zip(1..) {
        is_answered(request, version, &hotrun);
    }
}

/// The negative control of the above: no request is waited for.
#[test]
fn edits_cut_requests_where_nothing_is_waited_for() {
    if present("python3").is_none() {
        return;
    }
    let hotrun = built("[socket]\ndrain = 0\n");
    let request = slow(&hotrun, 1);
    hotrun.project().edit("server.py", "version 1.", "version 2.");
    hotrun.wait_for("had to be cut");
    assert!(!request.join().unwrap().is_ok_and(|text| text.ends_with("version 1.")), "{}", hotrun.said());
    let said = hotrun.said();
    assert!(said.contains("`signal.signal") && !said.contains("axum"), "advice for its language:\n{said}");
}

#[test]
fn of_many_old_servers_the_oldest_is_cut() {
    if present("python3").is_none() {
        return;
    }
    let hotrun = built("[socket]\ndrain = \"60s\"\n");
    let mut requests = Vec::new();
    for version in 1..=5 {
        let (from, to) = (format!("version {version}."), format!("version {}.", version + 1));
        requests.push(slow(&hotrun, version));
        hotrun.project().edit("server.py", &from, &to);
        hotrun.wait_for_answer(&to);
    }
    for server in [1, 2] {
        hotrun.wait_for(&format!("server {server} still had requests under way"));
    }
    assert!(!hotrun.said().contains("server 3 still had"), "{}", hotrun.said());
    hotrun.project().save("go", "");
    for (request, version) in requests.into_iter().zip(1..) {
        if version > 2 {
            is_answered(request, version, &hotrun);
        } else {
            assert!(!request.join().unwrap().is_ok_and(|text| text.contains("version")), "{version} was cut");
        }
    }
}

/// A browser keeps its connection, and is to see the edit all the same.
#[test]
fn a_kept_connection_reaches_the_new_server_while_the_old_one_is_kept() {
    let Some(python) = present("python3") else { return };
    let settings = format!(
        "[build]\nfull_bin = \"{python} {} PORT\"\ninclude_ext = [\"txt\"]\n[probation]\ntime = \"10m\"\n",
        script("threads.py")
    );
    let project = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &settings);
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1.");
    let address = hotrun.project().address();
    let kept = RefCell::new(None);
    let asked = || request(address, Manner::KeepAlive, &mut kept.borrow_mut());
    assert_eq!(asked().unwrap(), "version 1.");
    hotrun.project().save("version.txt", "version 2.");
    hotrun.wait_for("server 1 takes no new connections");
    hotrun.wait_until("answer of the new server", || {
        thread::sleep(Duration::from_millis(100));
        asked().is_ok_and(|answer| answer == "version 2.")
    });
    assert_eq!(hotrun.servers(), 2, "{}", hotrun.said());
}

/// A Go program, with a handler for the signal or without one.
fn go(settings: &str, handles: bool) -> Option<Hotrun> {
    present("go")?;
    let program = fs::read_to_string(script("graceful.go")).unwrap();
    let program =
        if handles { program } else { program.replace("// SIGNAL", "signal.Reset(syscall.SIGTERM)") };
    let project = Project::new().file("main.go", &program).file("go.mod", "module site\n\ngo 1.20\n");
    let hotrun = project.file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    Some(hotrun)
}

#[test]
fn a_program_that_handles_the_signal_is_not_said_to_cut_anything() {
    let Some(hotrun) = go("", true) else { return };
    let request = slow(&hotrun, 1);
    hotrun.project().edit("main.go", "version 1.", "version 2.");
    hotrun.wait_for("asked to end version 1.");
    hotrun.project().save("go", "");
    is_answered(request, 1, &hotrun);
    hotrun.wait_until("end of the first server", || hotrun.servers() == 1);
    assert!(!hotrun.said().contains("had to be cut"), "{}", hotrun.said());
}

#[test]
fn a_go_program_that_does_not_handle_the_signal_gets_advice_in_go() {
    if !conformance::long_tier() {
        return;
    }
    let Some(hotrun) = go("[socket]\ndrain = 0\n", false) else { return };
    let request = slow(&hotrun, 1);
    hotrun.project().edit("main.go", "version 1.", "version 2.");
    hotrun.wait_for("had to be cut");
    assert!(!request.join().unwrap().is_ok_and(|text| text.ends_with("version 1.")), "{}", hotrun.said());
    let said = hotrun.said();
    assert!(said.contains("signal.NotifyContext") && !said.contains("axum"), "{said}");
}
