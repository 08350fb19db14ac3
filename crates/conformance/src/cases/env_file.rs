//! `.env` beside the first configuration file.

use crate::{
    Demo,
    claim::{Verdict, claims},
    wait_until,
};
use rustix::process::Signal;
use serde_json::json;
use std::fs;

claims! {
    one demo:
        env_lies_between_the_files_and_the_environment,
        an_edit_of_env_is_followed_and_so_is_its_end,
        env_is_beside_the_first_file,
        env_is_not_exported,
        a_bad_line_of_env_ends_with_1,
        a_bad_line_of_env_is_rejected_later,
        a_bad_value_in_env_is_told_with_its_line,
        a_variable_in_env_that_names_no_key_is_told_with_its_line,
        a_secret_in_env_is_shown_nowhere,
        the_file_of_a_secret_counts_from_the_folder_of_env,
        a_folder_called_env_is_no_file;
}

const INTERVAL: &str = "APP__SETTINGS__REFRESH_INTERVAL_SECONDS";

fn env_lies_between_the_files_and_the_environment(demo: &Demo) -> Verdict {
    let text = format!("# of this machine\nexport {INTERVAL}=7\nAPP__APP_NAME='From env'\nOTHER=x\n");
    let interval = |server: crate::Server| -> Result<u64, crate::Failed> {
        let json = server.start()?.get("/dynamic-config")?.json()?;
        Ok(json["refresh_interval_seconds"].as_u64().ok_or("no number")?)
    };
    let server = || demo.server().file(".env", &text);
    assert_eq!(interval(server())?, 7);
    assert_eq!(interval(server().env(INTERVAL, "8"))?, 8);
    assert_eq!(interval(server().args("--set settings.refresh_interval_seconds=9"))?, 9);
    assert!(server().start()?.get("/")?.text().contains("From env"));
    Ok(())
}

fn an_edit_of_env_is_followed_and_so_is_its_end(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.replace(".env", format!("{INTERVAL}=7\n"))?;
    server.wait_for_generation(2)?;
    server.replace(".env", format!("{INTERVAL}=8\n"))?;
    server.wait_for_generation(3)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 8);
    server.wait_for_attempts("accepted", 3)?;
    let change = json!([{"path": "settings.refresh_interval_seconds", "from": 7, "to": 8}]);
    assert_eq!(server.history()?[0]["changed"], change);
    fs::remove_file(server.path(".env"))?;
    server.wait_for_generation(4)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 5);
    Ok(())
}

fn env_is_beside_the_first_file(demo: &Demo) -> Verdict {
    let server = demo.server().file("etc/over.yaml", "app_name: Over\n");
    let server = server.file("etc/.env", format!("{INTERVAL}=7\n")).file(".env", format!("{INTERVAL}=8\n"));
    let server = server.args("--config config.yaml --config etc/over.yaml").start()?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 8);
    Ok(())
}

/// A successor inherits the environment of its predecessor. With an exported variable it would keep the value that `.env` had.
fn env_is_not_exported(demo: &Demo) -> Verdict {
    let server = demo.server().file(".env", format!("{INTERVAL}=7\n")).args("--probation 0").start()?;
    let instance = server.instance()?;
    server.signal(Signal::USR2)?;
    server.wait_for_another(&instance)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 7);
    for process in server.processes() {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&environment).contains(INTERVAL));
    }
    fs::remove_file(server.path(".env"))?;
    wait_until("the value of the file", || {
        let answer = server.get("/dynamic-config").and_then(|answer| answer.json());
        answer.is_ok_and(|json| json["refresh_interval_seconds"] == 5)
    })
}

fn a_bad_line_of_env_ends_with_1(demo: &Demo) -> Verdict {
    let text = "APP__APP_NAME=x\nhunter2\n\nAPP__PORT='80\n";
    let said = demo.server().file(".env", text).run()?.with_status(1)?.stderr;
    assert!(said.contains(".env:2:1: expected `NAME=VALUE`"), "{said}");
    assert!(said.contains(".env:4:11: this quote is never closed"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    Ok(())
}

fn a_bad_line_of_env_is_rejected_later(demo: &Demo) -> Verdict {
    let server = demo.server().file(".env", format!("{INTERVAL}=7\n")).start()?;
    let mut events = server.events()?;
    server.replace(".env", format!("{INTERVAL}=8\nhunter2\n"))?;
    assert!(events.event("problem")?.data.contains(".env:2:1"));
    server.wait_for_attempts("rejected", 1)?;
    let error = server.history()?[0]["error"].clone();
    assert_eq!((&error["file"], &error["line"], &error["column"]), (&json!(".env"), &json!(2), &json!(1)));
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 7);
    server.replace(".env", format!("{INTERVAL}=8\n"))?;
    server.wait_for_generation(2)
}

fn a_bad_value_in_env_is_told_with_its_line(demo: &Demo) -> Verdict {
    let text = format!("# a comment\n  {INTERVAL} = soon # a comment\n");
    let said = demo.server().file(".env", text).run()?.with_status(1)?.stderr;
    assert!(said.contains("expected a whole number of seconds from 1 to 86400, found `soon`"), "{said}");
    assert!(said.contains(".env:2:45"), "{said}");
    assert!(said.contains(&format!("2 |   {INTERVAL} = soon\n")), "{said}");
    Ok(())
}

fn a_variable_in_env_that_names_no_key_is_told_with_its_line(demo: &Demo) -> Verdict {
    let text = "APP__SETTINGS__LOG_LEVL=debug-of-nobody\n";
    let said = demo.server().file(".env", text).run()?.with_status(1)?.stderr;
    assert!(said.contains(".env:1:1: settings.log_levl: unknown key"), "{said}");
    assert!(said.contains("did you mean `log_level`?") && !said.contains("debug-of-nobody"), "{said}");
    Ok(())
}

fn a_secret_in_env_is_shown_nowhere(demo: &Demo) -> Verdict {
    let server = demo.server().file(".env", "APP__DATABASE__PASSWORD=hunter2-first\n").start()?;
    server.replace(".env", "APP__DATABASE__PASSWORD=hunter2-second\n")?;
    server.wait_for_attempts("accepted", 2)?;
    let change = json!([{"path": "database.password", "from": "***", "to": "***"}]);
    assert_eq!(server.history()?[0]["changed"], change);
    server.replace(".env", "APP__DATABASE__PASSWORD=hunter2-second\nAPP__PORT=hunter2-second\n")?;
    server.wait_for_attempts("rejected", 1)?;
    let history = server.get("/config/history")?.text();
    assert!(history.contains(".env:2:11"), "{history}");
    assert!(!history.contains("hunter2") && !server.log().text().contains("hunter2"), "{history}");
    Ok(())
}

fn the_file_of_a_secret_counts_from_the_folder_of_env(demo: &Demo) -> Verdict {
    let server = demo.server().file("etc/secret", "hunter2-first\n").config_at("etc/app.yaml");
    let server = server.file("etc/.env", "APP__DATABASE__PASSWORD_FILE=secret\n");
    let config = crate::Server::shipped_config();
    let line = config.lines().find(|line| line.contains("password:")).ok_or("a password")?;
    let server = server.config(config.replace(line, "")).args("--config etc/app.yaml").start()?;
    server.replace("etc/secret", "hunter2-second\n")?;
    server.wait_for_generation(2)
}

fn a_folder_called_env_is_no_file(demo: &Demo) -> Verdict {
    demo.server().file(".env/pyvenv.cfg", "home = /usr/bin\n").start()?;
    Ok(())
}
