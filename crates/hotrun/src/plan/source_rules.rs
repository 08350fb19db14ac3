//! Decides which files count as sources.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::RegexSet;

use crate::error::Error;
use crate::plan::build::How;
use crate::plan::program::What;
use crate::plan::target::Target;
use crate::project::{Project, Workspace};
use crate::settings::Settings;
use crate::sources::{Script, SourceRules};

/// The defaults of air, for Go.
const GO_ENDINGS: [&str; 4] = ["go", "tpl", "tmpl", "html"];
const GO_EXCLUDED: [&str; 4] = ["assets", "tmp", "vendor", "testdata"];

/// Outside Cargo and Go, nothing tells the sources of a program from the files that it writes: these endings do.
const ENDINGS: [&str; 32] = [
    "c", "cc", "clj", "cpp", "cs", "css", "ex", "exs", "go", "h", "hpp", "html", "java", "js", "json", "jsx",
    "kt", "lua", "mjs", "php", "pl", "py", "rb", "rs", "scala", "sh", "swift", "tmpl", "toml", "ts", "tsx",
    "zig",
];

pub(crate) fn decide(
    root: &Path,
    tmp: &Path,
    project: &Project,
    settings: &Settings,
    target: &Target,
) -> Result<SourceRules, Error> {
    let build = &settings.build;
    let below = |paths: &[PathBuf]| paths.iter().map(|path| tidy(&root.join(path))).collect::<Vec<_>>();
    let (endings, excluded, regex): (&[&str], &[&str], &[&str]) = match project {
        Project::Cargo(_) => (&["rs"], &[], &[]),
        Project::Go(_) => (&GO_ENDINGS, &GO_EXCLUDED, &[r"_test\.go$"]),
        Project::Other(_) => (&ENDINGS, &[], &[]),
    };
    let mut rules = SourceRules {
        roots: vec![root.to_owned()],
        extensions: match &build.include_ext {
            Some(listed) => {
                listed.iter().map(|ending| ending.trim().trim_start_matches('.').to_owned()).collect()
            }
            None => endings.iter().map(ToString::to_string).collect(),
        },
        compiler_decides: build.include_ext.is_none() && matches!(target.how, How::Cargo { .. }),
        include_dirs: below(&build.include_dir),
        include_files: below(&build.include_file),
        exclude_dirs: match &build.exclude_dir {
            Some(globs) => set(globs)?,
            None => set(&excluded.iter().filter_map(|name| Glob::new(name).ok()).collect::<Vec<_>>())?,
        },
        exclude_files: set(&build.exclude_file)?,
        exclude_regex: match &build.exclude_regex {
            Some(regexes) => RegexSet::new(regexes.iter().map(regex::Regex::as_str)),
            None => RegexSet::new(regex),
        }
        .map_err(|error| Error::unfit(format!("`build.exclude_regex` is too much at once: {error}")))?,
        never: vec![tmp.to_owned()],
        exclude_unchanged: build.exclude_unchanged.unwrap_or(true),
        ..SourceRules::default()
    };
    if let What::File(made) = &target.what
        && !matches!(target.how, How::Nothing)
    {
        rules.never.push(made.clone());
    }
    match project {
        Project::Cargo(workspace) => add_cargo(&mut rules, workspace),
        Project::Go(folder) => {
            rules.include_files.extend(["go.mod", "go.sum", "go.work"].map(|name| folder.join(name)));
        }
        Project::Other(_) => {}
    }
    let outside =
        rules.include_dirs.iter().chain(&rules.include_files).filter(|path| !path.starts_with(root));
    rules.roots.extend(outside.cloned().collect::<Vec<_>>());
    Ok(rules)
}

fn add_cargo(rules: &mut SourceRules, workspace: &Workspace) {
    let tops = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml", "rust-toolchain"];
    rules.include_files.extend(tops.map(|name| workspace.root.join(name)));
    for package in &workspace.packages {
        rules.include_files.push(package.folder.join("Cargo.toml"));
        if package.has_script {
            rules.scripts.push(Script { package: package.name.clone(), folder: package.folder.clone() });
        }
    }
    for folder in &workspace.outside {
        rules.include_files.push(folder.join("Cargo.toml"));
        rules.roots.push(folder.clone());
        if !rules.include_dirs.is_empty() {
            rules.include_dirs.push(folder.clone());
        }
    }
    rules.never.push(workspace.target.clone());
}

fn set(globs: &[Glob]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(glob.clone());
    }
    set.build()
        .map_err(|error| Error::unfit(format!("the patterns of `build` are too much at once: {error}")))
}

/// The path without `.` and `..`, with its symlinks resolved if it exists.
fn tidy(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}
