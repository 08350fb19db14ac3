//! Upgrading in place.

use crate::{
    Demo, Failed, Notices, Running, Server,
    claim::{Verdict, claims},
    own_address, skipped,
    upgrade_faults::is_stalled,
    wait_for, wait_until,
};
use rustix::process::{Signal, geteuid};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{self, Path},
    process::{Command, Output},
    thread,
};

claims! {
    every demo:
        a_successor_takes_over_and_the_answer_says_so;
    one demo:
        an_upgrade_is_reported_when_the_drain_ends_before_the_probation,
        a_system_that_forbids_programs_in_memory_is_upgraded_from_the_file,
        another_user_is_told_that_an_upgrade_is_not_permitted,
        a_listener_of_its_own_stays_its_own,
        a_port_that_is_edited_during_an_upgrade_is_moved_to_by_the_successor,
        a_port_that_is_edited_during_a_failed_upgrade_is_moved_to_after_it,
        a_supervisors_listener_stays_a_supervisors,
        the_process_file_changes_hands_before_the_supervisor_is_told,
        a_program_that_is_missing_leaves_the_old_one_serving,
        a_program_that_was_replaced_is_the_one_that_starts,
        a_program_that_is_not_allowed_is_refused,
        a_successor_that_ends_before_it_is_ready_leaves_the_old_one_serving,
        a_successor_that_dies_on_probation_is_replaced_by_the_old_one,
        a_successor_that_is_stopped_on_probation_stays_stopped,
        a_stop_while_the_program_cannot_be_read_is_a_stop,
        a_second_stop_while_the_program_cannot_be_read_ends_it_at_once,
        one_successor_starts_at_a_time,
        an_upgrade_ends_a_probation,
        a_server_that_is_not_there_cannot_be_asked;
    full tier:
        an_upgrade_at_the_default_settings_is_reported;
}

fn a_successor_takes_over_and_the_answer_says_so(demo: &Demo) -> Verdict {
    let server = upgradable(demo).start()?;
    let old = server.instance()?;
    let mut events = server.events()?;
    let asked = ask(demo, &server, server.pid())?;
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let new = server.instance()?;
    assert_ne!(new, old);
    let pid = server.process_of(&new)?;
    assert!(String::from_utf8_lossy(&asked.stdout).contains(&format!("process {pid}")), "{asked:?}");
    let name = |pid| fs::read_to_string(format!("/proc/{pid}/comm"));
    assert_eq!(name(pid)?, name(server.pid())?, "`ps`, and who holds a port, show the program's name");
    events.event("bye")?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0), "the old one");
    server.wait_for_metric("upgrades_total", &[("outcome", "succeeded")], 1)
}

fn an_upgrade_is_reported_when_the_drain_ends_before_the_probation(demo: &Demo) -> Verdict {
    is_reported(demo, "--linger 0.1 --probation 1")
}

/// Takes 10 seconds, the length of the probation.
fn an_upgrade_at_the_default_settings_is_reported(demo: &Demo) -> Verdict {
    is_reported(demo, "")
}

/// `--upgrade` exits with 0 and names the successor, which counts the upgrade and warns of nothing.
fn is_reported(demo: &Demo, arguments: &str) -> Verdict {
    let server = demo.server().on_a_free_port().args(arguments).start()?;
    let old = server.instance()?;
    let asked = ask(demo, &server, server.pid())?;
    let new = server.instance()?;
    assert_ne!(new, old);
    let pid = server.process_of(&new)?;
    assert_eq!(
        (asked.status.code(), text(&asked.stdout), text(&asked.stderr)),
        (Some(0), format!("process {pid} serves, the probation is over\n"), String::new())
    );
    server.wait_for_metric("upgrades_total", &[("outcome", "succeeded")], 1)?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0), "the old one");
    let warnings: Vec<_> = server.log().lines().into_iter().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings, [""; 0]);
    Ok(())
}

fn another_user_is_told_that_an_upgrade_is_not_permitted(demo: &Demo) -> Verdict {
    if !geteuid().is_root() {
        skipped("this needs root");
        return Ok(());
    }
    let (copy, folder) = copied(demo)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let server = upgradable(demo).start()?;
    let old = server.instance()?;
    let mut command = Command::new(copy.binary());
    command.current_dir("/").env_clear().args(["--upgrade", &server.pid().to_string()]).uid(65534);
    let asked = command.output()?;
    assert_eq!((asked.status.code(), text(&asked.stdout)), (Some(1), String::new()), "{asked:?}");
    assert!(text(&asked.stderr).contains("no upgrade: not permitted: only user 0 "), "{asked:?}");
    assert_eq!(server.instance()?, old);
    Ok(())
}

