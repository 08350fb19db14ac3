//! `GET /debug/pprof/profile` of a demo that is built with the feature `profiling`.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use conformance::{Failed, Running, Server, installed, wait_until};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_demo-axum");
const PROFILE: &str = "/debug/pprof/profile";

#[test]
fn go_reads_a_profile_and_finds_a_function_of_ours() -> Result<(), Failed> {
    if !installed(&["go"]) {
        return Ok(());
    }
    let server = debugged(PROGRAM)?;
    let answer = under_load(&server, || server.get("/debug/pprof/profile?seconds=1"))?;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/octet-stream")),
        "{}",
        answer.text()
    );
    fs::write(server.path("profile.pb"), &answer.body)?;
    let shown = Command::new("go")
        .args(["tool", "pprof", "-top", "-cum", "-nodecount=1000"])
        .arg(server.path("profile.pb"))
        .env("PPROF_TMPDIR", server.path("."))
        .output()?;
    let (top, errors) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success(), "{errors}");
    assert!(top.contains("Type: cpu") && top.contains("demo_axum::"), "{top}{errors}");
    Ok(())
}

#[test]
fn seconds_out_of_range_are_refused() -> Result<(), Failed> {
    let server = debugged(PROGRAM)?;
    for seconds in ["0", "61", "-1", "1.5", "ten", ""] {
        let answer = server.get(&format!("{PROFILE}?seconds={seconds}"))?;
        let expected = "`seconds` has to be a whole number from 1 to 60\n";
        assert_eq!((answer.status, answer.text().as_str()), (400, expected), "{seconds}");
    }
    Ok(())
}

#[test]
fn there_is_one_profile_at_a_time_and_a_stop_ends_it_early() -> Result<(), Failed> {
    ends_early(Signal::TERM)
}

#[test]
fn an_upgrade_ends_a_profile_early() -> Result<(), Failed> {
    ends_early(Signal::USR2)
}

#[test]
fn a_stripped_program_says_so() -> Result<(), Failed> {
    if !installed(&["strip"]) {
        return Ok(());
    }
    let folder = conformance::folder()?;
    let stripped = folder.path().join("demo-axum");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(PROGRAM).status()?;
    assert!(strip.success(), "{strip}");
    let answer = debugged(&stripped)?.get(PROFILE)?;
    assert_eq!(answer.status, 501, "{}", answer.text());
    assert!(answer.text().starts_with("the symbols of this program cannot be read"), "{}", answer.text());
    Ok(())
}

/// A profile of a minute is taken. A second one is refused, and `signal` ends the first.
fn ends_early(signal: Signal) -> Result<(), Failed> {
    let server = debugged(PROGRAM)?;
    let mut client = server.client()?;
    let answer = thread::scope(|scope| {
        let first = scope.spawn(move || {
            loop {
                let answer = client.get("/debug/pprof/profile?seconds=60")?;
                // The other one may have been quicker.
                if answer.status != 409 {
                    return Ok::<_, Failed>(answer);
                }
            }
        });
        let refused = "a profile is being taken, and there is one at a time: try again when it is over\n";
        under_load(&server, || {
            wait_until("a second profile to be refused", || {
                let second = server.get("/debug/pprof/profile?seconds=1");
                second.is_ok_and(|second| (second.status, second.text().as_str()) == (409, refused))
            })
        })?;
        server.signal(signal)?;
        first.join().map_err(|_| "the client panicked")?
    })?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.body.is_empty());
    Ok(())
}

fn debugged(program: impl Into<std::path::PathBuf>) -> Result<Running, Failed> {
    let config = format!("{}\ndebug: true\n", Server::shipped_config());
    // A debug build reads its symbols for seconds, longer on a busy machine.
    Server::new(program).config(config).args("--drain-deadline 120").start()
}

/// Does `work` while two clients ask for the page without a pause.
fn under_load<R>(server: &Running, work: impl FnOnce() -> Result<R, Failed>) -> Result<R, Failed> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut client = server.client()?;
                while !over.load(Ordering::Relaxed) {
                    client.get("/")?;
                }
                Ok::<_, Failed>(())
            });
        }
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}
