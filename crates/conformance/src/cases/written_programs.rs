//! A program that is written while an upgrade copies it.
//!
//! The server runs from memory here, so its file can be written in place. It is stalled right after the copy, and the writer
//! comes then.

use super::{
    upgrade_watch::{append, watching},
    upgrading::{asking, copied, text, upgrade},
};
use crate::{
    Demo, Failed, Running, Server,
    claim::{Verdict, claims},
    upgrade_faults::is_stalled,
    wait_until,
};
use rustix::process::Signal;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::Stdio,
};

claims! {
    one demo:
        a_program_that_is_written_while_it_is_copied_is_copied_again,
        a_program_that_stays_open_for_writing_is_refused,
        a_watched_program_is_tried_again_when_its_writer_is_done;
}

const ARGUMENTS: &str = "--linger 0.2 --probation 0.2";
const UNFINISHED: &str = "was being written for 1 s";

fn a_program_that_is_written_while_it_is_copied_is_copied_again(demo: &Demo) -> Verdict {
    let (copy, _folder) = copied(demo)?;
    let (server, old, pid) = in_memory(copy.server().on_a_free_port().args(ARGUMENTS))?;
    server.save("fault", "stall@old.copied")?;
    server.signal_to(pid, Signal::USR2)?;
    wait_for_the_stall(&server, pid)?;
    append(copy.binary(), 1)?;
    server.signal_to(pid, Signal::CONT)?;
    let new = server.wait_for_another(&old)?;
    runs(&server, &new, &fs::read(copy.binary())?)
}

fn a_program_that_stays_open_for_writing_is_refused(demo: &Demo) -> Verdict {
    let (copy, _folder) = copied(demo)?;
    let (server, old, pid) = in_memory(copy.server().on_a_free_port().args(ARGUMENTS))?;
    let content = fs::read(copy.binary())?;
    let (first, rest) = content.split_at(content.len() / 2);
    server.save("fault", "stall@old.copied")?;
    let mut asking = asking(demo, &server, pid);
    let asking = asking.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for_the_stall(&server, pid)?;
    let mut writer = open(copy.binary())?;
    writer.write_all(first)?;
    server.signal_to(pid, Signal::CONT)?;
    let asked = asking.wait_with_output()?;
    writer.write_all(rest)?;
    drop(writer);
    let expected = format!(
        "no upgrade: the program at `{}` {UNFINISHED}: upgrade again when its writer has closed it",
        copy.binary().display()
    );
    assert_eq!((asked.status.code(), text(&asked.stdout)), (Some(1), String::new()), "{asked:?}");
    assert!(text(&asked.stderr).contains(&expected), "`{expected}` in {asked:?}");
    assert_eq!((server.instance()?, server.status("/readyz")?), (old, 200));
    server.wait_for_metric("upgrades_total", &[("outcome", "unfinished")], 1)?;
    runs(&server, &upgrade(&server)?, &content)
}

fn a_watched_program_is_tried_again_when_its_writer_is_done(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let (server, old, pid) = in_memory(watching(&copy).args(ARGUMENTS))?;
    let build = folder.path().join("build");
    fs::copy(copy.binary(), &build)?;
    append(&build, 1)?;
    let content = fs::read(&build)?;
    server.save("fault", "stall@old.copied")?;
    fs::rename(build, copy.binary())?;
    wait_for_the_stall(&server, pid)?;
    let mut writer = open(copy.binary())?;
    let (first, rest) = content.split_at(content.len() / 2);
    writer.write_all(first)?;
    server.signal_to(pid, Signal::CONT)?;
    server.log().wait_for_log("the refusal", |line| line.contains(UNFINISHED))?;
    assert_eq!(server.instance()?, old);
    // The content that was found before is there again.
    writer.write_all(rest)?;
    drop(writer);
    runs(&server, &server.wait_for_another(&old)?, &content)
}

/// A server that no process runs from its file, its instance and its process.
fn in_memory(server: Server) -> Result<(Running, String, u32), Failed> {
    let server = server.env("DEMO_FAULT", "once@fault").start()?;
    let instance = upgrade(&server)?;
    let pid = server.process_of(&instance)?;
    server.wait_for_exit()?;
    Ok((server, instance, pid))
}

fn wait_for_the_stall(server: &Running, pid: u32) -> Verdict {
    wait_until("the copy to be made", || !server.path("fault").exists() && is_stalled(pid))
}

/// Empties the file and keeps it open for writing.
fn open(path: &Path) -> Result<fs::File, Failed> {
    Ok(OpenOptions::new().write(true).truncate(true).open(path)?)
}

/// Fails if the instance runs another program than `content`.
fn runs(server: &Running, instance: &str, content: &[u8]) -> Verdict {
    let program = fs::read(format!("/proc/{}/exe", server.process_of(instance)?))?;
    assert_eq!(program.len(), content.len(), "bytes of the program that runs");
    assert!(program == content, "another program runs");
    Ok(())
}
