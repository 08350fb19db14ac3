//! A program that takes its port from `PORT`, behind the proxy.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::lending::{present, restarted, script};
use crate::load::Manner;
use crate::project::Project;

const RESTARTS: usize = 5;

const SETTINGS: &str = "[socket]\nway = \"proxy\"\naddress = \"127.0.0.1:PORT\"\n";

#[test]
fn a_program_behind_the_proxy_loses_no_request() {
    let Some(python) = present("python3") else { return };
    for manner in [Manner::Fresh, Manner::KeepAlive] {
        let tally = restarted(&format!("{python} {}", script("port.py")), SETTINGS, manner, RESTARTS);
        assert_eq!(tally.failures, Vec::<String>::new(), "{manner:?}, of {}", tally.answered());
    }
}

#[test]
fn a_request_that_comes_before_the_server_waits_for_it() {
    let Some(python) = present("python3") else { return };
    let slow = format!("[build]\nfull_bin = \"sleep 1; {python} {}\"\n{SETTINGS}", script("port.py"));
    let hotrun = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &slow).hotrun();
    hotrun.wait_until("port", || TcpStream::connect(hotrun.project().address()).is_ok());
    assert!(!hotrun.said().contains("is ready"), "{}", hotrun.said());
    let answer = crate::project::get(hotrun.project().address()).unwrap();
    assert!(answer.ends_with("version 1."), "{answer}");
}

/// Clock ticks of processor time that a process has used.
fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn without_descriptors_the_proxy_waits_for_some() {
    let Some(python) = present("python3") else { return };
    let settings = format!("[build]\nfull_bin = \"{python} {}\"\n{SETTINGS}", script("port.py"));
    let hotrun = Project::new().file("version.txt", "version 1.").file(".hotrun.toml", &settings).hotrun();
    hotrun.wait_for_answer("version 1.");
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", hotrun.pid())).unwrap().count();
    let most = descriptors() + 5;
    let most_of_all = Some(most.try_into().unwrap());
    let limit = Rlimit { current: most_of_all, maximum: most_of_all };
    prlimit(Pid::from_raw(hotrun.pid().cast_signed()), Resource::Nofile, limit).unwrap();
    let connect = || TcpStream::connect(hotrun.project().address()).unwrap();
    let clients: Vec<_> = (0..20).map(|_| connect()).collect();
    hotrun.wait_until("last descriptor taken", || descriptors() >= most);
    let (began, before) = (Instant::now(), ticks(hotrun.pid()));
    while began.elapsed() < Duration::from_secs(2) {
        let used = ticks(hotrun.pid()) - before;
        assert!(used < 40, "{used} ticks in {:?}", began.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    drop(clients);
    hotrun.wait_for_answer("version 1.");
}
