//! `GET /config/history`.

use crate::{
    Demo, Server,
    claim::{Verdict, claims},
    wait_until,
};
use serde_json::json;

claims! {
    every demo:
        the_start_is_the_first_attempt;
    one demo:
        a_change_names_path_and_values,
        a_secret_reads_as_three_stars,
        a_rejection_has_its_error_and_place,
        the_newest_comes_first_and_50_are_kept,
        an_edit_has_the_event_as_its_trigger;
}

fn the_start_is_the_first_attempt(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let answer = server.get("/config/history")?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let attempts = server.history()?;
    assert_eq!(attempts.len(), 1);
    let start = &attempts[0];
    assert_eq!(
        (&start["generation"], &start["trigger"], &start["outcome"]),
        (&json!(1), &json!("start"), &json!("accepted"))
    );
    assert!(start["changed"].is_array(), "{start}");
    assert!(start["error"].is_null(), "{start}");
    let at = start["at"].as_str().ok_or("no time")?;
    assert!(at.len() >= 20 && &at[4..5] == "-" && &at[10..11] == "T", "RFC 3339: {at}");
    assert!(at.ends_with('Z') || at[19..].contains(['+', '-']), "RFC 3339 has an offset: {at}");
    assert!(!at.contains('['), "RFC 3339 has no zone name: {at}");
    Ok(())
}

fn a_change_names_path_and_values(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.replace(
        "config.yaml",
        Server::shipped_config()
            .replace("feature_flag_a: true", "feature_flag_a: false")
            .replace("/ping: pong", "/pong: ping"),
    )?;
    server.wait_for_attempts("accepted", 2)?;
    let changed = server.history()?[0]["changed"].clone();
    let changed = changed.as_array().ok_or("no list")?;
    assert!(
        changed.contains(&json!({"path": "settings.feature_flag_a", "from": true, "to": false})),
        "{changed:?}"
    );
    let paths: Vec<&str> = changed.iter().filter_map(|change| change["path"].as_str()).collect();
    assert!(paths.iter().any(|path| path.starts_with("routes")), "{paths:?}");
    assert!(!paths.contains(&"app_name"), "{paths:?}");
    Ok(())
}

fn a_secret_reads_as_three_stars(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.edit("secure_password", "another_password")?;
    server.wait_for_attempts("accepted", 2)?;
    let changed = server.history()?[0]["changed"].clone();
    assert_eq!(changed, json!([{"path": "database.password", "from": "***", "to": "***"}]));
    Ok(())
}

fn a_rejection_has_its_error_and_place(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.edit("port: 8080", "port: 65536")?;
    events.event("problem")?;
    let attempt = server.history()?[0].clone();
    assert_eq!((&attempt["outcome"], &attempt["generation"]), (&json!("rejected"), &json!(1)));
    let line =
        1 + Server::shipped_config().lines().position(|line| line.starts_with("port:")).ok_or("no port")?;
    let error = &attempt["error"];
    assert!(error["message"].as_str().is_some_and(|message| message.contains("port")), "{error}");
    assert!(error["file"].as_str().is_some_and(|file| file.ends_with("config.yaml")), "{error}");
    assert_eq!((&error["line"], &error["column"]), (&json!(line), &json!(7)), "{error}");
    Ok(())
}

fn the_newest_comes_first_and_50_are_kept(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for generation in 2..58 {
        server.replace(
            "config.yaml",
            Server::shipped_config().replace("seconds: 5", &format!("seconds: {generation}0")),
        )?;
        server.wait_for_generation(generation)?;
    }
    wait_until("the last one", || server.history().is_ok_and(|attempts| attempts[0]["generation"] == 57))?;
    let attempts = server.history()?;
    let generations: Vec<u64> =
        attempts.iter().filter_map(|attempt| attempt["generation"].as_u64()).collect();
    assert_eq!(generations, (8..58).rev().collect::<Vec<_>>());
    Ok(())
}

fn an_edit_has_the_event_as_its_trigger(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_attempts("accepted", 2)?;
    assert_eq!(server.history()?[0]["trigger"], "event");
    Ok(())
}