fn a_system_that_forbids_programs_in_memory_is_upgraded_from_the_file(demo: &Demo) -> Verdict {
    if !geteuid().is_root() {
        skipped("only root may make a process id namespace");
        return Ok(());
    }
    let rule = format!("upgrade.sha256={}", "0".repeat(64));
    let rules = ["--set", &rule];
    let cases = [
        ("1", &[][..], "serves, the probation is over\nexit 0\n"),
        ("2", &[], "serves, the probation is over\nexit 0\n"),
        ("1", &rules, "no upgrade: the program may not be started: its SHA-256 is"),
        ("2", &rules, "no upgrade: the system forbids programs in memory (`vm.memfd_noexec` is 2)"),
    ];
    // All at once: the four servers have the same process id, and each is asked in its own namespace.
    thread::scope(|scope| {
        let running = cases.map(|(level, rules, expected)| {
            let printed = scope.spawn(move || upgraded_where_memory_is_not_executable(demo, level, rules));
            (level, rules, expected, printed)
        });
        for (level, rules, expected, printed) in running {
            let printed = printed.join().map_err(|_| "it panicked")??;
            assert!(printed.contains(expected), "level {level}, {rules:?}: {printed}");
        }
        Ok(())
    })
}

/// The output of `--upgrade` where `vm.memfd_noexec` is `level`. Each process id namespace has its own value.
fn upgraded_where_memory_is_not_executable(
    demo: &Demo,
    level: &str,
    rules: &[&str],
) -> Result<String, Failed> {
    const SCRIPT: &str = r#"program=$1; echo $2 > /proc/sys/vm/memfd_noexec || exit 1; shift 2
        "$program" --set port=0 --linger 0.1 --probation 0.3 "$@" 2>log & server=$!
        until grep -q serves log; do sleep 0.02; kill -0 $server || exit 1; done
        "$program" --upgrade $server 2>&1; echo exit $?"#;
    let folder = demo.server().prepared()?;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SCRIPT, "sh"]);
    command.arg(path::absolute(demo.binary())?).arg(level).args(rules).current_dir(folder.path());
    let done = command.output()?;
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    Ok(format!("{}{}{log}", text(&done.stdout), text(&done.stderr)))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn a_listener_of_its_own_stays_its_own(demo: &Demo) -> Verdict {
    let (first, free) = (own_address()?, own_address()?);
    let server = demo.server().edited("port: 8080", &format!("port: {}", first.port()));
    let server = server.edited("host: 127.0.0.1", &format!("host: {}", first.ip())).binding_itself();
    let server = server.args("--linger 0.2 --probation 0.2").start()?;
    upgrade(&server)?;
    server.edit(&format!("port: {}", first.port()), &format!("port: {}", free.port()))?;
    wait_until("the successor to move", || {
        crate::Client::connect(free)
            .and_then(|mut client| client.get("/readyz"))
            .is_ok_and(|it| it.status == 200)
    })
}

fn a_port_that_is_edited_during_an_upgrade_is_moved_to_by_the_successor(demo: &Demo) -> Verdict {
    let (server, old, moved) = edited_during_an_upgrade(demo, Signal::CONT)?;
    wait_until("the successor to serve at the new port", || {
        serving_at(moved).is_some_and(|instance| instance != old)
    })?;
    wait_until("the old port to be left", || TcpStream::connect(server.address()).is_err())?;
    let errors: Vec<_> = server.log().lines().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors, [""; 0]);
    Ok(())
}

fn a_port_that_is_edited_during_a_failed_upgrade_is_moved_to_after_it(demo: &Demo) -> Verdict {
    let (server, old, moved) = edited_during_an_upgrade(demo, Signal::KILL)?;
    wait_until("the old one to serve at the new port", || serving_at(moved).is_some_and(|it| it == old))?;
    wait_until("the old port to be left", || TcpStream::connect(server.address()).is_err())
}

/// Edits the port while the successor is stalled before it reads the configuration, then sends it the signal. Returns the
/// server, its first instance and its new address.
fn edited_during_an_upgrade(demo: &Demo, then: Signal) -> Result<(Running, String, SocketAddr), Failed> {
    let (first, second) = (own_address()?, own_address()?);
    let port = |address: SocketAddr| format!("port: {}", address.port());
    let server = demo.server().edited("port: 8080", &port(first));
    let server = server.edited("host: 127.0.0.1", &format!("host: {}", first.ip()));
    let server = server.binding_itself().args("--linger 0.2 --probation 1").env("DEMO_FAULT", "once@fault");
    let server = server.start()?;
    let old = server.instance()?;
    fs::write(server.path("fault"), "stall@new.reading")?;
    server.signal(Signal::USR2)?;
    wait_until("the successor to stall", || !server.path("fault").exists())?;
    let successor =
        wait_for("the successor", || server.processes().into_iter().find(|pid| *pid != server.pid()))?;
    server.edit(&port(first), &port(second))?;
    server.wait_for_generation(2)?;
    assert_eq!(serving_at(second), None, "the old one moves while a successor has its listener");
    wait_until("it to be stopped", || is_stalled(successor))?;
    server.signal_to(successor, then)?;
    Ok((server, old, second))
}

