//! Outlives hotrun by a moment, to end what hotrun would have ended.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::process::{self, Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::setsid;

use crate::reaper;

/// The first argument that makes this binary a guardian.
pub(crate) const PERSONA: &str = "__guardian";

/// The pipe to the guardian. When it closes, by whatever end of hotrun, all that hotrun started is killed; dropping it
/// waits for that.
#[derive(Debug)]
pub(crate) struct Guardian {
    pipe: Mutex<Option<ChildStdin>>,
    process: Child,
}

impl Guardian {
    pub(crate) fn start() -> io::Result<Guardian> {
        let mut process = Command::new("/proc/self/exe")
            .args([PERSONA, &reaper::prefix(process::id())])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()?;
        Ok(Guardian { pipe: Mutex::new(process.stdin.take()), process })
    }

    /// From now on this group ends with us.
    pub(crate) fn watch(&self, group: u32) {
        self.tell('+', group);
    }

    /// The group is gone.
    pub(crate) fn forget(&self, group: u32) {
        self.tell('-', group);
    }

    /// A guardian that was killed cannot be told anything: the programs then still end with hotrun itself, all but
    /// those that have left their group.
    fn tell(&self, sign: char, group: u32) {
        if let Some(pipe) = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = writeln!(pipe, "{sign}{group}");
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.process.wait();
    }
}

/// Whether a process is a guardian.
pub(crate) fn is_one(process: u32) -> bool {
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).nth(1) == Some(PERSONA.as_bytes())
}

/// The persona's `main`.
pub(crate) fn main() -> ExitCode {
    let Some(prefix) = env::args().nth(2) else { return ExitCode::from(2) };
    // Out of reach of the terminal's signals.
    let _ = setsid();
    let mut groups = Vec::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        note(&mut groups, &line);
    }
    reaper::avenge(&prefix, &groups);
    ExitCode::SUCCESS
}

fn note(groups: &mut Vec<u32>, line: &str) {
    let Ok(group) = line.trim_start_matches(['+', '-']).parse() else { return };
    groups.retain(|known| *known != group);
    if line.starts_with('+') {
        groups.push(group);
    }
}

#[cfg(test)]
mod tests {
    use super::note;

    #[test]
    fn a_group_is_watched_until_it_is_forgotten() {
        let mut groups = Vec::new();
        for line in ["+12", "+13", "+12", "nonsense", "-13", "+", "-99"] {
            note(&mut groups, line);
        }
        assert_eq!(groups, [12]);
    }
}
