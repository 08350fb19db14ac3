//! Everything that hotrun prints. No other file prints.

mod duration;
mod event_writer;
mod lines;
mod partial;
mod printer;
mod screen;
mod status_line;
mod style;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style as Look};
use jiff::Zoned;

use crate::error::Error;
use crate::journal::{self, Event, Journal, Level, Record};
use crate::report::printer::Printer;

pub(crate) use crate::report::duration::spoken;
pub(crate) use crate::report::event_writer::EventWriter;
pub(crate) use crate::report::lines::Lines;
pub(crate) use crate::report::printer::{Stream, is_one_terminal, size};
use crate::report::screen::{BUILD, HOTRUN};
pub(crate) use crate::report::screen::{Source, new_source};
pub(crate) use crate::report::style::{Clear, Style, Volume};

/// The most files that one line names.
const NAMES: usize = 3;

/// Prints hotrun's lines to stderr, in colour if that is a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    style: Style,
    root: PathBuf,
    journal: Arc<Mutex<Journal>>,
    printer: Arc<Printer>,
    /// The program that the lines are about, if there are several.
    program: Option<About>,
}

/// A program that lines are about.
#[derive(Clone, Debug)]
struct About {
    name: String,
    /// Columns of the longest name of all programs.
    width: usize,
    color: AnsiColor,
}

/// The colours of the names, one program after the other.
const COLORS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::BrightRed,
];

impl Report {
    /// Prints in this style, with paths relative to `root`.
    pub(crate) fn new(style: Style, root: PathBuf) -> Report {
        style.mode.write_global();
        Report { style, root, journal: Arc::default(), printer: Arc::default(), program: None }
    }

