//! `/config/overrides`: values that are set at run time.

use crate::{
    Answer, Demo, Failed, Request, Running, Server,
    claim::{Verdict, claims},
    upgrade_faults::is_stalled,
    wait_until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

claims! {
    every demo:
        a_value_is_set_listed_and_taken_back,
        the_values_are_guarded,
        a_body_that_is_too_large_is_413,
        another_method_is_405_with_the_four_in_allow;
    one demo:
        a_value_lies_over_files_and_environment_and_below_flags,
        a_value_survives_reloads_and_edits,
        a_value_expires_by_itself,
        a_value_is_gone_after_a_restart_unless_it_is_kept,
        a_kept_value_survives_an_upgrade,
        no_value_is_set_while_an_upgrade_is_under_way,
        kept_values_that_are_none_end_with_1,
        a_bad_value_is_refused_with_its_diagnosis_and_harms_nothing,
        a_value_that_a_consumer_refuses_is_not_set,
        a_secret_cannot_be_set,
        a_request_that_is_none_is_400,
        the_history_names_the_value,
        a_map_and_a_path_with_a_slash_can_be_set,
        a_route_of_the_configuration_cannot_hide_them;
}

const LEVEL: &str = "/config/overrides/settings.log_level";
const INTERVAL: &str = "/config/overrides/settings.refresh_interval_seconds";

fn a_value_is_set_listed_and_taken_back(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(server.get("/config/overrides")?.json()?, json!([]));
    let shown = json!({ "key": "settings.refresh_interval_seconds", "value": 9, "until": null });
    let answer = put(&server, INTERVAL, "9")?;
    assert_eq!((answer.status, answer.json()?), (200, shown.clone()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(interval(&server)?, 9, "it is in force when the answer comes");
    assert_eq!(server.get("/config/overrides")?.json()?, json!([shown]));
    assert_eq!(server.get(INTERVAL)?.json()?, shown);
    let answer = delete(&server, INTERVAL)?;
    assert_eq!((answer.status, answer.json()?), (200, shown));
    assert_eq!(interval(&server)?, 5);
    assert_eq!(server.get("/config/overrides")?.json()?, json!([]));
    for answer in [delete(&server, INTERVAL)?, server.get(INTERVAL)?] {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()?["error"], "no value is set at run time for this key");
    }
    Ok(())
}

fn the_values_are_guarded(demo: &Demo) -> Verdict {
    let config = format!("{}\nadmin_token: correct-horse\n", Server::shipped_config());
    let server = demo.server().config(config).start()?;
    for (method, target) in [("GET", "/config/overrides"), ("GET", LEVEL), ("PUT", LEVEL), ("DELETE", LEVEL)]
    {
        let request = || Request::new(method, target).body("\"debug\"");
        assert_eq!(server.request(&request())?.status, 401, "{method} {target}");
        assert_eq!(server.request(&request().bearer("wrong"))?.status, 401, "{method} {target}");
    }
    assert_eq!(
        server.request(&Request::new("PUT", LEVEL).body("\"debug\"").bearer("correct-horse"))?.status,
        200
    );
    let server = demo.server().start()?;
    let forwarded = Request::new("PUT", LEVEL).body("\"debug\"").header("X-Forwarded-For", "127.0.0.1");
    assert_eq!(server.request(&forwarded)?.status, 403);
    assert_eq!(server.get("/dynamic-config")?.json()?["log_level"], "info");
    Ok(())
}

fn a_body_that_is_too_large_is_413(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let large = format!("\"{}\"", "x".repeat(64 * 1024));
    assert_eq!(put(&server, LEVEL, &large)?.status, 413);
    let mut client = server.client()?;
    let head = format!("PUT {LEVEL} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(head.as_bytes())?;
    client.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).as_bytes())?;
    assert_eq!(client.answer("PUT")?.status, 413, "without a length");
    assert_eq!(server.get("/config/overrides")?.json()?, json!([]));
    Ok(())
}

fn another_method_is_405_with_the_four_in_allow(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for method in ["POST", "PATCH", "OPTIONS", "BREW"] {
        let answer = server.request(&Request::new(method, LEVEL))?;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, PUT, DELETE")),
            "{method}"
        );
    }
    let answer = server.request(&Request::new("HEAD", LEVEL))?;
    assert_eq!((answer.status, answer.body.len()), (404, 0));
    Ok(())
}

