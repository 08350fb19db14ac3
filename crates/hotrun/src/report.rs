//! All that is printed: the only file that does.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::{AnsiColor, Style as Look};
use jiff::Zoned;

use crate::plan::Style;
use crate::refusal::Refusal;

/// At most so many files are named in one line.
const NAMES: usize = 3;

/// Where hotrun's own lines go: stderr, in colour where that is a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    style: Style,
    root: PathBuf,
}

impl Report {
    /// In this style, with paths as seen from `root`.
    pub(crate) fn new(style: Style, root: PathBuf) -> Report {
        style.mode.write_global();
        Report { style, root }
    }

    /// Without settings.
    pub(crate) fn plain() -> Report {
        Report::new(Style::default(), PathBuf::new())
    }

    /// How wide the terminal is that stderr is, if it is one.
    pub(crate) fn columns() -> Option<u16> {
        let stderr = std::io::stderr();
        let size = stderr.is_terminal().then(|| rustix::termios::tcgetwinsize(&stderr))?;
        Some(size.map_or(80, |size| size.ws_col.max(20)))
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.line(Some(AnsiColor::Red), &refusal.words);
    }

    pub(crate) fn warning(&self, words: &str) {
        self.line(Some(AnsiColor::Red), words);
    }

    /// About hotrun itself.
    pub(crate) fn main(&self, words: &str) {
        self.line(self.style.main, words);
    }

    /// About sources.
    pub(crate) fn watcher(&self, words: &str) {
        self.line(self.style.watcher, words);
    }

    /// About builds.
    pub(crate) fn build(&self, words: &str) {
        self.line(self.style.build, words);
    }

    /// About servers.
    pub(crate) fn runner(&self, words: &str) {
        self.line(self.style.runner, words);
    }

    pub(crate) fn changed(&self, files: &[PathBuf]) {
        let names: Vec<_> = files.iter().take(NAMES).map(|file| self.name(file)).collect();
        let rest = files.len().saturating_sub(NAMES);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        self.watcher(&format!("{}{more} changed", names.join(", ")));
    }

    /// What a build writes to its stderr, as it comes.
    pub(crate) fn compiler(bytes: &[u8]) {
        let mut stderr = anstream::stderr().lock();
        let _ = stderr.write_all(bytes).and_then(|()| stderr.flush());
    }

    /// What a build writes to its stdout, as it comes.
    pub(crate) fn output(bytes: &[u8]) {
        let mut stdout = anstream::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// `hotrun check`'s lines, on stdout.
    pub(crate) fn say(line: &str) {
        let _ = writeln!(anstream::stdout().lock(), "{line}");
    }

    /// A path as the developer writes it.
    pub(crate) fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    fn line(&self, color: Option<AnsiColor>, words: &str) {
        let time =
            if self.style.time { Zoned::now().strftime("[%H:%M:%S] ").to_string() } else { String::new() };
        let look = Look::new().fg_color(color.map(Into::into)).bold();
        // One write a line, so that it is not torn by what the server prints.
        let line = format!("{time}{look}hotrun{look:#}  {words}\n");
        let _ = anstream::stderr().lock().write_all(line.as_bytes());
    }
}

/// A duration as one says it.
pub(crate) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (millis, words) in [(0, "0 ms"), (999, "999 ms"), (1234, "1.2 s"), (125_000, "2 min 5 s")] {
            assert_eq!(spoken(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn a_path_is_seen_from_the_root() {
        let report = Report::new(Style::default(), PathBuf::from("/p"));
        assert_eq!(report.name(Path::new("/p/src/main.rs")), "src/main.rs");
        assert_eq!(report.name(Path::new("/q/lib.rs")), "/q/lib.rs");
    }
}
