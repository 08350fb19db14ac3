//! `hotrun init`.

use std::fs;

use crate::project::Project;

#[test]
fn it_writes_a_file_that_changes_nothing() {
    let project = Project::server();
    let run = |arguments: &[&str]| {
        let output = project.command().args(arguments).output().expect("hotrun");
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    let (before, _) = run(&["check"]);
    let (said, status) = run(&["init"]);
    assert!(said.contains("wrote `.hotrun.toml`"), "{said}");
    assert_eq!(status, Some(0));
    let (after, status) = run(&["check"]);
    assert_eq!(status, Some(0), "{after}");
    let rest = |said: &str| said.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(rest(&before), rest(&after));
}

#[test]
fn it_does_not_change_an_existing_file() {
    let project = Project::server().file(".hotrun.toml", "root = \".\"\n").args(&["init"]);
    let output = project.command().output().expect("hotrun");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`.hotrun.toml` exists already, and is not changed"), "{said}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(project.path(".hotrun.toml")).expect("a file"), "root = \".\"\n");
}

#[test]
fn it_names_a_file_that_it_cannot_write() {
    let (said, status) = Project::new().args(&["init", "-c", "no/such/folder.toml"]).ends();
    assert!(said.contains("`no/such/folder.toml` cannot be written"), "{said}");
    assert_eq!(status, Some(1));
}
