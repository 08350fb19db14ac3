//! The files and sources of a configuration: which ones are read, and in which order.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use filewatch::{Files, ReadError, ReadErrorKind};

use crate::format::{ENDINGS, Format};
use crate::layer::Layer;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::source::{Source, SourceDocument, SourceError, SourceText};

/// The files and sources of a configuration, a later one laid over the earlier ones.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) named: Vec<Layer>,
    /// The name without its ending of a file that is searched for. It comes before the named ones.
    pub(crate) searched: Option<String>,
    /// The result of the search.
    found: Option<Found>,
    /// `NAME` of `config.NAME.yaml`, a file that may be missing.
    pub(crate) overlay: Option<String>,
    /// True: the file `.env` beside the first file is read, too.
    pub(crate) dotenv: bool,
}

/// Which text of each source is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The newest one; the kept one if there is none so far.
    Newest,
    /// The kept one, if there is one.
    LastGood,
}

/// The files and sources as they were read.
pub(crate) struct Read {
    /// In order, a later one laid over the earlier ones.
    pub(crate) documents: Vec<Document>,
    /// `.env`, if it exists.
    pub(crate) dotenv: Option<Document>,
    /// The texts of the sources, in order.
    pub(crate) texts: Vec<SourceText>,
}

/// A document that was read.
pub(crate) struct Document {
    /// The path of the file, or the name that the source gave it.
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) is_remote: bool,
    content: Result<Arc<[u8]>, ReadError>,
}

/// The name of an overlay that cannot be a part of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MalformedName;

/// The first of several files that exists.
#[derive(Clone)]
struct Found {
    path: PathBuf,
    /// Those that exist, too.
    passed_over: Vec<PathBuf>,
}

/// The folders of the search, in order.
const FOLDERS: [&str; 2] = ["", "config"];

/// Upper bound on the size of a configuration file: 1 MiB.
pub(crate) const MAX_FILE: u64 = 1024 * 1024;

/// Upper bound on the length of an overlay's name.
const MAX_NAME: usize = 64;

impl Display for MalformedName {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "expected 1 to {MAX_NAME} letters, digits, `-` or `_`, such as `production`")
    }
}

impl std::error::Error for MalformedName {}

impl Sources {
    /// Checks and sets the name of the overlay.
    pub(crate) fn set_overlay(&mut self, name: &str) -> Result<(), MalformedName> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_good) {
            return Err(MalformedName);
        }
        self.overlay = Some(name.to_owned());
        Ok(())
    }

    /// Reads everything, and adds a warning for each file that is passed over. Only the first build searches: a file that is
    /// deleted later is missing, and no other file takes its place.
    pub(crate) fn read(
        &mut self,
        files: &mut Files<'_>,
        choice: Choice,
        is_first: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Read, Problem> {
        if let Some(name) = self.searched.as_deref().filter(|_| is_first) {
            self.found = Some(search(name, files)?);
        }
        let (mut documents, mut texts) = (Vec::new(), Vec::new());
        documents.extend(self.found.iter().map(|found| Document::read(found.path.clone(), files)));
        for named in &self.named {
            match named {
                Layer::File(path) => documents.push(Document::read(path.clone(), files)),
                Layer::Source(source) => {
                    let text = choice.text(&**source).map_err(|error| unavailable(&error))?;
                    documents.extend(text.documents.iter().map(Document::remote));
                    texts.push(text);
                }
            }
        }
        let first = documents.iter().position(|document| !document.is_remote);
        let overlay = self.overlay.as_deref().zip(first);
        let overlay =
            overlay.and_then(|(name, first)| Found::of(beside(&documents[first].path, name), files));
        warnings.extend(self.found.iter().chain(&overlay).flat_map(Found::warnings));
        let dotenv = first.filter(|_| self.dotenv).map(|first| documents[first].path.with_file_name(".env"));
        let dotenv =
            dotenv.map(|path| Document::read(path, files)).filter(|document| !is_no_file(&document.content));
        if let Some((found, first)) = overlay.zip(first) {
            documents.insert(first + 1, Document::read(found.path, files));
        }
        Ok(Read { documents, dotenv, texts })
    }

    /// The sources, in order.
    pub(crate) fn remote(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.named.iter().filter_map(|named| match named {
            Layer::Source(source) => Some(source),
            Layer::File(_) => None,
        })
    }
}

impl Choice {
    fn text(self, source: &dyn Source) -> Result<SourceText, SourceError> {
        match self {
            Choice::Newest => source.latest().or_else(|error| source.last_good().ok_or(error)),
            Choice::LastGood => source.last_good().map_or_else(|| source.latest(), Ok),
        }
    }
}

