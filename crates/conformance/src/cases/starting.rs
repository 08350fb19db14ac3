//! Starting: the command line, the exit statuses, the address.

use crate::{
    Demo, Exit, Failed, Server,
    claim::{Verdict, claims},
    wait_until,
};
use serde_json::Value;
use std::{fs, net::TcpListener};

claims! {
    every demo:
        it_serves_with_nothing_but_the_shipped_files,
        version_is_a_number,
        one_line_says_where_it_serves_and_which_instance;
    one demo:
        help_names_every_flag,
        wrong_usage_ends_with_2,
        a_good_check_serves_nothing_and_ends_with_0,
        a_check_needs_no_port,
        a_check_names_what_is_wrong,
        a_check_renders_the_page,
        the_schema_is_json_and_names_every_key,
        the_schema_needs_no_configuration,
        the_line_comes_whatever_the_filter,
        the_process_file_holds_the_id_until_the_end,
        a_stale_process_file_is_replaced,
        a_process_file_of_a_running_server_is_refused,
        a_process_file_is_taken_over_on_the_same_supervised_listener,
        a_process_file_with_another_content_is_left_as_it_is,
        json_logs_are_one_object_a_line,
        the_environment_can_ask_for_json_logs,
        an_unknown_log_format_is_wrong_usage,
        a_missing_file_or_folder_ends_with_1,
        templates_live_where_a_flag_or_the_environment_says;
}

fn it_serves_with_nothing_but_the_shipped_files(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let page = server.get("/")?;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("MyRustApp"), "{}", page.text());
    Ok(())
}

fn help_names_every_flag(demo: &Demo) -> Verdict {
    let help = demo.server().arg("--help").run()?.with_status(0)?.stdout;
    for flag in [
        "--config",
        "--templates",
        "--set",
        "--unknown-keys",
        "--check",
        "--schema",
        "--linger",
        "--drain-deadline",
        "--pid-file",
        "--log-format",
        "--version",
        "DEMO_CONFIG",
        "DEMO_TEMPLATES",
        "DEMO_UNKNOWN_KEYS",
        "DEMO_LOG_FORMAT",
    ] {
        assert!(help.contains(flag), "{flag} in:\n{help}");
    }
    Ok(())
}

fn version_is_a_number(demo: &Demo) -> Verdict {
    let version = demo.server().arg("--version").run()?.with_status(0)?.stdout;
    assert!(
        version.split_whitespace().any(|word| word.starts_with(|c: char| c.is_ascii_digit())),
        "{version}"
    );
    Ok(())
}

