//! Overload, malformed requests and missing resources.

use crate::{
    Client, Demo, Events, Failed, Request, Running, Server,
    claim::{Verdict, claims},
    wait_until,
};
use std::{
    fs,
    thread::{self, sleep},
    time::{Duration, Instant},
};

claims![
    five_hundred_idle_event_clients_are_served,
    running_out_of_descriptors_is_survived,
    a_stuck_stderr_blocks_no_request,
    a_closed_stderr_kills_nothing,
    sixty_headers_and_8_kib_are_served,
    an_endless_head_is_refused,
    bytes_that_are_no_http_are_refused,
    two_requests_at_once_are_answered_in_order,
    http_1_0_is_answered,
    a_connection_is_kept_and_closed_as_asked,
    a_body_that_is_expected_to_be_read_is_not_in_the_way,
    a_client_that_leaves_early_harms_nobody,
    a_request_before_a_half_close_is_answered,
    an_event_stream_outlives_a_half_close,
    a_stream_whose_client_is_gone_ends,
    two_host_headers_are_400,
    a_content_length_above_64_bits_is_refused,
    bad_header_lines_are_logged_at_debug,
    too_few_descriptors_end_the_start_with_1,
    a_client_that_pipelines_and_does_not_read_costs_little,
];

fn five_hundred_idle_event_clients_are_served(demo: &Demo) -> Verdict {
    // The soft limit is too low. The server raises it at the start.
    let server = demo.server().after("ulimit -S -n 256").start()?;
    let mut clients = (0..500).map(|_| server.events()).collect::<Result<Vec<_>, _>>()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    for events in &mut clients {
        assert_eq!(events.event("config")?.json()?["generation"], 2);
    }
    Ok(())
}

fn running_out_of_descriptors_is_survived(demo: &Demo) -> Verdict {
    let server = demo.server().after("ulimit -n 48").start()?;
    let mut early = server.client()?;
    early.get("/healthz")?;
    let clients = (0..100).map(|_| server.client()).collect::<Result<Vec<_>, _>>()?;
    wait_until("its descriptors to be used up", || {
        let open = fs::read_dir(format!("/proc/{}/fd", server.pid())).map_or(0, Iterator::count);
        open >= 46
    })?;
    assert_eq!(early.get("/healthz")?.status, 200, "who is connected is served");
    let (spent, passed) = processor_time_of_a_second(&server)?;
    assert!(spent < passed / 3, "accepting goes on at full speed: {spent:?} in {passed:?}");
    drop(clients);
    wait_until("an answer", || server.status("/healthz").is_ok_and(|status| status == 200))?;
    assert!(server.lives());
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)
}

/// The processor time that the process has used so far. `/proc` counts it in hundredths of a second.
fn processor_time(server: &Running) -> Result<Duration, Failed> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid()))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in parentheses")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}

fn a_stuck_stderr_blocks_no_request(demo: &Demo) -> Verdict {
    let server = demo
        .server()
        .edited("log_level: info", "log_level: debug")
        .with_stderr_stuck()
        .args("--linger 0")
        .start()?;
    let path = format!("/{}", "x".repeat(1000));
    let mut client = server.client()?;
    for _ in 0..400 {
        assert_eq!(client.get(&path)?.status, 404);
    }
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.stop()?.code(), Some(0), "it stops all the same");
    Ok(())
}

