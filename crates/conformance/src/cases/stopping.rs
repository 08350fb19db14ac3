//! Stopping.

use crate::{
    Client, Demo, Failed, Running,
    claim::{Verdict, claims},
    wait_until,
};
use rustix::process::Signal;
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

claims![
    sigterm_ends_with_0,
    sigint_ends_with_0,
    its_own_listener_accepts_through_the_linger_and_says_draining,
    answers_of_a_draining_server_close_their_connections,
    a_request_under_way_finishes,
    an_idle_connection_does_not_hold_it,
    on_a_supervisors_listener_it_stops_accepting_and_leaves_the_queue,
    on_a_supervisors_listener_the_linger_ends_when_nothing_is_connected,
    at_the_deadline_what_is_left_is_cut,
    a_second_signal_ends_it_at_once,
    a_stop_during_a_broken_configuration_is_a_stop,
];

/// Far above the time of an end without waiting, far below the waits that are skipped.
const SOON: Duration = Duration::from_secs(6);

fn sigterm_ends_with_0(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn sigint_ends_with_0(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 0").start()?;
    server.signal(Signal::INT)?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    Ok(())
}

fn its_own_listener_accepts_through_the_linger_and_says_draining(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 4").start()?;
    server.signal(Signal::TERM)?;
    draining(&server)?;
    let answer = server.get("/readyz")?;
    assert_eq!((answer.status, &answer.json()?["status"]), (503, &"draining".into()));
    assert_eq!(server.status("/")?, 200, "the rest is served as before");
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    assert!(TcpStream::connect(server.address()).is_err(), "the socket is closed");
    Ok(())
}

fn answers_of_a_draining_server_close_their_connections(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 4").start()?;
    let mut kept = server.client()?;
    kept.get("/healthz")?;
    server.signal(Signal::TERM)?;
    draining(&server)?;
    for target in ["/", "/healthz", "/unknown"] {
        let mut client = server.client()?;
        let answer = client.get(target)?;
        assert_eq!(answer.header("connection").map(str::to_lowercase).as_deref(), Some("close"), "{target}");
        client.wait_for_close()?;
    }
    if let Ok(answer) = kept.get("/healthz") {
        assert_eq!(
            answer.header("connection").map(str::to_lowercase).as_deref(),
            Some("close"),
            "on an old connection"
        );
    }
    Ok(())
}

fn a_request_under_way_finishes(demo: &Demo) -> Verdict {
    for server in [demo.server().on_a_free_port(), demo.server()] {
        let server = server.args("--linger 0.3 --drain-deadline 20").start()?;
        let mut events = server.events()?;
        let mut client = half_sent(&server)?;
        server.signal(Signal::TERM)?;
        events.rest()?;
        client.send(b"x: y\r\n\r\n")?;
        let answer = client.answer("GET")?;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("connection").map(str::to_lowercase).as_deref(), Some("close"));
        assert_eq!(server.wait_for_exit()?.code(), Some(0));
    }
    Ok(())
}

fn an_idle_connection_does_not_hold_it(demo: &Demo) -> Verdict {
    let server = demo.server().args("--linger 0.2 --drain-deadline 60").start()?;
    let mut client = server.client()?;
    client.get("/healthz")?;
    let start = Instant::now();
    assert_eq!(server.stop()?.code(), Some(0));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    client.wait_for_close()
}

fn on_a_supervisors_listener_it_stops_accepting_and_leaves_the_queue(demo: &Demo) -> Verdict {
    let first = demo.server().args("--linger 0.3").start()?;
    let socket = first.listener()?;
    assert_eq!(first.stop()?.code(), Some(0));
    let mut waiting = Client::connect(first.address())?;
    waiting.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let second = demo.server().listener(socket).start()?;
    let answer = waiting.answer("GET")?;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("x-instance"),
        second.get("/healthz")?.header("x-instance"),
        "the successor took it"
    );
    Ok(())
}

fn on_a_supervisors_listener_the_linger_ends_when_nothing_is_connected(demo: &Demo) -> Verdict {
    let server = demo.server().args("--linger 60 --drain-deadline 90").start()?;
    let start = Instant::now();
    assert_eq!(server.stop()?.code(), Some(0));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    Ok(())
}

fn at_the_deadline_what_is_left_is_cut(demo: &Demo) -> Verdict {
    for server in [demo.server().on_a_free_port(), demo.server()] {
        let server = server.args("--linger 0.1 --drain-deadline 0.5").start()?;
        let mut client = half_sent(&server)?;
        let start = Instant::now();
        assert_eq!(server.stop()?.code(), Some(0));
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        client.wait_for_close()?;
    }
    Ok(())
}

fn a_second_signal_ends_it_at_once(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 60 --drain-deadline 90").start()?;
    let _client = half_sent(&server)?;
    server.signal(Signal::TERM)?;
    draining(&server)?;
    let start = Instant::now();
    server.signal(Signal::TERM)?;
    server.wait_for_exit()?;
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    Ok(())
}

fn a_stop_during_a_broken_configuration_is_a_stop(demo: &Demo) -> Verdict {
    let server = demo.server().args("--linger 0").start()?;
    let mut events = server.events()?;
    server.save_config("")?;
    events.event("problem")?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn draining(server: &Running) -> Verdict {
    wait_until("`/readyz` to say 503", || server.status("/readyz").is_ok_and(|status| status == 503))
}

/// A connection whose second request is half sent. The first answer shows that the connection was accepted.
fn half_sent(server: &Running) -> Result<Client, Failed> {
    let mut client = server.client()?;
    client.get("/healthz")?;
    client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")?;
    // The server answers another connection after its event loop has seen these bytes.
    server.get("/healthz")?;
    Ok(client)
}
