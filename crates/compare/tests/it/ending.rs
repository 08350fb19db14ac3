//! Nothing that `compare` has started outlives it.

use std::{
    env,
    fs::{self, File},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::Stdio,
};

use conformance::{wait_for, wait_until};
use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
};

use crate::{
    measuring::{Measuring, WAYS, lives},
    programs::{compare, demos},
    showing::Showing,
};

const ASKING: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

#[test]
fn killing_compare_ends_its_servers() {
    let mut showing = Showing::start();
    let (demos, folders) = (showing.demos(), showing.folders());
    assert!(folders.iter().all(|folder| folder.exists()));
    assert_eq!(showing.end_by(Signal::KILL).signal(), Some(Signal::KILL.as_raw()));
    wait_until("the end of the demos", || demos.iter().all(|demo| TcpStream::connect(demo).is_err()))
        .unwrap();
    wait_until("the end of their folders", || none_of(&folders)).unwrap();
}

#[test]
fn interrupting_a_bench_leaves_no_process_and_no_folder() {
    for signal in ASKING {
        leaves_nothing(Measuring::a_fugitive("bench"), signal);
    }
}

#[test]
fn interrupting_any_other_measurement_leaves_no_process_and_no_folder() {
    for (way, signal) in WAYS.into_iter().zip(ASKING.into_iter().cycle()) {
        leaves_nothing(Measuring::a_fugitive(way), signal);
    }
    leaves_nothing(Measuring::upgrades(), Signal::TERM);
}

#[test]
fn whichever_part_of_compare_is_killed_everything_ends() {
    for way in WAYS {
        for part in 0..3 {
            let measuring = Measuring::a_fugitive(way);
            let [keeper, worker] = measuring.own();
            let (all, folders) = (measuring.processes(), measuring.folders());
            kill_process([measuring.front(), keeper, worker][part], Signal::KILL).unwrap();
            wait_until(&format!("the end of all of `{way}` after part {part}"), || none_lives(&all)).unwrap();
            if part == 1 {
                // It was the one who removes them.
                remove(&folders);
            } else {
                wait_until("the end of the folders", || none_of(&folders)).unwrap();
            }
        }
    }
}

/// The negative control: without those who look after it, the program is left, and so are the folders.
#[test]
fn the_keeper_is_what_ends_them() {
    let measuring = Measuring::a_fugitive("bench");
    let [keeper, worker] = measuring.own();
    let mut all = measuring.processes();
    let folders = measuring.folders();
    for (part, signal) in
        [(measuring.front(), Signal::STOP), (keeper, Signal::KILL), (measuring.front(), Signal::KILL)]
    {
        kill_process(part, signal).unwrap();
    }
    all.retain(|pid| ![measuring.front(), keeper].contains(pid));
    wait_until("the end of the keeper", || !lives(keeper)).unwrap();
    assert!(all.contains(&worker) && all.iter().all(|pid| lives(*pid)), "{all:?}");
    assert!(folders.iter().all(|folder| folder.exists()), "{folders:?}");
    for pid in all {
        let _ = kill_process(pid, Signal::KILL);
    }
    remove(&folders);
}

#[test]
fn a_hangup_that_whoever_starts_it_ignores_ends_nothing() {
    let mut measuring = Measuring::a_fugitive_without_a_terminal();
    kill_process(measuring.front(), Signal::HUP).unwrap();
    assert_eq!(measuring.end_by(Signal::TERM).signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn the_browser_that_it_opened_is_the_visitors_and_stays() {
    let place = tempfile::tempdir().unwrap();
    let (opener, noted) = (place.path().join("xdg-open"), place.path().join("pid"));
    let browser = format!("#!/bin/sh\nsleep 600 >/dev/null & echo $! > {}\n", noted.display());
    fs::write(&opener, browser).unwrap();
    fs::set_permissions(opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path().display(), env::var("PATH").unwrap());
    // It opens one for whoever sits at a terminal.
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let screen = File::options().write(true).open(name).unwrap();
    let mut command = compare();
    command.args(["--port", "0", "--programs"]).arg(demos()).env("PATH", path).env("DISPLAY", ":0");
    let mut page = command.stdout(screen).stderr(Stdio::null()).spawn().unwrap();
    let browser =
        wait_for("the browser", || Pid::from_raw(fs::read_to_string(&noted).ok()?.trim().parse().ok()?));
    kill_process(Pid::from_child(&page), Signal::TERM).unwrap();
    let ended = wait_for("the end of it", || page.try_wait().unwrap()).unwrap();
    let browser = browser.unwrap();
    let stays = lives(browser);
    let _ = kill_process(browser, Signal::KILL);
    assert!(ended.success() && stays, "{ended}");
}

fn leaves_nothing(mut measuring: Measuring, signal: Signal) {
    let (all, folders) = (measuring.processes(), measuring.folders());
    assert!(!all.is_empty() && !folders.is_empty() && !none_of(&folders), "{all:?} {folders:?}");
    let status = measuring.end_by(signal);
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
    assert!(none_lives(&all), "{all:?} after {signal:?}");
    assert!(none_of(&folders), "{folders:?} after {signal:?}");
    assert_eq!(measuring.folders(), Vec::<PathBuf>::new());
}

fn none_lives(processes: &[Pid]) -> bool {
    !processes.iter().any(|pid| lives(*pid))
}

fn none_of(folders: &[PathBuf]) -> bool {
    !folders.iter().any(|folder| folder.exists())
}

fn remove(folders: &[PathBuf]) {
    for folder in folders {
        let _ = fs::remove_dir_all(folder);
    }
}
