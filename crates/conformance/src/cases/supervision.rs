//! ClientKind under a supervisor.

use crate::{
    Demo, Notices, Server,
    claim::{Verdict, claims},
};
use rustix::process::Signal;

claims! {
    every demo:
        a_socket_that_was_handed_over_is_used,
        readiness_is_told_when_it_answers;
    one demo:
        a_socket_for_this_very_process_is_used,
        a_socket_for_another_process_is_not_used,
        a_reload_is_told,
        a_stop_is_told,
        a_notify_socket_that_is_gone_harms_nothing;
}

fn a_socket_that_was_handed_over_is_used(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    Ok(())
}

fn a_socket_for_this_very_process_is_used(demo: &Demo) -> Verdict {
    let server = demo.server().after("export LISTEN_PID=$$").start()?;
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn a_socket_for_another_process_is_not_used(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().env("LISTEN_FDS", "1").env("LISTEN_PID", "1").start()?;
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn readiness_is_told_when_it_answers(demo: &Demo) -> Verdict {
    let (server, mut notices) = notified(demo)?;
    let server = server.start()?;
    notices.wait_for_line("READY=1")?;
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn a_reload_is_told(demo: &Demo) -> Verdict {
    let (server, mut notices) = notified(demo)?;
    let server = server.start()?;
    notices.wait_for_line("READY=1")?;
    server.signal(Signal::HUP)?;
    let message = notices.wait_for_line("RELOADING=1")?;
    let time =
        message.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).ok_or("no MONOTONIC_USEC")?;
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{message}");
    notices.wait_for_line("READY=1")?;
    Ok(())
}

fn a_stop_is_told(demo: &Demo) -> Verdict {
    let (server, mut notices) = notified(demo)?;
    let server = server.start()?;
    server.signal(Signal::TERM)?;
    notices.wait_for_line("STOPPING=1")?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    Ok(())
}

fn a_notify_socket_that_is_gone_harms_nothing(demo: &Demo) -> Verdict {
    let server = demo.server();
    let path = server.path("nobody");
    let server = server.env("NOTIFY_SOCKET", path).start()?;
    assert_eq!(server.status("/healthz")?, 200);
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn notified(demo: &Demo) -> Result<(Server, Notices), crate::Failed> {
    let server = demo.server().args("--linger 0");
    let path = server.path("notify");
    let notices = Notices::at(&path)?;
    Ok((server.env("NOTIFY_SOCKET", path), notices))
}
