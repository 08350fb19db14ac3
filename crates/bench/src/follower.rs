//! A program that follows a file and prints the published values, line by line.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use conformance::Failed;

/// The timeout for the last version, for a very busy machine.
const LAST: Duration = Duration::from_secs(20);

/// One line of the follower.
pub(crate) enum Told {
    Published { at: u64, length: usize, digest: u64, first: String },
    Rejected,
}

/// The program that follows the file. It ends when this is dropped.
pub(crate) struct Follower {
    child: Child,
    told: Receiver<String>,
}

impl Follower {
    pub(crate) fn start(program: &Path, path: &Path, flags: &[&str]) -> Result<Follower, Failed> {
        let mut child = Command::new(program)
            .arg(path)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
        let stdout = child.stdout.take().ok_or("its output is a pipe")?;
        let follower = Follower { told: lines_of(stdout), child };
        // The value at the start.
        follower.told.recv_timeout(LAST).map_err(|_| "the follower says nothing")?;
        Ok(follower)
    }

    /// All lines up to the one with `last`, or up to the timeout.
    pub(crate) fn until(&mut self, last: &str) -> Result<Vec<Told>, Failed> {
        let mut told = Vec::new();
        while let Ok(line) = self.told.recv_timeout(LAST) {
            let this = parse(&line).ok_or_else(|| format!("the follower said `{line}`"))?;
            let is_last =
                matches!(&this, Told::Published { first, length, .. } if first == last && *length > 0);
            told.push(this);
            if is_last {
                // The whole text may follow a torn one.
                while let Ok(line) = self.told.recv_timeout(Duration::from_secs(1)) {
                    told.extend(parse(&line));
                }
                break;
            }
        }
        Ok(told)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

fn parse(line: &str) -> Option<Told> {
    if line.starts_with("rejected ") {
        return Some(Told::Rejected);
    }
    let mut words = line.splitn(4, ' ');
    let at = words.next()?.parse().ok()?;
    let length = words.next()?.parse().ok()?;
    let digest = u64::from_str_radix(words.next()?, 16).ok()?;
    Some(Told::Published { at, length, digest, first: words.next().unwrap_or_default().to_owned() })
}
