//! Templates: every change counts, and no bad one goes live.

use crate::{
    Demo, Failed, Running,
    claim::{Verdict, claims},
    wait_until,
};
use std::fs;

claims! {
    every demo:
        an_edited_template_is_served_without_a_restart,
        a_template_event_names_what_changed,
        an_unclosed_block_keeps_the_last_good_set;
    one demo:
        an_edited_include_counts,
        an_edited_parent_counts,
        a_template_is_added_and_used,
        a_template_is_removed,
        a_template_is_renamed,
        a_template_in_a_folder_counts,
        files_that_are_no_templates_do_not_count,
        templates_do_not_move_the_generation,
        a_bad_template_keeps_the_last_good_set,
        a_missing_index_keeps_the_last_good_set,
        a_folder_that_vanishes_comes_back,
        a_bad_template_at_the_start_ends_with_1,
        a_broken_template_is_logged_once;
}

fn an_edited_template_is_served_without_a_restart(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    server.save_template("index.html", "two")?;
    shows(&server, "two")?;
    server.replace("templates/index.html", "three")?;
    shows(&server, "three")
}

fn an_edited_include_counts(demo: &Demo) -> Verdict {
    let server = demo
        .server()
        .template("index.html", "a{% include \"part.html\" %}c")
        .template("part.html", "b")
        .start()?;
    assert_eq!(server.get("/")?.text(), "abc");
    server.save_template("part.html", "B")?;
    shows(&server, "aBc")
}

fn an_edited_parent_counts(demo: &Demo) -> Verdict {
    let child = "{% extends \"layout.html\" %}{% block body %}child{% endblock %}";
    let server = demo.server().template("index.html", child);
    let server = server.template("layout.html", "<{% block body %}{% endblock %}>").start()?;
    assert_eq!(server.get("/")?.text(), "<child>");
    server.save_template("layout.html", "[{% block body %}{% endblock %}]")?;
    shows(&server, "[child]")
}

fn a_template_is_added_and_used(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    server.save_template("part.html", "added")?;
    server.replace("templates/index.html", "{% include \"part.html\" %}")?;
    shows(&server, "added")
}

fn a_template_is_removed(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").template("spare.html", "spare").start()?;
    let mut events = server.events()?;
    fs::remove_file(server.path("templates/spare.html"))?;
    assert!(events.event("template")?.data.contains("spare.html"));
    assert_eq!(server.get("/")?.text(), "one");
    Ok(())
}

fn a_template_is_renamed(demo: &Demo) -> Verdict {
    let server = demo
        .server()
        .template("index.html", "{% include \"a.html\" %}")
        .template("a.html", "part")
        .start()?;
    let mut events = server.events()?;
    fs::rename(server.path("templates/a.html"), server.path("templates/b.html"))?;
    events.event("problem")?;
    assert_eq!(server.get("/")?.text(), "part");
    server.replace("templates/index.html", "now {% include \"b.html\" %}")?;
    events.event("solved")?;
    shows(&server, "now part")
}

fn a_template_in_a_folder_counts(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "{% include \"parts/deep/a.html\" %}");
    let server = server.template("parts/deep/a.html", "one").start()?;
    server.save_template("parts/deep/a.html", "two")?;
    shows(&server, "two")?;
    fs::create_dir_all(server.path("templates/new"))?;
    server.save_template("new/b.html", "three")?;
    server.replace("templates/index.html", "{% include \"new/b.html\" %}")?;
    shows(&server, "three")?;
    server.save_template("new/b.html", "four")?;
    shows(&server, "four")
}

fn files_that_are_no_templates_do_not_count(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    let mut events = server.events()?;
    server.save_template("notes.txt", "{{ broken")?;
    server.save_template(".index.html.swp", "{{ broken")?;
    server.save_template("index.html~", "{{ broken")?;
    server.replace("templates/index.html", "two")?;
    events.event("template")?;
    assert_eq!(events.count("problem"), 0, "{:?}", events.seen);
    Ok(())
}

fn templates_do_not_move_the_generation(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    server.save_template("index.html", "two")?;
    shows(&server, "two")?;
    assert_eq!(server.get("/")?.generation(), Some(1));
    assert_eq!(server.history()?.len(), 1, "templates have no history");
    Ok(())
}

