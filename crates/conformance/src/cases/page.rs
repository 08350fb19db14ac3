//! `GET /`.

use crate::{
    Demo, Server,
    claim::{Verdict, claims},
};

claims![
    the_page_is_html,
    the_shipped_page_shows_its_values,
    the_template_sees_what_the_contract_names,
    the_script_is_where_the_page_says,
    the_security_policy_is_exact,
    values_are_escaped,
    a_query_is_no_other_page,
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'self' http://127.0.0.1:* http://localhost:*";

fn the_page_is_html(demo: &Demo) -> Verdict {
    let page = demo.server().start()?.get("/")?;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    Ok(())
}

fn the_shipped_page_shows_its_values(demo: &Demo) -> Verdict {
    let config = Server::shipped_config()
        .replace("MyRustApp", "ShownHere")
        .replace("host: localhost", "host: db.shown.here");
    let server = demo.server().config(config).on_a_free_port().start()?;
    let page = server.get("/")?.text();
    let port = server.address().port().to_string();
    for shown in
        ["ShownHere", &port, "db.shown.here", "Initial message at ", "Hot Reload &amp; Dynamic Config"]
    {
        assert!(page.contains(shown), "`{shown}` in:\n{page}");
    }
    assert!(page.contains(&demo.framework()), "{page}");
    Ok(())
}

fn the_template_sees_what_the_contract_names(demo: &Demo) -> Verdict {
    let template = "{{ title | safe }}|{{ framework }}|{{ app_name }}|{{ database.host }}|{{ database.port }}|{{ database.user }}\
        |{{ database.name }}|{{ settings.log_level }}|{{ settings.feature_flag_a }}|{{ settings.refresh_interval_seconds }}\
        |{{ generation }}|{{ current_time }}|{{ dynamic_message }}|{{ port }}";
    let page = demo.server().template("index.html", template).start()?.get("/")?.text();
    let values: Vec<&str> = page.split('|').collect();
    let framework = demo.framework();
    let title = format!("{framework} Hot Reload & Dynamic Config");
    assert_eq!(
        values[..11],
        [&title, &framework, "MyRustApp", "localhost", "5432", "admin", "myapp_db", "info", "true", "5", "1"]
    );
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(shape(values[11]), "0000-00-00 00:00:00", "{page}");
    assert_eq!(shape(values[12]), "Initial message at 00:00:00", "{page}");
    assert!(values[13].parse::<u16>().is_ok(), "{page}");
    Ok(())
}

fn the_script_is_where_the_page_says(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "{{ page_script | safe }}").start()?;
    let address = server.get("/")?.text();
    assert!(address.starts_with("/page.js"), "{address}");
    let script = server.get(&address)?;
    assert_eq!(script.status, 200);
    let kind = script.header("content-type").unwrap_or_default();
    assert!(kind == "text/javascript" || kind.starts_with("text/javascript;"), "{kind}");
    assert!(script.text().contains("/events"), "it follows /events");
    assert_eq!(server.get("/page.js")?.text(), script.text());
    Ok(())
}

fn the_security_policy_is_exact(demo: &Demo) -> Verdict {
    let page = demo.server().start()?.get("/")?;
    assert_eq!(page.header("content-security-policy"), Some(POLICY));
    Ok(())
}

fn values_are_escaped(demo: &Demo) -> Verdict {
    let server =
        demo.server().edited("app_name: MyRustApp", "app_name: \"<script>alert('&')</script>\"").start()?;
    let page = server.get("/")?.text();
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&lt;script&gt;alert("), "{page}");
    Ok(())
}

fn a_query_is_no_other_page(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    for target in ["/?x=1", "/?", "/healthz?x=/y"] {
        assert_eq!(server.status(target)?, 200, "{target}");
    }
    Ok(())
}
