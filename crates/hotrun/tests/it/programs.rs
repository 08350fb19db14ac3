//! Several programs in one file, `[run.NAME]`.

mod cargo;
mod keys;
mod own_keys;
mod requests;

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Signal;

use crate::load::{Load, Manner, Tally};
use crate::project::{Hotrun, Project, ask};

/// Answers with its name, the variable `WORD` and its process id, at `/env/NAME` with a variable. At `SIGTERM` it writes the file
/// `NAME.ends`, and ends when the file that `AWAITS` names is there.
const SERVER: &str = r#"
import http.server, os, signal, sys, threading, time
name, port = sys.argv[1], int(sys.argv[2])
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        word = os.environ.get("WORD", "silent")
        if self.path.startswith("/env/"):
            word = os.environ.get(self.path[5:], "unset")
        body = f"{name} {word} {os.getpid()} {' '.join(sys.argv[3:])}".strip().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
server.daemon_threads = True
def ends(number, frame):
    def end():
        awaited = os.environ.get("AWAITS")
        if awaited:
            open(name + ".ends", "w").close()
            while not os.path.exists(awaited):
                time.sleep(0.005)
            print(name, "ends in order")
        server.shutdown()
    threading.Thread(target=end).start()
signal.signal(signal.SIGTERM, ends)
print("begins with", os.environ.get("WORD", "silent"))
print("goes to stderr", file=sys.stderr)
server.serve_forever()
"#;

/// hotrun with several servers, and their addresses.
struct Servers {
    hotrun: Hotrun,
    addresses: Vec<SocketAddr>,
}

impl Servers {
    /// Starts `server.py` for each of these names, with these lines of settings. An edit of `NAME.txt` concerns that program.
    fn start(programs: &[(&str, &str)]) -> Servers {
        Servers::of(Project::new(), programs)
    }

    fn of(project: Project, programs: &[(&str, &str)]) -> Servers {
        let servers = Servers::not_ready(project, programs);
        for (at, (name, _)) in programs.iter().enumerate() {
            servers.hotrun.wait_until(name, || servers.answer(at).starts_with(name));
        }
        servers
    }

    fn not_ready(project: Project, programs: &[(&str, &str)]) -> Servers {
        let (project, addresses) = with_settings(project, programs);
        Servers { hotrun: project.hotrun(), addresses }
    }

    /// The answer of a program; empty without one.
    fn answer(&self, at: usize) -> String {
        ask_body(self.addresses[at], "/")
    }

    /// The process id of a program.
    fn process(&self, at: usize) -> u32 {
        self.answer(at).split(' ').nth(2).and_then(|id| id.parse().ok()).expect("a process id")
    }

    fn project(&self) -> &Project {
        self.hotrun.project()
    }
}

fn with_settings(project: Project, programs: &[(&str, &str)]) -> (Project, Vec<SocketAddr>) {
    project.save("server.py", SERVER);
    let mut addresses = Vec::new();
    let mut settings = String::new();
    for (name, more) in programs {
        let address = Project::new().address();
        let port = address.port();
        project.save(&format!("{name}.txt"), "first");
        let _ = write!(
            settings,
            "[run.{name}]\nfull_bin = \"python3 server.py {name} {port}\"\ninclude_ext = []\ninclude_file = [\"{name}.txt\"]\n{more}\n"
        );
        addresses.push(address);
    }
    project.save(".hotrun.toml", &settings);
    (project, addresses)
}

