//! Slow clients. Each claim takes ten seconds or more: that is the deadline that it tests.

use crate::{
    Client, Demo, Failed, Request, Running, Server,
    claim::{Verdict, claims},
    wait_until,
};
use rustix::net::sockopt::set_socket_send_buffer_size;
use std::{
    net::TcpListener,
    thread::sleep,
    time::{Duration, Instant},
};

claims! {
    full tier:
        headers_that_come_slowly_are_cut_after_10_seconds,
        headers_that_stop_coming_are_cut_after_10_seconds,
        an_idle_connection_closes_after_10_seconds,
        a_connection_that_never_speaks_closes,
        a_body_that_stops_coming_is_cut_after_10_seconds,
        a_second_head_that_stops_coming_is_cut_after_10_seconds,
        an_open_event_stream_is_not_idle,
        a_client_that_does_not_read_is_cut;
}

/// A server waits ten seconds; actix-web's clock ticks every half second.
const SHORTEST: Duration = Duration::from_millis(9500);

/// Upper bound on the wait of a client for the server to close. It is far above the time that a busy machine adds to ten
/// seconds.
const AT_LAST: Duration = Duration::from_mins(1);

fn headers_that_come_slowly_are_cut_after_10_seconds(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let start = Instant::now();
    let mut client = patient(&server)?;
    client.send(b"GET /healthz HTTP/1.1\r\nx: ")?;
    while client.send(b"y").is_ok() {
        assert!(start.elapsed() < AT_LAST, "it was not cut");
        sleep(Duration::from_millis(200));
    }
    lasted(start);
    Ok(())
}

fn headers_that_stop_coming_are_cut_after_10_seconds(demo: &Demo) -> Verdict {
    is_cut_after(demo, |client| client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"))
}

fn an_idle_connection_closes_after_10_seconds(demo: &Demo) -> Verdict {
    is_cut_after(demo, |client| client.get("/healthz").map(drop))
}

fn a_connection_that_never_speaks_closes(demo: &Demo) -> Verdict {
    is_cut_after(demo, |_| Ok(()))
}

/// The server closes a connection on which nothing follows this beginning.
fn is_cut_after(demo: &Demo, begin: impl FnOnce(&mut Client) -> Verdict) -> Verdict {
    let server = demo.server().start()?;
    let start = Instant::now();
    let mut client = patient(&server)?;
    begin(&mut client)?;
    client.wait_for_close()?;
    lasted(start);
    Ok(())
}

/// A server may also answer and close at once.
fn a_body_that_stops_coming_is_cut_after_10_seconds(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let head = "POST /ping HTTP/1.1\r\nHost: localhost\r\n";
    let (chunked, sized) = ("Transfer-Encoding: chunked\r\n\r\n", "Content-Length: 10\r\n\r\n");
    let beginnings = [
        chunked.to_owned(),
        format!("{chunked}5\r\nab"),
        format!("{chunked}1\r\na\r\n0\r\nx: y\r\n"),
        sized.to_owned(),
    ];
    let mut clients = Vec::new();
    for beginning in &beginnings {
        let mut client = patient(&server)?;
        client.send(format!("{head}{beginning}").as_bytes())?;
        clients.push(client);
    }
    for (client, beginning) in clients.iter_mut().zip(&beginnings) {
        client.wait_for_close().map_err(|_| format!("after {beginning:?} it is kept"))?;
    }
    Ok(())
}

fn a_second_head_that_stops_coming_is_cut_after_10_seconds(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = patient(&server)?;
    client.get("/healthz")?;
    let start = Instant::now();
    client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")?;
    client.wait_for_close()?;
    lasted(start);
    Ok(())
}

fn patient(server: &Running) -> Result<Client, Failed> {
    Client::patient(server.address(), AT_LAST)
}

/// The client's clock was started before the server's, so the client sees no less.
fn lasted(start: Instant) {
    assert!(start.elapsed() >= SHORTEST, "cut after {:?}", start.elapsed());
}

fn an_open_event_stream_is_not_idle(demo: &Demo) -> Verdict {
    let server =
        demo.server().edited("refresh_interval_seconds: 5", "refresh_interval_seconds: 86400").start()?;
    let mut events = server.events()?;
    // An idle connection shows that the deadline for idle connections has passed.
    let mut idle = server.client()?;
    idle.get("/healthz")?;
    idle.wait_for_close()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    events.event("config")?;
    Ok(())
}

fn a_client_that_does_not_read_is_cut(demo: &Demo) -> Verdict {
    // Accepted connections inherit the small send buffer.
    let socket = TcpListener::bind("127.0.0.1:0")?;
    set_socket_send_buffer_size(&socket, 4096)?;
    let server = demo.server().listener(socket).start()?;
    let mut reads = server.events()?;
    let mut sleeps = server.client()?;
    sleeps.narrow()?;
    sleeps.send(&Request::get("/events").bytes(server.address()))?;
    wait_until("both streams", || server.metric("http_connections", &[]).is_ok_and(|open| open > 2.5))?;
    // Each problem is a frame of about 10 KiB.
    let wrong: Vec<String> = (0..100).map(|n| format!("  bad-{n}-{}: x\n", "y".repeat(60))).collect();
    let wrong = wrong.concat();
    for n in 0..200 {
        let routes = format!("routes:\n  worst-{n}: x\n{wrong}#");
        server.replace("config.yaml", Server::shipped_config().replacen("routes:", &routes, 1))?;
        reads.until("the problem", |frame| frame.data.contains(&format!("worst-{n}:")))?;
    }
    let cut = || {
        wait_until("the other to be cut", || {
            server.metric("http_connections", &[]).is_ok_and(|open| open < 2.5)
        })
    };
    // The server may wait as long as for other slow clients.
    cut().or_else(|_| cut())?;
    let left = sleeps.rest()?.len();
    assert!(left < 1_500_000, "{left} bytes were kept for it");
    Ok(())
}
