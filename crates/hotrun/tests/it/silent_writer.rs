//! Writes that cause no event.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Reads pairs of words, and writes the second one over the first one.
const SCRIPT: &str = "import mmap, sys\nfile = open(sys.argv[1], 'r+b')\nmap = mmap.mmap(file.fileno(), 0)\n\
    for line in sys.stdin:\n    old, new = line.rstrip('\\n').encode().split(b'/')\n    at = map.find(old)\n\
    \x20   map[at:at + len(old)] = new\n    map.flush()\n    print('done', flush=True)\n";

/// Writes to a file through a mapping, which causes no event. Only a poll finds it. The end of this closes the file, which is an event.
pub(crate) struct SilentWriter {
    child: Child,
    words: ChildStdin,
    done: BufReader<ChildStdout>,
}

impl SilentWriter {
    pub(crate) fn open(file: &Path) -> SilentWriter {
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3");
        let words = child.stdin.take().expect("a pipe");
        let done = BufReader::new(child.stdout.take().expect("a pipe"));
        SilentWriter { child, words, done }
    }

    /// Replaces words that are in the file with others of the same length.
    pub(crate) fn replace(&mut self, old: &str, new: &str) {
        writeln!(self.words, "{old}/{new}").expect("it reads");
        let mut line = String::new();
        self.done.read_line(&mut line).expect("UTF-8");
        assert_eq!(line, "done\n");
    }
}

impl Drop for SilentWriter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
