//! What is wrong, where, what was expected, what to do.

use std::fmt::{Display, Formatter};
use std::path::Path;

use crate::drawn;
use crate::origin::Origin;
use crate::page::Line;

/// What is wrong with a configuration: one or more problems.
///
/// It repeats values of known keys that are no secret, and shows no line but theirs. A secret is not in it, whatever is wrong.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong and what was expected, without place and path; for the owner.
    pub message: String,
    /// Where the value came from; for a missing one, where it belongs.
    pub origin: Option<Origin>,
    /// The dotted path; empty when it is the document as a whole, or when the path itself should not be repeated.
    pub path: String,
    /// What to do.
    pub help: Option<String>,
    shown: Box<Shown>,
}

/// What of a problem is shown to whom.
#[derive(Clone, Debug, Default)]
struct Shown {
    public: String,
    public_path: String,
    line: Option<Line>,
}

/// Why an edit cannot be put in force, said by a rule or a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The dotted path of the value at fault; may be empty.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Rejection {
    /// A rejection of the value at a dotted path.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Rejection {
        Rejection { path: path.into(), message: message.into(), help: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Rejection {
        self.help = Some(help.into());
        self
    }
}

/// Nobody mends more at once.
const MOST_PROBLEMS: usize = 100;
/// A longer path has a key in it that is not meant to be read.
const LONGEST_PATH: usize = 120;

impl Diagnosis {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Diagnosis {
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        if more > 0 {
            problems.truncate(MOST_PROBLEMS);
            problems.push(Problem::plain(format!("and {more} more problems")));
        }
        Diagnosis { problems }
    }

    /// Everything that is wrong; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// One line for the owner of the files: `config.yaml:4:9: settings.log_level: expected ..., found ...`, problems separated
    /// by `; `. Values of known keys that are no secret may appear.
    pub fn message(&self) -> String {
        self.joined(Problem::sentence)
    }

    /// One line for a client that is not local: what was expected and where, with no value from the files and no folder.
    pub fn public(&self) -> String {
        self.joined(Problem::public)
    }

    /// Several lines for a terminal: each problem with its line, where that may be shown, and what to do.
    pub fn drawn(&self) -> String {
        self.problems.iter().map(drawn::problem).collect::<Vec<_>>().join("\n")
    }

    fn joined(&self, sentence: impl Fn(&Problem) -> String) -> String {
        self.problems.iter().map(sentence).collect::<Vec<_>>().join("; ")
    }
}

impl Problem {
    /// The place, the path, and what is wrong, on one line.
    pub fn sentence(&self) -> String {
        match &self.help {
            Some(help) => format!("{} ({help})", self.located()),
            None => self.located(),
        }
    }

    /// A problem whose message repeats nothing from the files.
    pub(crate) fn plain(message: impl Into<String>) -> Problem {
        let message = printable(&message.into());
        Problem {
            shown: Box::new(Shown { public: message.clone(), ..Shown::default() }),
            message,
            origin: None,
            path: String::new(),
            help: None,
        }
    }

    pub(crate) fn public(&self) -> String {
        let place = self.origin.as_ref().map(|origin| match origin {
            Origin::File { path, line, column } => {
                let name = path.file_name().map_or(path.as_path(), Path::new);
                Origin::File { path: name.to_owned(), line: *line, column: *column }.to_string()
            }
            other => other.to_string(),
        });
        located(place, &self.shown.public_path, &self.shown.public)
    }

    pub(crate) fn located(&self) -> String {
        located(self.origin.as_ref().map(ToString::to_string), &self.path, &self.message)
    }

    pub(crate) fn line(&self) -> Option<&Line> {
        self.shown.line.as_ref()
    }

    #[must_use]
    pub(crate) fn at(mut self, origin: Origin) -> Problem {
        self.origin = Some(origin);
        self
    }

    #[must_use]
    pub(crate) fn path(mut self, path: impl Into<String>) -> Problem {
        self.path = cut(&printable(&path.into()), LONGEST_PATH);
        self
    }

    /// The part of the path that the type names; what is below are keys from the files.
    #[must_use]
    pub(crate) fn public_path(mut self, path: impl Into<String>) -> Problem {
        self.shown.public_path = path.into();
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(printable(&help.into()));
        self
    }

    #[must_use]
    pub(crate) fn public_words(mut self, words: impl Into<String>) -> Problem {
        self.shown.public = printable(&words.into());
        self
    }

    #[must_use]
    pub(crate) fn showing(mut self, line: Option<Line>) -> Problem {
        self.shown.line = line;
        self
    }
}

impl Display for Diagnosis {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message())
    }
}

impl std::error::Error for Diagnosis {}

impl From<Problem> for Diagnosis {
    fn from(problem: Problem) -> Diagnosis {
        Diagnosis::new(vec![problem])
    }
}

fn located(place: Option<String>, path: &str, words: &str) -> String {
    let path = (!path.is_empty()).then(|| path.to_owned());
    let parts: Vec<String> = place.into_iter().chain(path).chain([words.to_owned()]).collect();
    parts.join(": ")
}

/// A text on one line that commands no terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A text at a length that a sentence bears.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, printable};

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("ä", 60), "ä");
        assert_eq!(cut(&"ä".repeat(61), 60), format!("{}…", "ä".repeat(60)));
    }

    #[test]
    fn a_message_commands_no_terminal() {
        assert_eq!(printable("a\x1b[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }
}
