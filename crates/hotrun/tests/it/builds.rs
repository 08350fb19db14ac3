//! Edits: good ones, broken ones, one during a build, many at once.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{Load, Manner};
use crate::project::{Hotrun, Project};

/// hotrun's own line for a build that begins.
const BUILDS: &str = "hotrun  builds: ";

fn serving() -> Hotrun {
    let hotrun = Project::server().hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun
}

#[test]
fn an_edit_is_built_and_served() {
    serving().becomes(2);
}

#[test]
fn a_broken_edit_leaves_the_good_server() {
    let hotrun = serving();
    let load = Load::on(hotrun.project().address(), Manner::KeepAlive);
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("the build failed");
    assert!(hotrun.said().contains("nonsense"), "the compiler's own words");
    let log = fs::read_to_string(hotrun.project().path("target/hotrun/run/build-errors.log")).expect("a log");
    assert!(log.contains("error: expected") && !log.contains('\x1b'), "the compiler's own words: {log}");
    let tally = load.end();
    assert_eq!(tally.failures, Vec::<String>::new());
    assert_eq!(tally.answers.keys().collect::<Vec<_>>(), ["version 1"]);
    hotrun.project().edit("src/main.rs", "nonsense", "");
    hotrun.becomes(2);
}

#[test]
fn a_broken_edit_stops_the_server_if_the_settings_say_so() {
    let project = Project::server().file(".hotrun.toml", "[build]\nstop_on_error = true\n");
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("src/main.rs", "fn main() {", "fn main() { nonsense");
    hotrun.wait_for("; `stop_on_error` stops the server");
    assert!(!hotrun.said().contains("stays as it is"), "{}", hotrun.said());
    hotrun.wait_until("end of the server", || hotrun.processes().iter().all(|name| name != "site"));
    hotrun.project().edit("src/main.rs", "nonsense", "");
    hotrun.becomes(2);
}

#[test]
fn forty_five_saves_in_two_seconds_leave_one_build() {
    let hotrun = serving();
    let end = Instant::now() + Duration::from_secs(2);
    for save in 2..=46 {
        hotrun.save_version(save);
        thread::sleep(
            (end.saturating_duration_since(Instant::now())) / (47 - u32::try_from(save).expect("few")),
        );
        assert!(hotrun.builds() <= 1, "never two builds at once");
    }
    hotrun.wait_for_answer("version 46");
    // No further build begins.
    thread::sleep(Duration::from_millis(300));
    assert!(
        hotrun.processes().iter().all(|name| name != "cargo" && name != "rustc"),
        "{:?}",
        hotrun.processes()
    );
    hotrun.wait_for_answer("version 46");
    hotrun.becomes(47);
}

#[test]
fn a_change_during_a_build_is_not_forgotten() {
    // A build that takes its time.
    let project = Project::server();
    let project = project
        .file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_millis(1500)); }\n");
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    let before = hotrun.count(BUILDS);
    hotrun.save_version(2);
    hotrun.wait_for_count(BUILDS, before + 1);
    thread::sleep(Duration::from_millis(200));
    hotrun.save_version(3);
    hotrun.wait_for("the build begins anew");
    hotrun.wait_for_answer("version 3");
    assert_eq!(hotrun.count(BUILDS), before + 2, "{}", hotrun.said());
}

#[test]
fn a_branch_switch_of_500_files_is_one_build() {
    let project = Project::server();
    for number in 0..500 {
        project.save(&format!("src/part_{number}.rs"), "pub fn word() -> u32 { 1 }\n");
    }
    let parts: Vec<_> = (0..500).map(|number| format!("mod part_{number};\n")).collect();
    project.edit("src/main.rs", "fn main() {", &format!("{}fn main() {{", parts.concat()));
    project.save(".gitignore", "/target\n");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(project.folder()).args(["-c", "user.name=n", "-c", "user.email=e@example.org"]);
        assert!(command.args(arguments).output().expect("git").status.success(), "{arguments:?}");
    };
    git(&["init", "-q", "-b", "one"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    git(&["checkout", "-qb", "two"]);
    for number in 0..500 {
        project.save(&format!("src/part_{number}.rs"), "pub fn word() -> u32 { 2 }\n");
    }
    project.edit("src/main.rs", "version 1", "version 2");
    git(&["commit", "-qam", "two"]);
    git(&["checkout", "-q", "one"]);
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    let before = hotrun.count("built in");
    let mut switch = Command::new("git");
    switch.current_dir(hotrun.project().folder()).args(["checkout", "-q", "two"]);
    assert!(switch.output().expect("git").status.success());
    hotrun.wait_for_answer("version 2");
    assert!(hotrun.count("built in") <= before + 2, "{}", hotrun.said());
}

#[test]
fn a_full_disk_leaves_the_good_server() {
    // A linker for which there is no room.
    let hotrun = serving();
    hotrun.project().save("full.sh", "#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n");
    let settings = "[build]\nrustflags = [\"-Clinker=sh\", \"-Clink-arg=full.sh\"]\n";
    hotrun.project().save(".cargo/config.toml", settings);
    hotrun.save_version(2);
    hotrun.wait_for("the build failed");
    hotrun.wait_for_answer("version 1");
    fs::remove_dir_all(hotrun.project().path(".cargo")).expect("a folder");
    hotrun.becomes(3);
}

#[test]
fn a_shell_command_builds_a_project_without_cargo() {
    let settings = "[build]\ncmd = \"cp server.py run.py\"\nfull_bin = \"python3 run.py\"\ninclude_ext = [\"py\"]\nexclude_file = [\"run.py\"]\n";
    let server = "import http.server\n\nclass Answer(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        \
                  self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'version 1')\n\n\
                  http.server.ThreadingHTTPServer(('127.0.0.1', PORT), Answer).serve_forever()\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).file("server.py", server).hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().edit("server.py", "version 1", "version 2");
    hotrun.wait_for_answer("version 2");
}
