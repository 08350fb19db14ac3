//! The folder `tmp_dir`: the build's log, copies of programs, often the built program.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::plan::{How, Plan, What};

/// Deletes at the end what hotrun and its builds made there, and nothing else: a settings file may name any folder.
#[derive(Debug)]
pub(crate) struct TmpDir {
    path: PathBuf,
    /// Folders that were not there before, outermost first.
    made: Vec<PathBuf>,
    /// Files that hotrun or the build writes, and their state before.
    written: Vec<(PathBuf, Option<Version>)>,
}

/// Inode and modification time: writing a file changes at least one of them.
type Version = (u64, Option<SystemTime>);

impl TmpDir {
    /// Makes the folder and the log's, with all folders above.
    pub(crate) fn make(plan: &Plan) -> io::Result<Self> {
        let mut dir = Self { path: plan.tmp.clone(), made: Vec::new(), written: Vec::new() };
        dir.make_folder(&plan.tmp)?;
        for log in plan.build.log.iter().filter(|log| log.starts_with(&plan.tmp)) {
            dir.make_folder(log.parent().unwrap_or(&plan.tmp))?;
            dir.expect(log);
        }
        if let What::File(program) = &plan.program.what
            && !matches!(plan.build.how, How::Nothing)
        {
            dir.expect(program);
        }
        Ok(dir)
    }

    /// Deletes what was made here. Returns whether something is left that was not.
    pub(crate) fn clean(&self) -> bool {
        for (file, before) in &self.written {
            if version(file) != *before {
                let _ = fs::remove_file(file);
            }
        }
        for folder in self.made.iter().rev() {
            // Fails if it is not empty.
            let _ = fs::remove_dir(folder);
        }
        fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_some())
    }

    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.made.push(folder.to_owned()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        if folder.is_dir() { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
    }

    fn expect(&mut self, file: &Path) {
        if file.starts_with(&self.path) {
            self.written.push((file.to_owned(), version(file)));
        }
    }
}

/// `None` if there is no regular file.
fn version(file: &Path) -> Option<Version> {
    let found = fs::symlink_metadata(file).ok().filter(Metadata::is_file)?;
    Some((found.ino(), found.modified().ok()))
}
