//! The order of the checks.

use crate::{
    Answer, Demo, Failed, Request, Running, Server,
    claim::{Verdict, claims},
};

claims![
    a_body_over_64_kib_is_413,
    a_body_of_64_kib_is_none_too_many,
    over_the_limit_is_429_with_retry_after,
    operational_routes_are_exempt_from_the_limit,
    a_limit_comes_and_goes_with_an_edit,
    maintenance_is_503,
    operational_routes_are_exempt_from_maintenance,
    maintenance_comes_and_goes_with_an_edit,
    the_checks_come_in_order,
    a_panicking_handler_is_500_and_the_process_lives,
];

const EXEMPT: [&str; 5] = ["/healthz", "/readyz", "/page.js", "/config/history", "/metrics"];

fn a_body_over_64_kib_is_413(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for (method, target) in
        [("POST", "/"), ("GET", "/dynamic-config"), ("PUT", "/ping"), ("POST", "/healthz")]
    {
        assert_eq!(announcing(&server, method, target, 65_537)?.status, 413, "{method} {target}");
    }
    assert_eq!(announcing(&server, "POST", "/", u64::MAX / 4)?.status, 413);
    Ok(())
}

fn a_body_of_64_kib_is_none_too_many(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.request(&Request::new("POST", "/").body(vec![b'x'; 65_536]))?.status, 405);
    Ok(())
}

fn over_the_limit_is_429_with_retry_after(demo: &Demo) -> Verdict {
    let server = demo.server().config(with("limits: { requests_per_second: 1 }")).start()?;
    assert_eq!(server.status("/dynamic-config")?, 200);
    // A client that is held up for a second is let in again.
    let two = crate::wait_for("the limit", || {
        server.get("/dynamic-config").ok().filter(|answer| answer.status == 429)
    })?;
    let wait: u64 = two.header("retry-after").ok_or("no Retry-After")?.parse()?;
    assert!((1..=2).contains(&wait), "{wait}");
    crate::wait_until("a request to be let in again", || {
        server.status("/dynamic-config").is_ok_and(|status| status == 200)
    })
}

fn operational_routes_are_exempt_from_the_limit(demo: &Demo) -> Verdict {
    let server = demo.server().config(with("limits: { requests_per_second: 1 }")).start()?;
    use_up(&server)?;
    for target in EXEMPT {
        for _ in 0..3 {
            assert_eq!(server.status(target)?, 200, "{target}");
        }
    }
    server.events()?;
    Ok(())
}

fn a_limit_comes_and_goes_with_an_edit(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.replace("config.yaml", with("limits: { requests_per_second: 1 }"))?;
    server.wait_for_generation(2)?;
    use_up(&server)?;
    server.replace("config.yaml", with("limits: { requests_per_second: 0 }"))?;
    server.wait_for_generation(3)?;
    for _ in 0..20 {
        assert_eq!(server.status("/dynamic-config")?, 200);
    }
    Ok(())
}

fn maintenance_is_503(demo: &Demo) -> Verdict {
    let server = demo.server().config(with("maintenance: true")).start()?;
    for (method, target) in
        [("GET", "/"), ("GET", "/dynamic-config"), ("GET", "/ping"), ("GET", "/unknown"), ("POST", "/")]
    {
        let answer = server.request(&Request::new(method, target))?;
        assert_eq!(answer.status, 503, "{method} {target}");
        assert!(!answer.body.is_empty(), "{method} {target}");
        assert!(
            answer.header("content-type").is_some_and(|kind| kind.starts_with("text/")),
            "{:?}",
            answer.headers
        );
    }
    assert_eq!(server.request(&Request::new("HEAD", "/"))?.status, 503);
    Ok(())
}

fn operational_routes_are_exempt_from_maintenance(demo: &Demo) -> Verdict {
    let server = demo.server().config(with("maintenance: true")).start()?;
    for target in EXEMPT {
        assert_eq!(server.status(target)?, 200, "{target}");
    }
    server.events()?;
    Ok(())
}

fn maintenance_comes_and_goes_with_an_edit(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for (text, generation, status) in [("maintenance: true", 2, 503), ("maintenance: false", 3, 200)] {
        server.replace("config.yaml", with(text))?;
        server.wait_for_generation(generation)?;
        assert_eq!(server.status("/")?, status);
    }
    Ok(())
}

fn the_checks_come_in_order(demo: &Demo) -> Verdict {
    let guarded = "admin_token: a-token-of-some-length";
    let all = with(&format!("limits: {{ requests_per_second: 1 }}\nmaintenance: true\n{guarded}"));
    let server = demo.server().config(all).start()?;
    assert_eq!(server.status("/unknown")?, 503, "maintenance before 404");
    use_up(&server)?;
    assert_eq!(server.status("/unknown")?, 429, "the limit before maintenance");
    let too_large = announcing(&server, "GET", "/unknown", 70_000)?.status;
    assert!(matches!(too_large, 413 | 429), "the body at any place: {too_large}");
    server.replace("config.yaml", with(guarded))?;
    server.wait_for_generation(2)?;
    let posted = server.request(&Request::new("POST", "/config/history"))?.status;
    assert!(matches!(posted, 401 | 405), "the method and the guard, either first: {posted}");
    assert_eq!(server.status("/config/history/")?, 404, "the path before the guard");
    assert_eq!(server.status("/config/history")?, 401);
    Ok(())
}

fn a_panicking_handler_is_500_and_the_process_lives(demo: &Demo) -> Verdict {
    let server = demo.server().env("DEMO_FAULT", "panic@/healthz").start()?;
    for id in ["fault-1", "fault-2", "fault-3"] {
        let answer = server.request(&Request::get("/healthz").header("X-Request-Id", id))?;
        assert_eq!((answer.status, answer.header("x-request-id")), (500, Some(id)));
        assert!(
            answer.header("x-instance").is_some() && answer.header("x-request-id").is_some(),
            "{:?}",
            answer.headers
        );
        assert!(!answer.text().contains("panic"), "{}", answer.text());
        server.log().wait_for_log("the cause, with the request's id", |line| line.contains(id))?;
        assert_eq!(server.status("/dynamic-config")?, 200);
    }
    assert!(server.lives());
    Ok(())
}

fn with(more: &str) -> String {
    format!("{}\n{more}\n", Server::shipped_config())
}

/// Sends requests until one is over the limit.
fn use_up(server: &Running) -> Verdict {
    crate::wait_until("the limit", || server.status("/dynamic-config").is_ok_and(|status| status == 429))
}

/// The answer to a request that announces a body and has not sent it yet.
fn announcing(server: &Running, method: &str, target: &str, length: u64) -> Result<Answer, Failed> {
    server.request(&Request::new(method, target).header("Content-Length", &length.to_string()))
}
