//! Paths that are answered from the configuration.

use crate::{
    Demo, Request, Server,
    claim::{Verdict, claims},
};

claims![
    a_path_of_the_configuration_answers_its_text,
    a_route_is_added_and_removed_while_running,
    a_route_is_gone_from_the_next_request_on,
    a_text_may_be_any_text,
    a_route_keeps_to_its_methods,
    every_route_that_loads_can_be_asked_for,
];

fn a_path_of_the_configuration_answers_its_text(demo: &Demo) -> Verdict {
    let answer = demo.server().start()?.get("/ping")?;
    assert_eq!((answer.status, answer.text().as_str()), (200, "pong"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    Ok(())
}

fn a_route_is_added_and_removed_while_running(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.status("/deep/added")?, 404);
    server.edit("/ping: pong", "/deep/added: here")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/deep/added")?.text(), "here");
    assert_eq!(server.status("/ping")?, 404);
    Ok(())
}

fn a_route_is_gone_from_the_next_request_on(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut client = server.client()?;
    assert_eq!(client.get("/ping")?.status, 200);
    server.edit("/ping: pong", "/ping: other")?;
    server.wait_for_generation(2)?;
    assert_eq!(client.get("/ping")?.text(), "other", "on the same connection");
    server.edit("routes: ", "routes: {} #")?;
    server.edit("  /ping: other", "#")?;
    server.wait_for_generation(3)?;
    assert_eq!(client.get("/ping")?.status, 404);
    Ok(())
}

fn a_text_may_be_any_text(demo: &Demo) -> Verdict {
    for (yaml, text) in [
        ("\"\"", ""),
        ("\"gr\u{fc}\u{df} \u{1f980}\"", "gr\u{fc}\u{df} \u{1f980}"),
        ("\"a\\nb <i>\"", "a\nb <i>"),
    ] {
        let config = Server::shipped_config().replace("/ping: pong", &format!("/ping: {yaml}"));
        let answer = demo.server().config(config).start()?.get("/ping")?;
        assert_eq!((answer.status, answer.text().as_str()), (200, text));
    }
    Ok(())
}

fn a_route_keeps_to_its_methods(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.request(&Request::new("HEAD", "/ping"))?.status, 200);
    let answer = server.request(&Request::new("POST", "/ping"))?;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    Ok(())
}

/// Each printable character of ASCII in a path of its own.
fn every_route_that_loads_can_be_asked_for(demo: &Demo) -> Verdict {
    let printable = (b'!'..=b'~').map(char::from).filter(|sign| !"?#<>`".contains(*sign));
    let paths: Vec<String> =
        printable.map(|sign| format!("/a{sign}b")).chain(["/%C3%A9".to_owned()]).collect();
    let quoted = |path: &String| format!("\n  {}: {path:?}", serde_json::Value::from(path.as_str()));
    let routes: String = paths.iter().map(quoted).collect();
    let server =
        demo.server().config(Server::shipped_config().replace("\n  /ping: pong", &routes)).start()?;
    let mut client = server.client()?;
    let missed: Vec<&String> =
        paths.iter().filter(|path| client.get(path).map_or(true, |answer| answer.text() != **path)).collect();
    assert!(missed.is_empty(), "not answered: {missed:?}");
    Ok(())
}
