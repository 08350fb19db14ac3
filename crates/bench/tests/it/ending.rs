//! No process and no temporary file outlives a measurement.

use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf};

use conformance::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use crate::measuring::{Measuring, WAYS, lives};

const ASKING: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

#[test]
fn interrupting_the_servers_measurement_leaves_no_process_and_no_folder() {
    for signal in ASKING {
        leaves_nothing(Measuring::a_fugitive("servers"), signal);
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
fn everything_ends_whichever_process_of_bench_is_killed() {
    for way in WAYS {
        for part in 0..3 {
            let measuring = Measuring::a_fugitive(way);
            let [reaper, worker] = measuring.own();
            let (all, folders) = (measuring.processes(), measuring.folders());
            kill_process([measuring.front(), reaper, worker][part], Signal::KILL).unwrap();
            wait_until(&format!("the end of all of `{way}` after part {part}"), || none_lives(&all)).unwrap();
            if part == 1 {
                // The reaper removes them.
                remove(&folders);
            } else {
                wait_until("the end of the folders", || none_of(&folders)).unwrap();
            }
        }
    }
}

/// The negative control: without the reaper and the front, processes and folders are left.
#[test]
fn the_reaper_ends_them() {
    let measuring = Measuring::a_fugitive("servers");
    let [reaper, worker] = measuring.own();
    let mut all = measuring.processes();
    let folders = measuring.folders();
    for (part, signal) in
        [(measuring.front(), Signal::STOP), (reaper, Signal::KILL), (measuring.front(), Signal::KILL)]
    {
        kill_process(part, signal).unwrap();
    }
    all.retain(|pid| ![measuring.front(), reaper].contains(pid));
    wait_until("the end of the reaper", || !lives(reaper)).unwrap();
    assert!(all.contains(&worker) && all.iter().all(|pid| lives(*pid)), "{all:?}");
    assert!(folders.iter().all(|folder| folder.exists()), "{folders:?}");
    for pid in all {
        let _ = kill_process(pid, Signal::KILL);
    }
    remove(&folders);
}

#[test]
fn a_hangup_that_is_ignored_from_the_start_ends_nothing() {
    let mut measuring = Measuring::a_fugitive_without_a_terminal();
    kill_process(measuring.front(), Signal::HUP).unwrap();
    assert_eq!(measuring.end_by(Signal::TERM).signal(), Some(Signal::TERM.as_raw()));
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
