//! New servers that fail.

use std::io::Write;
use std::net::TcpStream;

use crate::load::{Load, Manner};
use crate::project::{Hotrun, Project, get};

fn serving(settings: &str) -> Hotrun {
    let hotrun = Project::server().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun
}

/// Edits a fault into the server, at one of the marks in it.
fn spoil(hotrun: &Hotrun, mark: &str, spoiling: &str) {
    hotrun.project().edit("src/main.rs", "version 1", "version 2");
    hotrun.project().edit("src/main.rs", mark, &format!("{spoiling} {mark}"));
}

#[test]
fn a_crash_on_start_leaves_the_good_server() {
    let hotrun = serving("");
    let load = Load::on(hotrun.project().address(), Manner::KeepAlive);
    spoil(&hotrun, "// before", "panic!(\"no database\");");
    hotrun.wait_for("ended with status 101 before it was ready and is given up; the one before it serves on");
    let tally = load.end();
    assert_eq!(tally.failures, Vec::<String>::new());
    hotrun.project().edit("src/main.rs", "panic!(\"no database\");", "");
    hotrun.becomes(3);
}

#[test]
fn a_hang_on_start_leaves_the_good_server() {
    let hotrun = serving("[ready]\ntimeout = \"1s\"\n");
    let load = Load::on(hotrun.project().address(), Manner::KeepAlive);
    let hang = "std::thread::sleep(std::time::Duration::from_secs(600));";
    spoil(&hotrun, "// before", hang);
    // One that asked for no port at all in time is a worker elsewhere; here there was one before.
    hotrun.wait_for("was not ready within 1 s and is given up; the one before it serves on");
    let tally = load.end();
    assert_eq!(tally.failures, Vec::<String>::new());
    hotrun.project().edit("src/main.rs", hang, "");
    hotrun.becomes(3);
}

#[test]
fn a_death_on_probation_brings_the_last_good_one_back() {
    // Before the old one was told to stop, which waits for a request that is not complete, and after it was gone.
    for (delay, words) in [(50, "serves on"), (700, "the last good program is started again")] {
        // A probation that a busy machine does not outlast.
        let hotrun = serving("[socket]\ndrain = \"60s\"\n[probation]\ntime = \"60s\"\n");
        let held =
            (delay == 50).then(|| TcpStream::connect(hotrun.project().address()).expect("a connection"));
        if let Some(mut held) = held.as_ref() {
            held.write_all(b"GET / HTTP/1.1\r\n").expect("a part of a request");
        }
        let death = format!(
            "std::thread::spawn(|| {{ std::thread::sleep(std::time::Duration::from_millis({delay})); std::process::exit(7) }});"
        );
        spoil(&hotrun, "// bound", &death);
        hotrun.wait_for("ended with status 7 on probation and is given up");
        hotrun.wait_for(words);
        hotrun.wait_for_answer("version 1");
        hotrun.project().edit("src/main.rs", &death, "");
        hotrun.becomes(3);
    }
}

#[test]
fn a_death_after_probation_waits_for_a_change() {
    let project = Project::server().file(".hotrun.toml", "[probation]\ntime = 1\n");
    let project =
        project.edited("src/main.rs", "// answering", "if WORD == \"version 1\" { std::process::exit(3) }");
    let hotrun = project.hotrun();
    hotrun.wait_for("is ready");
    let _ = get(hotrun.project().address());
    hotrun.wait_for("ended with status 3; a change starts it again");
    hotrun.becomes(2);
}

#[test]
fn a_program_that_ends_by_itself_is_run_again_if_the_settings_say_so() {
    let settings = "[build]\nrerun = true\nrerun_delay = 10\nrerun_cmd = \"echo and again\"\n";
    let project = Project::server().file(".hotrun.toml", settings);
    let hotrun = project.file("src/main.rs", "fn main() { println!(\"once\"); }\n").hotrun();
    hotrun.wait_for("once");
    hotrun.wait_for_count("and again", 3);
}

