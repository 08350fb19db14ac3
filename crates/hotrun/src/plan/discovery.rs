//! Finds the settings, the root folder and the project.

use std::env;
use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::programs::OneProgram;
use crate::project::Project;
use crate::settings::{AIR_FILES, FILE, Settings};

#[derive(Clone, Debug)]
pub(crate) struct Discovery {
    /// The folder that is watched and in which commands run.
    pub(crate) root: PathBuf,
    /// The folder in which hotrun was started, without symlinks.
    pub(crate) here: PathBuf,
    /// The folder in which builds run: the root. With a file of air's, the file's folder, or the current one if `-c` names the file.
    pub(crate) build_in: PathBuf,
    /// The folder in which the program runs: that of the builds. Without settings it is the current folder, as with `cargo run`.
    pub(crate) run_in: PathBuf,
    pub(crate) project: Project,
    pub(crate) settings: Settings,
    /// The file of the settings.
    pub(crate) file: Option<PathBuf>,
    pub(crate) warnings: Vec<String>,
    /// Printed at the start, as information.
    pub(crate) notes: Vec<String>,
    /// Set if this is one of the programs of `[run]`.
    pub(crate) program: Option<OneProgram>,
}

impl Discovery {
    /// Reads the settings that the command line names, or the nearest ones, and finds the project at their root.
    pub(crate) fn find(cli: &Cli, here: &Path) -> Result<Self, Error> {
        let airs_folder = airs_folder(here);
        let named = cli.config.as_ref().map(|named| here.join(named));
        let file = named.or_else(|| settings_file(here, airs_folder.as_deref()));
        let (settings, warnings, mut notes) = match &file {
            Some(file) => Settings::load(file)?,
            None => (Settings::default(), Vec::new(), Vec::new()),
        };
        let mut base = here;
        if let Some(file) = file.as_ref().filter(|_| cli.config.is_none()) {
            let airs = AIR_FILES.into_iter().find(|name| file.ends_with(name));
            let name = airs.unwrap_or(FILE);
            base = file.ancestors().nth(Path::new(name).components().count()).unwrap_or(here);
            if airs.is_some() {
                notes.insert(0, format!("reads `{name}`, since there is no `{FILE}`"));
            }
        }
        let airs_folder = airs_folder.filter(|_| settings.is_airs);
        if let Some(folder) = &airs_folder {
            existing(folder, folder, "$air_wd")?;
            base = folder;
        }
        let root = settings.root.as_ref().filter(|_| airs_folder.is_none());
        let named = match root {
            Some(named) => Some(existing(&base.join(named), named, "root")?),
            None => file.is_some().then(|| base.canonicalize().unwrap_or(base.to_owned())),
        };
        let project = Project::find(named.as_deref().unwrap_or(here))?;
        let airs = settings.is_airs.then(|| base.canonicalize().unwrap_or(base.to_owned()));
        let run_in = airs.clone().or(named.clone()).unwrap_or_else(|| here.to_owned());
        let root = named.unwrap_or_else(|| project.root().to_owned());
        if settings.build.ignore_dangerous_root_dir != Some(true) {
            refuse_dangerous(&root)?;
        }
        let build_in = airs.unwrap_or_else(|| root.clone());
        let here = here.canonicalize().unwrap_or_else(|_| here.to_owned());
        Ok(Self { root, here, build_in, run_in, project, settings, file, warnings, notes, program: None })
    }
}

/// The folder that `$air_wd` names. As in air, it takes the place of the current folder, and it is the root, whatever the file says.
fn airs_folder(here: &Path) -> Option<PathBuf> {
    let named = env::var_os("air_wd").filter(|named| !named.is_empty())?;
    Some(here.join(named))
}

/// A file of air's in the folder of `$air_wd`, or else the nearest file. One of hotrun's at or above `here` comes before both.
fn settings_file(here: &Path, airs_folder: Option<&Path>) -> Option<PathBuf> {
    let nearest = settings_above(here);
    let is_ours = nearest.as_ref().is_some_and(|file| file.ends_with(FILE));
    let there = airs_folder.filter(|_| !is_ours).and_then(|folder| {
        AIR_FILES.into_iter().map(|name| folder.join(name)).find(|file| file.symlink_metadata().is_ok())
    });
    there.or(nearest)
}

/// The nearest settings file at or above a folder: within its repository, and without one in folders that only this user can write, below
/// the home folder. The file's commands are run, so a file that another user may have put into `/tmp` does not count. Any file of hotrun
/// comes before one of air.
fn settings_above(here: &Path) -> Option<PathBuf> {
    let home = env::home_dir();
    let top = here.ancestors().find(|above| above.join(".git").exists());
    let is_within = |above: &Path| match top {
        Some(top) => above.starts_with(top),
        None => above == here || (Some(above) != home.as_deref() && is_own(above)),
    };
    let nearest = |name: &str| {
        let within = here.ancestors().take_while(|above| is_within(above));
        within.map(|folder| folder.join(name)).find(|file| file.symlink_metadata().is_ok())
    };
    nearest(FILE).or_else(|| AIR_FILES.into_iter().find_map(nearest))
}

/// True if the folder belongs to this user, and not everybody can write into it.
#[cfg(unix)]
fn is_own(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const OTHERS_WRITE: u32 = 0o002;
    let user = rustix::process::geteuid().as_raw();
    folder.parent().is_some()
        && folder.metadata().is_ok_and(|found| found.uid() == user && found.mode() & OTHERS_WRITE == 0)
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> bool {
    false
}

/// The folder without symlinks. `key` is its name in errors.
fn existing(root: &Path, named: &Path, key: &str) -> Result<PathBuf, Error> {
    let named = named.display();
    match root.canonicalize() {
        Ok(root) if root.is_dir() => Ok(root),
        Ok(_) => Err(Error::unfit(format!("`{key}` is `{named}`, which is a file; expected a folder"))),
        Err(error) => Err(Error::unfit(format!("`{key}` is `{named}`, which cannot be read: {error}"))),
    }
}

/// Refuses `/` and the home directory as a root.
fn refuse_dangerous(root: &Path) -> Result<(), Error> {
    let home = env::home_dir().and_then(|home| home.canonicalize().ok());
    if root.parent().is_none() || home.is_some_and(|home| home == root) || root == Path::new("/root") {
        return Err(Error::unfit(format!(
            "the root is `{}`, which hotrun would have to watch as a whole; start it in the project's folder",
            root.display()
        )));
    }
    Ok(())
}