fn a_value_lies_over_files_and_environment_and_below_flags(demo: &Demo) -> Verdict {
    let server = demo.server().env("APP__SETTINGS__REFRESH_INTERVAL_SECONDS", "7");
    let server = server.args("--set settings.log_level=warn").start()?;
    assert_eq!(put(&server, INTERVAL, "9")?.status, 200);
    assert_eq!(interval(&server)?, 9);
    let answer = put(&server, LEVEL, "\"debug\"")?;
    let message = "`--set settings.log_level` is stronger than a value that is set at run time";
    assert_eq!((answer.status, &answer.json()?["error"]), (409, &json!(message)));
    assert_eq!(server.get("/dynamic-config")?.json()?["log_level"], "warn");
    delete(&server, INTERVAL)?;
    assert_eq!(interval(&server)?, 7);
    Ok(())
}

fn a_value_survives_reloads_and_edits(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    put(&server, INTERVAL, "9")?;
    server.signal(Signal::HUP)?;
    server.wait_for_attempts("unchanged", 1)?;
    server.edit("refresh_interval_seconds: 5", "refresh_interval_seconds: 6")?;
    server.wait_for_attempts("unchanged", 2)?;
    assert_eq!(interval(&server)?, 9);
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(3)?;
    assert_eq!(interval(&server)?, 9);
    delete(&server, INTERVAL)?;
    assert_eq!(interval(&server)?, 6, "the file as it is now");
    Ok(())
}

fn a_value_expires_by_itself(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    put(&server, LEVEL, "\"warn\"")?;
    let answer = put(&server, &format!("{INTERVAL}?for=1s"), "9")?;
    let until = answer.json()?["until"].as_str().map(str::to_owned).ok_or("no time")?;
    assert!(until.len() == 20 && until.ends_with('Z'), "{until}");
    wait_until("the end of the value", || interval(&server).is_ok_and(|now| now == 5))?;
    server.wait_for_generation(4)?;
    let values = server.get("/config/overrides")?.json()?;
    assert_eq!(
        values,
        json!([{ "key": "settings.log_level", "value": "warn", "until": null }]),
        "the other stays"
    );
    wait_until("the history", || server.history().is_ok_and(|attempts| attempts[0]["generation"] == 4))?;
    let last = server.history()?[0].clone();
    assert_eq!(
        (&last["trigger"], &last["origin"]),
        (&json!("override"), &json!("override settings.refresh_interval_seconds"))
    );
    Ok(())
}

fn a_value_is_gone_after_a_restart_unless_it_is_kept(demo: &Demo) -> Verdict {
    for (argument, expected) in [("", 5), ("--keep-overrides kept.json", 9)] {
        let server = demo.server().args(argument).start()?;
        put(&server, INTERVAL, "9")?;
        put(&server, &format!("{LEVEL}?for=1h"), "\"warn\"")?;
        put(&server, "/config/overrides/app_name?for=1s", "\"Soon over\"")?;
        let until = server.get(LEVEL)?.json()?["until"].clone();
        let kept = fs::read_to_string(server.path("kept.json")).unwrap_or_default();
        server.stop()?;
        let again = demo.server().args(argument);
        let again = if kept.is_empty() { again } else { again.file("kept.json", kept) };
        let again = again.start()?;
        assert_eq!(interval(&again)?, expected, "{argument}");
        if expected == 9 {
            assert_eq!(
                again.get(LEVEL)?.json()?["until"],
                until,
                "the time that is left, not the whole time"
            );
            wait_until("the end of a kept value", || {
                again.get("/").is_ok_and(|page| page.text().contains("MyRustApp"))
            })?;
            assert_eq!(delete(&again, INTERVAL)?.status, 200);
            assert!(!fs::read_to_string(again.path("kept.json"))?.contains("refresh_interval"));
        }
    }
    Ok(())
}

fn a_kept_value_survives_an_upgrade(demo: &Demo) -> Verdict {
    let server = demo.server().args("--keep-overrides kept.json").start()?;
    put(&server, INTERVAL, "9")?;
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(server.path("kept.json"))?.permissions());
    assert_eq!(mode & 0o777, 0o600);
    let old = server.instance()?;
    server.signal(Signal::USR2)?;
    server.wait_for_another(&old)?;
    assert_eq!(interval(&server)?, 9);
    Ok(())
}