fn ask_body(address: SocketAddr, path: &str) -> String {
    let text = ask(address, path).unwrap_or_default();
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

fn lives(process: u32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

#[test]
fn an_edit_restarts_only_the_program_that_it_concerns() {
    let servers =
        Servers::start(&[("api", "env = { WORD = \"one\" }"), ("worker", "env = { WORD = \"two\" }")]);
    let processes = [servers.process(0), servers.process(1)];
    assert!(servers.answer(0).starts_with("api one "), "{}", servers.answer(0));
    assert!(servers.answer(1).starts_with("worker two "), "{}", servers.answer(1));
    servers.project().save("worker.txt", "second");
    servers.hotrun.wait_for("hotrun  worker: server 2 is ready");
    servers.hotrun.wait_until("successor", || servers.process(1) != processes[1]);
    assert_eq!(servers.process(0), processes[0], "{}", servers.hotrun.said());
    assert_eq!(servers.hotrun.count("api: server 2"), 0, "{}", servers.hotrun.said());
    assert_eq!(servers.hotrun.count("api: api.txt changed"), 0);
    assert_eq!(servers.hotrun.count("worker: worker.txt changed"), 1);
}

/// The failures of `api` during edits of the other one, or of itself.
fn failures(edited: &str, lines: &str) -> Tally {
    let servers = Servers::start(&[("api", lines), ("worker", lines)]);
    let load = Load::on(servers.addresses[0], Manner::Fresh);
    for edit in 2..5 {
        servers.project().save(&format!("{edited}.txt"), &format!("edit {edit}"));
        servers.hotrun.wait_for(&format!("hotrun  {edited}: server {edit} is ready"));
    }
    load.end()
}

#[test]
fn no_request_to_one_program_fails_while_another_is_restarted() {
    let tally = failures("worker", "");
    assert_eq!(tally.failures, Vec::<String>::new());
    assert!(tally.answered() > 0 && tally.answers.len() == 1, "one process: {:?}", tally.answers);
}

/// The control: without the protection, a restart of the program itself is seen by the same clients.
#[test]
fn the_clients_see_a_plain_restart() {
    let tally = failures("api", "socket.way = \"none\"");
    assert!(!tally.failures.is_empty(), "{:?}", tally.answers);
}

#[test]
fn each_line_begins_with_the_name_of_its_program() {
    let servers = Servers::start(&[("api", "env = { WORD = \"one\" }"), ("worker", "")]);
    for line in [
        "\napi    | begins with one\n",
        "\napi    | goes to stderr\n",
        "\nworker | begins with silent\n",
        "\nhotrun  api: server 1 is ready after ",
        "\nhotrun  worker: server 1 is ready after ",
    ] {
        servers.hotrun.wait_until(line, || format!("\n{}", servers.hotrun.said()).contains(line));
    }
}

#[test]
fn a_line_without_an_end_is_printed_when_the_program_ends() {
    let settings = "[run.a]\nfull_bin = \"printf 'no end'\"\n[run.b]\nfull_bin = \"sleep 600\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("a | no end\n");
    hotrun.wait_for("hotrun  a: server 1 ended with status 0 before it was ready and is given up");
}

#[test]
fn one_program_has_no_name_before_its_lines() {
    let (project, _) = with_settings(Project::new(), &[("api", ""), ("worker", "")]);
    let hotrun = project.args(&["--bin", "worker", "--", "one", "two words"]).hotrun();
    hotrun.wait_for("hotrun  server 1 is ready");
    hotrun.wait_for("begins with silent");
    assert!(!hotrun.said().contains("worker |") && !hotrun.said().contains("api"), "{}", hotrun.said());
}

/// Each waits at its end for the other one's: so both are told to end at the same time.
#[test]
fn one_signal_ends_all_programs_at_the_same_time() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut servers = Servers::start(&[
            ("api", "env = { AWAITS = \"worker.ends\" }"),
            ("worker", "env = { AWAITS = \"api.ends\" }"),
            ("web", ""),
        ]);
        let processes = [servers.process(0), servers.process(1), servers.process(2)];
        servers.hotrun.signal(signal);
        let status = servers.hotrun.wait();
        assert!(status.success(), "{status}: {}", servers.hotrun.said());
        assert!(!processes.into_iter().any(lives), "{}", servers.hotrun.said());
        for line in ["api    | api ends in order", "worker | worker ends in order"] {
            servers.hotrun.wait_for(line);
        }
    }
}

