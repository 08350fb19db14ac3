//! Files that git ignores.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The `.gitignore` files between a path and the top of its repository, `.git/info/exclude`, and the user's global one.
#[derive(Clone, Debug)]
pub(crate) struct Ignores {
    tops: Vec<PathBuf>,
    farther: Arc<Vec<Gitignore>>,
    folders: Arc<Mutex<HashMap<PathBuf, Rules>>>,
}

#[derive(Debug)]
struct Rules {
    /// The file's modification time; `None` if there is no file.
    changed: Option<SystemTime>,
    globs: Arc<Gitignore>,
}

impl Ignores {
    /// For paths below these roots.
    pub(crate) fn of(roots: &[PathBuf]) -> Self {
        let tops: Vec<PathBuf> = roots.iter().map(|root| top(root)).collect();
        let mut farther = vec![GitignoreBuilder::new("/").build_global().0];
        for top in &tops {
            let mut builder = GitignoreBuilder::new(top);
            // Like git, a line that is no pattern excludes nothing.
            let _ = builder.add(top.join(".git/info/exclude"));
            farther.extend(builder.build().ok());
        }
        Self { tops, farther: Arc::new(farther), folders: Arc::default() }
    }

    /// True if git ignores the path itself. Ignored folders are not entered, so folders above it are not checked.
    pub(crate) fn ignore(&self, path: &Path, folder: bool) -> bool {
        let top =
            self.tops.iter().filter(|top| path.starts_with(top)).max_by_key(|top| top.as_os_str().len());
        let Some(top) = top else { return false };
        for above in path.ancestors().skip(1).take_while(|above| above.starts_with(top)) {
            match self.rules(above).matched(path, folder) {
                Match::None => {}
                found => return found.is_ignore(),
            }
        }
        for globs in self.farther.iter().rev().filter(|globs| path.starts_with(globs.path())) {
            match globs.matched(path, folder) {
                Match::None => {}
                found => return found.is_ignore(),
            }
        }
        false
    }

    fn rules(&self, folder: &Path) -> Arc<Gitignore> {
        let file = folder.join(".gitignore");
        let changed = fs::metadata(&file).and_then(|found| found.modified()).ok();
        let mut folders = self.folders();
        if let Some(known) = folders.get(folder).filter(|known| known.changed == changed) {
            return Arc::clone(&known.globs);
        }
        let globs = match changed {
            Some(_) => {
                let mut builder = GitignoreBuilder::new(folder);
                let _ = builder.add(&file);
                builder.build().unwrap_or_else(|_| Gitignore::empty())
            }
            None => Gitignore::empty(),
        };
        let globs = Arc::new(globs);
        folders.insert(folder.to_owned(), Rules { changed, globs: Arc::clone(&globs) });
        globs
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<PathBuf, Rules>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder of the repository; outside of a repository the root itself.
fn top(root: &Path) -> PathBuf {
    let top = root.ancestors().find(|above| above.join(".git").exists());
    top.unwrap_or(root).to_owned()
}
