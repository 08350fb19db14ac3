//! The headers of every answer.

use crate::{
    Answer, Demo, Request, Server,
    claim::{Verdict, claims},
};

claims![
    every_answer_carries_the_sites_headers,
    refusals_carry_the_sites_headers,
    a_valid_request_id_is_kept,
    an_odd_request_id_harms_nobody,
    every_request_has_an_id_of_its_own,
    an_instance_stays_the_same_and_is_one_processs,
];

fn every_answer_carries_the_sites_headers(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for target in [
        "/",
        "/dynamic-config",
        "/page.js",
        "/config/history",
        "/healthz",
        "/readyz",
        "/metrics",
        "/ping",
        "/unknown",
    ] {
        signed(&server.get(target)?, target);
        signed(&server.request(&Request::new("HEAD", target))?, target);
        signed(&server.request(&Request::new("POST", target))?, target);
    }
    signed(&server.events()?.head, "/events");
    let etag = server.get("/dynamic-config")?.header("etag").ok_or("no ETag")?.to_owned();
    signed(&server.request(&Request::get("/dynamic-config").header("If-None-Match", &etag))?, "a 304");
    signed(&server.request(&Request::get("/metrics").header("Host", "demo.example"))?, "a 403");
    signed(&server.request(&Request::new("POST", "/").header("Content-Length", "70000"))?, "a 413");
    Ok(())
}

fn refusals_carry_the_sites_headers(demo: &Demo) -> Verdict {
    let all = "maintenance: true\nlimits: { requests_per_second: 1 }\nadmin_token: a-token-of-some-length";
    let server = demo.server().config(format!("{}\n{all}\n", Server::shipped_config())).start()?;
    let mut statuses = vec![401];
    signed(&server.get("/metrics")?, "a 401");
    while statuses.len() < 3 {
        let answer = server.get("/dynamic-config")?;
        signed(&answer, "a refusal");
        if !statuses.contains(&answer.status) {
            statuses.push(answer.status);
        }
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 429, 503]);
    Ok(())
}

fn a_valid_request_id_is_kept(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for id in ["req-42", "0af7651916cd43dd8448eb211c80319c", "4b7c9c1e-6f0a-4b7e-9a55-2f5d5c7a1f00"] {
        let answer = server.request(&Request::get("/healthz").header("X-Request-Id", id))?;
        assert_eq!(answer.header("x-request-id"), Some(id));
        assert_eq!(
            answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id")).count(),
            1
        );
    }
    Ok(())
}

/// The frameworks decide about it: they keep it or make another one.
fn an_odd_request_id_harms_nobody(demo: &Demo) -> Verdict {
    let server = demo.server().edited("log_level: info", "log_level: debug").start()?;
    let long = "x".repeat(1000);
    for id in ["", " ", "a b", "<script>", "a\"b", "gr\u{fc}n", &long] {
        let answer = server.request(&Request::get("/healthz").header("X-Request-Id", id))?;
        assert_eq!(answer.status, 200, "{id:?}");
        let count =
            answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id")).count();
        assert_eq!(count, 1, "{id:?}: {:?}", answer.headers);
    }
    let odd = Request::get("/healthz").header("X-Request-Id", "gr\u{fc}n");
    server.request(&odd)?;
    assert!(!server.log().text().contains("gr\u{fc}n"), "it is escaped in the log");
    Ok(())
}

fn every_request_has_an_id_of_its_own(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    let (one, two) = (client.get("/healthz")?, client.get("/healthz")?);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    Ok(())
}

fn an_instance_stays_the_same_and_is_one_processs(demo: &Demo) -> Verdict {
    let (one, two) = (demo.server().start()?, demo.server().start()?);
    let (first, second) = (one.get("/healthz")?, one.get("/")?);
    assert_eq!(first.header("x-instance"), second.header("x-instance"));
    assert_ne!(first.header("x-instance"), two.get("/")?.header("x-instance"));
    Ok(())
}

fn signed(answer: &Answer, what: &str) {
    let all = &answer.headers;
    assert_eq!(answer.generation(), Some(1), "{what}: {all:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}: {all:?}");
    for name in ["x-instance", "x-request-id"] {
        let value = answer.header(name).unwrap_or_default();
        assert!((4..=64).contains(&value.len()) && value.is_ascii(), "{name} of {what}: {all:?}");
        assert_eq!(
            all.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count(),
            1,
            "{name} of {what}: {all:?}"
        );
    }
}
