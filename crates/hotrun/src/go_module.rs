//! Finds the main packages of a Go module.
//!
//! `go list` is asked, since only Go knows which files its build constraints leave out: many modules have generators with `package main`
//! and `//go:build ignore`. It also knows nested modules, `vendor` and the modules of a `go.work`. With `-find` it resolves no
//! dependencies, so it needs no network and takes about 20 ms. Nothing would build without Go anyway.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::project::Binary;

/// A package that a program can be built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MainPackage {
    pub(crate) folder: PathBuf,
    /// As Go names the program: the last part of the import path, without a version such as `v2`.
    pub(crate) name: String,
    /// False if Go cannot read the package clause of its files, so that nothing says that it is a main package.
    is_readable: bool,
}

impl MainPackage {
    #[cfg(test)]
    pub(crate) fn of(folder: &str, name: &str) -> Self {
        Self { folder: folder.into(), name: name.to_owned(), is_readable: true }
    }

    /// The package with its folder as `go build` in `root` takes it, such as `./cmd/api`.
    pub(crate) fn binary(&self, root: &Path) -> Binary {
        let package = match self.folder.strip_prefix(root) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => format!("./{}", below.display()),
            Err(_) => self.folder.display().to_string(),
        };
        Binary { package, name: self.name.clone() }
    }
}

/// The main packages below this folder, which is that of `go.mod`, of `go.work`, or below one.
pub(crate) fn main_packages(root: &Path) -> Result<Vec<MainPackage>, Error> {
    let mut patterns = vec!["./...".to_owned()];
    if root.join("go.work").is_file() && !root.join("go.mod").is_file() {
        let modules = list(root, &["-m", "-f", "{{.Dir}}"])?;
        patterns = modules.lines().map(|module| format!("{module}/...")).collect();
    }
    let mut arguments = vec!["-e", "-find", "-f", "{{.Name}}\t{{.ImportPath}}\t{{.Dir}}"];
    arguments.extend(patterns.iter().map(String::as_str));
    Ok(list(root, &arguments)?.lines().filter_map(read).collect())
}

/// The programs to choose from in this folder: its package, else the one that it belongs to, but for the package of the root; else all.
pub(crate) fn candidates(packages: &[MainPackage], root: &Path, folder: &Path) -> Vec<Binary> {
    let holds = |package: &&MainPackage| {
        package.folder == folder
            || (package.is_readable && package.folder != root && folder.starts_with(&package.folder))
    };
    let nearest = packages.iter().filter(holds).max_by_key(|package| package.folder.components().count());
    if let Some(package) = nearest {
        return vec![package.binary(root)];
    }
    let mut all: Vec<&MainPackage> = packages.iter().filter(|package| package.is_readable).collect();
    if all.is_empty() {
        // The build says what is wrong with them.
        all = packages.iter().collect();
    }
    all.into_iter().map(|package| package.binary(root)).collect()
}

/// The programs of this name, or in this folder below the root: `api`, `cmd/api` or `./cmd/api`.
pub(crate) fn named(packages: &[MainPackage], root: &Path, name: &str) -> Vec<Binary> {
    let folder: PathBuf = root.join(name).components().collect();
    let is_it = |package: &&MainPackage| package.folder == folder || package.name == name;
    packages.iter().filter(is_it).map(|package| package.binary(root)).collect()
}

/// A line of `go list`. `None` for a package of a library.
fn read(line: &str) -> Option<MainPackage> {
    let mut fields = line.splitn(3, '\t');
    let (name, path, folder) = (fields.next()?, fields.next()?, fields.next()?);
    let is_readable = match name {
        "main" => true,
        "" if !folder.is_empty() => false,
        _ => return None,
    };
    let is_version = |part: &&str| {
        part.strip_prefix('v').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let name = path.rsplit('/').find(|part| !is_version(part)).unwrap_or(path);
    Some(MainPackage { folder: folder.into(), name: name.to_owned(), is_readable })
}

/// The output of `go list` in this folder.
fn list(root: &Path, arguments: &[&str]) -> Result<String, Error> {
    let mut command = Command::new("go");
    command.arg("list").args(arguments).current_dir(root).stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        Error::unfit(format!(
            "`go`, which is to list the main packages of `{}`, cannot be started: {error}",
            root.display()
        ))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::unfit(format!("Go cannot list the packages of `{}`: {}", root.display(), said.trim())))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MainPackage, candidates, named, read};

    fn packages(lines: &[&str]) -> Vec<MainPackage> {
        lines.iter().filter_map(|line| read(line)).collect()
    }

    const SEVERAL: [&str; 4] = [
        "main\texample.com/shop/v2/cmd/api\t/p/cmd/api",
        "main\texample.com/shop/v2/cmd/worker\t/p/cmd/worker",
        "shop\texample.com/shop/v2/internal/shop\t/p/internal/shop",
        "\texample.com/shop/v2/broken\t/p/broken",
    ];

    /// Each row: the packages, a folder, and the programs that could be meant there.
    #[test]
    fn the_folder_says_which_package_could_be_meant() {
        let with_root = [&SEVERAL[..], &["main\texample.com/shop/v2\t/p"]].concat();
        for (lines, folder, expected) in [
            (&SEVERAL[..], "/p/cmd/api", &["./cmd/api"][..]),
            (&SEVERAL, "/p/cmd/worker/jobs", &["./cmd/worker"]),
            (&SEVERAL, "/p/internal/shop", &["./cmd/api", "./cmd/worker"]),
            (&SEVERAL, "/p", &["./cmd/api", "./cmd/worker"]),
            (&SEVERAL, "/p/broken", &["./broken"]),
            (&with_root, "/p", &["."]),
            (&with_root, "/p/internal", &["./cmd/api", "./cmd/worker", "."]),
            (&SEVERAL[1..], "/p", &["./cmd/worker"]),
            (&SEVERAL[3..], "/p", &["./broken"]),
            (&SEVERAL[2..3], "/p", &[]),
        ] {
            let found = candidates(&packages(lines), Path::new("/p"), Path::new(folder));
            let found: Vec<&str> = found.iter().map(|binary| binary.package.as_str()).collect();
            assert_eq!(found, expected, "{folder}");
        }
    }

    #[test]
    fn a_name_is_a_program_or_a_folder() {
        let all = packages(&[SEVERAL[0], "main\texample.com/shop/v2\t/p"]);
        for (name, expected) in [
            ("api", &["./cmd/api"][..]),
            ("cmd/api", &["./cmd/api"]),
            ("./cmd/api", &["./cmd/api"]),
            ("shop", &["."]),
            ("v2", &[]),
        ] {
            let found = named(&all, Path::new("/p"), name);
            let found: Vec<&str> = found.iter().map(|binary| binary.package.as_str()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
