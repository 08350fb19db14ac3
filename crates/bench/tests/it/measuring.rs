//! A measurement that does not end by itself, of programs that detach themselves.

use std::{
    ffi::OsString,
    fs, iter,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use conformance::{wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::programs::{bench, demos};

/// A running `bench`.
pub(crate) struct Measuring {
    child: Child,
    place: TempDir,
}

/// The measurements that accept a program which never serves.
pub(crate) const WAYS: [&str; 4] = ["servers", "runners", "torture", "idle"];

/// The number of processes of [`FUGITIVE`].
const FUGITIVES: usize = 3;

/// A program with a process that has its own session and environment and whose parent has ended.
const FUGITIVE: &str = "#!/bin/sh
PATH=/usr/bin:/bin
(env -i setsid sh -c 'echo $$ >> PIDS; sleep 600 & echo $! >> PIDS; wait' &)
echo $$ >> PIDS
exec sleep 600 > /dev/null
";

impl Measuring {
    /// Starts this measurement and waits for all processes of the program.
    pub(crate) fn a_fugitive(way: &str) -> Measuring {
        Measuring::a_fugitive_by(minding_signals(), way)
    }

    /// The same, with `SIGHUP` ignored as by `nohup`.
    pub(crate) fn a_fugitive_without_a_terminal() -> Measuring {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(bench().get_program());
        Measuring::a_fugitive_by(shell, "idle")
    }

    fn a_fugitive_by(command: Command, way: &str) -> Measuring {
        let place = tempfile::tempdir().unwrap();
        let programs = place.path().join("programs");
        fs::create_dir(&programs).unwrap();
        let script = FUGITIVE.replace("PIDS", place.path().join("pids").to_str().unwrap());
        for name in ["demo-axum", "air", "follow"] {
            fs::write(programs.join(name), &script).unwrap();
            fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let program = |name: &str| programs.join(name).into_os_string();
        let arguments = match way {
            "servers" => vec![
                "--only".into(),
                "start".into(),
                "--demos".into(),
                programs.clone().into(),
                "--results".into(),
                place.path().join("bench.json").into(),
            ],
            "runners" => vec![programs.clone().into()],
            "torture" => vec![program("follow"), "--disk".into(), place.path().into()],
            _ => vec![program("demo-axum")],
        };
        let measuring = Measuring::start(command, place, iter::once(way.into()).chain(arguments));
        wait_until("the fugitives", || measuring.fugitives().len() == FUGITIVES).unwrap();
        measuring
    }

    /// Starts repeated upgrades of a demo, each of which makes another process.
    pub(crate) fn upgrades() -> Measuring {
        let arguments = ["soak", "--only", "upgrade", "--times", "1000", "--linger", "0"].map(Into::into);
        let demo = demos().join("demo-axum").into_os_string();
        let measuring = Measuring::start(
            minding_signals(),
            tempfile::tempdir().unwrap(),
            arguments.into_iter().chain([demo]),
        );
        wait_until("a demo without its parent", || {
            let all = measuring.below();
            let [reaper, worker] = measuring.own();
            all.into_iter().any(|one| parent(one) == Some(reaper) && one != worker)
        })
        .unwrap();
        measuring
    }

    fn start(mut command: Command, place: TempDir, arguments: impl Iterator<Item = OsString>) -> Measuring {
        let temporary = place.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        // Its output is not read.
        let said = fs::File::create(place.path().join("said")).unwrap();
        command
            .stdin(Stdio::null())
            .args(arguments)
            .env("TMPDIR", temporary)
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        Measuring { child: command.spawn().unwrap(), place }
    }

    /// The process that was started.
    pub(crate) fn front(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The reaper and the worker.
    pub(crate) fn own(&self) -> [Pid; 2] {
        let part = |name: &str| {
            wait_for(name, || {
                self.below().into_iter().find(|pid| {
                    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                    words.split(|byte| *byte == 0).nth(1) == Some(name.as_bytes())
                })
            })
            .unwrap()
        };
        [part("__reaper"), part("__worker")]
    }

    /// The processes that it has started so far.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let mut all = self.below();
        all.extend(self.fugitives());
        all
    }

    /// The folders that it has made so far.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let entries = |folder: &Path| -> Vec<PathBuf> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let mut found = entries(&self.place.path().join("tmp"));
        for folder in found.clone() {
            found.extend(entries(&folder).iter().map(|path| path.canonicalize().unwrap()));
        }
        let beside = entries(self.place.path());
        found.extend(beside.into_iter().filter(|path| path.to_str().unwrap().contains("/storm-")));
        found
    }

    pub(crate) fn end_by(&mut self, signal: Signal) -> ExitStatus {
        kill_process(self.front(), signal).unwrap();
        wait_for("the end of it", || self.child.try_wait().unwrap()).unwrap()
    }

    fn fugitives(&self) -> Vec<Pid> {
        let noted = fs::read_to_string(self.place.path().join("pids")).unwrap_or_default();
        noted.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
    }

    fn below(&self) -> Vec<Pid> {
        let numbers = fs::read_dir("/proc").unwrap().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let all: Vec<(Pid, Pid)> =
            numbers.filter_map(Pid::from_raw).filter_map(|pid| Some((pid, parent(pid)?))).collect();
        let mut found = vec![self.front()];
        let mut at = 0;
        while let Some(one) = found.get(at).copied() {
            found.extend(all.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
            at += 1;
        }
        found.split_off(1)
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        let left = self.processes();
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end_by(Signal::TERM);
        }
        for pid in left.into_iter().filter(|pid| lives(*pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// `bench` with default signal handling. A shell that runs the tests in the background ignores interrupts.
fn minding_signals() -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=INT,TERM,HUP").arg(bench().get_program());
    env
}

pub(crate) fn lives(process: Pid) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn parent(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}