fn wrong_usage_ends_with_2(demo: &Demo) -> Verdict {
    for usage in [
        "--no-such-flag",
        "stray",
        "--config",
        "--set",
        "--set port",
        "--set =8081",
        "--unknown-keys maybe",
        "--linger soon",
        "--linger -1",
        "--drain-deadline never",
        "--log-format xml",
    ] {
        let ended = demo.server().args(usage).run()?;
        ended
            .with_status(2)
            .map_err(|failed| format!("`{usage}`: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn a_good_check_serves_nothing_and_ends_with_0(demo: &Demo) -> Verdict {
    let ended = demo.server().arg("--check").run()?.with_status(0)?;
    assert_eq!(Exit::address_in(&ended.output()), None, "{}", ended.output());
    Ok(())
}

fn a_check_needs_no_port(demo: &Demo) -> Verdict {
    let holder = TcpListener::bind("127.0.0.1:0")?;
    demo.server()
        .arg("--check")
        .args(&format!("--set port={}", holder.local_addr()?.port()))
        .run()?
        .with_status(0)?;
    Ok(())
}

fn a_check_names_what_is_wrong(demo: &Demo) -> Verdict {
    let ended = demo.server().edited("port: 8080", "port: 80800").arg("--check").run()?.with_status(1)?;
    let line =
        1 + Server::shipped_config().lines().position(|line| line.starts_with("port:")).unwrap_or_default();
    assert!(ended.output().contains(&format!("config.yaml:{line}:")), "{}", ended.output());
    Ok(())
}

fn a_check_renders_the_page(demo: &Demo) -> Verdict {
    let ended = demo
        .server()
        .template("index.html", "{{ nothing_of_that_name }}")
        .arg("--check")
        .run()?
        .with_status(1)?;
    assert!(ended.output().contains("index.html"), "{}", ended.output());
    assert!(ended.output().contains("nothing_of_that_name"), "{}", ended.output());
    Ok(())
}

fn the_schema_is_json_and_names_every_key(demo: &Demo) -> Verdict {
    let text = demo.server().arg("--schema").run()?.with_status(0)?.stdout;
    let schema: Value = serde_json::from_str(&text).map_err(|e| format!("{e} in {text}"))?;
    for key in [
        "app_name",
        "host",
        "port",
        "database",
        "settings",
        "routes",
        "maintenance",
        "limits",
        "admin_token",
        "revision",
        "upgrade",
    ] {
        assert!(schema["properties"][key].is_object(), "`{key}` in {text}");
    }
    assert!(text.contains("refresh_interval_seconds"), "{text}");
    Ok(())
}

fn the_schema_needs_no_configuration(demo: &Demo) -> Verdict {
    demo.server().args("--schema --config nowhere.yaml").run()?.with_status(0)?;
    Ok(())
}

fn one_line_says_where_it_serves_and_which_instance(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let instance = server.instance()?;
    let address = server.address().to_string();
    server.log().wait_for_log("the instance beside the address", |line| {
        line.contains(&address) && line.contains(&instance)
    })?;
    let lines = server.log().lines();
    assert_eq!(lines.iter().filter(|line| line.contains(&address)).count(), 1, "{lines:#?}");
    Ok(())
}

fn the_line_comes_whatever_the_filter(demo: &Demo) -> Verdict {
    demo.server().edited("log_level: info", "log_level: off").start()?.get("/healthz")?;
    Ok(())
}

fn the_process_file_holds_the_id_until_the_end(demo: &Demo) -> Verdict {
    let server = demo.server().args("--pid-file server.pid --linger 0").start()?;
    wait_until("the process file", || server.path("server.pid").exists())?;
    assert_eq!(fs::read_to_string(server.path("server.pid"))?.trim(), server.pid().to_string());
    server.stop()?;
    assert!(!server.path("server.pid").exists(), "a process file without a process");
    Ok(())
}

fn a_stale_process_file_is_replaced(demo: &Demo) -> Verdict {
    let server = demo.server().file("server.pid", "4194303\n").args("--pid-file server.pid").start()?;
    wait_until("its id in the process file", || {
        fs::read_to_string(server.path("server.pid"))
            .is_ok_and(|text| text.trim() == server.pid().to_string())
    })
}

fn a_process_file_of_a_running_server_is_refused(demo: &Demo) -> Verdict {
    let first = demo.server().args("--pid-file server.pid").start()?;
    let pid_file = first.path("server.pid");
    let second = demo.server().on_a_free_port().args("--pid-file").arg(&pid_file);
    let ended = second.run()?.with_status(3)?;
    let says = format!("names process {} (`demo-", first.pid());
    assert!(ended.stderr.contains(&says), "`{says}` in: {}", ended.stderr);
    assert_eq!(fs::read_to_string(&pid_file)?.trim(), first.pid().to_string());
    first.stop()?;
    assert!(!pid_file.exists(), "a process file without a process");
    Ok(())
}

/// A supervisor starts the next process while the last one still serves. The claim above is the control.
fn a_process_file_is_taken_over_on_the_same_supervised_listener(demo: &Demo) -> Verdict {
    let first = demo.server().args("--linger 0.2 --pid-file server.pid").start()?;
    let pid_file = first.path("server.pid");
    let second = demo.server().listener(first.listener()?).args("--pid-file").arg(&pid_file).start()?;
    assert_eq!(fs::read_to_string(&pid_file)?.trim(), second.pid().to_string());
    first.stop()?;
    assert_eq!(fs::read_to_string(&pid_file)?.trim(), second.pid().to_string());
    let other = demo.server().args("--pid-file").arg(&pid_file);
    let refused = other.start().err().ok_or("a server on another listener took the file")?;
    assert!(refused.message().is_some_and(|words| words.contains("ended instead of serving")), "{refused:?}");
    assert_eq!(fs::read_to_string(&pid_file)?.trim(), second.pid().to_string());
    second.stop()?;
    assert!(!pid_file.exists(), "a process file without a process");
    Ok(())
}

fn a_process_file_with_another_content_is_left_as_it_is(demo: &Demo) -> Verdict {
    let ended = demo.server().on_a_free_port().args("--pid-file config.yaml").run()?.with_status(1)?;
    let says = "`config.yaml` holds no process id and is left as it is";
    assert!(ended.stderr.contains(says), "`{says}` in: {}", ended.stderr);
    Ok(())
}

fn json_logs_are_one_object_a_line(demo: &Demo) -> Verdict {
    speaks_json(demo.server().args("--log-format json"))
}

fn the_environment_can_ask_for_json_logs(demo: &Demo) -> Verdict {
    speaks_json(demo.server().env("DEMO_LOG_FORMAT", "json"))
}

fn speaks_json(server: Server) -> Verdict {
    let server = server.edited("log_level: info", "log_level: debug").start()?;
    server.get("/seen-in-the-log")?;
    server.log().wait_for_log("a line of the request", |line| line.contains("/seen-in-the-log"))?;
    for line in server.log().lines() {
        serde_json::from_str::<Value>(&line).map_err(|e| Failed::from(format!("{e}: {line}")))?;
    }
    Ok(())
}

fn an_unknown_log_format_is_wrong_usage(demo: &Demo) -> Verdict {
    demo.server().env("DEMO_LOG_FORMAT", "xml").run()?.with_status(2)?;
    Ok(())
}

fn a_missing_file_or_folder_ends_with_1(demo: &Demo) -> Verdict {
    for (arguments, missing) in
        [("--config nowhere.yaml", "nowhere.yaml"), ("--templates nowhere", "nowhere")]
    {
        let said = demo.server().args(arguments).run()?.with_status(1)?.stderr;
        assert!(said.contains(missing), "{said}");
    }
    Ok(())
}

fn templates_live_where_a_flag_or_the_environment_says(demo: &Demo) -> Verdict {
    let server = || demo.server().file("pages/index.html", "elsewhere");
    for server in [server().args("--templates pages"), server().env("DEMO_TEMPLATES", "pages")] {
        assert_eq!(server.start()?.get("/")?.text(), "elsewhere");
    }
    Ok(())
}
