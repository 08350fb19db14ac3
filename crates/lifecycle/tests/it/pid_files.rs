//! The file with the process's id.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{self, Command};
use std::sync::Barrier;
use std::thread;

use lifecycle::{PidFile, PidFileError};

#[test]
fn it_holds_the_id_while_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let file = PidFile::create(&path, None).unwrap();
    assert_eq!(file.path(), path);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()));
    assert_eq!(PidFile::read(&path).unwrap(), process::id());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft is left");
    drop(file);
    assert!(!path.exists());
}

#[test]
fn a_successors_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let file = PidFile::create(&path, None).unwrap();
    fs::write(&path, "1\n").unwrap();
    drop(file);
    assert_eq!(PidFile::read(&path).unwrap(), 1);
}

#[test]
fn a_file_that_names_a_process_that_is_gone_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let mut gone = Command::new("true").spawn().unwrap();
    let unheeded = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    // Nobody has waited for it, so it is still in the process table.
    while !fs::read_to_string(format!("/proc/{}/status", unheeded.id())).unwrap().contains("State:\tZ") {
        thread::yield_now();
    }
    for content in [String::new(), format!("{}\n", gone.id()), format!("{}\n", unheeded.id())] {
        fs::write(&path, &content).unwrap();
        let _file = PidFile::create(&path, None).unwrap();
        assert_eq!(PidFile::read(&path).unwrap(), process::id(), "{content}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{content}: a draft is left");
    }
    drop(unheeded.wait_with_output());
}

#[test]
fn a_file_that_names_a_running_process_is_left_to_it_unless_it_is_the_predecessor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let mut running = Command::new("sleep").arg("60").spawn().unwrap();
    let pid = running.id();
    // The kernel lets the parent go on before it has given the child its new name.
    crate::server::wait_for(|| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() == "sleep\n");
    fs::write(&path, format!("{pid}\n")).unwrap();
    let refused = PidFile::create(&path, None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "`{}` names process {pid} (`sleep`), which is running: stop it, name another file, or remove this one if it \
             is not yours",
            path.display()
        )
    );
    assert_eq!(PidFile::read(&path).unwrap(), pid);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft is left");
    let file = PidFile::create(&path, Some(pid)).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), process::id());
    fs::write(&path, format!("{pid}\n")).unwrap();
    assert!(matches!(file.reclaim(None), Err(PidFileError::InUse { .. })));
    running.kill().unwrap();
    running.wait().unwrap();
    file.reclaim(None).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), process::id());
}

#[test]
fn a_file_with_another_content_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, "port: 8080").unwrap();
    assert_eq!(PidFile::read(&path).unwrap_err().to_string(), "`port: 8080` is no process id");
    let refused = PidFile::create(&path, None).unwrap_err();
    assert!(refused.to_string().contains("holds no process id and is left as it is"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "port: 8080");
}

#[test]
fn no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("server.pid"), folder.path().join("victim"));
    fs::write(&victim, "").unwrap();
    symlink(&victim, folder.path().join(format!("server.pid.{}", process::id()))).unwrap();
    symlink(&victim, &path).unwrap();
    let file = PidFile::create(&path, None).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    drop(file);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn of_many_processes_that_replace_a_stale_file_at_once_one_gets_it() {
    const RIVALS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    for round in 0..10 {
        fs::write(&path, "").unwrap();
        let start = Barrier::new(RIVALS);
        let mut rivals: Vec<_> = thread::scope(|scope| {
            let started: Vec<_> = (0..RIVALS)
                .map(|_| {
                    scope.spawn(|| {
                        let rival = crate::child::Child::start("holder_of_a_process_file")
                            .env("LIFECYCLE_TEST_FILE", path.to_str().unwrap());
                        start.wait();
                        let mut rival = rival.spawn();
                        (rival.line(), rival)
                    })
                })
                .collect();
            started.into_iter().map(|rival| rival.join().unwrap()).collect()
        });
        let winners = rivals.iter().filter(|(said, _)| said == "mine").count();
        assert_eq!(
            winners,
            1,
            "round {round}: {:?}",
            rivals.iter().map(|(said, _)| said).collect::<Vec<_>>()
        );
        for (_, rival) in &mut rivals {
            rival.terminate();
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    assert!(PidFile::create(folder.path().join("missing").join("server.pid"), None).is_err());
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(PidFile::create(&taken, None).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(PidFile::create("/", None).is_err());
}
