//! No process that `compare` has started outlives it.

use std::{
    env,
    fs::{self, File},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    process::Stdio,
};

use conformance::{wait_for, wait_until};
use rustix::{
    process::{Pid, Signal, kill_process, test_kill_process},
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
};

use crate::{
    programs::{compare, demos},
    showing::Showing,
};

#[test]
fn killing_compare_ends_its_servers() {
    let mut showing = Showing::start();
    let (demos, folders) = (showing.demos(), showing.folders());
    assert!(folders.iter().all(|folder| folder.exists()));
    assert_eq!(showing.end_by(Signal::KILL).signal(), Some(Signal::KILL.as_raw()));
    wait_until("the end of the demos", || demos.iter().all(|demo| TcpStream::connect(demo).is_err()))
        .unwrap();
    wait_until("the end of their folders", || folders.iter().all(|folder| !folder.exists())).unwrap();
}

#[test]
fn the_browser_that_it_opened_is_the_visitors_and_stays() {
    let place = tempfile::tempdir().unwrap();
    let (opener, noted) = (place.path().join("xdg-open"), place.path().join("pid"));
    let browser = format!("#!/bin/sh\nsleep 600 >/dev/null & echo $! > {}\n", noted.display());
    fs::write(&opener, browser).unwrap();
    fs::set_permissions(opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path().display(), env::var("PATH").unwrap());
    // It opens a browser only if stdout is a terminal.
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let screen = File::options().write(true).open(name).unwrap();
    let mut command = compare();
    command.args(["--port", "0", "--programs"]).arg(demos()).env("PATH", path).env("DISPLAY", ":0");
    let mut page = command.stdout(screen).stderr(Stdio::null()).spawn().unwrap();
    let browser =
        wait_for("the browser", || Pid::from_raw(fs::read_to_string(&noted).ok()?.trim().parse().ok()?));
    kill_process(Pid::from_child(&page), Signal::TERM).unwrap();
    let ended = wait_for("the end of it", || page.try_wait().unwrap()).unwrap();
    let browser = browser.unwrap();
    let stays = test_kill_process(browser).is_ok();
    let _ = kill_process(browser, Signal::KILL);
    assert!(ended.success() && stays, "{ended}");
}