fn a_closed_stderr_kills_nothing(demo: &Demo) -> Verdict {
    let server = demo
        .server()
        .edited("log_level: info", "log_level: debug")
        .with_stderr_closed()
        .args("--linger 0")
        .start()?;
    for _ in 0..20 {
        assert_eq!(server.status("/unknown")?, 404);
    }
    server.save_config("")?;
    server.save_config(Server::shipped_config().replace("feature_flag_a: true", "feature_flag_a: false"))?;
    server.wait_for_generation(2)?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn sixty_headers_and_8_kib_are_served(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let many = (0..59).fold(Request::get("/healthz"), |request, n| request.header(&format!("x-{n}"), "y"));
    assert_eq!(server.request(&many)?.status, 200, "60, with Host");
    let large = (0..7)
        .fold(Request::get("/healthz"), |request, n| request.header(&format!("x-{n}"), &"y".repeat(1150)));
    assert_eq!(server.request(&large)?.status, 200, "8 KiB");
    let one = Request::get("/healthz").header("x", &"y".repeat(8000));
    assert_eq!(server.request(&one)?.status, 200, "8 KiB in one");
    Ok(())
}

fn an_endless_head_is_refused(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    let _ = client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    let line = format!("x: {}\r\n", "y".repeat(4000));
    // 16 MiB in all; the server closes the connection long before that.
    let cut = (0..4096).any(|_| client.send(line.as_bytes()).is_err());
    assert!(cut, "16 MiB of headers were taken");
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn bytes_that_are_no_http_are_refused(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut client = server.client()?;
        client.send(bytes)?;
        client.send(b"\r\n\r\n").ok();
        if let Ok(answer) = client.answer("GET") {
            assert!((400..=505).contains(&answer.status), "{bytes:?}: {}", answer.status);
        }
        assert_eq!(server.status("/healthz")?, 200, "after {bytes:?}");
    }
    Ok(())
}

fn two_requests_at_once_are_answered_in_order(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    let targets = ["/healthz", "/ping", "/unknown", "/ping"];
    let bytes: Vec<u8> =
        targets.iter().flat_map(|target| Request::get(target).bytes(server.address())).collect();
    client.send(&bytes)?;
    let mut texts = Vec::new();
    for _ in targets {
        texts.push(client.answer("GET")?.text());
    }
    assert_eq!(texts, [r#"{"status":"ok"}"#, "pong", r#"{"error":"not found","path":"/unknown"}"#, "pong"]);
    Ok(())
}

fn http_1_0_is_answered(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    client.send(b"GET /ping HTTP/1.0\r\n\r\n")?;
    let answer = client.answer("GET")?;
    assert_eq!((answer.status, answer.text().as_str()), (200, "pong"));
    assert!(answer.header("transfer-encoding").is_none(), "{:?}", answer.headers);
    client.wait_for_close()
}

fn a_connection_is_kept_and_closed_as_asked(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    for _ in 0..50 {
        assert_eq!(client.get("/healthz")?.status, 200);
    }
    client.request(&Request::get("/healthz").header("Connection", "close"))?;
    client.wait_for_close()
}

fn a_body_that_is_expected_to_be_read_is_not_in_the_way(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.request(&Request::get("/ping").body("ignored"))?.text(), "pong");
    let mut client = server.client()?;
    client.send(
        b"POST /ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    )?;
    assert_eq!(client.answer("POST")?.status, 405);
    let mut client = server.client()?;
    client.send(
        b"POST /ping HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    )?;
    assert_eq!(client.answer("POST")?.status, 405);
    Ok(())
}

fn a_client_that_leaves_early_harms_nobody(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let address = server.address();
    thread::scope(|scope| {
        let leavers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    for _ in 0..50 {
                        let mut client = Client::connect(address)?;
                        client.send(&Request::get("/").bytes(address))?;
                    }
                    Ok::<(), Failed>(())
                })
            })
            .collect();
        leavers.into_iter().try_for_each(|leaver| leaver.join().map_err(|_| "a client panicked")?)
    })?;
    assert_eq!(server.status("/")?, 200);
    Ok(())
}

fn a_request_before_a_half_close_is_answered(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for target in ["/", "/healthz", "/ping"] {
        for attempt in 0..30 {
            let mut client = server.client()?;
            client.send(&Request::get(target).bytes(server.address()))?;
            client.finish_sending()?;
            let answer = client.answer("GET").map_err(|failed| {
                format!("{target}, attempt {attempt}: {}", failed.message().unwrap_or_default())
            })?;
            assert_eq!(answer.status, 200, "{target}");
            client.wait_for_close()?;
        }
    }
    Ok(())
}

fn an_event_stream_outlives_a_half_close(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    client.send(&Request::get("/events").bytes(server.address()))?;
    client.finish_sending()?;
    let mut events = Events::open(client)?;
    events.event("hello")?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    events.event("config")?;
    Ok(())
}

