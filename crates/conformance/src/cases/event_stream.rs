//! `GET /events`.

use crate::{
    Demo, Events, Request, Server,
    claim::{Verdict, claims},
};
use rustix::process::Signal;

claims! {
    every demo:
        it_is_an_event_stream,
        hello_comes_first_and_says_who_speaks,
        a_config_frame_names_the_changed_paths,
        a_problem_frame_is_followed_by_solved,
        bye_ends_the_stream,
        every_client_hears_everything,
        a_client_that_leaves_harms_nobody;
    full tier:
        a_heartbeat_is_a_comment;
}

fn it_is_an_event_stream(demo: &Demo) -> Verdict {
    let events = demo.server().start()?.events()?;
    assert_eq!(events.head.header("content-type"), Some("text/event-stream"));
    Ok(())
}

fn hello_comes_first_and_says_who_speaks(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let events = server.events()?;
    let hello = &events.seen.iter().find(|frame| !frame.event.is_empty()).ok_or("no event")?;
    assert_eq!(hello.event, "hello");
    let data = hello.json()?;
    let (instance, build) =
        (data["instance"].as_str().ok_or("no instance")?, data["build"].as_str().ok_or("no build")?);
    assert_eq!(events.head.header("x-instance"), Some(instance));
    assert_eq!(hello.data, format!(r#"{{"instance":"{instance}","build":"{build}","generation":1}}"#));
    Ok(())
}

fn a_config_frame_names_the_changed_paths(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    let frame = events.event("config")?;
    assert_eq!(frame.data, r#"{"generation":2,"changed":["settings.feature_flag_a"]}"#);
    let text = server.config()?.replace("MyRustApp", "Other").replace("seconds: 5", "seconds: 6");
    server.replace("config.yaml", text)?;
    let changed = events.event("config")?.json()?["changed"].clone();
    assert_eq!(changed, serde_json::json!(["app_name", "settings.refresh_interval_seconds"]));
    Ok(())
}

fn a_problem_frame_is_followed_by_solved(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.edit("port: 8080", "port: 65536")?;
    let problem = events.event("problem")?;
    let data = problem.json()?;
    let message = serde_json::to_string(&data["message"])?;
    assert_eq!(problem.data, format!(r#"{{"source":"config","message":{message}}}"#));
    assert!(
        data["message"].as_str().is_some_and(|message| message.contains("config.yaml:")),
        "{}",
        problem.raw
    );
    server.replace("config.yaml", Server::shipped_config())?;
    events.event("solved")?;
    Ok(())
}

fn a_heartbeat_is_a_comment(demo: &Demo) -> Verdict {
    let server = demo.server().edited("seconds: 5", "seconds: 86400").start()?;
    let beat = server.events()?.until("a heartbeat", |frame| frame.comment.is_some())?;
    assert!(beat.event.is_empty() && beat.data.is_empty(), "{}", beat.raw);
    Ok(())
}

fn bye_ends_the_stream(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut events = server.events()?;
    server.signal(Signal::TERM)?;
    let rest = events.rest()?;
    let bye = rest.iter().find(|frame| frame.event == "bye").ok_or("no bye")?;
    assert!(bye.retry.is_some_and(|retry| retry <= 500), "{}", bye.raw);
    assert!(bye.json()?.get("location").is_some(), "{}", bye.raw);
    assert_eq!(rest.last(), Some(bye), "nothing after it");
    Ok(())
}

fn every_client_hears_everything(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut clients = (0..20).map(|_| server.events()).collect::<Result<Vec<_>, _>>()?;
    for n in 2..7 {
        server.replace(
            "config.yaml",
            Server::shipped_config().replace("seconds: 5", &format!("seconds: {}", n * 100)),
        )?;
        server.wait_for_generation(n)?;
    }
    for client in &mut clients {
        for n in 2..7 {
            assert_eq!(client.event("config")?.json()?["generation"], n);
        }
    }
    Ok(())
}

fn a_client_that_leaves_harms_nobody(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut stays = server.events()?;
    for _ in 0..20 {
        drop(server.events()?);
    }
    let mut halfway = server.client()?;
    halfway.send(&Request::get("/events").bytes(server.address()))?;
    drop(halfway);
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    stays.event("config")?;
    let mut late = server.client()?;
    late.send(&Request::get("/events").bytes(server.address()))?;
    assert_eq!(Events::open(late)?.event("hello")?.json()?["generation"], 2);
    Ok(())
}
