//! A temporary folder of templates.

use std::fs;
use std::path::{Path, PathBuf};

use filewatch::RebuildLock;
use serde::Serialize;
use tempfile::TempDir;
use views::{Error, Templates, Views};

/// A folder named `templates`, removed on drop.
pub(crate) struct Folder {
    parent: TempDir,
}

impl Folder {
    pub(crate) fn of(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { parent: TempDir::new().unwrap() };
        fs::create_dir(folder.path()).unwrap();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.parent.path().join("templates")
    }

    pub(crate) fn parent(&self) -> &Path {
        self.parent.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// The folder's views. The trial renders `index.html` with the visitor's variables.
    pub(crate) fn open(&self) -> Result<Views, Error> {
        Views::open(self.path(), &RebuildLock::new(), trial)
    }
}

/// The variables of the tests' pages.
#[derive(Serialize)]
pub(crate) struct Visitor {
    pub(crate) name: &'static str,
    pub(crate) database: Database,
}

#[derive(Serialize)]
pub(crate) struct Database {
    pub(crate) host: &'static str,
    pub(crate) port: u16,
}

pub(crate) const VISITOR: Visitor =
    Visitor { name: "<Ada & \"Co\">", database: Database { host: "localhost", port: 5432 } };

pub(crate) fn trial(templates: &Templates) -> Result<(), Error> {
    templates.render("index.html", &VISITOR).map(drop)
}
