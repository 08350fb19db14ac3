//! An error in the templates, with its place.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use filewatch::{ReadError, ReadErrorKind};
use tera::ErrorKind;

use crate::budget::LimitExceeded;
use crate::go_syntax;
use crate::instrument::Instrumented;
use crate::position::Position;
use crate::references::Unknown;
use crate::report::{self, Report};
use crate::sources::Sources;

/// Why a set of templates is not put in force, or a page is not rendered.
///
/// [`message`](Error::message) is for the owner of the templates, [`public`](Error::public) is safe to show to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    fault: Fault,
    location: Option<Location>,
    words: String,
}

/// The kind of error. [`Error::public`] says no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Files,
    Syntax,
    Reference,
    Circle,
    Rendering,
    Limit,
    Engine,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Location {
    template: String,
    file: PathBuf,
    position: Option<Position>,
}

impl Error {
    /// An error that the caller's trial found.
    pub fn refused(words: impl Into<String>) -> Error {
        Error { fault: Fault::Rendering, location: None, words: words.into() }
    }

    /// The place, the error, and what was expected: `templates/index.html:4:9: unknown filter `shout``.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// The place and the kind of error. Without any text of the template, value of a variable, or path of this machine.
    pub fn public(&self) -> String {
        match &self.location {
            Some(Location { template, position: Some(position), .. }) => {
                format!("{template}:{position}: {}", self.fault)
            }
            Some(Location { template, position: None, .. }) => format!("{template}: {}", self.fault),
            None => self.fault.to_string(),
        }
    }

    /// The name of the template, if the error is in one.
    pub fn template(&self) -> Option<&str> {
        self.location.as_ref().map(|location| location.template.as_str())
    }

    /// The path of the template: the folder as it was given, and the name.
    pub fn file(&self) -> Option<&Path> {
        self.location.as_ref().map(|location| location.file.as_path())
    }

    /// The line, counted from 1.
    pub fn line(&self) -> Option<u64> {
        self.position().map(|position| position.line)
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> Option<u64> {
        self.position().map(|position| position.column)
    }

    fn position(&self) -> Option<Position> {
        self.location.as_ref().and_then(|location| location.position)
    }

    fn new(fault: Fault, words: impl Into<String>) -> Error {
        Error { fault, location: None, words: words.into() }
    }

    fn at(self, folder: &Path, template: &str, position: Option<Position>) -> Error {
        let location = Location { template: template.to_owned(), file: folder.join(template), position };
        Error { location: Some(location), ..self }
    }
}

/// Constructors.
impl Error {
    pub(crate) fn from_read(folder: &Path, error: &ReadError) -> Error {
        let words = match error.kind {
            ReadErrorKind::TooManyFiles { found, limit } => {
                format!("`{}` holds {found} templates, expected at most {limit}", folder.display())
            }
            _ => error.to_string(),
        };
        Error::new(Fault::Files, words)
    }

    pub(crate) fn empty_folder(folder: &Path) -> Error {
        let folder = folder.display();
        let words = format!("`{folder}` holds no template, expected at least one file that ends in `.html`");
        Error::new(Fault::Files, words)
    }

    pub(crate) fn too_many_parents(folder: &Path, name: &str, most: usize) -> Error {
        let words = format!("the templates are nested too deeply: this one extends more than {most} others");
        Error::new(Fault::Limit, words).at(folder, name, None)
    }

    pub(crate) fn name_not_utf8(folder: &Path, path: &Path) -> Error {
        let file = folder.join(path);
        Error::new(Fault::Files, format!("the name of `{}` is not UTF-8, rename it", file.display()))
    }

    pub(crate) fn not_text(folder: &Path, name: &str, position: Position) -> Error {
        Error::new(Fault::Files, "is no UTF-8 from here on, save it as UTF-8").at(
            folder,
            name,
            Some(position),
        )
    }

    pub(crate) fn unknown_template<'a>(
        folder: &Path,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Error {
        let known: Vec<&str> = known.collect();
        let words = format!("there is no such template, the folder holds {}", known.join(", "));
        Error::new(Fault::Files, words).at(folder, name, None)
    }

    pub(crate) fn panicked(folder: &Path) -> Error {
        let folder = folder.display();
        Error::new(Fault::Engine, format!("the template engine panicked over `{folder}`, undo the last edit"))
    }

    pub(crate) fn from_context(error: &tera::Error) -> Error {
        Error::new(Fault::Engine, format!("the page's variables are no struct or map: {error}"))
    }

