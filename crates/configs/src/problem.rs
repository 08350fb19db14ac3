//! One thing that is wrong with a configuration.

use std::path::Path;

use crate::origin::Origin;
use crate::source_map::Line;
use crate::text::{cut, printable};

/// One thing that is wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The message, without place and path, for the owner of the files: what is wrong and what was expected.
    pub message: String,
    /// The origin of the value; for a missing one, the place where it belongs.
    pub origin: Option<Origin>,
    /// The dotted path. It is empty for the document as a whole, and where the path itself should not be repeated.
    pub path: String,
    /// The advice.
    pub help: Option<String>,
    shown: Box<Shown>,
}

/// The parts of a problem that not everyone may see.
#[derive(Clone, Debug, Default)]
struct Shown {
    public: String,
    public_path: String,
    line: Option<Line>,
}

/// Longest path that is shown, in characters.
const MAX_PATH: usize = 120;

impl Problem {
    /// The place, the path, what is wrong and what to do, on one line.
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

    /// The sentence for a client that is not local: no value from the files, no folder, no help.
    pub(crate) fn public(&self) -> String {
        let place = self.origin.as_ref().map(|origin| match origin {
            Origin::File { path, line, column } => {
                let name = path.file_name().map_or(&**path, Path::new);
                Origin::File { path: name.into(), line: *line, column: *column }.to_string()
            }
            other => other.to_string(),
        });
        located(place, &self.shown.public_path, &self.shown.public)
    }

    /// The place, the path and what is wrong.
    pub(crate) fn located(&self) -> String {
        located(self.origin.as_ref().map(ToString::to_string), &self.path, &self.message)
    }

    /// The line of the value, if it may be shown.
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
        self.path = cut(&printable(&path.into()), MAX_PATH);
        self
    }

    /// Sets the part of the path that the type declares. The rest are keys from the files.
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

    /// Sets the message for a client that is not local.
    #[must_use]
    pub(crate) fn public_message(mut self, message: impl Into<String>) -> Problem {
        self.shown.public = printable(&message.into());
        self
    }

    #[must_use]
    pub(crate) fn showing(mut self, line: Option<Line>) -> Problem {
        self.shown.line = line;
        self
    }
}

fn located(place: Option<String>, path: &str, message: &str) -> String {
    let path = (!path.is_empty()).then(|| path.to_owned());
    let parts: Vec<String> = place.into_iter().chain(path).chain([message.to_owned()]).collect();
    parts.join(": ")
}