/// The instance that answers there, if one does.
fn serving_at(address: SocketAddr) -> Option<String> {
    let answer = crate::Client::connect(address).and_then(|mut client| client.get("/readyz")).ok()?;
    answer.header("x-instance").map(str::to_owned)
}

fn a_supervisors_listener_stays_a_supervisors(demo: &Demo) -> Verdict {
    let server = demo.server().args("--linger 0.1 --probation 0.1").start()?;
    upgrade(&server)?;
    server.edit("port: 8080", "port: 9090")?;
    server.wait_for_generation(2)?;
    server.log().wait_for_log("the line that says when it counts", |line| line.contains("next start"))?;
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    Ok(())
}

fn the_process_file_changes_hands_before_the_supervisor_is_told(demo: &Demo) -> Verdict {
    let server = upgradable(demo).args("--pid-file pid");
    let path = server.path("notify");
    let mut notices = Notices::at(&path)?;
    let server = server.env("NOTIFY_SOCKET", path).start()?;
    notices.wait_for_line("READY=1")?;
    server.signal(Signal::USR2)?;
    let told = wait_for("MAINPID", || {
        let so_far = notices.so_far().ok()?;
        so_far.iter().find_map(|message| message.strip_prefix("MAINPID=")?.parse::<u32>().ok())
    })?;
    assert_eq!(fs::read_to_string(server.path("pid"))?.trim(), told.to_string());
    assert!(server.processes().contains(&told));
    server.wait_for_exit()?;
    assert_eq!(
        fs::read_to_string(server.path("pid"))?.trim(),
        told.to_string(),
        "the old one leaves it alone"
    );
    assert!(!notices.so_far()?.iter().any(|message| message.contains("STOPPING=1")), "the service goes on");
    Ok(())
}

fn a_program_that_is_missing_leaves_the_old_one_serving(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = upgradable(&copy).start()?;
    let path = folder.path().join("program");
    fs::rename(&path, folder.path().join("elsewhere"))?;
    serves_on(demo, &server, "missing", "cannot read the program")?;
    fs::rename(folder.path().join("elsewhere"), &path)?;
    upgrade(&server).map(drop)
}

fn a_program_that_was_replaced_is_the_one_that_starts(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = upgradable(&copy).start()?;
    let path = folder.path().join("program");
    fs::remove_file(&path)?;
    fs::write(&path, "no program")?;
    serves_on(demo, &server, "unstartable", "is no program")?;
    fs::remove_file(&path)?;
    copy_program(demo, &path)?;
    upgrade(&server)?;
    // A program that runs from memory still knows the path of its file.
    upgrade(&server).map(drop)
}

fn a_program_that_is_not_allowed_is_refused(demo: &Demo) -> Verdict {
    let digest = "0".repeat(64);
    let config = format!("{}\nupgrade:\n  sha256: {digest}\n", Server::shipped_config());
    let server =
        demo.server().config(config).on_a_free_port().args("--linger 0.1 --probation 0.1").start()?;
    serves_on(demo, &server, "refused", "SHA-256")?;
    let key = "public_key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    server.edit(&format!("sha256: {digest}"), key)?;
    server.wait_for_generation(2)?;
    let asked = ask(demo, &server, server.pid())?;
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("signature"), "{asked:?}");
    server.edit(&format!("upgrade:\n  {key}"), "")?;
    server.wait_for_generation(3)?;
    upgrade(&server).map(drop)
}

fn a_successor_that_ends_before_it_is_ready_leaves_the_old_one_serving(demo: &Demo) -> Verdict {
    let server = upgradable(demo).start()?;
    let mut events = server.events()?;
    let good = server.config()?;
    server.save_config("port: eighty\n")?;
    events.event("problem")?;
    serves_on(demo, &server, "exited", "ended before it was ready")?;
    server.save_config(&good)?;
    events.event("solved")?;
    upgrade(&server).map(drop)
}

fn a_successor_that_dies_on_probation_is_replaced_by_the_old_one(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 0.1 --probation 60 --pid-file pid").start()?;
    let old = server.instance()?;
    for deaths in 1..=2 {
        let new = upgrade(&server)?;
        server.signal_to(server.process_of(&new)?, Signal::KILL)?;
        wait_until("the old one to serve again", || server.instance().is_ok_and(|it| it == old))?;
        server.wait_for_metric("upgrades_total", &[("outcome", "died")], deaths)?;
        assert_eq!(server.status("/readyz")?, 200);
        assert_eq!(fs::read_to_string(server.path("pid"))?.trim(), server.pid().to_string());
    }
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn a_successor_that_is_stopped_on_probation_stays_stopped(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 0.1 --probation 60").start()?;
    let new = upgrade(&server)?;
    server.signal_to(server.process_of(&new)?, Signal::TERM)?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0));
    wait_until("nobody to be left", || server.processes().is_empty())
}

