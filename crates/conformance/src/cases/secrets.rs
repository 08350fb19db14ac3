//! Secrets: they are in force, and nowhere to be seen.

use crate::{
    Demo, Events, Failed, Request, Running, Server,
    claim::{Verdict, claims},
};

claims! {
    every demo:
        a_secret_is_in_no_answer_log_line_or_event;
    one demo:
        a_secret_beside_a_typo_is_nowhere,
        a_secret_in_an_override_is_nowhere,
        no_template_reaches_a_secret,
        the_whole_context_of_a_template_has_no_secret,
        a_secret_comes_from_a_file,
        a_secrets_file_is_followed,
        a_secrets_file_counts_from_the_file_that_names_it,
        a_missing_secrets_file_is_named;
}

const PASSWORD: &str = "hidden-Pw-31415";
const TOKEN: &str = "hidden-Tk-92653";
const NEXT: &str = "hidden-Nx-58979";

fn a_secret_is_in_no_answer_log_line_or_event(demo: &Demo) -> Verdict {
    let server = demo.server().config(config()).start()?;
    let mut events = server.events()?;
    server.edit(PASSWORD, NEXT)?;
    server.wait_for_generation(2)?;
    assert!(events.event("config")?.data.contains("database.password"), "that it changed is no secret");
    server.edit(TOKEN, &format!("{NEXT}-token"))?;
    server.wait_for_generation(3)?;
    nowhere(&server, &mut events, &format!("{NEXT}-token"))
}

fn a_secret_beside_a_typo_is_nowhere(demo: &Demo) -> Verdict {
    let server = demo.server().config(config()).start()?;
    let mut events = server.events()?;
    for (from, to) in [
        ("  password:", "  pasword:"),
        ("  password:", " password:"),
        ("  password: ", "  password: [ "),
        ("  password: ", "  password: \""),
        ("  password: ", "  password:"),
        ("  password: ", "  - "),
        ("\nadmin_token: ", "\nadmin-token: "),
        ("\nadmin_token: ", "\nadmin_token "),
        ("\nadmin_token: ", "\nadmin_token: { a: "),
        ("\nadmin_token: ", "\n\tadmin_token: "),
        ("\nadmin_token: ", "\nadmin_token: !!int "),
        ("\nadmin_token: ", "\nadmin_token: *"),
        ("\nadmin_token: ", "\nport: "),
        ("  user: admin", "  user: admin\n  password: hidden-Pw-31415"),
        ("  port: 5432", "  port: hidden-Pw-31415"),
    ] {
        server.replace("config.yaml", config().replacen(from, to, 1))?;
        let problem =
            events.event("problem").map_err(|e| format!("{to:?}: {}", e.message().unwrap_or_default()))?;
        if !to.contains("port:") {
            assert!(!problem.raw.contains("hidden-"), "{to:?}: {}", problem.raw);
        }
        server.replace("config.yaml", config())?;
        events.event("solved")?;
        let said = demo.server().config(config().replacen(from, to, 1)).run()?.with_status(1)?.output();
        if !to.contains("port:") {
            assert!(!said.contains("hidden-"), "{to:?}: {said}");
        }
    }
    Ok(())
}

fn a_secret_in_an_override_is_nowhere(demo: &Demo) -> Verdict {
    let server =
        demo.server().args(&format!("--set admin_token={TOKEN}")).env("APP__DATABASE__PASSWORD", PASSWORD);
    let server = server.start()?;
    let mut events = server.events()?;
    nowhere(&server, &mut events, TOKEN)?;
    let said = demo.server().args("--set admin_token=hidden").run()?.with_status(1)?.output();
    assert!(said.contains("--set admin_token"), "{said}");
    assert!(!said.replace("--set admin_token", "").contains("hidden"), "{said}");
    Ok(())
}

