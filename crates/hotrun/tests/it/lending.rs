//! Programs in several languages and frameworks that are not prepared for hotrun. Each binds an address of its own.

#![allow(clippy::print_stdout, reason = "figures")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::load::{Load, Manner, Tally};
use crate::project::{Hotrun, Project};

/// Restarts of each program in the long tier.
const MANY: usize = 20;
/// Restarts of each program in the quick tier.
const FEW: usize = 5;

#[test]
fn axum_loses_no_request() {
    nothing_is_lost(&example("axum_untouched"));
}

#[test]
fn actix_web_loses_no_request() {
    if conformance::long_tier() {
        nothing_is_lost(&example("actix_web_untouched"));
    }
}

#[test]
fn warp_loses_no_request() {
    if conformance::long_tier() {
        nothing_is_lost(&example("warp_untouched"));
    }
}

#[test]
fn poem_loses_no_request() {
    if conformance::long_tier() {
        nothing_is_lost(&example("poem_untouched"));
    }
}

#[test]
fn python_with_threads_loses_no_request() {
    python_loses_no_request("threads.py");
}

#[test]
fn python_that_waits_in_accept_loses_no_request() {
    python_loses_no_request("waits.py");
}

#[test]
fn python_with_an_event_loop_loses_no_request() {
    if conformance::long_tier() {
        python_loses_no_request("loop.py");
    }
}

#[test]
fn python_with_workers_loses_no_request() {
    if conformance::long_tier() {
        python_loses_no_request("workers.py");
    }
}

#[test]
fn python_that_is_interrupted_in_accept_loses_no_request() {
    if conformance::long_tier() {
        python_loses_no_request("signals.py");
    }
}

/// The demos do the same: a filter on the socket keeps new connections out.
#[test]
fn python_with_a_filter_on_its_socket_loses_no_request() {
    if conformance::long_tier() {
        python_loses_no_request("filter.py");
    }
}

#[test]
fn node_loses_no_request() {
    if conformance::long_tier()
        && let Some(node) = present("node")
    {
        nothing_is_lost(&format!("{node} {}", script("server.js")));
    }
}

#[test]
fn go_loses_no_request() {
    if conformance::long_tier()
        && let Some(program) = go()
    {
        nothing_is_lost(&program);
    }
}

/// hotrun has bound the address. The program does not know `LISTEN_FDS` and binds it again; Node even binds every address of the
/// machine.
#[test]
fn a_program_that_binds_an_address_of_hotrun_loses_no_request() {
    let settings = "[socket]\naddress = \"127.0.0.1:PORT\"\n";
    let node = if conformance::is_full() { present("node") } else { None };
    let node = node.map(|node| format!("{node} {}", script("server.js")));
    for program in [example("axum_untouched")].into_iter().chain(node) {
        let tally = restarted(&program, settings, Manner::Fresh, FEW);
        assert_eq!(tally.failures, Vec::<String>::new(), "of {}", tally.answered());
    }
}

/// The negative control: the same program with a port of its own.
#[test]
fn a_program_that_is_lent_nothing_loses_requests() {
    let settings = "[socket]\nway = \"none\"\n";
    let tally = restarted(&example("axum_untouched"), settings, Manner::Fresh, FEW);
    assert!(!tally.failures.is_empty(), "of {}", tally.answered());
}

fn python_loses_no_request(name: &str) {
    if let Some(python) = present("python3") {
        nothing_is_lost(&format!("{python} {}", script(name)));
    }
}

fn nothing_is_lost(program: &str) {
    let times = if conformance::is_full() { MANY } else { FEW };
    let tally = restarted(program, "", Manner::Fresh, times);
    println!("{program}: 0 of {} failed", tally.answered());
    assert_eq!(tally.failures, Vec::<String>::new(), "of {}", tally.answered());
    assert_eq!(tally.answers.len(), times + 1, "every version was seen: {:?}", tally.answers);
}

/// The requests to a program that is restarted so many times.
pub(crate) fn restarted(program: &str, settings: &str, manner: Manner, times: usize) -> Tally {
    let hotrun = serving(program, settings);
    let load = Load::on(hotrun.project().address(), manner);
    for version in 2..=times + 1 {
        hotrun.project().save("version.txt", &format!("version {version}."));
        hotrun.wait_for_answer(&format!("version {version}."));
    }
    load.end()
}

fn serving(program: &str, settings: &str) -> Hotrun {
    let build = format!("[build]\nfull_bin = \"{program} PORT\"\ninclude_ext = [\"txt\"]\n");
    let project = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &(build + settings));
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1.");
    hotrun
}

/// The framework's program, an example of its demo. All that this tier needs are built at once, with the features that they have in the
/// whole workspace: other features would be another build of all that they depend on.
fn example(name: &str) -> String {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let frameworks = ["axum", "actix_web", "warp", "poem"];
        let frameworks = if conformance::is_full() { &frameworks[..] } else { &frameworks[..1] };
        let examples =
            frameworks.iter().map(|framework| ["--example".to_owned(), format!("{framework}_untouched")]);
        let binaries = Path::new(env!("CARGO_BIN_EXE_hotrun")).parent().expect("a folder");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--workspace"])
            .args(examples.flatten())
            .arg("--target-dir")
            .arg(binaries.parent().expect("the target folder"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(status.expect("cargo").success());
        binaries.join("examples")
    });
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

pub(crate) fn script(name: &str) -> String {
    format!("{}/tests/it/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The program's name, if it is installed; prints that the test is skipped if not.
pub(crate) fn present(program: &str) -> Option<&str> {
    conformance::installed(&[program]).then_some(program)
}

/// Builds Go's program.
fn go() -> Option<String> {
    present("go")?;
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-server");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg(script("server.go")).status();
    assert!(built.expect("go").success());
    Some(program.to_str().expect("UTF-8").to_owned())
}