fn kept_values_that_are_none_end_with_1(demo: &Demo) -> Verdict {
    for (text, expected) in [
        ("{\n  \"port\": 1\n}", "kept.json: these are no kept values: line 2"),
        ("hunter2", "kept.json: these are no kept values: line 1"),
        (
            "{\"database.password\": {\"value\": \"hunter2\", \"until\": null}}",
            "kept.json: a secret cannot be set",
        ),
        (
            "{\"settings.log_levl\": {\"value\": \"info\", \"until\": null}}",
            "override settings.log_levl: settings.log_levl: names no key",
        ),
    ] {
        let server = demo.server().file("kept.json", text).args("--keep-overrides kept.json");
        let said = server.run()?.with_status(1)?.stderr;
        assert!(said.contains(expected) && !said.contains("hunter2"), "{expected}: {said}");
    }
    Ok(())
}

fn a_bad_value_is_refused_with_its_diagnosis_and_harms_nothing(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    put(&server, INTERVAL, "9")?;
    for (target, body, expected) in [
        (
            INTERVAL,
            "0",
            "override settings.refresh_interval_seconds: settings.refresh_interval_seconds: expected a whole number of seconds from 1 to 86400, found `0`",
        ),
        (INTERVAL, "\"9\"", "found the text `9` (write it without the quotes)"),
        (INTERVAL, "[9]", "found a list"),
        ("/config/overrides/settings.log_levl", "1", "names no key (did you mean `log_level`?)"),
        (LEVEL, "\"loud\"", "override settings.log_level: settings.log_level: expected `off`"),
    ] {
        let answer = put(&server, target, body)?;
        let error = answer.json()?["error"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && error.contains(expected), "{} {error}", answer.status);
    }
    assert_eq!(interval(&server)?, 9, "the value before stays");
    assert_eq!(server.get("/healthz")?.generation(), Some(2));
    assert_eq!(server.attempts("rejected")?, 5);
    assert_eq!(server.attempts("unchanged")?, 0, "and no other attempt is made of it");
    server.wait_for_metric("config_last_reload_successful", &[], 1)?;
    Ok(())
}

fn a_value_that_a_consumer_refuses_is_not_set(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "{% if app_name == \"x\" %}{{ nothing }}{% endif %}ok");
    let server = server.start()?;
    let answer = put(&server, "/config/overrides/app_name", "\"x\"")?;
    let error = answer.json()?["error"].as_str().unwrap_or_default().to_owned();
    assert!(answer.status == 422 && error.contains("the page cannot be rendered with it"), "{error}");
    assert_eq!(server.get("/config/overrides")?.json()?, json!([]));
    Ok(())
}

fn a_secret_cannot_be_set(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for (key, value) in [
        ("database.password", json!("hunter2")),
        ("database.password_file", json!("/etc/hostname")),
        ("admin_token", json!("hunter2-hunter2")),
        ("admin_token", Value::Null),
        ("database", json!({ "host": "h", "password": "hunter2" })),
        ("database", json!("postgres://hunter2")),
    ] {
        let answer = put(&server, &format!("/config/overrides/{key}"), &value.to_string())?;
        assert_eq!(answer.status, 403, "{key} {value}");
        assert!(answer.text().contains("a secret cannot be set at run time"), "{}", answer.text());
    }
    assert_eq!(put(&server, "/config/overrides/database", "{\"host\": \"h\"}")?.status, 200);
    assert!(!server.get("/config/history")?.text().contains("hunter2"));
    assert!(!server.log().text().contains("hunter2"));
    Ok(())
}

fn a_request_that_is_none_is_400(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for (target, body, expected) in [
        (LEVEL.to_owned(), "debug", "expected a JSON value"),
        (LEVEL.to_owned(), "", "expected a JSON value"),
        (format!("{LEVEL}?for=10"), "\"debug\"", "expected a length of time such as `?for=10m`"),
        (format!("{LEVEL}?fro=10m"), "\"debug\"", "expected a length of time such as `?for=10m`"),
        ("/config/overrides/settings..log_level".to_owned(), "1", "expected a dotted key"),
        ("/config/overrides/a%20b".to_owned(), "1", "expected a dotted key"),
        ("/config/overrides/%ff".to_owned(), "1", "expected a dotted key"),
    ] {
        let answer = put(&server, &target, body)?;
        assert!(
            answer.status == 400 && answer.text().contains(expected),
            "{target} {body}: {}",
            answer.text()
        );
    }
    Ok(())
}