    /// For each of these programs a report with lines about it, in the same journal. Without a name the lines have none.
    pub(crate) fn of_programs<'a>(
        &self,
        names: impl Iterator<Item = Option<&'a str>> + Clone,
    ) -> Vec<Report> {
        let width = names.clone().flatten().map(str::len).max().unwrap_or_default();
        let about = |(color, name): (&AnsiColor, Option<&str>)| {
            let program = name.map(|name| About { name: name.to_owned(), width, color: *color });
            Report { program, ..self.clone() }
        };
        COLORS.iter().cycle().zip(names).map(about).collect()
    }

    /// The name of the program that the lines are about.
    fn program(&self) -> Option<&str> {
        self.program.as_ref().map(|about| about.name.as_str())
    }

    /// A line of the program's own, with or without its end.
    pub(crate) fn line_of_program(&self, stream: Stream, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let plain = anstream::adapter::strip_str(text.trim_end_matches(['\r', '\n'])).to_string();
        let name = if stream == Stream::Out { journal::Stream::Stdout } else { journal::Stream::Stderr };
        self.event(Event::Line { text: plain, stream: name });
        if !self.style.only_hotrun {
            self.prefixed(stream, line);
        }
    }

    /// Notes the lines that the command of a rule has written.
    pub(crate) fn output_of_rule(&self, bytes: &[u8]) {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.event(Event::Output { text: anstream::adapter::strip_str(line).to_string() });
        }
    }

    /// Prints a line, with the name of the program if there are several.
    fn prefixed(&self, stream: Stream, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut bytes = Vec::new();
        if let Some(About { name, width, color }) = &self.program {
            let look = Look::new().fg_color(self.style.runner.map(|_| (*color).into()));
            bytes.extend(format!("{look}{name:<width$} |{look:#} ").into_bytes());
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        // One write for each line, so that other output does not cut it.
        self.write(stream, HOTRUN, &bytes);
    }

    /// Passes output on. With `--json` all of it goes to stderr.
    fn write(&self, stream: Stream, source: Source, bytes: &[u8]) {
        let stream = if self.style.json { Stream::Err } else { stream };
        self.printer.write(stream, source, bytes);
    }

    /// With `--json`: writes each event to stdout from now on. `closed` is called if nobody reads them any more.
    pub(crate) fn write_events(
        &self,
        closed: impl FnOnce() + Send + 'static,
    ) -> Result<Option<EventWriter>, Error> {
        let start = || EventWriter::start(&mut self.journal(), closed);
        let writer = self.style.json.then(start).transpose();
        writer.map_err(|error| Error::unfit(format!("the events cannot be written: {error}")))
    }

    /// Prints in the default style, before the settings are known.
    pub(crate) fn plain() -> Report {
        Report {
            style: Style::default(),
            root: PathBuf::new(),
            journal: Arc::default(),
            printer: Arc::default(),
            program: None,
        }
    }

    pub(crate) fn error(&self, error: &Error) {
        self.print(Some(AnsiColor::Red), &error.words);
    }

    /// The events of this run. Everything that is printed here is one.
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event to the journal.
    pub(crate) fn event(&self, event: Event) {
        self.journal().add(self.program(), event);
    }

    /// Notes in the journal that a build begins, or a start where nothing is built.
    pub(crate) fn build_begins(&self) {
        self.journal().build_begins(self.program());
    }

    pub(crate) fn warning(&self, words: &str) {
        self.record(Level::Warning, words);
        self.line(Some(AnsiColor::Red), words);
    }

    /// A line about hotrun itself.
    pub(crate) fn main(&self, words: &str) {
        self.record(Level::Info, words);
        self.line(self.style.main, words);
    }

    /// A line about sources.
    pub(crate) fn watcher(&self, words: &str) {
        self.topic(self.style.watcher, words);
    }

    /// A line about builds.
    pub(crate) fn build(&self, words: &str) {
        self.topic(self.style.build, words);
    }

    /// A line about servers.
    pub(crate) fn runner(&self, words: &str) {
        self.topic(self.style.runner, words);
    }

    /// A line that is printed with `-d` only.
    pub(crate) fn debug(&self, words: &str) {
        if self.style.volume == Volume::Debug {
            self.line(self.style.main, words);
        }
    }

    /// Clears the terminal, if the settings say so and stderr is one.
    pub(crate) fn clear(&self) {
        if let Some(clear) = self.style.clear.filter(|_| std::io::stderr().is_terminal()) {
            self.printer.clear(clear.sequence());
        }
    }

    /// Clears the visible part of the terminal.
    pub(crate) fn clear_screen(&self) {
        self.printer.clear(Clear::Screen.sequence());
    }

    /// Files that were changed during a pause.
    pub(crate) fn waits(&self, files: &[PathBuf]) {
        self.watcher(&format!("{} changed, and waits", self.names(files)));
    }

    pub(crate) fn changed(&self, files: &[PathBuf]) {
        self.event(Event::Change { files: files.iter().map(|file| file.display().to_string()).collect() });
        self.watcher(&format!("{} changed", self.names(files)));
    }

    /// Output of a build, passed on as it arrives.
    pub(crate) fn of_build(&self, stream: Stream, bytes: &[u8]) {
        self.write(stream, BUILD, bytes);
    }

    /// Output of a server, passed on to the terminal as it is.
    pub(crate) fn of_server(&self, server: Source, bytes: &[u8]) {
        self.printer.pass_on(Stream::Err, server, bytes);
    }

    /// A line of a subcommand, on stdout. `false` if stdout is closed.
    pub(crate) fn say(line: &str) -> bool {
        writeln!(anstream::stdout().lock(), "{line}").is_ok()
    }

    /// An event of no run, on stdout.
    pub(crate) fn say_event(event: Event) {
        Report::say(&Record::now(None, event).line());
    }

    /// The first files, and the number of the others.
    fn names(&self, files: &[PathBuf]) -> String {
        let names: Vec<_> = files.iter().take(NAMES).map(|file| self.name(file)).collect();
        let rest = files.len().saturating_sub(NAMES);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{}{more}", names.join(", "))
    }

    /// The path relative to the root.
    pub(crate) fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    fn record(&self, level: Level, words: &str) {
        self.event(Event::Message { level, text: words.to_owned() });
    }

    fn topic(&self, color: Option<AnsiColor>, words: &str) {
        self.record(Level::Info, words);
        if self.style.volume > Volume::MainOnly {
            self.line(color, words);
        }
    }

    fn line(&self, color: Option<AnsiColor>, words: &str) {
        if self.style.volume > Volume::Silent {
            self.print(color, words);
        }
    }

    fn print(&self, color: Option<AnsiColor>, words: &str) {
        let time =
            if self.style.time { Zoned::now().strftime("[%H:%M:%S] ").to_string() } else { String::new() };
        let look = Look::new().fg_color(color.map(Into::into)).bold();
        let about = self.program().map(|name| format!("{name}: ")).unwrap_or_default();
        // Every line has the name, also each of a diagnosis of several lines.
        let line = |words| format!("{time}{look}hotrun{look:#}  {about}{words}\n");
        // One write, so that other output does not cut it.
        self.printer.write(Stream::Err, HOTRUN, words.lines().map(line).collect::<String>().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_root() {
        let report = Report::new(Style::default(), PathBuf::from("/p"));
        assert_eq!(report.name(Path::new("/p/src/main.rs")), "src/main.rs");
        assert_eq!(report.name(Path::new("/q/lib.rs")), "/q/lib.rs");
    }
}
