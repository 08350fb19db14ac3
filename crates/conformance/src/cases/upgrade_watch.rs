//! A program that is replaced is a deployment: `upgrade.watch`.

use super::upgrading::{copied, copy_program, upgrade};
use crate::{
    Demo, Failed, Load, Running, Server,
    claim::{Verdict, claims},
    wait_for, wait_until,
};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
};
use tempfile::TempDir;

claims! {
    one demo:
        a_program_that_is_renamed_into_place_takes_over_and_nothing_is_lost,
        a_program_that_is_linked_into_place_takes_over,
        a_program_with_the_same_content_starts_nothing,
        a_broken_program_is_refused_once_and_the_mended_one_is_taken,
        a_program_that_dies_on_probation_is_not_tried_again,
        a_refused_program_is_tried_again_when_the_rules_change,
        half_a_program_is_not_tried_while_it_is_written,
        the_beginning_of_a_program_that_nobody_writes_is_refused,
        it_is_switched_on_and_off_while_the_server_runs;
}

const SETTINGS: &str = "log_level: info";
const REPLACED: &str = "was replaced";
const TRIED: &str = "was tried already";
const SAME: &str = "is the one that runs";

fn a_program_that_is_renamed_into_place_takes_over_and_nothing_is_lost(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 1.3 --probation 1").start()?;
    let load = Load::moderately_on(server.address());
    let mut last = server.instance()?;
    load.wait_for_successes(&last, 100)?;
    for build in 1..=3 {
        deploy(demo, &copy, &folder, build)?;
        last = server.wait_for_another(&last)?;
        load.wait_for_successes(&last, 100)?;
    }
    let tally = load.end();
    assert_eq!(tally.failed(), 0, "{tally:?}");
    assert_eq!(lines(&server, REPLACED), 3);
    Ok(())
}

/// As cargo does it: it removes the file and makes a hard link.
fn a_program_that_is_linked_into_place_takes_over(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    another_build(demo, &folder, 1)?;
    fs::remove_file(copy.binary())?;
    fs::hard_link(folder.path().join("build"), copy.binary())?;
    server.wait_for_another(&old).map(drop)
}

fn a_program_with_the_same_content_starts_nothing(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    let before = wait_for_line(&server, SAME, 0)?;
    copy_program(demo, &folder.path().join("build"))?;
    fs::rename(folder.path().join("build"), copy.binary())?;
    wait_for_line(&server, SAME, before)?;
    assert_eq!((server.instance()?, lines(&server, REPLACED)), (old.clone(), 0));
    // The control: one more byte.
    deploy(demo, &copy, &folder, 1)?;
    server.wait_for_another(&old)?;
    assert_eq!(lines(&server, REPLACED), 1);
    Ok(())
}

fn a_broken_program_is_refused_once_and_the_mended_one_is_taken(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    for already in 0..2 {
        fs::write(folder.path().join("build"), "no program")?;
        fs::rename(folder.path().join("build"), copy.binary())?;
        if already == 0 {
            server.log().wait_for_log("the refusal", |line| line.contains("is no program"))?;
        }
        wait_for_line(&server, TRIED, already)?;
    }
    assert_eq!((server.instance()?, lines(&server, "is no program")), (old.clone(), 1));
    assert_eq!(lines(&server, REPLACED), 1);
    assert_eq!(server.metric("upgrades_total", &[("outcome", "unstartable")])?.to_string(), "1");
    deploy(demo, &copy, &folder, 1)?;
    server.wait_for_another(&old).map(drop)
}

fn a_program_that_dies_on_probation_is_not_tried_again(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server =
        watching(&copy).args("--linger 0.2 --probation 60").env("DEMO_FAULT", "once@fault").start()?;
    let old = server.instance()?;
    server.save("fault", "kill@new.probation")?;
    deploy(demo, &copy, &folder, 1)?;
    server.log().wait_for_log("the fall back", |line| line.contains("the successor ended on probation"))?;
    wait_for_line(&server, TRIED, 0)?;
    wait_until("the old one to serve again", || server.instance().is_ok_and(|it| it == old))?;
    assert_eq!(lines(&server, REPLACED), 1);
    deploy(demo, &copy, &folder, 2)?;
    server.wait_for_another(&old).map(drop)
}

