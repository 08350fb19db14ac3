//! The log, as a person reads it in a terminal.

use crate::{
    Demo, Failed, Running,
    claim::{Verdict, claims},
};

claims! {
    every demo:
        access_lines_are_switched_on_and_off;
    one demo:
        an_accepted_edit_says_what_changed_from_what_to_what,
        a_changed_secret_is_masked,
        a_template_in_gos_syntax_is_answered_with_teras,
        an_unknown_variable_lists_the_known_ones,
        a_page_without_the_script_is_served_and_logged_once;
}

fn access_lines_are_switched_on_and_off(demo: &Demo) -> Verdict {
    let on = demo.server().args("--access-log on").start()?;
    let id = request_id(&on, "/a-request")?;
    let line = on.log().wait_for_log("the access line", |line| line.contains("/a-request"))?;
    assert!(line.contains("INFO") && line.contains(&id), "`INFO` and {id} in: {line}");

    let off = demo.server().args("--access-log off").start()?;
    off.get("/a-request")?;
    off.edit("log_level: info", "log_level: debug")?;
    off.wait_for_generation(2)?;
    let id = request_id(&off, "/another-one")?;
    let line = off.log().wait_for_log("the access line", |line| line.contains("/another-one"))?;
    // poem's `Tracing` has no level.
    let level = if demo.framework() == "Poem" { "INFO" } else { "DEBUG" };
    assert!(line.contains(level) && line.contains(&id), "`{level}` and {id} in: {line}");
    assert!(!off.log().text().contains("/a-request"), "{}", off.log().text());
    Ok(())
}

/// Sends a `GET` and returns the id that the server gave it.
fn request_id(server: &Running, target: &str) -> Result<String, Failed> {
    let answer = server.get(target)?;
    Ok(answer.header("x-request-id").ok_or("an answer has a request id")?.to_owned())
}

fn an_accepted_edit_says_what_changed_from_what_to_what(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.edit("refresh_interval_seconds: 5", "refresh_interval_seconds: 10")?;
    server
        .log()
        .wait_for_log("the change", |line| line.contains("settings.refresh_interval_seconds: 5 -> 10"))?;
    Ok(())
}

fn a_changed_secret_is_masked(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.edit("password: secure_password", "password: another_password")?;
    server.log().wait_for_log("the change", |line| line.contains(r#"database.password: "***" -> "***""#))?;
    assert!(!server.log().text().contains("_password"), "{}", server.log().text());
    Ok(())
}

fn a_template_in_gos_syntax_is_answered_with_teras(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.save_template("index.html", "<title>x</title>\n<h1>{{.AppName}}</h1>")?;
    server.log().wait_for_log("the help", |line| {
        line.contains("index.html:2:")
            && line.contains("Go's template syntax, in Tera it is `{{ app_name }}`")
    })?;
    Ok(())
}

fn an_unknown_variable_lists_the_known_ones(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.save_template("index.html", "{{ appname }}")?;
    server.log().wait_for_log("the known ones", |line| {
        line.contains("`appname` is not defined") && line.contains("app_name, current_time, database")
    })?;
    Ok(())
}

fn a_page_without_the_script_is_served_and_logged_once(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    server.save_template("index.html", "two")?;
    crate::wait_until("the page", || server.get("/").is_ok_and(|page| page.text() == "two"))?;
    let lines = server.log().lines();
    let told = lines.iter().filter(|line| line.contains("does not follow changes by itself")).count();
    assert_eq!(told, 1, "{lines:#?}");
    Ok(())
}
