//! The log of the last build.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::journal::Event;
use crate::report::Report;

/// So many bytes of the output are kept for the page about a failed build. The first error comes first.
const MOST_TEXT: usize = 64 * 1024;

/// The log of the last build: the compiler's output without colours and progress.
#[derive(Clone, Debug)]
pub(super) struct Log(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    report: Report,
    /// Each gets the same lines. Empty if nothing is logged.
    files: Vec<File>,
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// The lines so far, up to a limit.
    text: String,
}

impl Log {
    /// Truncates the files. If one cannot be written, prints a warning and leaves it out.
    pub(super) fn open(paths: &[PathBuf], report: &Report) -> Log {
        let files = paths.iter().filter_map(|path| {
            let warn = |error: &io::Error| {
                report.warning(&format!("the build's log `{}` cannot be written: {error}", path.display()));
            };
            File::create(path).inspect_err(warn).ok()
        });
        Log(Arc::new(Mutex::new(Lines {
            report: report.clone(),
            files: files.collect(),
            line: Vec::new(),
            text: String::new(),
        })))
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { report, files, line, text } = &mut *log;
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let plain = plain(&String::from_utf8_lossy(line));
                for file in files.iter_mut() {
                    let _ = file.write_all(plain.as_bytes());
                }
                if text.len() + plain.len() <= MOST_TEXT {
                    text.push_str(&plain);
                }
                report.event(Event::Output { text: plain.trim_end_matches('\n').to_owned() });
                line.clear();
            }
        }
    }

    /// The lines so far.
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
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
