//! The servers in Go beside the demos.

use std::{
    collections::BTreeSet, env, fs, net::TcpStream, ops::Range, os::unix::fs::PermissionsExt, path::Path,
};

use conformance::{Client, Request, installed, long_tier, wait_for};
use rustix::process::{Pid, test_kill_process};

use crate::{programs::compare, showing::Showing};

/// The cells of the demos, and of their counterparts, in the row of an edit.
const DEMOS: Range<usize> = 0..4;
const COUNTERPARTS: Range<usize> = 4..8;
/// The beginning of the cell of a server that showed the edit.
const GOOD: &str = "good\">";

#[test]
fn without_go_the_switch_is_disabled_and_says_why() {
    let showing = Showing::of(compare().env("PATH", "/nowhere"));
    let page = showing.page();
    let switch = page.split("data-counterparts").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(
        switch.contains("disabled") && switch.contains("Go is not installed, or not in `PATH`"),
        "{switch}"
    );
    let answer = showing.request(&showing.post("/counterparts/on"));
    assert_eq!(
        (answer.status, answer.text().contains("Go is not installed")),
        (500, true),
        "{}",
        answer.text()
    );
    assert_eq!(showing.demos().len(), 4);
}

#[test]
fn the_counterparts_run_beside_the_demos_and_serve_torn_pages() {
    if !long_tier() || !installed(&["go"]) {
        return;
    }
    let mut showing = Showing::start();
    assert_eq!(showing.request(&showing.post("/counterparts/on")).status, 200);
    let (servers, folders) = (showing.demos(), showing.folders());
    assert_eq!((servers.len(), folders.len()), (8, 8));
    assert!(showing.page().contains("data-counterparts checked"), "the switch is on");

    // A counterpart may read the file before the save is over, and miss an edit.
    let mut unseen: BTreeSet<usize> = COUNTERPARTS.collect();
    for _ in 0..10 {
        let shown = showing.edit("value");
        assert!(cells(&shown)[DEMOS].iter().all(|cell| cell.starts_with(GOOD)), "{shown}");
        unseen.retain(|&counterpart| !cells(&shown)[counterpart].starts_with(GOOD));
        if unseen.is_empty() {
            break;
        }
    }
    assert!(unseen.is_empty(), "no edit was seen by {unseen:?}");
    let shown = showing.edit("template");
    assert!(cells(&shown)[DEMOS].iter().all(|cell| cell.starts_with(GOOD)), "{shown}");
    // Gin, fiber and echo read their templates once.
    assert!(cells(&shown)[4..7].iter().all(|cell| cell.ends_with("not seen")), "{shown}");
    let shown = showing.edit("back");
    assert!(cells(&shown)[DEMOS].iter().all(|cell| cell.starts_with(GOOD)), "{shown}");

    let shown = showing.edit("pieces");
    assert!(cells(&shown)[DEMOS].iter().all(|cell| cell.starts_with("good\">0 torn of ")), "{shown}");
    let is_torn = |cell: &&str| cell.starts_with("bad\">") && cell.contains(" torn of ");
    assert!(cells(&shown)[COUNTERPARTS].iter().all(is_torn), "{shown}");
    println!("{shown}");

    assert_eq!(showing.request(&showing.post("/counterparts/off")).status, 200);
    assert_eq!(showing.demos().len(), 4);
    for (server, folder) in servers[4..].iter().zip(&folders[4..]) {
        assert!(TcpStream::connect(server).is_err() && !folder.exists(), "{server} is gone");
    }
    // They are not built again.
    assert_eq!(showing.request(&showing.post("/counterparts/on")).status, 200);
    let servers = showing.demos();
    assert!(showing.end().success());
    assert!(servers.iter().all(|server| TcpStream::connect(server).is_err()), "they end with the page");
}

#[test]
fn a_build_that_fails_says_why_and_the_page_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let showing = Showing::of(compare().env("PATH", with_go(folder.path(), "echo 'no network' >&2; exit 1")));
    let answer = showing.request(&showing.post("/counterparts/on"));
    assert_eq!((answer.status, answer.text().trim()), (500, "`go build` failed: no network"));
    assert_eq!(showing.edit("value").matches("class=\"good\"").count(), 4);
    let answer = showing.request(&Request::new("POST", "/counterparts/on"));
    assert_eq!(answer.status, 403, "only the page itself starts programs");
}

#[test]
fn a_build_ends_with_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let noted = folder.path().join("pid");
    let build = format!("echo $$ > {}; exec sleep 600", noted.display());
    let mut showing = Showing::of(compare().env("PATH", with_go(folder.path(), &build)));
    let mut client = Client::connect(showing.address).unwrap();
    client.send(&showing.post("/counterparts/on").bytes(showing.address)).unwrap();
    let go = wait_for("the build", || Pid::from_raw(fs::read_to_string(&noted).ok()?.trim().parse().ok()?))
        .unwrap();
    assert_eq!(showing.demos().len(), 4, "the page is served during the build");
    assert!(showing.end().success());
    assert!(test_kill_process(go).is_err(), "the build has ended");
}

/// The cells of an edit, each from the name of its class on.
fn cells(shown: &str) -> Vec<&str> {
    shown.split("<td class=\"").skip(1).map(|cell| cell.split("</td>").next().unwrap()).collect()
}

/// A `PATH` in which `go` is this line of shell.
fn with_go(folder: &Path, line: &str) -> String {
    let go = folder.join("go");
    fs::write(&go, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(go, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), env::var("PATH").unwrap())
}
