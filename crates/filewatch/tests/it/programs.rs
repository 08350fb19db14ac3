//! Programs with which people and deployments save: each save is published exactly once.

use crate::support::{Folder, LiveText, available, is_long_tier, options};
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Saves `new` over `old` with these programs. It must be published exactly once.
#[track_caller]
fn saved_by(programs: &[&str], prepare: impl Fn(&Folder), save: impl Fn(&Folder)) {
    if !is_long_tier() || !available(programs) {
        return;
    }
    let folder = Folder::new();
    folder.write("file", "old\n");
    prepare(&folder);
    let live = LiveText::open_with(options(), &folder.join("file"));
    assert_eq!(*live.live.snapshot(), "old\n");
    save(&folder);
    live.publishes_once("new\n");
}

fn nothing(_: &Folder) {}

#[track_caller]
fn shell(folder: &Folder, script: &str) {
    let output = Command::new("sh").args(["-euc", script]).current_dir(&folder.path).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A program in a terminal: its output can be waited for, and keys can be sent.
struct Terminal {
    child: Child,
    shown: mpsc::Receiver<u8>,
}

impl Terminal {
    fn run(folder: &Folder, command: &str) -> Self {
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", command, "/dev/null"])
            .current_dir(&folder.path)
            .env("TERM", "xterm")
            .env("HOME", &folder.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (show, shown) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.bytes().map_while(Result::ok).all(|byte| show.send(byte).is_ok()));
        Self { child, shown }
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let byte = self.shown.recv_timeout(crate::support::DEADLINE);
            seen.push(byte.unwrap_or_else(|_| panic!("`{text}` in {}", String::from_utf8_lossy(&seen))));
        }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    #[track_caller]
    fn end(mut self) {
        // Its output must be read, or it would wait for a reader.
        while self.shown.recv().is_ok() {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// vim, as Debian ships it, in a terminal, with these settings.
#[track_caller]
fn vim(settings: &str) {
    saved_by(&["vim", "script"], nothing, |folder| {
        let command = format!("vim -N -c 'set {settings}' -c '%s/old/new/' -c 'wq' file");
        Terminal::run(folder, &command).end();
    });
}

#[test]
fn vim_with_its_defaults() {
    vim("nocompatible");
}

#[test]
fn vim_writing_in_place_after_a_copy() {
    vim("backup backupcopy=yes");
}

#[test]
fn vim_writing_anew_after_a_rename() {
    vim("backup backupcopy=no");
}

#[test]
fn vim_without_any_backup() {
    vim("nobackup nowritebackup");
}

#[test]
fn vim_that_stays_open_saves_again_and_again() {
    if !is_long_tier() || !available(&["vim", "script"]) {
        return;
    }
    let folder = Folder::new();
    folder.write("file", "0\n");
    let live = LiveText::open(&folder.join("file"));
    let mut vim = Terminal::run(&folder, "vim -N file");
    vim.wait_for("file");
    for number in 1..4 {
        vim.press(&format!(":%s/.*/{number}/\r:w\r"));
        live.publishes_once(&format!("{number}\n"));
    }
    vim.press(":q\r");
    vim.end();
    live.stays_silent();
}

#[test]
fn nano() {
    saved_by(&["nano", "script"], nothing, |folder| {
        let mut nano = Terminal::run(folder, "nano --ignorercfiles file");
        nano.wait_for("old");
        // Cut the line, type another, write out to the same name, leave.
        nano.press("\x0b");
        nano.press("new");
        nano.press("\x0f");
        nano.wait_for("file");
        nano.press("\r");
        nano.wait_for("Wrote");
        nano.press("\x18");
        nano.end();
    });
}

#[test]
fn nano_with_a_backup() {
    saved_by(&["nano", "script"], nothing, |folder| {
        let mut nano = Terminal::run(folder, "nano --ignorercfiles --backup --saveonexit file");
        nano.wait_for("old");
        nano.press("\x0bnew\x18");
        nano.end();
    });
}

#[test]
fn ed_and_other_old_hands() {
    for (program, script) in [
        ("sed", "sed -i s/old/new/ file"),
        ("perl", "perl -pi -e s/old/new/ file"),
        ("tee", "echo new | tee file"),
        ("dd", "echo new | dd of=file conv=notrunc status=none"),
        ("cp", "echo new > ../$$ && cp ../$$ file && rm ../$$"),
        ("cp", "echo new > other && cp --remove-destination other file"),
        ("install", "echo new > other && install -m 644 other file"),
        ("mv", "echo new > ../$$ && mv ../$$ file"),
        (
            "truncate",
            "echo newer > file.tmp && mv file.tmp file.new && echo new > file.new && mv file.new file",
        ),
    ] {
        saved_by(&[program], nothing, |folder| shell(folder, script));
    }
}

const IDENTITY: &str = "git config user.name nobody && git config user.email nobody@localhost";

/// A repository with `old` on one branch and `new` on the other.
fn two_branches(folder: &Folder) {
    shell(
        folder,
        &format!(
            "git init -q -b one && {IDENTITY} && git add file && git commit -qm old && git checkout -qb two && \
             echo new > file && git commit -qam new && git checkout -q one"
        ),
    );
}

#[test]
fn git_checking_out_another_branch() {
    saved_by(&["git"], two_branches, |folder| shell(folder, "git checkout -q two"));
}

#[test]
fn git_resetting_and_pulling() {
    saved_by(&["git"], two_branches, |folder| shell(folder, "git reset -q --hard two"));
    saved_by(&["git"], two_branches, |folder| shell(folder, "git merge -q --ff-only two"));
    saved_by(&["git"], two_branches, |folder| shell(folder, "git checkout two -- file"));
}

#[test]
fn git_stash_goes_there_and_back() {
    let edit = |folder: &Folder| {
        two_branches(folder);
        shell(folder, "echo new > file && git stash -q");
    };
    saved_by(&["git"], edit, |folder| shell(folder, "git stash pop -q"));
}

#[test]
fn rsync_beside_and_in_place() {
    let source = |folder: &Folder| drop(folder.write("source/file", "new\n"));
    for flags in ["-a --ignore-times", "-a --ignore-times --inplace", "-a --ignore-times --delay-updates"] {
        saved_by(&["rsync"], source, |folder| shell(folder, &format!("rsync {flags} source/file file")));
    }
}

#[test]
fn a_mapping_is_seen_in_the_end() {
    let map = "import mmap\nwith open('file', 'r+b') as f:\n m = mmap.mmap(f.fileno(), 0)\n m[:4] = b'new\\n'\n m.flush()\n m.close()\n";
    if !is_long_tier() || !available(&["python3"]) {
        return;
    }
    let folder = Folder::new();
    folder.write("file", "old\n");
    folder.write("map.py", map);
    let live = LiveText::open(&folder.join("file"));
    shell(&folder, "python3 map.py");
    // By the event of its closing or by the poll, but only once.
    let crate::support::OwnedNotice::Published(text, _) = live.next() else { panic!("it is published") };
    assert_eq!(text, "new\n");
    let rest = live.aftermath();
    assert!(
        !rest.iter().any(|notice| matches!(notice, crate::support::OwnedNotice::Published(..))),
        "{rest:?}"
    );
}

#[test]
fn what_changes_no_byte_publishes_nothing() {
    if !is_long_tier() || !available(&["vim", "script", "git", "rsync"]) {
        return;
    }
    let folder = Folder::new();
    folder.write("file", "old\n");
    let live = LiveText::open(&folder.join("file"));
    for script in [
        "touch file",
        "chmod 600 file",
        "chown $(id -u) file",
        "cp file other",
        "rsync -a --ignore-times file other && rsync -a --ignore-times other file",
    ] {
        shell(&folder, script);
        thread::sleep(Duration::from_millis(20));
    }
    Terminal::run(&folder, "vim -N -c 'wq' file").end();
    live.stays_silent();
    assert_eq!(std::fs::read_to_string(Path::new(&folder.join("file"))).unwrap(), "old\n");
}
