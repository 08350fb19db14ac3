//! `plugins:` and `GET /greet`: native code that is swapped while it runs.

use crate::{
    Client, Demo, Failed, Request, Running, Server,
    claim::{Verdict, claims},
    plugin_library::{number_in, plugin_library},
    target_load::TargetLoad,
    wait_for, wait_until,
};
use rustix::process::Signal;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

claims![
    every demo:
        the_plugin_of_the_configuration_answers,
        without_a_plugin_the_route_is_a_404,
        a_call_that_fails_is_a_500;
    one demo:
        a_plugin_is_added_moved_and_removed_while_running,
        a_request_keeps_the_version_that_it_began_with,
        a_plugin_that_crashes_leaves_the_old_one_and_the_process,
        a_constructor_that_never_returns_leaves_the_old_one_and_the_process,
        a_file_that_is_overwritten_does_not_change_the_code_that_runs,
        another_digest_is_refused,
        a_plugin_that_cannot_be_loaded_ends_the_start,
        a_plugin_that_is_built_after_the_edit_is_loaded,
        a_digest_without_a_plugin_is_refused,
        a_plugin_cannot_be_set_at_run_time,
        a_version_is_mapped_once,
        an_upgrade_frees_the_old_versions;
    full tier:
        swaps_under_load_fail_no_request,
        a_mixed_answer_and_a_moment_without_a_plugin_are_failures;
];

/// The key, as it is added to the shipped configuration.
const KEY: &str = "\nplugins:\n  greeter: plugin.so\n";

fn the_plugin_of_the_configuration_answers(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    let answer = server.get("/greet?name=Alice")?;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert_eq!(number_in(&answer.text(), "Alice")?, 1);
    for (query, name) in [
        ("", "World"),
        ("?", "World"),
        ("?other=1", "World"),
        ("?name=", ""),
        ("?name=J%C3%BCrgen", "J\u{fc}rgen"),
        ("?name=a%2Bb", "a+b"),
        ("?name=first&name=second", "second"),
        ("?name=%FF", "\u{fffd}"),
    ] {
        let answer = server.get(&format!("/greet{query}"))?;
        assert_eq!((answer.status, number_in(&answer.text(), name)), (200, Ok(1)), "{query}");
    }
    assert_eq!(server.request(&Request::new("HEAD", "/greet"))?.status, 200);
    assert_eq!(server.request(&Request::new("POST", "/greet"))?.status, 405);

    server.replace("plugin.so", plugin_library("none", 2)?)?;
    wait_for_number(&server, 2)
}

