//! Methods and paths.

use crate::{
    Demo, Request,
    claim::{Verdict, claims},
};

claims![
    head_is_get_without_a_body,
    head_of_the_events_ends,
    another_method_is_405_with_allow,
    an_unknown_path_is_a_404_that_names_it,
    a_trailing_slash_is_another_path,
    odd_paths_are_404,
    a_404_comes_before_a_405,
];

const ROUTES: [&str; 11] = [
    "/",
    "/dynamic-config",
    "/events",
    "/database",
    "/page.js",
    "/config/history",
    "/config/overrides",
    "/healthz",
    "/readyz",
    "/metrics",
    "/ping",
];

fn head_is_get_without_a_body(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    for route in ROUTES.iter().filter(|route| **route != "/events") {
        let head = client.request(&Request::new("HEAD", route))?;
        let get = client.get(route)?;
        assert_eq!(head.status, get.status, "{route}");
        for name in ["content-type", "etag", "content-security-policy", "x-config-generation", "x-instance"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {route}");
        }
    }
    Ok(())
}

fn head_of_the_events_ends(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    let head = client.request(&Request::new("HEAD", "/events"))?;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    Ok(())
}

fn another_method_is_405_with_allow(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for route in ROUTES {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let answer = server.request(&Request::new(method, route))?;
            let allow = answer.header("allow").ok_or("no Allow")?;
            let mut allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!((answer.status, &allowed[..]), (405, &["GET", "HEAD"][..]), "{method} {route}");
        }
    }
    let answer = server.request(&Request::new("POST", "/healthz").body("x=1"))?;
    assert_eq!(answer.status, 405, "with a body too");
    Ok(())
}

fn an_unknown_path_is_a_404_that_names_it(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for path in ["/x", "/index.html", "/deep/er/still", "/config", "/EVENTS", "/favicon.ico"] {
        let answer = server.get(path)?;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.text(), format!(r#"{{"error":"not found","path":"{path}"}}"#));
    }
    assert_eq!(server.get("/x?secret=query")?.text(), r#"{"error":"not found","path":"/x"}"#);
    Ok(())
}

fn a_trailing_slash_is_another_path(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for route in ROUTES.iter().filter(|route| **route != "/") {
        let answer = server.get(&format!("{route}/"))?;
        assert_eq!(answer.text(), format!(r#"{{"error":"not found","path":"{route}/"}}"#));
        assert_eq!(answer.status, 404, "{route}/");
    }
    Ok(())
}

fn odd_paths_are_404(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let long = format!("/{}", "x".repeat(4000));
    for path in [
        "//",
        "//healthz",
        "/healthz//",
        "/./healthz",
        "/x/../healthz",
        "/..",
        "/%2e%2e/healthz",
        "/healthz%2f",
        "/healthz%00",
        "/%ff",
        "/%zz",
        "/page.js/",
        "/config//history",
        "/config/history/..",
        "/{x}",
        "/*",
        &long,
    ] {
        let answer = server.get(path)?;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()?["error"], "not found", "{path}");
    }
    Ok(())
}

fn a_404_comes_before_a_405(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.request(&Request::new("POST", "/unknown"))?.status, 404);
    Ok(())
}