#[test]
fn a_killed_hotrun_leaves_no_program() {
    let mut servers = Servers::start(&[("api", ""), ("worker", "")]);
    let processes = [servers.process(0), servers.process(1)];
    servers.hotrun.signal(Signal::KILL);
    servers.hotrun.wait();
    servers.hotrun.wait_until("end of both", || !processes.into_iter().any(lives));
}

#[test]
fn a_program_that_dies_leaves_the_others() {
    let servers = Servers::start(&[("api", ""), ("worker", "")]);
    let process = servers.process(0);
    let worker = rustix::process::Pid::from_raw(servers.process(1).cast_signed()).expect("a process");
    rustix::process::kill_process(worker, Signal::KILL).expect("it lives");
    servers.hotrun.wait_for("hotrun  worker: server 1 was ended by signal 9; a change starts it again");
    // hotrun answers in the place of that one only.
    servers.hotrun.wait_until("503", || {
        ask(servers.addresses[1], "/").is_ok_and(|text| text.starts_with("HTTP/1.1 503 "))
    });
    assert_eq!(servers.process(0), process);
    servers.project().save("worker.txt", "again");
    servers.hotrun.wait_until("worker", || servers.answer(1).starts_with("worker"));
    assert_eq!(servers.process(0), process);
}

#[test]
fn a_program_that_cannot_start_leaves_the_others() {
    let servers = Servers::not_ready(
        Project::new(),
        &[("api", ""), ("worker", "full_bin_ = 0\n[run.broken]\nfull_bin = \"exit 3\"\n")],
    );
    servers.hotrun.wait_until("api", || servers.answer(0).starts_with("api"));
    servers.hotrun.wait_for("hotrun  broken: server 1 ended with status 3 before it was ready");
    servers
        .hotrun
        .wait_for("unknown key `run.worker.full_bin_` is ignored; did you mean `run.worker.full_bin`?");
}

/// Only the first program of all may end hotrun with such an error, and only if it is the only one.
#[test]
fn a_port_that_another_process_holds_concerns_one_program() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port();
    let servers = Servers::not_ready(
        Project::new(),
        &[("api", &format!("[run.b]\nfull_bin = \"python3 server.py b {port}\"\n"))],
    );
    servers.hotrun.wait_until("api", || servers.answer(0).starts_with("api"));
    servers.hotrun.wait_for(&format!(
        "hotrun  b: `127.0.0.1:{port}`, which the program wants to listen on, is held by "
    ));
    assert!(servers.answer(0).starts_with("api"), "{}", servers.hotrun.said());
}

#[test]
fn two_programs_on_one_port_are_told_apart() {
    let address = Project::new().address();
    let line =
        |name: &str| format!("[run.{name}]\nfull_bin = \"python3 server.py {name} {}\"\n", address.port());
    let project = Project::new();
    project.save("server.py", SERVER);
    project.save("go.py", "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.005)\n");
    let second = line("web").replace("python3 server.py", "python3 go.py && exec python3 server.py");
    project.save(".hotrun.toml", &(line("api") + &second));
    let hotrun = project.hotrun();
    hotrun.wait_for("hotrun  api: server 1 is ready");
    hotrun.project().save("go", "");
    hotrun.wait_for(&format!("hotrun  web: `{address}`, which the program wants to listen on, is the port of `api`: change one of them"));
    assert!(ask_body(address, "/").starts_with("api"), "{}", hotrun.said());
}

#[test]
fn the_output_of_a_build_has_the_name_of_its_program() {
    let settings = "[run.a]\ncmd = \"echo one; printf two >&2\"\nfull_bin = \"exec sleep 600\"\n\
        [run.long]\nfull_bin = \"exec sleep 600\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("hotrun  a: builds: echo one; printf two >&2\n");
    hotrun.wait_for("a    | one\n");
    hotrun.wait_for("a    | two\n");
}
