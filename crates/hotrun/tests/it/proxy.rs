//! A program that takes its port from `PORT`, behind the proxy.

use crate::lending::{present, restarted, script};
use crate::load::Manner;
use crate::project::Project;

const RESTARTS: usize = 20;

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
    hotrun.wait_until("port", || std::net::TcpStream::connect(hotrun.project().address()).is_ok());
    assert!(!hotrun.said().contains("is ready"), "{}", hotrun.said());
    let answer = crate::project::get(hotrun.project().address()).unwrap();
    assert!(answer.ends_with("version 1."), "{answer}");
}