#[test]
fn a_worker_without_a_port_is_restarted_plainly() {
    let worker = "fn main() { loop { println!(\"version 1 works\"); std::thread::sleep(std::time::Duration::from_millis(20)); } }\n";
    let settings = "[ready]\ntimeout = 200\n";
    let hotrun = Project::server().file("src/main.rs", worker).file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("version 1 works");
    hotrun.wait_for("it is started");
    hotrun.save_worker(2);
    hotrun.wait_for("version 2 works");
    hotrun.wait_until("one worker", || hotrun.processes().iter().filter(|name| *name == "site").count() == 1);
}

#[test]
fn a_program_that_binds_nothing_and_waits_is_a_worker() {
    let worker = "fn main() { println!(\"version 1 works\"); std::thread::sleep(std::time::Duration::from_secs(600)); }\n";
    let hotrun = Project::server().file("src/main.rs", worker).hotrun();
    hotrun.wait_for("it has bound no port and waits, as a worker does");
    hotrun.wait_for("the worker is stopped before the next one starts");
    hotrun.save_worker(2);
    hotrun.wait_for("version 2 works");
}

#[test]
fn a_server_that_computes_before_it_listens_is_waited_for_and_not_in_silence() {
    let computes = "while !std::path::Path::new(\"go\").exists() {}";
    let hotrun = Project::server().edited("src/main.rs", "// before", computes).hotrun();
    hotrun.wait_for("server 1 has not listened after ");
    hotrun.wait_for("hotrun waits for it, up to 30.0 s (`ready.timeout`)");
    hotrun.project().save("go", "");
    hotrun.wait_for_answer("version 1");
    assert!(!hotrun.said().contains("worker"), "{}", hotrun.said());
    assert_eq!(hotrun.count("has not listened after"), 1);
}

/// It waits for a database, say.
#[test]
fn a_server_that_waits_before_it_listens_is_one_as_soon_as_it_does() {
    let waits = "while !std::path::Path::new(\"go\").exists() { std::thread::sleep(std::time::Duration::from_millis(5)); }";
    let hotrun = Project::server().edited("src/main.rs", "// before", waits).hotrun();
    hotrun.wait_for("as a worker does");
    hotrun.project().save("go", "");
    hotrun.wait_for("it is no worker");
    hotrun.wait_for(&format!("serves http://{}", hotrun.project().address()));
    let load = Load::on(hotrun.project().address(), Manner::Fresh);
    hotrun.becomes(2);
    assert_eq!(load.end().failures, Vec::<String>::new());
}

#[test]
fn a_second_interrupt_does_not_wait_for_a_stubborn_server() {
    let settings = "[build]\ncmd = \"\"\nfull_bin = \"trap '' TERM INT; echo is deaf; while :; do sleep 1; done\"\nkill_delay = \"50s\"\n";
    let mut hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("is deaf");
    hotrun.signal(rustix::process::Signal::INT);
    hotrun.wait_for("hotrun  ends");
    let begun = std::time::Instant::now();
    hotrun.signal(rustix::process::Signal::INT);
    assert!(hotrun.wait().success());
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// A demo listens on such a socket for its successor, before it listens on its port.
#[test]
fn an_abstract_socket_is_no_sign_of_readiness() {
    let program = "import os, socket, time\n\
        own = socket.socket(socket.AF_UNIX)\n\
        own.bind('\\0hotrun-test-PORT')\n\
        own.listen()\n\
        while not os.path.exists('go'):\n    time.sleep(0.005)\n\
        server = socket.create_server(('127.0.0.1', PORT))\n\
        server.accept()\n";
    let settings = "[build]\nfull_bin = \"echo begins && exec python3 server.py\"\n";
    let project = Project::new().file("server.py", program).file(".hotrun.toml", settings);
    let hotrun = project.hotrun();
    hotrun.wait_for("begins");
    let own = format!("@hotrun-test-{}", hotrun.project().port());
    let listens = || std::fs::read_to_string("/proc/net/unix").is_ok_and(|table| table.contains(&own));
    hotrun.wait_until("abstract socket", listens);
    hotrun.project().save("go", "");
    hotrun.wait_for(&format!("hotrun  serves http://{}", hotrun.project().address()));
    assert!(!hotrun.said().contains("unix:@"), "{}", hotrun.said());
}
