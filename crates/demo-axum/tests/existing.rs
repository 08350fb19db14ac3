//! The end of `examples/existing_axum.rs`: the two lines that the README shows.

use std::{env, path::PathBuf};

use conformance::{Failed, Running, Server};
use rustix::process::Signal;

#[test]
fn a_second_signal_ends_what_waits_for_half_a_head() -> Result<(), Failed> {
    let server = existing_axum()?;
    let mut half = server.client()?;
    half.send(b"GET / HTTP/1.1\r\nhost:")?;
    half.wait_until_read()?;
    let mut idle = server.client()?;
    assert_eq!(idle.get("/")?.text(), "hello\n");
    server.signal(Signal::TERM)?;
    idle.wait_for_close()?;
    assert!(server.lives(), "it waits for the half of a head");
    server.signal(Signal::TERM)?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_request_under_way_is_answered() -> Result<(), Failed> {
    let server = existing_axum()?;
    let mut client = server.client()?;
    client.send(b"GET / HTTP/1.1\r\nhost:")?;
    client.wait_until_read()?;
    let mut idle = server.client()?;
    idle.get("/")?;
    server.signal(Signal::TERM)?;
    idle.wait_for_close()?;
    client.send(b" localhost\r\n\r\n")?;
    assert_eq!(client.answer("GET")?.text(), "hello\n");
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    Ok(())
}

/// Cargo builds the examples before it runs the tests, in a folder beside them.
fn existing_axum() -> Result<Running, Failed> {
    let this = env::current_exe()?;
    let examples = this.parent().and_then(|deps| deps.parent()).ok_or("a test is two folders deep")?;
    let example: PathBuf = examples.join("examples/existing_axum");
    // It announces nothing, so an answer is waited for.
    Server::new(example).with_stderr_closed().start()
}
