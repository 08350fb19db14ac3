//! A process that outlives this one by a moment and kills the programs that this one has started.

use std::{
    env,
    io::{self, BufRead, Write},
    process::{self, Child, ChildStdin, Command, ExitCode, Stdio},
    sync::{Mutex, PoisonError},
};

use rustix::process::setsid;

use crate::{STAYS, mark::mark_prefix, process_tree::kill_until_none, snapshot::Snapshot};

/// The first argument of a watchdog. A program whose first argument it is calls [`watchdog`] and returns its status.
pub const WATCHDOG: &str = "__watchdog";

/// The pipe to the watchdog. When the pipe closes, however this process ends, the watchdog kills all that it knows of.
/// Dropping this waits for that.
#[derive(Debug)]
pub struct Watchdog {
    pipe: Mutex<Option<ChildStdin>>,
    process: Child,
}

impl Watchdog {
    /// Starts this program as a watchdog.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start() -> io::Result<Watchdog> {
        let mut process = Command::new("/proc/self/exe")
            .args([WATCHDOG, &mark_prefix(process::id())])
            .env(STAYS, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()?;
        Ok(Watchdog { pipe: Mutex::new(process.stdin.take()), process })
    }

    /// The program with this leader ends with this process.
    pub fn watch(&self, leader: u32) {
        self.tell('+', leader);
    }

    /// The program with this leader has ended.
    pub fn forget(&self, leader: u32) {
        self.tell('-', leader);
    }

    /// Does nothing if the watchdog was killed. Then a child of this process still dies with it if it asked for that
    /// (`PR_SET_PDEATHSIG`), but not the processes below that child.
    fn tell(&self, sign: char, leader: u32) {
        if let Some(pipe) = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = writeln!(pipe, "{sign}{leader}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.process.wait();
    }
}

/// Does the work of the watchdog: waits until standard input ends, then kills.
#[must_use]
pub fn watchdog() -> ExitCode {
    let Some(prefix) = env::args().nth(2) else { return ExitCode::from(2) };
    // The signals of the terminal go to its foreground group.
    let _ = setsid();
    let mut leaders = Vec::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        note(&mut leaders, &line);
    }
    kill_until_none(Snapshot::of_all, |snapshot| {
        let mut found = snapshot.marked(&prefix);
        found.extend(leaders.iter().flat_map(|leader| snapshot.members(*leader, &prefix)));
        found
    });
    ExitCode::SUCCESS
}

fn note(leaders: &mut Vec<u32>, line: &str) {
    let Ok(leader) = line.trim_start_matches(['+', '-']).parse() else { return };
    leaders.retain(|known| *known != leader);
    if line.starts_with('+') {
        leaders.push(leader);
    }
}

#[cfg(test)]
mod tests {
    use super::note;

    #[test]
    fn a_program_is_watched_until_it_is_forgotten() {
        let mut leaders = Vec::new();
        for line in ["+12", "+13", "+12", "nonsense", "-13", "+", "-99"] {
            note(&mut leaders, line);
        }
        assert_eq!(leaders, [12]);
    }
}
