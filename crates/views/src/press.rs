//! Makes sets of templates from a folder.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use filewatch::Files;

use crate::error::Error;
use crate::sources::Sources;
use crate::templates::Templates;

/// The largest template that is read, in bytes: 1 MiB.
const TEMPLATE_LIMIT: u64 = 1 << 20;

/// Reads, compiles and tries one set after another, and remembers which one it let through last.
pub(crate) struct Press<T> {
    folder: PathBuf,
    trial: T,
    accepted: Option<Sources>,
    version: u64,
}

impl<T: Fn(&Templates) -> Result<(), Error>> Press<T> {
    pub(crate) fn new(folder: PathBuf, trial: T) -> Press<T> {
        Press { folder, trial, accepted: None, version: 0 }
    }

    /// The set that the folder holds now, tried; `None` if it is the last one again.
    pub(crate) fn press(&mut self, files: &mut Files<'_>) -> Result<Option<Templates>, Error> {
        let found = files
            .tree(&self.folder, TEMPLATE_LIMIT, is_template)
            .map_err(|error| Error::from_read(&error))?;
        let sources = Sources::new(&self.folder, found)?;
        if self.accepted.as_ref() == Some(&sources) {
            return Ok(None);
        }
        let templates = self.tried(sources)?;
        self.accepted = Some(templates.sources().clone());
        self.version = templates.version();
        Ok(Some(templates))
    }

    /// Compiles and tries a set. The engine panicking on some text is one more way for that text to be wrong: it must
    /// not end the thread that would see it mended.
    fn tried(&self, sources: Sources) -> Result<Templates, Error> {
        catch_unwind(AssertUnwindSafe(|| {
            let templates = Templates::compile(&self.folder, sources, self.version + 1)?;
            (self.trial)(&templates)?;
            Ok(templates)
        }))
        .unwrap_or_else(|_| Err(Error::panicked(&self.folder)))
    }
}

fn is_template(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "html")
}
