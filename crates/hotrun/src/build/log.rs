//! The log of the last build.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::report::Report;

/// The log of the last build: the compiler's output without colours and progress.
#[derive(Clone, Debug)]
pub(super) struct Log(Option<Arc<Mutex<Lines>>>);

/// The file, and the line that is not complete yet.
#[derive(Debug)]
struct Lines {
    file: File,
    line: Vec<u8>,
}

impl Log {
    /// Truncates the file. If it cannot be written, prints a warning and logs nothing.
    pub(super) fn open(path: Option<&Path>, report: &Report) -> Log {
        let Some(path) = path else { return Log(None) };
        match File::create(path) {
            Ok(file) => Log(Some(Arc::new(Mutex::new(Lines { file, line: Vec::new() })))),
            Err(error) => {
                report.warning(&format!("the build's log `{}` cannot be written: {error}", path.display()));
                Log(None)
            }
        }
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let Some(log) = &self.0 else { return };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { file, line } = &mut *log;
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let _ = file.write_all(plain(&String::from_utf8_lossy(line)).as_bytes());
                line.clear();
            }
        }
    }
}

/// The part of a line that remains visible on a terminal, without colours.
fn plain(line: &str) -> String {
    let stays = line.trim_end_matches(['\r', '\n']).rsplit('\r').next().unwrap_or_default();
    format!("{}\n", anstream::adapter::strip_str(stays))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn the_log_has_the_lines_that_stay_on_a_terminal() {
        assert_eq!(plain("   Building [=>  ] 1/4\r\x1b[K\x1b[1merror\x1b[0m: no\r\n"), "error: no\n");
        assert_eq!(plain("warning: x\n"), "warning: x\n");
    }
}
