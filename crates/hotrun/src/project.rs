//! Finds a Cargo workspace, a Go module, or neither.

use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, TargetKind};

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Project {
    Cargo(Workspace),
    /// The folder of `go.mod`, or else of `go.work`.
    Go(PathBuf),
    /// The folder itself.
    Other(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// The target folder that cargo uses by default.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
    /// Folders of path dependencies that are not members.
    pub(crate) outside: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) binaries: Vec<String>,
    pub(crate) default_run: Option<String>,
    pub(crate) has_script: bool,
    /// Built by default: one of the workspace's default members.
    pub(crate) is_default: bool,
}

/// One of the project's programs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Binary {
    pub(crate) package: String,
    pub(crate) name: String,
}

impl Project {
    /// Looks in this folder and in those above it. A Cargo project comes before a Go module.
    pub(crate) fn find(folder: &Path) -> Result<Self, Error> {
        if let Some(at) = folder.ancestors().find(|above| above.join("Cargo.toml").is_file()) {
            return Workspace::read(&at.join("Cargo.toml")).map(Self::Cargo);
        }
        let at = |name: &str| folder.ancestors().find(|above| above.join(name).is_file());
        let module = at("go.mod").or_else(|| at("go.work"));
        Ok(module.map_or_else(|| Self::Other(folder.to_owned()), |module| Self::Go(module.to_owned())))
    }

    pub(crate) fn root(&self) -> &Path {
        match self {
            Self::Cargo(workspace) => &workspace.root,
            Self::Go(folder) | Self::Other(folder) => folder,
        }
    }
}

impl Workspace {
    fn read(manifest: &Path) -> Result<Self, Error> {
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .no_deps()
            .exec()
            .map_err(|error| Error::unfit(unreadable(manifest, &error)))?;
        let root = metadata.workspace_root.into_std_path_buf();
        let mut outside = Vec::new();
        let mut packages = Vec::new();
        for package in metadata.packages {
            let is = |kind: TargetKind| move |target: &&cargo_metadata::Target| target.kind.contains(&kind);
            let folder = package.manifest_path.parent().unwrap_or(&package.manifest_path);
            packages.push(Package {
                name: package.name.to_string(),
                folder: folder.into(),
                binaries: package
                    .targets
                    .iter()
                    .filter(is(TargetKind::Bin))
                    .map(|bin| bin.name.clone())
                    .collect(),
                default_run: package.default_run.clone(),
                has_script: package.targets.iter().any(|target| is(TargetKind::CustomBuild)(&target)),
                is_default: metadata.workspace_default_members.contains(&package.id),
            });
            outside.extend(package.dependencies.into_iter().filter_map(|dependency| dependency.path));
        }
        let mut outside: Vec<PathBuf> = outside
            .into_iter()
            .map(|path| path.canonicalize().unwrap_or(path.into()))
            .filter(|path| !path.starts_with(&root))
            .collect();
        outside.sort();
        outside.dedup();
        Ok(Self { root, target: metadata.target_directory.into(), packages, outside })
    }

    /// The programs to choose from in this folder: those of the package that it belongs to, or of the default members. A
    /// package with a `default-run` has that one only.
    pub(crate) fn candidates(&self, folder: &Path) -> Vec<Binary> {
        let inside = self.packages.iter().filter(|package| {
            package.folder != self.root && folder.starts_with(&package.folder) && !package.binaries.is_empty()
        });
        let nearest = inside.max_by_key(|package| package.folder.components().count());
        match nearest {
            Some(package) => package.programs(),
            None => self
                .packages
                .iter()
                .filter(|package| package.is_default)
                .flat_map(Package::programs)
                .collect(),
        }
    }

    /// Every program of this name, or of the package of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Binary> {
        let all = || self.packages.iter().flat_map(Package::binaries);
        let exact: Vec<Binary> = all().filter(|binary| binary.name == name).collect();
        if !exact.is_empty() {
            return exact;
        }
        self.packages.iter().filter(|package| package.name == name).flat_map(Package::programs).collect()
    }

    /// Every program of the workspace.
    pub(crate) fn binaries(&self) -> Vec<Binary> {
        self.packages.iter().flat_map(Package::binaries).collect()
    }
}

impl Package {
    /// The programs that `cargo run` would choose from.
    fn programs(&self) -> Vec<Binary> {
        match &self.default_run {
            Some(name) => vec![Binary { package: self.name.clone(), name: name.clone() }],
            None => self.binaries().collect(),
        }
    }

    fn binaries(&self) -> impl Iterator<Item = Binary> {
        self.binaries.iter().map(|name| Binary { package: self.name.clone(), name: name.clone() })
    }
}

fn unreadable(manifest: &Path, error: &cargo_metadata::Error) -> String {
    let manifest = manifest.display();
    match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            format!("cargo cannot read `{manifest}`: {}", stderr.trim().trim_start_matches("error: "))
        }
        cargo_metadata::Error::Io(error) => {
            format!("`cargo`, which is to read `{manifest}`, cannot be started: {error}")
        }
        other => format!("`{manifest}`: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Package, Workspace};

    fn package(name: &str, binaries: &[&str], default_run: Option<&str>, is_default: bool) -> Package {
        Package {
            name: name.into(),
            folder: Path::new("/p/crates").join(name),
            binaries: binaries.iter().map(ToString::to_string).collect(),
            default_run: default_run.map(Into::into),
            has_script: false,
            is_default,
        }
    }

    fn workspace() -> Workspace {
        Workspace {
            root: PathBuf::from("/p"),
            target: PathBuf::from("/p/target"),
            packages: vec![
                package("shop", &["shop", "import"], Some("shop"), true),
                package("tools", &["tidy", "lint"], None, false),
                package("model", &[], None, true),
            ],
            outside: Vec::new(),
        }
    }

    #[test]
    fn the_folder_says_which_programs_could_be_meant() {
        for (folder, expected) in [
            ("/p", &["shop"][..]),
            ("/p/crates", &["shop"]),
            ("/p/crates/tools/src", &["tidy", "lint"]),
            ("/p/crates/model", &["shop"]),
        ] {
            let found: Vec<String> =
                workspace().candidates(Path::new(folder)).into_iter().map(|binary| binary.name).collect();
            assert_eq!(found, expected, "{folder}");
        }
    }

    #[test]
    fn a_name_is_a_program_or_else_a_package() {
        for (name, expected) in [
            ("import", &["import"][..]),
            ("tidy", &["tidy"]),
            ("tools", &["tidy", "lint"]),
            ("shop", &["shop"]),
            ("x", &[]),
        ] {
            let found: Vec<String> = workspace().named(name).into_iter().map(|binary| binary.name).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