fn a_template_event_names_what_changed(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").template("part.html", "x").start()?;
    let mut events = server.events()?;
    server.replace("templates/part.html", "y")?;
    let frame = events.event("template")?;
    assert_eq!(frame.data, r#"{"changed":["part.html"]}"#);
    Ok(())
}

fn an_unclosed_block_keeps_the_last_good_set(demo: &Demo) -> Verdict {
    kept(demo, "index.html", b"{% if app_name %}", "index.html")
}

fn a_bad_template_keeps_the_last_good_set(demo: &Demo) -> Verdict {
    for (mistake, name, content, word) in [
        ("an unknown variable", "index.html", &b"{{ app_nam }}"[..], "app_nam"),
        ("an unknown filter", "index.html", b"{{ app_name | sparkle }}", "sparkle"),
        ("a missing include", "index.html", b"{% include \"nowhere.html\" %}", "nowhere.html"),
        ("a missing parent", "index.html", b"{% extends \"nowhere.html\" %}", "nowhere.html"),
        ("it includes itself", "index.html", b"{% include \"index.html\" %}", "index.html"),
        ("two include each other", "part.html", b"{% include \"index.html\" %}", "html"),
        ("it extends itself", "index.html", b"{% extends \"index.html\" %}", "index.html"),
        ("it asks for the password", "index.html", b"{{ database.password }}", "password"),
        ("invalid UTF-8", "index.html", b"caf\xe9", "index.html"),
        ("it is broken and not used", "unused.html", b"{% block %}", "unused.html"),
    ] {
        kept(demo, name, content, word)
            .map_err(|failed| format!("{mistake}: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

/// Saves `name` with this content on a site with a page of two templates. The problem contains `word`, and the page stays.
fn kept(demo: &Demo, name: &str, content: &[u8], word: &str) -> Verdict {
    let server = demo
        .server()
        .template("index.html", "good {% include \"part.html\" %}")
        .template("part.html", "part")
        .start()?;
    let mut events = server.events()?;
    server.replace(&format!("templates/{name}"), content)?;
    let problem = events.event("problem")?;
    assert_eq!(problem.json()?["source"], "templates", "{}", problem.raw);
    assert!(problem.data.contains(word), "`{word}` in {}", problem.raw);
    assert!(!problem.data.contains("secure_password"), "{}", problem.raw);
    assert_eq!((server.get("/")?.status, server.get("/")?.text().as_str()), (200, "good part"));
    server.wait_for_metric("config_reloads_total", &[("source", "templates"), ("outcome", "rejected")], 1)?;

    match name {
        "index.html" => server.replace("templates/index.html", "mended")?,
        "part.html" => server.replace("templates/part.html", "mended")?,
        unused => fs::remove_file(server.path(&format!("templates/{unused}")))?,
    }
    events.event("solved")?;
    assert_eq!(events.count("problem"), 1, "{:?}", events.seen);
    Ok(())
}

fn a_missing_index_keeps_the_last_good_set(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    let mut events = server.events()?;
    fs::remove_file(server.path("templates/index.html"))?;
    let problem = events.event("problem")?;
    assert!(problem.data.contains(".html"), "{}", problem.raw);
    assert_eq!(server.get("/")?.text(), "one");
    server.save_template("index.html", "two")?;
    events.event("solved")?;
    shows(&server, "two")
}

fn a_folder_that_vanishes_comes_back(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").start()?;
    let mut events = server.events()?;
    fs::rename(server.path("templates"), server.path("gone"))?;
    events.event("problem")?;
    assert_eq!(server.get("/")?.text(), "one");
    fs::write(server.path("gone/index.html"), "two")?;
    fs::rename(server.path("gone"), server.path("templates"))?;
    events.event("solved")?;
    shows(&server, "two")?;
    fs::remove_dir_all(server.path("templates"))?;
    events.event("problem")?;
    fs::create_dir(server.path("templates"))?;
    server.save_template("index.html", "three")?;
    shows(&server, "three")
}

fn a_bad_template_at_the_start_ends_with_1(demo: &Demo) -> Verdict {
    for (content, word) in [
        ("{% if app_name %}", "index.html"),
        ("one\n\n{{ app_nam }}", "index.html:3"),
        ("{{ app_name | sparkle }}", "sparkle"),
        ("{% include \"index.html\" %}", "index.html"),
        ("{% include \"nowhere.html\" %}", "nowhere.html"),
        ("{{ database.password }}", "password"),
    ] {
        let said = demo.server().template("index.html", content).run()?.with_status(1)?.output();
        assert!(said.contains(word), "`{word}` in: {said}");
        assert!(!said.contains("secure_password"), "{said}");
    }
    Ok(())
}

fn a_broken_template_is_logged_once(demo: &Demo) -> Verdict {
    let server = demo.server().template("index.html", "one").args("--log-format json").start()?;
    let mut events = server.events()?;
    server.replace("templates/index.html", "{{ app_nam }}")?;
    events.event("problem")?;
    for _ in 0..3 {
        assert_eq!(server.get("/")?.text(), "one");
    }
    server.replace("templates/index.html", "two")?;
    events.event("solved")?;
    server.log().wait_for_log("the problem", |line| line.contains("app_nam"))?;
    let lines = server.log().lines();
    assert_eq!(lines.iter().filter(|line| line.contains("app_nam")).count(), 1, "{lines:#?}");
    Ok(())
}

fn shows(server: &Running, text: &str) -> Result<(), Failed> {
    let mut last = String::new();
    wait_until(&format!("the page `{text}`"), || {
        last = server.get("/").map(|answer| answer.text()).unwrap_or_default();
        last == text
    })
    .map_err(|failed| format!("{}; it is `{last}`", failed.message().unwrap_or_default()).into())
}
