//! The content of a diagnosis, and its readers.

use crate::{
    Demo, Events, Request,
    claim::{Verdict, claims},
};

claims! {
    every demo:
        the_offending_line_is_shown_without_its_neighbours,
        a_client_from_elsewhere_does_not_see_the_value_at_fault;
    one demo:
        a_mistake_in_the_second_file_is_named_by_it,
        a_wrong_override_and_a_wrong_file_are_each_named,
        a_lowered_or_dropped_revision_is_stale,
        a_revision_may_be_lowered_where_rollbacks_are_allowed,
        a_bad_edit_that_gets_worse_is_a_new_problem;
}

fn the_offending_line_is_shown_without_its_neighbours(demo: &Demo) -> Verdict {
    let said = demo.server().edited("port: 5432", "port: five").run()?.with_status(1)?.stderr;
    assert!(said.contains("port: five"), "the line itself in: {said}");
    for neighbour in ["localhost", "user: admin", "secure_password"] {
        assert!(!said.contains(neighbour), "`{neighbour}` in: {said}");
    }
    Ok(())
}

fn a_client_from_elsewhere_does_not_see_the_value_at_fault(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut local = server.events()?;
    let strangers = [
        Request::get("/events").header("Host", "demo.example"),
        Request::get("/events").header("X-Forwarded-For", "192.0.2.7"),
        Request::get("/events").header("Forwarded", "for=192.0.2.7"),
    ];
    let mut remote = Vec::new();
    for request in strangers {
        let mut client = server.client()?;
        client.send(&request.bytes(server.address()))?;
        let mut events = Events::open(client)?;
        events.event("hello")?;
        remote.push(events);
    }
    server.edit("log_level: info", "log_level: loudest-of-all")?;
    assert!(local.event("problem")?.data.contains("log_level"));
    for events in &mut remote {
        let problem = events.event("problem")?;
        assert!(!problem.data.contains("loudest-of-all"), "{}", problem.raw);
        assert_eq!(problem.json()?["source"], "config");
    }
    Ok(())
}

fn a_mistake_in_the_second_file_is_named_by_it(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.yaml", "# over\nsettings:\n  refresh_interval_seconds: 0\n");
    let said = server.args("--config config.yaml --config over.yaml").run()?.with_status(1)?.stderr;
    assert!(said.contains("over.yaml:3:"), "{said}");
    Ok(())
}

fn a_wrong_override_and_a_wrong_file_are_each_named(demo: &Demo) -> Verdict {
    let server = demo.server().edited("refresh_interval_seconds: 5", "refresh_interval_seconds: 0");
    let server = server.args("--set settings.log_level=loud");
    let said = server.run()?.with_status(1)?.stderr;
    assert!(said.contains("config.yaml:"), "{said}");
    assert!(said.contains("--set settings.log_level"), "{said}");
    Ok(())
}

fn a_lowered_or_dropped_revision_is_stale(demo: &Demo) -> Verdict {
    let with = |revision: &str, name: &str| {
        let config =
            crate::Server::shipped_config().replace("app_name: MyRustApp", &format!("app_name: {name}"));
        format!("{config}\nrevision: {revision}\n")
    };
    let server = demo.server().config(with("12", "twelve")).start()?;
    let mut events = server.events()?;
    server.save_config(with("11", "eleven"))?;
    assert!(events.event("problem")?.data.contains("revision"));
    assert_eq!(server.get("/readyz")?.json()?["revision"], 12);
    server.save_config(with("12", "without").replace("\nrevision: 12\n", ""))?;
    assert!(events.event("problem")?.data.contains("there is no revision"));
    server.save_config(with("3", "three"))?;
    assert!(events.event("problem")?.data.contains("lower than 12"));
    server.save_config(with("13", "thirteen"))?;
    events.event("solved")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/readyz")?.json()?["revision"], 13);
    Ok(())
}

fn a_revision_may_be_lowered_where_rollbacks_are_allowed(demo: &Demo) -> Verdict {
    let config = |revision: u32| format!("{}\nrevision: {revision}\n", crate::Server::shipped_config());
    let server = demo.server().config(config(12)).args("--allow-rollback").start()?;
    server.save_config(config(3))?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/readyz")?.json()?["revision"], 3);
    Ok(())
}

fn a_bad_edit_that_gets_worse_is_a_new_problem(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.edit("seconds: 5", "seconds: 0")?;
    events.event("problem")?;
    server.edit("log_level: info", "log_level: loud")?;
    assert!(events.event("problem")?.data.contains("log_level"));
    assert_eq!(server.attempts("rejected")?, 2);
    Ok(())
}
