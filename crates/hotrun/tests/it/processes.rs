//! No process that hotrun has started outlives it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};

use crate::project::{Hotrun, Project};

/// A program with processes that leave its group and its session, and whose parents end.
const FUGITIVE: &str = "\
#!/bin/sh
(setsid sh -c 'sleep 600 & sleep 601 & wait' >/dev/null 2>&1 &)
echo started with `cat version.txt`
exec sleep 602
";

/// The number of its processes.
const SLEEPERS: usize = 3;

fn fugitive() -> Hotrun {
    let settings = "[build]\nfull_bin = \"./run.sh\"\ninclude_ext = [\"txt\"]\n";
    let project =
        Project::new().file("run.sh", FUGITIVE).file("version.txt", "1").file(".hotrun.toml", settings);
    fs::set_permissions(project.path("run.sh"), fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let hotrun = project.hotrun();
    let pid = hotrun.pid();
    hotrun.wait_for("started with 1");
    hotrun.wait_until("sleepers", || sleepers(pid).len() == SLEEPERS);
    hotrun
}

/// The processes that this hotrun has started, or that were started by one of those.
fn sleepers(hotrun: u32) -> Vec<Pid> {
    let mark = format!("PROCESS_TREE_MARK={hotrun}-");
    let numbers = fs::read_dir("/proc").expect("processes").flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_one = |number: &i32| {
        let name = fs::read_to_string(format!("/proc/{number}/comm")).unwrap_or_default();
        let environment = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        name == "sleep\n" && String::from_utf8_lossy(&environment).contains(&mark)
    };
    numbers.filter(is_one).filter_map(Pid::from_raw).collect()
}

/// The watchdog of this hotrun.
fn watchdog(hotrun: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{hotrun}/task/{hotrun}/children")).expect("it lives");
    let mut children = children.split_whitespace().filter_map(|number| number.parse::<i32>().ok());
    let is_watchdog = |number: &i32| {
        fs::read_to_string(format!("/proc/{number}/cmdline")).is_ok_and(|words| words.contains("__watchdog"))
    };
    children.find(is_watchdog).and_then(Pid::from_raw)
}

fn lives(process: Pid) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn nothing_is_left_whatever_ends_hotrun() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL] {
        let mut hotrun = fugitive();
        let watchdog = watchdog(hotrun.pid()).unwrap();
        hotrun.signal(signal);
        hotrun.wait();
        let pid = hotrun.pid();
        hotrun.wait_until(&format!("end after {signal:?}"), || sleepers(pid).is_empty() && !lives(watchdog));
    }
}

/// The negative control: without the watchdog, the processes that left their group and session live on.
#[test]
fn without_the_watchdog_they_are_left() {
    let mut hotrun = fugitive();
    let (pid, watchdog) = (hotrun.pid(), watchdog(hotrun.pid()).unwrap());
    kill_process(watchdog, Signal::KILL).unwrap();
    hotrun.wait_until("end of the watchdog", || !lives(watchdog));
    hotrun.signal(Signal::KILL);
    hotrun.wait();
    // hotrun's own child dies with it; those below it do not.
    let left = sleepers(pid);
    assert!(left.len() >= SLEEPERS - 1, "{left:?}");
    for process in left {
        kill_process(process, Signal::KILL).unwrap();
    }
}

#[test]
fn nothing_of_the_old_program_is_left_beside_the_new_one() {
    let hotrun = fugitive();
    let pid = hotrun.pid();
    let old = sleepers(pid);
    hotrun.project().save("version.txt", "2");
    hotrun.wait_for("started with 2");
    hotrun.wait_until("end of the old ones", || !old.iter().any(|process| lives(*process)));
    hotrun.wait_until("new ones", || sleepers(pid).len() == SLEEPERS);
}

#[test]
fn a_build_inherits_no_socket() {
    let settings = "[build]\ncmd = \"ls -l /proc/self/fd\"\nfull_bin = \"sleep 600\"\n[socket]\naddress = \"127.0.0.1:PORT\"\n";
    let hotrun = Project::new().file(".hotrun.toml", settings).hotrun();
    hotrun.wait_for("/proc/");
    assert!(!hotrun.said().contains("socket:"), "{}", hotrun.said());
}
