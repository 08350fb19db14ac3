//! The claim about each demo's `examples/minimal.rs`.

use crate::{Failed, Server, wait_until};
use std::env;

/// Starts the example of that name in a folder of its own, edits both files, and reads the new values over HTTP.
///
/// To be called by a test of the package that has the example: cargo builds it before, into the folder beside the test's.
pub fn edits_of_both_files_are_served(example: &str) -> Result<(), Failed> {
    let test = env::current_exe()?;
    let folder = test.ancestors().nth(2).ok_or("a test is two folders deep")?;
    let server = Server::new(folder.join("examples").join(example)).binding_itself().env("APP__PORT", "0");
    let server = server.start()?;
    let shows = |target: &str, text: &str| {
        wait_until(&format!("`{text}` at {target}"), || {
            server.get(target).is_ok_and(|answer| answer.status == 200 && answer.text().contains(text))
        })
    };
    shows("/", "MyRustApp")?;
    let page = server.get("/")?;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"), "the framework's middleware");
    assert!(page.text().contains("myapp_db") && !page.text().contains("secure_password"));
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 5);

    server.edit("MyRustApp", "Edited")?;
    shows("/", "Edited")?;
    server.edit("seconds: 5", "seconds: 7")?;
    shows("/dynamic-config", "\"refresh_interval_seconds\":7")?;
    server.save_template("index.html", "<p>{{ app_name }}, anew</p>")?;
    shows("/", "<p>Edited, anew</p>")?;

    // A bad edit changes nothing: the next good one is seen while the last good settings are in force.
    server.save_config("app_name: [")?;
    server.save_template("index.html", "<p>{{ app_name }}, after a bad edit</p>")?;
    shows("/", "<p>Edited, after a bad edit</p>")
}
