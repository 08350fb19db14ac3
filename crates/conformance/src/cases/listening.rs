//! Edits of `host` and `port`.

use crate::{
    Client, Demo, Server,
    claim::{Verdict, claims},
    own_address, wait_until,
};
use std::net::{SocketAddr, TcpListener, TcpStream};

claims![
    on_a_supervisors_listener_a_changed_port_moves_nothing_and_one_line_says_so,
    on_its_own_listener_a_changed_port_moves_it_and_both_serve_meanwhile,
    an_address_that_cannot_be_had_rejects_the_whole_edit,
    moving_back_at_once_works,
    an_overlapping_host_is_moved_to_on_the_same_port,
    on_its_own_listener_an_overridden_address_may_change_in_the_file,
];

fn on_a_supervisors_listener_a_changed_port_moves_nothing_and_one_line_says_so(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let before = server.log().lines().len();
    server.edit("port: 8080", "port: 9090")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    server.edit("log_level: info", "log_level: warn")?;
    server.wait_for_generation(3)?;
    let line = |line: &str| line.contains("next start");
    server.log().wait_for_log("the line that says when it counts (`next start`)", line)?;
    let lines = server.log().lines();
    assert_eq!(lines[before..].iter().filter(|text| line(text)).count(), 1, "{lines:#?}");
    Ok(())
}

fn on_its_own_listener_a_changed_port_moves_it_and_both_serve_meanwhile(demo: &Demo) -> Verdict {
    let (old, new) = (own_address()?, own_address()?);
    let server = listening_on(demo, old).args("--linger 1").start()?;
    let mut events = server.events()?;
    let mut kept = server.client()?;
    kept.get("/healthz")?;
    server.edit(&format!("port: {}", old.port()), &format!("port: {}", new.port()))?;
    let bye = events.event("bye")?;
    assert_eq!(bye.json()?["location"], format!("http://{new}/"));
    assert!(bye.retry.is_some_and(|retry| retry <= 500), "{}", bye.raw);

    let here = Client::connect(new)?.get("/readyz")?;
    assert_eq!((here.status, &here.json()?["address"]), (200, &new.to_string().into()));
    assert!(
        Client::connect(new)?.get("/")?.text().contains(&new.port().to_string()),
        "the page shows the port"
    );
    let there = kept.get("/readyz")?;
    assert_eq!(
        (there.status, &there.json()?["address"]),
        (503, &new.to_string().into()),
        "the old one drains"
    );
    assert_eq!(there.header("connection").map(str::to_lowercase).as_deref(), Some("close"));
    assert_eq!(Client::connect(old)?.get("/healthz")?.status, 200, "and serves meanwhile");
    wait_until("the old address to be refused", || TcpStream::connect(old).is_err())?;
    wait_until("the drain to be counted", || {
        Client::connect(new).and_then(|mut client| client.get("/metrics")).is_ok_and(|answer| {
            answer.text().lines().any(|line| line == r#"drains_total{outcome="clean"} 1"#)
        })
    })?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn an_address_that_cannot_be_had_rejects_the_whole_edit(demo: &Demo) -> Verdict {
    let address = own_address()?;
    let server = listening_on(demo, address).start()?;
    let taken = TcpListener::bind(own_address()?)?;
    let mut events = server.events()?;
    let here = format!("port: {}", address.port());
    let cases = [
        (
            here.clone(),
            format!("port: {}", taken.local_addr()?.port()),
            format!("process {}", std::process::id()),
        ),
        (format!("host: {}", address.ip()), "host: 192.0.2.1".into(), "host".into()),
    ];
    for (from, to, says) in cases {
        server.replace(
            "config.yaml",
            server.config()?.replace(&from, &to).replace("log_level: info", "log_level: warn"),
        )?;
        let problem = events.event("problem")?;
        assert!(problem.data.contains(&says), "`{says}` in {}", problem.raw);
        let answer = server.get("/dynamic-config")?;
        assert_eq!((answer.generation(), &answer.json()?["log_level"]), (Some(1), &"info".into()));
        assert_eq!(server.history()?[0]["outcome"], "rejected");
        server.replace(
            "config.yaml",
            server.config()?.replace(&to, &from).replace("log_level: warn", "log_level: info"),
        )?;
        events.event("solved")?;
    }
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    Ok(())
}

fn moving_back_at_once_works(demo: &Demo) -> Verdict {
    let (old, new) = (own_address()?, own_address()?);
    let server = listening_on(demo, old).args("--linger 0.5").start()?;
    for generation in 2..8 {
        let (from, to) = if generation % 2 == 0 { (old, new) } else { (new, old) };
        server.edit(&format!("port: {}", from.port()), &format!("port: {}", to.port()))?;
        wait_until("the other address to be ready", || {
            Client::connect(to)
                .and_then(|mut client| client.get("/readyz"))
                .is_ok_and(|answer| answer.status == 200 && answer.generation() == Some(generation))
        })?;
    }
    wait_until("the other address to be refused", || TcpStream::connect(new).is_err())?;
    assert_eq!(server.status("/readyz")?, 200);
    Ok(())
}

fn an_overlapping_host_is_moved_to_on_the_same_port(demo: &Demo) -> Verdict {
    // No other test has this port on all addresses: ports of clients begin above, those of `own_address` end below.
    let port = 30_001 + u16::try_from(std::process::id() % 2_000)?;
    let address = SocketAddr::new(own_address()?.ip(), port);
    let server = listening_on(demo, address).args("--linger 0.3").start()?;
    server.edit(&format!("host: {}", address.ip()), "host: 0.0.0.0")?;
    wait_until("every address to be served", || {
        Client::connect(([127, 77, 2, 5], port).into())
            .and_then(|mut client| client.get("/readyz"))
            .is_ok_and(|answer| answer.status == 200)
    })?;
    wait_until("the first address to be ready again", || {
        server.status("/readyz").is_ok_and(|status| status == 200)
    })
}

/// A server that listens on this address and may be moved.
fn listening_on(demo: &Demo, address: SocketAddr) -> Server {
    let server = demo.server().edited("port: 8080", &format!("port: {}", address.port()));
    server.edited("host: 127.0.0.1", &format!("host: {}", address.ip())).binding_itself()
}

fn on_its_own_listener_an_overridden_address_may_change_in_the_file(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().start()?;
    let mut events = server.events()?;
    server.edit("port: 8080", "port: 9092")?;
    server.edit("log_level: info", "log_level: warn")?;
    events.event("config")?;
    assert_eq!(events.count("problem"), 0, "{:?}", events.seen);
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    Ok(())
}