fn no_template_reaches_a_secret(demo: &Demo) -> Verdict {
    for secret in ["database.password", "admin_token", "database.password_file", "config.database.password"] {
        let template = format!("{{{{ {secret} }}}}");
        let said =
            demo.server().config(config()).template("index.html", &template).run()?.with_status(1)?.output();
        assert!(!said.contains("hidden-"), "{secret}: {said}");
    }
    Ok(())
}

fn the_whole_context_of_a_template_has_no_secret(demo: &Demo) -> Verdict {
    let template = "{{ app_name }} {{ database.host }} {% for key, value in database %}{{ key }}={{ value }};{% endfor %}";
    let server = demo.server().config(config()).template("index.html", template).start()?;
    let page = server.get("/")?.text();
    assert!(page.contains("user=admin;"), "{page}");
    assert!(!page.contains("hidden-") && !page.contains("password"), "{page}");
    Ok(())
}

fn a_secret_comes_from_a_file(demo: &Demo) -> Verdict {
    let server =
        demo.server().config(config().replace(&format!("admin_token: {TOKEN}"), "admin_token_file: token"));
    let server = server.file("token", format!("{NEXT}\n")).start()?;
    assert_eq!(authorized(&server, NEXT)?, 200, "the last line end is no part of it");
    assert_eq!(authorized(&server, TOKEN)?, 401);
    Ok(())
}

fn a_secrets_file_is_followed(demo: &Demo) -> Verdict {
    let server =
        demo.server().config(config().replace(&format!("admin_token: {TOKEN}"), "admin_token_file: token"));
    let server = server.file("token", TOKEN).start()?;
    let mut events = server.events()?;
    server.replace("token", NEXT)?;
    server.wait_for_generation(2)?;
    assert_eq!(authorized(&server, NEXT)?, 200);
    assert_eq!(authorized(&server, TOKEN)?, 401);
    nowhere(&server, &mut events, NEXT)
}

fn a_secrets_file_counts_from_the_file_that_names_it(demo: &Demo) -> Verdict {
    let server = demo.server().file("conf/over.yaml", "admin_token_file: token").file("conf/token", NEXT);
    let server = server.args("--config config.yaml --config conf/over.yaml").start()?;
    assert_eq!(authorized(&server, NEXT)?, 200);
    Ok(())
}

fn a_missing_secrets_file_is_named(demo: &Demo) -> Verdict {
    let config = config().replace(&format!("password: {PASSWORD}"), "password_file: nowhere/password");
    let said = demo.server().config(config).run()?.with_status(1)?.output();
    assert!(said.contains("config.yaml:") && said.contains("password_file"), "{said}");
    Ok(())
}

fn config() -> String {
    let shipped = Server::shipped_config()
        .replace("secure_password", PASSWORD)
        .replace("log_level: info", "log_level: trace");
    format!("{shipped}\ndebug: true\nadmin_token: {TOKEN}\n")
}

fn authorized(server: &Running, token: &str) -> Result<u16, Failed> {
    Ok(server.request(&Request::get("/config/history").bearer(token))?.status)
}

/// Searches every output of the server.
fn nowhere(server: &Running, events: &mut Events, token: &str) -> Verdict {
    for target in [
        "/",
        "/dynamic-config",
        "/page.js",
        "/config/history",
        "/healthz",
        "/readyz",
        "/metrics",
        "/debug/config",
        "/debug/connections",
        "/debug/pool",
        "/debug/runtime",
        "/debug/threads",
        "/ping",
        "/unknown",
    ] {
        let answer = server.request(&Request::get(target).bearer(token))?;
        assert!(!answer.text().contains("hidden-"), "{target}: {}", answer.text());
        assert!(!format!("{:?}", answer.headers).contains("hidden-"), "{target}: {:?}", answer.headers);
        assert!(answer.status != 401, "{target} lets the token in");
    }
    server.replace("config.yaml", format!("{}\nodd: hidden-odd", server.config()?))?;
    events.event("problem")?;
    assert!(!String::from_utf8_lossy(&events.raw).contains("hidden-"), "{:?}", events.seen);
    let log = server.log().text();
    assert!(!log.contains("hidden-"), "{log}");
    Ok(())
}