fn without_a_plugin_the_route_is_a_404(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let answer = server.get("/greet?name=Alice")?;
    assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/json")));
    assert_eq!(answer.text(), r#"{"error":"not found","path":"/greet"}"#);
    assert_eq!(server.request(&Request::new("POST", "/greet"))?.status, 405);
    server.wait_for_metric("plugin_mappings", &[], 0)
}

fn a_plugin_is_added_moved_and_removed_while_running(demo: &Demo) -> Verdict {
    let server = demo.server().file("plugin.so", plugin_library("none", 1)?).start()?;
    fs::create_dir(server.path("other"))?;
    server.save("other/plugin.so", plugin_library("none", 2)?)?;
    let shipped = server.config()?;
    let mut client = server.client()?;
    let mut generation = 1;
    // The answer with a generation is the answer of its plugin.
    let mut expect = |number: Option<u32>| -> Verdict {
        generation += 1;
        let answer = wait_for("the generation", || {
            client.get("/greet?name=you").ok().filter(|answer| answer.generation() == Some(generation))
        })?;
        assert_eq!(number_in(&answer.text(), "you").ok(), number, "{}", answer.text());
        assert_eq!(answer.status, if number.is_some() { 200 } else { 404 });
        Ok(())
    };
    server.replace("config.yaml", format!("{shipped}{KEY}"))?;
    expect(Some(1))?;
    server.edit("greeter: plugin.so", "greeter: other/plugin.so")?;
    expect(Some(2))?;
    server.replace("config.yaml", &shipped)?;
    expect(None)?;
    server.replace("config.yaml", format!("{shipped}{KEY}"))?;
    expect(Some(1))?;

    // The file that is no longer named is no longer followed.
    server.save("other/plugin.so", "nonsense")?;
    server.replace("plugin.so", plugin_library("none", 3)?)?;
    wait_for_number(&server, 3)?;
    assert!(!server.log().text().contains("kept the last good plugin"), "{}", server.log().text());
    Ok(())
}

fn a_request_keeps_the_version_that_it_began_with(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    let path = server.path("go");
    let path = path.to_str().ok_or("a path is text")?;
    // The server waits 5 s for a plugin. On a busy machine the swap may take longer: then the request is a 503, and asked again.
    for _ in 0..10 {
        let mut waiting = server.client()?;
        waiting.send(&Request::get(&format!("/greet?name={path}")).bytes(server.address()))?;
        waiting.wait_until_read()?;
        server.replace("plugin.so", plugin_library("none", 2)?)?;
        wait_for_number(&server, 2)?;
        server.save("go", "")?;
        let answer = waiting.answer("GET")?;
        if answer.status != 503 {
            assert_eq!(number_in(&answer.text(), path)?, 1);
            return Ok(());
        }
        fs::remove_file(path)?;
        server.replace("plugin.so", plugin_library("none", 1)?)?;
        wait_for_number(&server, 1)?;
    }
    Err("no swap within 5 s in 10 attempts".into())
}

fn a_plugin_that_crashes_leaves_the_old_one_and_the_process(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.file("bad.so", plugin_library("abort", 9)?).start()?;
    let (pid, mut events) = (server.pid(), server.events()?);

    // By the file.
    server.replace("plugin.so", plugin_library("abort", 2)?)?;
    let problem = events.event("problem")?.data;
    assert!(problem.contains(r#""source":"plugins""#) && problem.contains("SIGABRT"), "{problem}");
    let crashed = "plugin.so` crashed while it was loaded: signal: 6 (SIGABRT)";
    server.log().wait_for_log("the reason", |line| {
        line.contains("kept the last good plugin: ") && line.contains(crashed)
    })?;
    assert_eq!(number(&server)?, 1);
    server.wait_for_metric("config_reloads_total", &[("source", "plugins"), ("outcome", "rejected")], 1)?;
    server.replace("plugin.so", plugin_library("none", 3)?)?;
    assert!(events.event("solved")?.data.contains(r#""source":"plugins""#));
    wait_for_number(&server, 3)?;

    // By an edit, which is rejected as a whole.
    server.edit("greeter: plugin.so", "greeter: bad.so")?;
    server.wait_for_attempts("rejected", 1)?;
    let history = server.history()?;
    let error = history[0]["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(error.contains("plugins.greeter: the file crashed while it was loaded: signal: 6"), "{error}");
    assert_eq!((number(&server)?, server.get("/healthz")?.generation()), (3, Some(1)));
    assert_eq!((server.pid(), server.processes()), (pid, vec![pid]));
    Ok(())
}

fn a_constructor_that_never_returns_leaves_the_old_one_and_the_process(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    let pid = server.pid();
    server.replace("plugin.so", plugin_library("endless", 2)?)?;
    wait_until("the child", || server.processes().len() == 2)?;
    assert_eq!(number(&server)?, 1, "the old one answers meanwhile");
    server.log().wait_for_log("the reason", |line| {
        line.contains("kept the last good plugin: ")
            && line.contains("did not return within 5 s while it was loaded")
    })?;
    assert_eq!(server.processes(), [pid]);
    assert_eq!(number(&server)?, 1);
    server.replace("plugin.so", plugin_library("none", 3)?)?;
    wait_for_number(&server, 3)?;

    // A server that is killed leaves no child.
    server.replace("plugin.so", plugin_library("endless", 4)?)?;
    wait_until("the child", || server.processes().len() == 2)?;
    server.signal(Signal::KILL)?;
    server.wait_for_exit()?;
    wait_until("the child to be gone", || server.processes().is_empty())
}

fn a_file_that_is_overwritten_does_not_change_the_code_that_runs(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    let length = usize::try_from(fs::metadata(server.path("plugin.so"))?.len())?;
    let file = File::options().write(true).open(server.path("plugin.so"))?;
    file.write_all_at(&vec![0xcc; length], 0)?;
    drop(file);
    server.log().wait_for_log("the reason", |line| {
        line.contains("kept the last good plugin: ") && line.contains("is no shared library")
    })?;
    assert_eq!(number(&server)?, 1);
    server.save("plugin.so", plugin_library("none", 2)?)?;
    wait_for_number(&server, 2)
}

fn a_call_that_fails_is_a_500(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    server.replace("plugin.so", plugin_library("failing", 2)?)?;
    wait_for_number(&server, 2)?;
    let answer = server.get("/greet?name=Mallory")?;
    assert_eq!((answer.status, answer.text().contains("0002")), (500, false), "{}", answer.text());
    server.log().wait_for_log("the reason", |line| line.contains("the plugin failed: 0002 "))?;
    assert_eq!(number(&server)?, 2);
    Ok(())
}

fn another_digest_is_refused(demo: &Demo) -> Verdict {
    let config = format!("{}{KEY}  sha256: {}\n", Server::shipped_config(), "0".repeat(64));
    let exit = with_plugin(demo)?.config(config).run()?.with_status(1)?;
    assert!(exit.stderr.contains("plugins.sha256: the file has the SHA-256 "), "{}", exit.stderr);
    let found = exit.stderr.split("the SHA-256 ").nth(1).and_then(|rest| rest.get(..64)).unwrap_or_default();

    let config = format!("{}{KEY}  sha256: {}\n", Server::shipped_config(), found.to_uppercase());
    let server = with_plugin(demo)?.config(config).start()?;
    assert_eq!(number(&server)?, 1);
    server.replace("plugin.so", plugin_library("none", 2)?)?;
    server.log().wait_for_log("the reason", |line| {
        line.contains("kept the last good plugin: ") && line.contains("has the SHA-256 ")
    })?;
    assert_eq!(number(&server)?, 1);
    server.edit(&format!("  sha256: {}\n", found.to_uppercase()), "")?;
    wait_for_number(&server, 2)
}

fn a_plugin_that_cannot_be_loaded_ends_the_start(demo: &Demo) -> Verdict {
    let line = Server::shipped_config().lines().count() + 3;
    for (library, expected) in [
        (None, "the file is missing"),
        (Some(b"#!/bin/sh\n".to_vec()), "the file is no shared library, expected an ELF file"),
        (Some(plugin_library("abort", 1)?), "the file crashed while it was loaded: signal: 6 (SIGABRT)"),
    ] {
        for arguments in ["", "--check"] {
            let server = demo.server().config(format!("{}{KEY}", Server::shipped_config())).args(arguments);
            let server = library.iter().fold(server, |server, library| server.file("plugin.so", library));
            let exit = server.run()?.with_status(1)?;
            let place = format!("config.yaml:{line}:");
            let said = &exit.stderr;
            assert!(
                said.contains(&place) && said.contains("plugins.greeter") && said.contains(expected),
                "{said}"
            );
        }
    }
    Ok(())
}

fn a_plugin_that_is_built_after_the_edit_is_loaded(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let shipped = server.config()?;
    let named = format!("{shipped}{KEY}").replace("plugin.so", "build/plugin.so");
    server.replace("config.yaml", &named)?;
    server.wait_for_attempts("rejected", 1)?;
    let error = |server: &Running| Ok::<_, Failed>(server.history()?[0]["error"]["message"].to_string());
    for expected in ["plugins.greeter: the file is missing", "this edit is tried again when the file changes"]
    {
        let error = error(&server)?;
        assert!(error.contains(expected), "{error}");
    }
    // A build makes the folder, then the file. Nobody touches the configuration.
    fs::create_dir(server.path("build"))?;
    server.save("build/plugin.so", "nonsense")?;
    server.wait_for_attempts("rejected", 2)?;
    assert!(error(&server)?.contains("the file is no shared library"), "{}", error(&server)?);
    assert_eq!(server.status("/greet")?, 404);
    server.replace("build/plugin.so", plugin_library("none", 1)?)?;
    wait_for_number(&server, 1)?;
    assert_eq!((server.attempts("rejected")?, server.get("/healthz")?.generation()), (2, Some(2)));
    // From now on it is followed like any other.
    server.replace("build/plugin.so", plugin_library("none", 2)?)?;
    wait_for_number(&server, 2)?;

    // A library that is no longer named is no longer waited for.
    server.edit("build/plugin.so", "later.so")?;
    server.wait_for_attempts("rejected", 3)?;
    server.replace("config.yaml", &named)?;
    server.wait_for_attempts("unchanged", 1)?;
    server.replace("later.so", plugin_library("none", 3)?)?;
    server.replace("build/plugin.so", plugin_library("none", 4)?)?;
    wait_for_number(&server, 4)?;
    assert_eq!((server.attempts("rejected")?, server.attempts("unchanged")?), (3, 1));
    Ok(())
}

fn a_digest_without_a_plugin_is_refused(demo: &Demo) -> Verdict {
    let shipped = Server::shipped_config();
    let config = format!("{shipped}\nplugins:\n  sha256: {}\n", "0".repeat(64));
    let exit = demo.server().config(config.as_str()).run()?.with_status(1)?;
    let place = format!("config.yaml:{}:11", shipped.lines().count() + 3);
    let expected = "plugins.sha256: expected a library in `plugins.greeter`, to which this digest belongs";
    assert!(exit.stderr.contains(&place) && exit.stderr.contains(expected), "{}", exit.stderr);

    let server = demo.server().start()?;
    server.replace("config.yaml", &config)?;
    server.wait_for_attempts("rejected", 1)?;
    let history = server.history()?;
    let error = history[0]["error"]["message"].as_str().unwrap_or_default();
    assert!(error.contains(expected), "{error}");
    Ok(())
}

fn a_plugin_cannot_be_set_at_run_time(demo: &Demo) -> Verdict {
    let server = demo.server().file("plugin.so", plugin_library("none", 1)?).start()?;
    let path = server.path("plugin.so");
    let path = path.to_str().ok_or("a path is text")?;
    let put = Request::new("PUT", "/config/overrides/plugins.greeter").body(format!("{path:?}"));
    let answer = server.request(&put)?;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text());
    assert!(answer.text().contains("it cannot be set at run time"), "{}", answer.text());
    assert_eq!(server.status("/greet")?, 404);
    server.wait_for_metric("plugin_mappings", &[], 0)
}

fn a_version_is_mapped_once(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    for _ in 0..3 {
        for version in [2, 1] {
            server.replace("plugin.so", plugin_library("none", version)?)?;
            wait_for_number(&server, version)?;
        }
    }
    server.wait_for_metric("plugin_mappings", &[], 2)
}

fn an_upgrade_frees_the_old_versions(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    server.replace("plugin.so", plugin_library("none", 2)?)?;
    wait_for_number(&server, 2)?;
    server.wait_for_metric("plugin_mappings", &[], 2)?;
    server.signal(Signal::USR2)?;
    server.wait_for_metric("plugin_mappings", &[], 1)?;
    assert_eq!(number(&server)?, 2);
    Ok(())
}

fn swaps_under_load_fail_no_request(demo: &Demo) -> Verdict {
    // The first one is loaded at the start: 100 versions on axum, where the server warns.
    let versions = if demo.framework() == "Axum" { 100 } else { 6 };
    let server = with_plugin(demo)?.start()?;
    let (load, newest) = load(&server);
    load.wait_for(20)?;
    for version in 2..=versions {
        server.replace("plugin.so", plugin_library("none", version)?)?;
        wait_until("answers of the new version", || {
            newest.load(Ordering::Relaxed) == version || !load.failures().is_empty()
        })?;
        load.wait_for(20)?;
    }
    let (answered, failures) = load.end();
    assert!(
        failures.is_empty() && answered > 20 * u64::from(versions),
        "{answered} answered, failed: {failures:?}"
    );
    server.wait_for_metric("plugin_mappings", &[], versions)?;
    if versions == 100 {
        server.log().wait_for_log("the warning", |line| {
            line.contains("100 versions of plugins are loaded")
                && line.contains("an upgrade of the server frees them")
        })?;
    }
    Ok(())
}

/// The negative control of the load.
fn a_mixed_answer_and_a_moment_without_a_plugin_are_failures(demo: &Demo) -> Verdict {
    let server = with_plugin(demo)?.start()?;
    let (mixed, _) = load(&server);
    mixed.wait_for(20)?;
    server.replace("plugin.so", plugin_library("mixed", 2)?)?;
    wait_until("failures", || !mixed.failures().is_empty())?;
    let (_, failures) = mixed.end();
    assert!(failures.iter().all(|failure| failure.starts_with("more than one version")), "{failures:?}");

    server.replace("plugin.so", plugin_library("none", 3)?)?;
    wait_for_number(&server, 3)?;
    let (interrupted, _) = load(&server);
    interrupted.wait_for(20)?;
    server.edit("greeter: plugin.so", "greeter: ~")?;
    wait_until("failures", || !interrupted.failures().is_empty())?;
    let (_, failures) = interrupted.end();
    assert!(failures.iter().all(|failure| failure == "404"), "{failures:?}");
    Ok(())
}

/// A server with version 1 of a plugin.
fn with_plugin(demo: &Demo) -> Result<Server, Failed> {
    let config = format!("{}{KEY}", Server::shipped_config());
    Ok(demo.server().config(config).file("plugin.so", plugin_library("none", 1)?))
}

/// Clients that ask for `/greet` all the time, and the highest version that has answered.
fn load(server: &Running) -> (TargetLoad, Arc<AtomicU32>) {
    let newest = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&newest);
    let load = TargetLoad::on(server.address(), "/greet?name=you", move |answer| {
        seen.fetch_max(number_in(&answer.text(), "you")?, Ordering::Relaxed);
        Ok(())
    });
    (load, newest)
}

/// The version that answers a request.
fn number(server: &Running) -> Result<u32, Failed> {
    let answer = Client::connect(server.address())?.get("/greet?name=you")?;
    Ok(number_in(&answer.text(), "you")?)
}

fn wait_for_number(server: &Running, version: u32) -> Verdict {
    wait_until(&format!("version {version}"), || number(server).is_ok_and(|now| now == version))
}