fn the_history_names_the_value(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    put(&server, LEVEL, "\"debug\"")?;
    let last = server.history()?[0].clone();
    assert_eq!(
        (&last["trigger"], &last["origin"], &last["outcome"], &last["changed"]),
        (
            &json!("override"),
            &json!("override settings.log_level"),
            &json!("accepted"),
            &json!([{ "path": "settings.log_level", "from": "info", "to": "debug" }])
        )
    );
    put(&server, LEVEL, "\"loud\"")?;
    let last = server.history()?[0].clone();
    assert_eq!((&last["trigger"], &last["outcome"]), (&json!("override"), &json!("rejected")));
    assert_eq!(last["origin"], "override settings.log_level");
    Ok(())
}

fn a_map_and_a_path_with_a_slash_can_be_set(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    assert_eq!(put(&server, "/config/overrides/routes./hi", "\"hello\"")?.status, 200);
    assert_eq!(put(&server, "/config/overrides/routes.%2Fho", "\"hello\"")?.status, 200);
    assert_eq!(put(&server, "/config/overrides/settings", "{\"feature_flag_a\": false}")?.status, 200);
    assert_eq!((server.get("/hi")?.text(), server.get("/ho")?.text()), ("hello".into(), "hello".into()));
    assert_eq!(server.status("/ping")?, 200, "the map of the file stays");
    let config = server.get("/dynamic-config")?.json()?;
    assert_eq!((&config["feature_flag_a"], &config["log_level"]), (&json!(false), &json!("info")));
    assert_eq!(delete(&server, "/config/overrides/routes./hi")?.status, 200);
    assert_eq!(server.status("/hi")?, 404);
    Ok(())
}

fn a_route_of_the_configuration_cannot_hide_them(demo: &Demo) -> Verdict {
    for path in ["/config/overrides", "/config/overrides/", "/config/overrides/x", "/config%2foverrides/x"] {
        let server = demo.server().edited("/ping: pong", &format!("{path}: mine"));
        let said = server.arg("--check").run()?.with_status(1)?.stderr;
        assert!(said.contains("this route would shadow a built-in one"), "{path}: {said}");
    }
    Ok(())
}

/// The successor has read the kept values before it is stalled.
fn no_value_is_set_while_an_upgrade_is_under_way(demo: &Demo) -> Verdict {
    let server = demo.server().args("--keep-overrides kept.json --linger 0.2 --probation 0.2");
    let server = server.env("DEMO_FAULT", "once@fault").start()?;
    assert_eq!(put(&server, INTERVAL, "9")?.status, 200);
    let kept = fs::read_to_string(server.path("kept.json"))?;
    let old = server.instance()?;
    server.save("fault", "stall@new.ready")?;
    server.signal(Signal::USR2)?;
    wait_until("the successor to stall", || !server.path("fault").exists())?;
    // It removes the file before it stops. A signal that continues it must not come first.
    wait_until("it to be stopped", || server.processes().into_iter().any(is_stalled))?;
    for answer in [put(&server, INTERVAL, "11")?, delete(&server, INTERVAL)?] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
        assert!(answer.text().contains("send the request again in a moment"), "{}", answer.text());
    }
    assert_eq!(server.get(INTERVAL)?.json()?["value"], 9, "it can still be read");
    assert_eq!(fs::read_to_string(server.path("kept.json"))?, kept);
    for pid in server.processes() {
        server.signal_to(pid, Signal::CONT)?;
    }
    wait_until("the successor to set it", || {
        let is_new = server.instance().is_ok_and(|instance| instance != old);
        is_new && put(&server, INTERVAL, "11").is_ok_and(|answer| answer.status == 200)
    })?;
    let kept = fs::read_to_string(server.path("kept.json"))?;
    assert!(kept.contains("11"), "{kept}");
    Ok(())
}

fn put(server: &Running, target: &str, body: &str) -> Result<Answer, Failed> {
    server.request(&Request::new("PUT", target).body(body))
}

fn delete(server: &Running, target: &str) -> Result<Answer, Failed> {
    server.request(&Request::new("DELETE", target))
}

fn interval(server: &Running) -> Result<u64, Failed> {
    let json = server.get("/dynamic-config")?.json()?;
    json["refresh_interval_seconds"].as_u64().ok_or_else(|| "no number".into())
}
