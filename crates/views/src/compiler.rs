//! Compiles the templates of a folder.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

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
    /// The number of the last set that was accepted. It may never be in force: it is dropped if the files changed during its trial.
    version: u64,
}

impl<T: Fn(&Templates) -> Result<(), Error>> Compiler<T> {
    pub(crate) fn new(folder: PathBuf, trial: T) -> Compiler<T> {
        Compiler { folder, trial, version: 0 }
    }

    /// Compiles and tries what the folder holds now. `None` if that is what `current` was compiled from.
    pub(crate) fn compile(
        &mut self,
        files: &mut Files<'_>,
        current: Option<&Templates>,
    ) -> Result<Option<Templates>, Error> {
        let found = files
            .tree(&self.folder, LIMITS, is_template)
            .map_err(|error| Error::from_read(&self.folder, &error))?;
        let sources = Sources::new(&self.folder, found)?;
        if current.is_some_and(|current| *current.sources() == sources) {
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

    use super::Compiler;

    #[test]
    fn a_set_that_was_tried_is_offered_until_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "one").unwrap();
        let mut compiler = Compiler::new(folder.path().to_owned(), |_| Ok(()));
        let mut offered =
            |current: Option<&_>| once(Trigger::Event, |files| compiler.compile(files, current)).unwrap();
        assert_eq!(offered(None).map(|set| set.version()), Some(1));
        let set = offered(None).expect("what was offered first need not be in force");
        assert_eq!(set.version(), 2);
        assert!(offered(Some(&set)).is_none());
    }
}