fn a_refused_program_is_tried_again_when_the_rules_change(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let rule = format!("  sha256: {}\n", "0".repeat(64));
    let config = format!("{}{rule}", Server::shipped_config().replace(SETTINGS, "log_level: debug") + ON);
    let server =
        copy.server().config(config).on_a_free_port().args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    deploy(demo, &copy, &folder, 1)?;
    server.log().wait_for_log("the refusal", |line| line.contains("`upgrade.sha256` allows"))?;
    assert_eq!(server.instance()?, old);
    server.edit(&rule, "")?;
    server.wait_for_another(&old).map(drop)
}

/// The program is not executed from its path here, so it can be written in place.
fn half_a_program_is_not_tried_while_it_is_written(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 0.2 --probation 0.2").start()?;
    let old = upgrade(&server)?;
    server.wait_for_exit()?;
    another_build(demo, &folder, 1)?;
    let content = fs::read(folder.path().join("build"))?;
    let mut file = OpenOptions::new().write(true).truncate(true).open(copy.binary())?;
    for part in content.chunks(content.len() / 3 + 1) {
        let before = lines(&server, "is still being written");
        file.write_all(part)?;
        wait_for_line(&server, "is still being written", before)?;
        assert_eq!(server.instance()?, old);
    }
    drop(file);
    server.wait_for_another(&old)?;
    assert_eq!(lines(&server, "no upgrade"), 0);
    assert_eq!(lines(&server, REPLACED), 1);
    Ok(())
}

/// The control for the claim above.
fn the_beginning_of_a_program_that_nobody_writes_is_refused(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = watching(&copy).args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    another_build(demo, &folder, 1)?;
    let build = folder.path().join("build");
    File::options().write(true).open(&build)?.set_len(64 * 1024)?;
    fs::rename(build, copy.binary())?;
    server.log().wait_for_log("the refusal", |line| line.contains("no upgrade"))?;
    assert_eq!(server.instance()?, old);
    Ok(())
}

fn it_is_switched_on_and_off_while_the_server_runs(demo: &Demo) -> Verdict {
    let (copy, folder) = copied(demo)?;
    let server = copy.server().on_a_free_port().args("--linger 0.2 --probation 0.2").start()?;
    let old = server.instance()?;
    assert!(!watches(server.pid()), "it is off by default");
    deploy(demo, &copy, &folder, 1)?;
    let config = server.config()?;
    server.save_config(format!("{config}{ON}"))?;
    // The program was replaced before. It only counts that another one is there.
    let new = server.wait_for_another(&old)?;
    let pid = server.process_of(&new)?;
    wait_until("the new one to watch", || watches(pid))?;
    server.save_config(config)?;
    wait_until("the watch to end", || !watches(pid))?;
    deploy(demo, &copy, &folder, 2)?;
    assert!(!watches(pid), "nobody is left to notice it");
    assert_eq!(server.instance()?, new);
    Ok(())
}

const ON: &str = "\nupgrade:\n  watch: true\n";

/// A server that watches its program and says what it finds.
pub(super) fn watching(demo: &Demo) -> Server {
    let config = Server::shipped_config().replace(SETTINGS, "log_level: debug");
    demo.server().config(format!("{config}{ON}")).on_a_free_port()
}

/// Renames another build of the program to the place of `copy`.
fn deploy(demo: &Demo, copy: &Demo, folder: &TempDir, number: u8) -> Verdict {
    another_build(demo, folder, number)?;
    Ok(fs::rename(folder.path().join("build"), copy.binary())?)
}

/// Makes another build of the program in `build`, a file of the folder.
fn another_build(demo: &Demo, folder: &TempDir, number: u8) -> Verdict {
    let build = folder.path().join("build");
    copy_program(demo, &build)?;
    append(&build, number)
}

/// An ELF program may be longer than its header says.
pub(super) fn append(path: &Path, number: u8) -> Verdict {
    Ok(OpenOptions::new().append(true).open(path)?.write_all(&[number])?)
}

/// The number of lines of the log with these words.
fn lines(server: &Running, words: &str) -> usize {
    server.log().lines().iter().filter(|line| line.contains(words)).count()
}

/// Waits until there are more than `before` such lines, and returns their number.
fn wait_for_line(server: &Running, words: &str, before: usize) -> Result<usize, Failed> {
    wait_for(&format!("one more line `{words}`"), || Some(lines(server, words)).filter(|now| *now > before))
}

/// True if the process has the thread that watches the program.
fn watches(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    names.any(|name| name.trim() == "program-watch")
}