    /// An error of the engine while it compiles a set.
    pub(crate) fn from_compile(
        folder: &Path,
        sources: &Sources,
        instrumented: &BTreeMap<String, Instrumented>,
        error: &tera::Error,
    ) -> Error {
        match error.kind() {
            ErrorKind::CircularInclude { tpl, include_chain: chain } => {
                // The chain ends with the template that includes itself, and the circle begins with it.
                let circle = chain.iter().position(|name| name == tpl).map_or(&chain[..], |at| &chain[at..]);
                let next = circle.get(1).unwrap_or(tpl);
                let words = format!("includes itself: {}", circle.join(" > "));
                Error::new(Fault::Circle, words).at(folder, tpl, sources.call(tpl, "include", next))
            }
            ErrorKind::CircularExtend { tpl, inheritance_chain: chain } => {
                let next = chain.first().unwrap_or(tpl);
                let words = format!("extends in a circle: {tpl} > {}", chain.join(" > "));
                Error::new(Fault::Circle, words).at(folder, tpl, sources.call(tpl, "extends", next))
            }
            ErrorKind::MissingParent { current, parent } => {
                let words = format!("extends `{parent}`, which the folder does not hold");
                let position = sources.call(current, "extends", parent);
                Error::new(Fault::Reference, words).at(folder, current, position)
            }
            _ => {
                if let Some(report) = report::pointed(error) {
                    let mut error = Error::reported(Fault::Syntax, folder, instrumented, &report);
                    if let Some(form) = error.line_in(sources).and_then(go_syntax::tera_form) {
                        let _ = write!(error.words, "; this is Go's template syntax, in Tera it is `{form}`");
                    }
                    return error;
                }
                let text = error.to_string();
                let mut reports = report::parsed(&text);
                for Report { template, position, .. } in &mut reports {
                    *position = original(instrumented, template, *position);
                }
                Error::from_unknown(folder, Unknown::new(reports))
                    .unwrap_or_else(|| Error::new(Fault::Reference, report::plain(&text)))
            }
        }
    }

    /// An error of the engine while it renders the template `name`.
    pub(crate) fn from_render(
        folder: &Path,
        instrumented: &BTreeMap<String, Instrumented>,
        name: &str,
        exceeded: Option<LimitExceeded>,
        error: &tera::Error,
    ) -> Error {
        let fault = if exceeded.is_some() { Fault::Limit } else { Fault::Rendering };
        match (report::pointed(error), exceeded) {
            (Some(report), _) => Error::reported(fault, folder, instrumented, &report),
            (None, Some(exceeded)) => Error::new(fault, exceeded.words()).at(folder, name, None),
            (None, None) => Error::new(fault, report::plain(&error.to_string())).at(folder, name, None),
        }
    }

    /// Lists the variables, if the engine says only that one is undefined.
    pub(crate) fn with_available(mut self, names: impl Fn() -> Vec<String>) -> Error {
        if self.words.contains("undefined") && !self.words.contains("available") {
            let _ = write!(self.words, "; available variables: {}", names().join(", "));
        }
        self
    }

    /// References to unknown names: the first one is the place of the error, the others are listed. `None` if there are none.
    pub(crate) fn from_unknown(folder: &Path, Unknown { reports, more }: Unknown) -> Option<Error> {
        let mut reports = reports.into_iter();
        let Report { template, position, words } = reports.next()?;
        let mut error = Error::new(Fault::Reference, words).at(folder, &template, Some(position));
        for Report { template, position, words } in reports {
            let _ = write!(error.words, "; {template}:{position}: {words}");
        }
        if more > 0 {
            let _ = write!(error.words, "; and {more} more");
        }
        Some(error)
    }

    /// The line of the template that the error points to.
    fn line_in<'a>(&self, sources: &'a Sources) -> Option<&'a str> {
        let Location { template, position: Some(position), .. } = self.location.as_ref()? else {
            return None;
        };
        let line = usize::try_from(position.line).ok()?.checked_sub(1)?;
        sources.text(template)?.lines().nth(line)
    }

    fn reported(
        fault: Fault,
        folder: &Path,
        instrumented: &BTreeMap<String, Instrumented>,
        Report { template, position, words }: &Report,
    ) -> Error {
        Error::new(fault, words).at(folder, template, Some(original(instrumented, template, *position)))
    }
}

/// The position in the file for one in the instrumented text.
fn original(instrumented: &BTreeMap<String, Instrumented>, template: &str, position: Position) -> Position {
    instrumented.get(template).map_or(position, |instrumented| instrumented.original(position))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(Location { file, position: Some(position), .. }) => {
                write!(f, "{}:{position}: {}", file.display(), self.words)
            }
            Some(Location { file, position: None, .. }) => write!(f, "{}: {}", file.display(), self.words),
            None => f.write_str(&self.words),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Files => "the templates' files cannot be used",
            Fault::Syntax => "a syntax error",
            Fault::Reference => "a call to something that does not exist",
            Fault::Circle => "a template that calls itself",
            Fault::Rendering => "the page cannot be rendered",
            Fault::Limit => "the page grows too long or too deep",
            Fault::Engine => "the templates cannot be used",
        })
    }
}