impl Document {
    fn read(path: PathBuf, files: &mut Files<'_>) -> Document {
        let content = files.read(&path, MAX_FILE);
        Document { format: Format::of(&path), path, is_remote: false, content }
    }

    fn remote(document: &SourceDocument) -> Document {
        let SourceDocument { name, format, text } = document;
        Document { path: name.into(), format: *format, is_remote: true, content: Ok(Arc::clone(text)) }
    }

    pub(crate) fn text(&self) -> Result<&str, Problem> {
        let bytes = self.content.as_ref().map_err(|error| {
            let problem = Problem::plain(error.to_string()).public_message("the file cannot be read");
            problem.at(Origin::whole(&self.path))
        })?;
        std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to(), &self.path))
    }

    /// The folder that it is in. Relative paths in the text of a source count from the current folder.
    pub(crate) fn folder(&self) -> &Path {
        let parent = if self.is_remote { None } else { self.path.parent() };
        parent.unwrap_or(Path::new(""))
    }
}

impl Found {
    /// All paths are read, so all of them are watched.
    fn of(paths: Vec<PathBuf>, files: &mut Files<'_>) -> Option<Found> {
        let mut existing = paths.into_iter().filter(|path| !is_missing(&files.read(path, MAX_FILE)));
        let path = existing.next()?;
        Some(Found { path, passed_over: existing.collect() })
    }

    fn warnings(&self) -> impl Iterator<Item = String> {
        self.passed_over
            .iter()
            .map(|path| format!("the file `{}`: `{}` is read instead", path.display(), self.path.display()))
    }
}

/// The problem of a file that is UTF-8 up to a byte, and no further.
fn not_utf8(bytes: &[u8], valid_up_to: usize, file: &Path) -> Problem {
    let good = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let line = good.matches('\n').count() + 1;
    let column = good.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Problem::plain("expected UTF-8 text, found a byte that is none")
        .at(Origin::File { path: file.into(), line: line as u64, column: column as u64 })
        .help("save the file as UTF-8")
}

/// The problem of a source that has no text.
fn unavailable(error: &SourceError) -> Problem {
    let problem = Problem::plain(error.message.clone())
        .public_message("the source has no text")
        .at(Origin::whole(Path::new(&error.name)));
    match &error.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    }
}

/// Looks for a file with this name and any ending, in one folder after the other.
fn search(name: &str, files: &mut Files<'_>) -> Result<Found, Problem> {
    let paths = |folder: &str| ENDINGS.map(|ending| Path::new(folder).join(format!("{name}.{ending}")));
    for folder in FOLDERS {
        if let Some(found) = Found::of(paths(folder).to_vec(), files) {
            return Ok(found);
        }
    }
    let tried: Vec<String> =
        FOLDERS.into_iter().flat_map(paths).map(|path| format!("`{}`", path.display())).collect();
    Err(Problem::plain(format!("there is no configuration file, tried {}", tried.join(", ")))
        .help("create one of them, or name another file"))
}

/// The paths of an overlay: for `dir/config.yaml` and `production`, these are `dir/config.production.yaml` and so on.
fn beside(first: &Path, name: &str) -> Vec<PathBuf> {
    let stem = first.file_stem().unwrap_or_default().to_string_lossy();
    ENDINGS.map(|ending| first.with_file_name(format!("{stem}.{name}.{ending}"))).to_vec()
}

/// True if nothing is there but perhaps a folder: a folder `.env` is a virtual environment of Python.
fn is_no_file(content: &Result<Arc<[u8]>, ReadError>) -> bool {
    let is_folder = |error: &ReadError| error.kind == ReadErrorKind::NotAFile("a directory");
    is_missing(content) || content.as_ref().is_err_and(is_folder)
}

fn is_missing(content: &Result<Arc<[u8]>, ReadError>) -> bool {
    content.as_ref().is_err_and(|error| error.kind == ReadErrorKind::Missing)
}

#[cfg(test)]
mod tests {
    use super::{MalformedName, Sources};

    #[test]
    fn the_name_of_an_overlay_is_a_part_of_a_file_name() {
        for (name, expected) in [
            ("production", Ok(())),
            ("eu-1_b", Ok(())),
            ("", Err(MalformedName)),
            ("../x", Err(MalformedName)),
            ("a.b", Err(MalformedName)),
            ("a b", Err(MalformedName)),
            ("\u{e9}", Err(MalformedName)),
            (&"a".repeat(65), Err(MalformedName)),
        ] {
            assert_eq!(Sources::default().set_overlay(name), expected, "{name}");
        }
    }
}
