//! The messages that a supervisor receives.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::child::Child;

fn heard(supervisor: &UnixDatagram) -> Vec<String> {
    supervisor.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut messages = Vec::new();
    while messages.last().is_none_or(|last| last != "STOPPING=1") {
        let mut buffer = [0; 1024];
        let length = supervisor.recv(&mut buffer).unwrap();
        messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    messages
}

fn is_the_whole_conversation(messages: &[String]) {
    let [ready, reloading, again, main_pid, status, stopping] = messages else { panic!("{messages:?}") };
    assert_eq!((ready.as_str(), again.as_str(), stopping.as_str()), ("READY=1", "READY=1", "STOPPING=1"));
    let (first, second) = reloading.split_once('\n').unwrap();
    assert_eq!(first, "RELOADING=1");
    let clock: u128 = second.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    assert!(Duration::from_micros(u64::try_from(clock).unwrap()).as_secs_f64() <= uptime + 1.0, "{clock}");
    assert_eq!(main_pid, "MAINPID=4711");
    assert_eq!(status, "STATUS=two lines");
}

#[test]
fn every_message_is_a_datagram() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    let mut herald = Child::start("sender_of_messages").env("NOTIFY_SOCKET", path.to_str().unwrap()).spawn();
    is_the_whole_conversation(&heard(&supervisor));
    assert_eq!(herald.line(), path.to_str().unwrap(), "a successor needs the variable");
    assert_eq!(herald.rest_of_stderr(), "");
}

#[test]
fn an_abstract_socket_works_too() {
    let name = format!("lifecycle-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let supervisor = UnixDatagram::bind_addr(&address).unwrap();
    let _herald = Child::start("sender_of_messages").env("NOTIFY_SOCKET", &format!("@{name}")).spawn();
    is_the_whole_conversation(&heard(&supervisor));
}

#[test]
fn without_a_supervisor_nothing_is_sent() {
    let mut herald = Child::start("sender_of_messages").spawn();
    assert_eq!(herald.line(), "");
    assert!(herald.exit().success());
    assert_eq!(herald.rest_of_stderr(), "");
}

#[test]
fn a_supervisor_that_is_gone_is_logged_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone");
    let mut herald = Child::start("sender_of_messages").env("NOTIFY_SOCKET", path.to_str().unwrap()).spawn();
    assert!(herald.exit().success());
    let text = herald.rest_of_stderr();
    assert!(text.contains("cannot tell the supervisor `READY=1`"), "{text}");
}
