//! Ways to save a file: each makes exactly one generation, and what changes no value makes none.

use crate::{
    Demo, Failed, Running, Server,
    claim::{Verdict, claims},
};
use rustix::fs::{Mode, chmod};
use std::{
    fs::{self, File, FileTimes, OpenOptions},
    io::{Seek, Write},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

claims! {
    every demo:
        a_file_is_saved_by_rename;
    one demo:
        a_file_is_saved_in_place,
        a_file_is_saved_in_two_writes,
        a_file_is_saved_with_a_backup,
        a_file_is_saved_by_sed,
        a_file_is_saved_by_mv_from_another_folder,
        a_file_is_deleted_and_recreated,
        a_symlink_is_swapped,
        a_symlinks_target_is_saved,
        a_config_map_is_swapped,
        a_parent_folder_is_replaced,
        an_editor_keeps_the_file_open,
        every_way_of_saving_works_again_and_again,
        an_edit_without_a_new_value_makes_no_generation,
        a_comment_is_an_attempt_that_changes_nothing;
}

const FROM: &str = "feature_flag_a: true";
/// The quiet period of the demos.
const QUIET: Duration = Duration::from_millis(150);

const TO: &str = "feature_flag_a: false";

fn a_file_is_saved_in_place(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.save_config(changed())?;
    made_one_generation(&server)
}

fn a_file_is_saved_in_two_writes(demo: &Demo) -> Verdict {
    let text = changed();
    // The cut is within a word, so the first half is no valid configuration.
    let (head, tail) = text.split_at(text.find("feature_fl").ok_or("the flag")? + 10);
    unless_held_up(demo, |server| {
        let mut file = File::create(server.path("config.yaml"))?;
        file.write_all(head.as_bytes())?;
        file.sync_all()?;
        Ok(file.write_all(tail.as_bytes())?)
    })
}

fn a_file_is_saved_by_rename(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.replace("config.yaml", changed())?;
    made_one_generation(&server)
}

fn a_file_is_saved_with_a_backup(demo: &Demo) -> Verdict {
    unless_held_up(demo, |server| {
        fs::rename(server.path("config.yaml"), server.path("config.yaml~"))?;
        server.save_config(changed())?;
        Ok(fs::remove_file(server.path("config.yaml~"))?)
    })
}

fn a_file_is_saved_by_sed(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let status = Command::new("sed")
        .arg("-i")
        .arg(format!("s/{FROM}/{TO}/"))
        .arg(server.path("config.yaml"))
        .status()?;
    assert!(status.success());
    made_one_generation(&server)
}

fn a_file_is_saved_by_mv_from_another_folder(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    fs::create_dir(server.path("elsewhere"))?;
    server.save("elsewhere/config.yaml", changed())?;
    fs::rename(server.path("elsewhere/config.yaml"), server.path("config.yaml"))?;
    made_one_generation(&server)
}

fn a_file_is_deleted_and_recreated(demo: &Demo) -> Verdict {
    unless_held_up(demo, |server| {
        fs::remove_file(server.path("config.yaml"))?;
        server.save_config(changed())
    })
}

fn a_symlink_is_swapped(demo: &Demo) -> Verdict {
    let server = demo.server().file("one.yaml", Server::shipped_config()).file("two.yaml", changed());
    symlink("one.yaml", server.path("link.yaml"))?;
    let server = server.args("--config link.yaml").start()?;
    symlink("two.yaml", server.path("link.new"))?;
    fs::rename(server.path("link.new"), server.path("link.yaml"))?;
    made_one_generation(&server)
}

fn a_symlinks_target_is_saved(demo: &Demo) -> Verdict {
    let server = demo.server().file("far/away/real.yaml", Server::shipped_config());
    symlink("far/away/real.yaml", server.path("link.yaml"))?;
    let server = server.args("--config link.yaml").start()?;
    server.replace("far/away/real.yaml", changed())?;
    made_one_generation(&server)
}

fn a_config_map_is_swapped(demo: &Demo) -> Verdict {
    let server = demo.server();
    let server =
        server.file("map/..1/config.yaml", Server::shipped_config()).file("map/..2/config.yaml", changed());
    symlink("..1", server.path("map/..data"))?;
    symlink("..data/config.yaml", server.path("map/config.yaml"))?;
    let server = server.args("--config map/config.yaml").start()?;
    symlink("..2", server.path("map/..data_tmp"))?;
    fs::rename(server.path("map/..data_tmp"), server.path("map/..data"))?;
    fs::remove_dir_all(server.path("map/..1"))?;
    made_one_generation(&server)
}

fn a_parent_folder_is_replaced(demo: &Demo) -> Verdict {
    let server = demo.server().file("conf/deep/config.yaml", Server::shipped_config());
    let server = server.file("conf.new/deep/config.yaml", changed());
    let server = server.args("--config conf/deep/config.yaml").start()?;
    fs::rename(server.path("conf"), server.path("conf.old"))?;
    fs::rename(server.path("conf.new"), server.path("conf"))?;
    made_one_generation(&server)
}

fn an_editor_keeps_the_file_open(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let mut file = OpenOptions::new().write(true).open(server.path("config.yaml"))?;
    file.rewind()?;
    file.write_all(changed().as_bytes())?;
    file.set_len(changed().len() as u64)?;
    let verdict = made_one_generation(&server);
    drop(file);
    verdict
}

fn every_way_of_saving_works_again_and_again(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let text = |n: u64| Server::shipped_config().replace("seconds: 5", &format!("seconds: {}", 100 + n));
    let mut held_up = 0;
    for n in 0..24 {
        let begun = Instant::now();
        match n % 4 {
            0 => server.save_config(text(n))?,
            1 => server.replace("config.yaml", text(n))?,
            2 => {
                fs::remove_file(server.path("config.yaml"))?;
                server.save_config(text(n))?;
            }
            _ => {
                fs::rename(server.path("config.yaml"), server.path("config.yaml~"))?;
                server.save_config(text(n))?;
            }
        }
        held_up += usize::from(begun.elapsed() >= QUIET);
        server.wait_for_generation(n + 2)?;
        assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 100 + n);
    }
    assert!(server.attempts("rejected")? <= held_up, "{:?}", server.history()?);
    Ok(())
}

