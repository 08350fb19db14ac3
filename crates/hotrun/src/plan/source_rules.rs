//! Decides which files count as sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::RegexSet;

use crate::error::Error;
use crate::plan::build::How;
use crate::plan::program::What;
use crate::plan::target::Target;
use crate::project::{Project, Workspace};
use crate::settings::{Rule, Settings};
use crate::sources::{Ignores, Pattern, Script, SourceRules};

/// The defaults of air, for Go.
const GO_ENDINGS: [&str; 4] = ["go", "tpl", "tmpl", "html"];
const GO_EXCLUDED: [&str; 4] = ["assets", "tmp", "vendor", "testdata"];

/// Outside Cargo and Go, nothing tells the sources of a program from the files that it writes: these endings do.
const ENDINGS: [&str; 32] = [
    "c", "cc", "clj", "cpp", "cs", "css", "ex", "exs", "go", "h", "hpp", "html", "java", "js", "json", "jsx",
    "kt", "lua", "mjs", "php", "pl", "py", "rb", "rs", "scala", "sh", "swift", "tmpl", "toml", "ts", "tsx",
    "zig",
];

/// The shortest interval of the poll, and the one of `poll = true` without an interval. As in air.
const SHORTEST_POLL: Duration = Duration::from_millis(500);

/// air's default for `testdata_dir`.
const TESTDATA: &str = "testdata";

pub(crate) fn decide(
    root: &Path,
    tmp: &Path,
    project: &Project,
    settings: &Settings,
    target: &Target,
    env_files: Vec<PathBuf>,
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
            Some(listed) => endings_of(listed),
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
        env_files,
        handled: build.rules.iter().map(|rule| pattern(rule, root)).collect::<Result<_, _>>()?,
        poll: (build.poll == Some(true)).then(|| build.poll_interval.unwrap_or_default().max(SHORTEST_POLL)),
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
    let is_go = matches!(project, Project::Go(_));
    let testdata = settings.testdata_dir.clone().or(is_go.then(|| TESTDATA.into()));
    rules.never.extend(testdata.filter(|named| !named.as_os_str().is_empty()).map(|named| root.join(named)));
    let outside =
        rules.include_dirs.iter().chain(&rules.include_files).filter(|path| !path.starts_with(root));
    let outside = outside.cloned().collect::<Vec<_>>();
    let handled = rules.handled.iter().flat_map(|pattern| pattern.folders.iter().chain(&pattern.files));
    let outside = outside
        .into_iter()
        .chain(handled.chain(&rules.env_files).filter(|path| !path.starts_with(root)).cloned());
    rules.roots.extend(outside.collect::<Vec<_>>());
    if build.follow_symlink == Some(true) {
        add_linked(&mut rules);
    }
    Ok(rules)
}

/// A rule's files, for [`SourceRules::handled`].
pub(super) fn pattern(rule: &Rule, root: &Path) -> Result<Pattern, Error> {
    let below = |paths: &[PathBuf]| paths.iter().map(|path| tidy(&root.join(path))).collect();
    Ok(Pattern {
        folders: below(&rule.include_dir),
        extensions: endings_of(&rule.include_ext),
        files: below(&rule.include_file),
        is_built: rule.before_build == Some(true),
        exclude: RegexSet::new(rule.exclude_regex.iter().map(regex::Regex::as_str)).map_err(|error| {
            Error::unfit(format!("`exclude_regex` of a rule is too much at once: {error}"))
        })?,
    })
}

fn endings_of(listed: &[String]) -> Vec<String> {
    listed.iter().map(|ending| ending.trim().trim_start_matches('.').to_owned()).collect()
}

/// Adds the folders to which symlinks in the watched folders lead, and the links in those.
fn add_linked(rules: &mut SourceRules) {
    let ignores = Ignores::of(&rules.roots);
    let mut known: BTreeSet<PathBuf> = rules.roots.iter().cloned().collect();
    let mut folders = rules.roots.clone();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if !path.is_dir() || !rules.enters(&path, &ignores) {
                continue;
            }
            if !path.is_symlink() {
                folders.push(path);
                continue;
            }
            let Ok(target) = path.canonicalize() else { continue };
            if !known.iter().any(|root| target.starts_with(root)) {
                known.insert(target.clone());
                rules.roots.push(target.clone());
                if !rules.include_dirs.is_empty() {
                    rules.include_dirs.push(target.clone());
                }
                folders.push(target);
            }
        }
    }
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
