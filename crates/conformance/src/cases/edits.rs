//! A rejected edit changes nothing and is reported.

use crate::{
    Demo, Server,
    claim::{Verdict, claims},
    wait_until,
};
use rustix::{
    fs::{Mode, chmod},
    process::geteuid,
};
use std::fs;

claims! {
    every demo:
        a_broken_config_keeps_the_last_good_one;
    one demo:
        a_start_needs_no_second_file_to_come_back,
        a_good_edit_after_a_bad_one_counts_one_generation,
        a_problem_greets_those_who_come_later,
        a_vanished_configuration_comes_back,
        an_unreadable_file_ends_the_start,
        an_unreadable_file_keeps_the_last_good_one,
        sixty_bad_edits_leave_the_server_as_it_was;
}

fn a_broken_config_keeps_the_last_good_one(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    let before = (server.get("/dynamic-config")?.text(), server.get("/readyz")?.text());
    server.save_config("app_name: [")?;
    events.event("problem")?;
    assert_eq!((server.get("/dynamic-config")?.text(), server.get("/readyz")?.text()), before);
    assert!(server.get("/")?.text().contains("MyRustApp"));
    Ok(())
}

fn a_start_needs_no_second_file_to_come_back(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.yaml", "settings: { refresh_interval_seconds: 9 }");
    let server = server.args("--config config.yaml --config over.yaml").start()?;
    let mut events = server.events()?;
    fs::remove_file(server.path("over.yaml"))?;
    assert!(events.event("problem")?.data.contains("over.yaml"));
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 9);
    server.save("over.yaml", "settings: { refresh_interval_seconds: 10 }")?;
    events.event("solved")?;
    server.wait_for_generation(2)?;
    Ok(())
}

fn a_good_edit_after_a_bad_one_counts_one_generation(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.save_config("")?;
    events.event("problem")?;
    server.save_config(Server::shipped_config().replace("feature_flag_a: true", "feature_flag_a: false"))?;
    events.event("config")?;
    assert_eq!(server.get("/healthz")?.generation(), Some(2));
    assert_eq!(server.history()?[0]["outcome"], "accepted");
    Ok(())
}

fn a_problem_greets_those_who_come_later(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.save_config("app_name: [")?;
    events.event("problem")?;
    server.events()?.event("problem")?;
    Ok(())
}

fn a_vanished_configuration_comes_back(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    fs::rename(server.path("config.yaml"), server.path("gone.yaml"))?;
    events.event("problem")?;
    fs::rename(server.path("gone.yaml"), server.path("config.yaml"))?;
    events.event("solved")?;
    assert_eq!(server.get("/healthz")?.generation(), Some(1));
    Ok(())
}

fn an_unreadable_file_ends_the_start(demo: &Demo) -> Verdict {
    let server =
        demo.server().file("bad.yaml", Server::shipped_config()).args("--config bad.yaml").after(&mortal());
    chmod(server.path("bad.yaml"), Mode::empty())?;
    let said = server.run()?.with_status(1)?.output();
    assert!(said.contains("bad.yaml"), "{said}");
    Ok(())
}

fn an_unreadable_file_keeps_the_last_good_one(demo: &Demo) -> Verdict {
    let server = demo.server().after(&mortal()).start()?;
    let mut events = server.events()?;
    server.save("closed.yaml", server.config()?.replace("feature_flag_a: true", "feature_flag_a: false"))?;
    chmod(server.path("closed.yaml"), Mode::empty())?;
    fs::rename(server.path("closed.yaml"), server.path("config.yaml"))?;
    events.event("problem")?;
    assert_eq!(server.get("/dynamic-config")?.json()?["feature_flag_a"], true);
    chmod(server.path("config.yaml"), Mode::RUSR)?;
    events.event("solved")?;
    server.wait_for_generation(2)
}

/// Drops the capabilities with which root can read every file.
fn mortal() -> String {
    let drop = "setpriv --bounding-set=-dac_override,-dac_read_search";
    if geteuid().is_root() { format!("set -- {drop} \"$@\"") } else { ":".to_owned() }
}

/// The history keeps 50 attempts.
fn sixty_bad_edits_leave_the_server_as_it_was(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    let before = server.get("/dynamic-config")?.text();
    for n in 1..=60 {
        let bad = Server::shipped_config().replace("port: 8080", &format!("port: {}", 70_000 + n));
        server.replace("config.yaml", bad)?;
        server.wait_for_metric(
            "config_reloads_total",
            &[("source", "config"), ("outcome", "rejected")],
            n,
        )?;
    }
    events.event("problem")?;
    wait_until("50 rejected attempts in the history", || {
        server.history().is_ok_and(|attempts| {
            attempts.len() == 50 && attempts.iter().all(|attempt| attempt["outcome"] == "rejected")
        })
    })?;
    server.replace("config.yaml", Server::shipped_config())?;
    events.event("solved")?;
    assert_eq!(server.get("/dynamic-config")?.text(), before);
    assert_eq!(server.history()?.len(), 50);
    Ok(())
}