fn an_edit_without_a_new_value_makes_no_generation(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let path = server.path("config.yaml");
    touch(&path)?;
    chmod(&path, Mode::RUSR | Mode::WUSR)?;
    server.save_config(Server::shipped_config())?;
    server.replace("config.yaml", Server::shipped_config())?;
    server.save("config.yaml.swp", "an editor's own")?;
    server.replace("config.yaml", format!("# a comment\n{}", Server::shipped_config()))?;
    server.replace("config.yaml", format!("# a comment\n{}", changed()))?;
    made_one_generation(&server)
}

fn a_comment_is_an_attempt_that_changes_nothing(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    server.save_config(format!("# a comment\n{}", Server::shipped_config()))?;
    crate::wait_until("an attempt that changed nothing", || {
        server.attempts("unchanged").is_ok_and(|count| count == 1)
    })?;
    assert_eq!(server.get("/healthz")?.generation(), Some(1));
    Ok(())
}

/// Saves on a new server, which must see one change. Repeats a save that the machine has held up: a writer that pauses for longer
/// than the quiet period shows a partial file.
fn unless_held_up(demo: &Demo, save: impl Fn(&Running) -> Verdict) -> Verdict {
    for _ in 0..10 {
        let server = demo.server().start()?;
        let begun = Instant::now();
        save(&server)?;
        if begun.elapsed() < QUIET {
            return made_one_generation(&server);
        }
    }
    Err("the machine has held up ten saves".into())
}

fn changed() -> String {
    Server::shipped_config().replace(FROM, TO)
}

fn touch(path: &Path) -> Result<(), Failed> {
    let file = OpenOptions::new().append(true).open(path)?;
    Ok(file.set_times(FileTimes::new().set_modified(SystemTime::now()))?)
}

/// The new value is served as generation 2. The history has no other change and no rejection.
fn made_one_generation(server: &Running) -> Verdict {
    server.wait_for_generation(2)?;
    server.wait_for_attempts("accepted", 2)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["feature_flag_a"], false);
    assert_eq!(server.attempts("accepted")?, 2, "the start and the save");
    assert_eq!(server.attempts("rejected")?, 0, "nothing half-read");
    Ok(())
}
