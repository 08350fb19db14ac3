//! Compiles the templates of a folder.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use filewatch::{Files, TreeLimits};

use crate::error::Error;
use crate::sources::Sources;
use crate::templates::Templates;

/// The most templates, the largest one, and the largest set.
const LIMITS: TreeLimits = TreeLimits { files: 1024, file_bytes: 1 << 20, total_bytes: 16 << 20 };

/// Reads, compiles and tries the templates of a folder, again and again.
pub(crate) struct Compiler<T> {
    folder: PathBuf,
    trial: T,
    in_force: InForce,
    version: u64,
}

/// The sources of the set in force. A set that was tried may never be in force: it is dropped if the files changed
/// during the trial.
#[derive(Clone, Default)]
pub(crate) struct InForce(Arc<Mutex<Option<Sources>>>);

impl InForce {
    /// Records the first set, unless a later one is in force already.
    pub(crate) fn begin(&self, first: &Templates) {
        self.sources().get_or_insert_with(|| first.sources().clone());
    }

    pub(crate) fn set(&self, templates: &Templates) {
        *self.sources() = Some(templates.sources().clone());
    }

    fn is(&self, sources: &Sources) -> bool {
        self.sources().as_ref() == Some(sources)
    }

    fn sources(&self) -> MutexGuard<'_, Option<Sources>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Fn(&Templates) -> Result<(), Error>> Compiler<T> {
    pub(crate) fn new(folder: PathBuf, trial: T, in_force: InForce) -> Compiler<T> {
        Compiler { folder, trial, in_force, version: 0 }
    }

    /// Compiles and tries what the folder holds now. `None` if that is in force.
    pub(crate) fn compile(&mut self, files: &mut Files<'_>) -> Result<Option<Templates>, Error> {
        let found = files
            .tree(&self.folder, LIMITS, is_template)
            .map_err(|error| Error::from_read(&self.folder, &error))?;
        let sources = Sources::new(&self.folder, found)?;
        if self.in_force.is(&sources) {
            return Ok(None);
        }
        let templates = self.tried(sources)?;
        self.version = templates.version();
        Ok(Some(templates))
    }

    /// Compiles and tries a set. A panic of the engine counts as an error in the templates. It must not end the thread that
    /// reads the corrected ones.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use filewatch::{Trigger, once};

    use super::{Compiler, InForce};

    #[test]
    fn a_set_that_was_tried_is_offered_until_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "one").unwrap();
        let in_force = InForce::default();
        let mut compiler = Compiler::new(folder.path().to_owned(), |_| Ok(()), in_force.clone());
        let mut offered = || once(Trigger::Event, |files| compiler.compile(files)).unwrap();
        assert_eq!(offered().map(|set| set.version()), Some(1));
        let set = offered().expect("what was offered first need not be in force");
        assert_eq!(set.version(), 2);
        in_force.set(&set);
        assert!(offered().is_none());
    }
}