fn a_stream_whose_client_is_gone_ends(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let stays = server.events()?;
    let streams = (0..20).map(|_| server.events()).collect::<Result<Vec<_>, _>>()?;
    wait_until("the streams", || server.metric("http_connections", &[]).is_ok_and(|open| open > 20.5))?;
    drop(streams);
    // Each edit is written to the streams; a client that is gone answers the first write by a reset.
    for generation in 2..5 {
        let config = Server::shipped_config();
        let text = config.replace("seconds: 5", &format!("seconds: {generation}00"));
        server.replace("config.yaml", text)?;
        server.wait_for_generation(generation)?;
    }
    wait_until("the streams to end", || server.metric("http_connections", &[]).is_ok_and(|open| open < 2.5))?;
    drop(stays);
    Ok(())
}

fn two_host_headers_are_400(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for target in ["/", "/unknown", "/metrics", "/ping"] {
        for (first, second) in [("localhost", "localhost"), ("localhost", "demo.example")] {
            let two = Request::get(target).header("Host", first).header("Host", second);
            assert_eq!(server.request(&two)?.status, 400, "{target}: {first}, then {second}");
        }
    }
    Ok(())
}

fn a_content_length_above_64_bits_is_refused(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for length in ["18446744073709551616", "99999999999999999999999999", &"9".repeat(400)] {
        let status = server.request(&Request::new("POST", "/").header("Content-Length", length))?.status;
        assert!(matches!(status, 400 | 413 | 431), "{length}: {status}");
    }
    Ok(())
}

fn bad_header_lines_are_logged_at_debug(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for _ in 0..50 {
        let mut client = server.client()?;
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n")?;
        client.wait_for_close()?;
    }
    server.edit("log_level: info", "log_level: error")?;
    server.wait_for_generation(2)?;
    for _ in 0..50 {
        let mut client = server.client()?;
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n")?;
        client.wait_for_close()?;
    }
    server.stop()?;
    let lines = server.log().lines();
    let errors: Vec<&String> = lines.iter().filter(|line| line.contains("ERROR")).collect();
    assert!(errors.is_empty(), "{} lines such as {:?}", errors.len(), errors[0]);
    Ok(())
}

fn too_few_descriptors_end_the_start_with_1(demo: &Demo) -> Verdict {
    for limit in [13, 16, 20, 30] {
        let ended = demo.server().on_a_free_port().after(&format!("ulimit -n {limit}")).run()?;
        let ended = ended
            .with_status(1)
            .map_err(|failed| format!("`ulimit -n {limit}`: {}", failed.message().unwrap_or_default()))?;
        let said = ended.output();
        assert!(said.contains("descriptors") && said.contains("`ulimit -n`"), "{limit}: {said}");
        assert!(said.contains(&format!(" {limit}")), "{limit}: {said}");
    }
    Ok(())
}

fn a_client_that_pipelines_and_does_not_read_costs_little(demo: &Demo) -> Verdict {
    const CLIENTS: u64 = 20;
    let server = demo.server().start()?;
    server.get("/")?;
    let before = memory(&server)?;
    let requests = Request::get("/").bytes(server.address()).repeat(5_000);
    let mut clients = (0..CLIENTS).map(|_| server.client()).collect::<Result<Vec<_>, _>>()?;
    for client in &mut clients {
        assert!(client.send_without_waiting(&requests)? > 0);
    }
    wait_until("it to stop working for clients that take nothing", || {
        processor_time_of_a_second(&server).is_ok_and(|(spent, passed)| spent < passed / 4)
    })?;
    let grown = memory(&server)?.saturating_sub(before);
    assert!(grown < CLIENTS * 2048, "{grown} KiB are kept for {CLIENTS} clients that take nothing");
    assert_eq!(server.status("/")?, 200);
    drop(clients);
    wait_until("the clients to be gone", || {
        server.metric("http_connections", &[]).is_ok_and(|open| open < 2.5)
    })
}

/// The processor time that the process uses in a second, and the time that has passed: a busy machine makes the second longer.
fn processor_time_of_a_second(server: &Running) -> Result<(Duration, Duration), Failed> {
    let (before, begun) = (processor_time(server)?, Instant::now());
    sleep(Duration::from_secs(1));
    Ok((processor_time(server)?.saturating_sub(before), begun.elapsed()))
}

/// The process's resident memory, in KiB.
fn memory(server: &Running) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}