fn a_stop_while_the_program_cannot_be_read_is_a_stop(demo: &Demo) -> Verdict {
    let (server, _program) = stuck_in_an_upgrade(demo, "--linger 0.1")?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

fn a_second_stop_while_the_program_cannot_be_read_ends_it_at_once(demo: &Demo) -> Verdict {
    let (server, _program) = stuck_in_an_upgrade(demo, "--linger 60 --drain-deadline 600")?;
    let mut events = server.events()?;
    server.signal(Signal::TERM)?;
    events.event("bye")?;
    assert_eq!(server.stop()?.code(), Some(0));
    Ok(())
}

/// A server whose upgrade does not come to its end: nobody writes to the pipe that is at its program's path.
fn stuck_in_an_upgrade(demo: &Demo, arguments: &str) -> Result<(Running, tempfile::TempDir), Failed> {
    let (copy, folder) = copied(demo)?;
    let server = copy.server().on_a_free_port().args(arguments).start()?;
    fs::remove_file(copy.binary())?;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        copy.binary(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )?;
    server.signal(Signal::USR2)?;
    server.log().wait_for_log("the start", |line| line.contains("upgrading: starting the program"))?;
    Ok((server, folder))
}

fn one_successor_starts_at_a_time(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 0.1 --probation 1").start()?;
    server.signal(Signal::USR2)?;
    server.signal(Signal::USR2)?;
    server.log().wait_for_log("the start", |line| line.contains("upgrading: starting the program"))?;
    let asked = ask(demo, &server, server.pid())?;
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    server.wait_for_exit()?;
    wait_until("one to be left", || server.processes().len() == 1)
}

fn an_upgrade_ends_a_probation(demo: &Demo) -> Verdict {
    let server = demo.server().on_a_free_port().args("--linger 0.1 --probation 60").start()?;
    let second = upgrade(&server)?;
    let pid = server.process_of(&second)?;
    server.signal_to(pid, Signal::USR2)?;
    assert_eq!(server.wait_for_exit()?.code(), Some(0), "the first has nobody to watch over any more");
    wait_until("a third to serve", || server.instance().is_ok_and(|it| it != second))
}

fn a_server_that_is_not_there_cannot_be_asked(demo: &Demo) -> Verdict {
    let ended = demo.server().args("--upgrade 4194300").run()?.with_status(1)?;
    assert!(ended.stderr.contains("4194300"), "{}", ended.stderr);
    Ok(())
}

fn upgradable(demo: &Demo) -> Server {
    demo.server().on_a_free_port().args("--linger 0.2 --probation 0.2")
}

pub(super) fn copied(demo: &Demo) -> Result<(Demo, tempfile::TempDir), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("program");
    copy_program(demo, &path)?;
    Ok((Demo::new(path), folder))
}

/// Copies the program in another process. A descriptor that is open for writing and inherited by a child would prevent its
/// start.
pub(super) fn copy_program(demo: &Demo, to: &Path) -> Verdict {
    let copied = Command::new("cp").arg(demo.binary()).arg(to).status()?;
    if copied.success() { Ok(()) } else { Err(format!("cp: {copied}").into()) }
}

/// Sends `SIGUSR2` to the newest process and waits for the first answer of its successor.
pub(super) fn upgrade(server: &Running) -> Result<String, Failed> {
    let old = server.instance()?;
    server.signal_to(server.process_of(&old)?, Signal::USR2)?;
    server.wait_for_another(&old)
}

/// Asks for an upgrade, which fails with this outcome and these words. The old process serves on.
fn serves_on(demo: &Demo, server: &Running, outcome: &str, words: &str) -> Verdict {
    let old = server.instance()?;
    let asked = ask(demo, server, server.pid())?;
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    assert!(String::from_utf8_lossy(&asked.stderr).contains(words), "`{words}` in {asked:?}");
    server.log().wait_for_log("the reason in the log", |line| line.contains(words))?;
    assert_eq!(server.metric("upgrades_total", &[("outcome", outcome)])?.to_string(), "1");
    assert_eq!((server.instance()?, server.status("/readyz")?), (old, 200));
    Ok(())
}

fn ask(demo: &Demo, server: &Running, pid: u32) -> Result<Output, Failed> {
    Ok(asking(demo, server, pid).output()?)
}

/// The command that asks this process to upgrade.
pub(super) fn asking(demo: &Demo, server: &Running, pid: u32) -> Command {
    let mut command = Command::new(demo.binary());
    command.current_dir(server.path(".")).env_clear().args(["--upgrade", &pid.to_string()]);
    command
}
