//! The file with the process's id.

use std::fs;
use std::process;

use lifecycle::PidFile;

#[test]
fn it_holds_the_id_while_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    let file = PidFile::write(&path).unwrap();
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
    let file = PidFile::write(&path).unwrap();
    fs::write(&path, "1\n").unwrap();
    drop(file);
    assert_eq!(PidFile::read(&path).unwrap(), 1);
}

#[test]
fn a_stale_file_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pid");
    fs::write(&path, "what is this").unwrap();
    assert_eq!(PidFile::read(&path).unwrap_err().to_string(), "`what is this` is no process id");
    let _file = PidFile::write(&path).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), process::id());
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    assert!(PidFile::write(folder.path().join("missing").join("server.pid")).is_err());
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(PidFile::write(&taken).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(PidFile::write("/").is_err());
}
