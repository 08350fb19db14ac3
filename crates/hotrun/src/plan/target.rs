//! Decides what builds the program and what is run.

#[cfg(test)]
mod tests;

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::go_module::{self, MainPackage};
use crate::plan::argument::Argument;
use crate::plan::build::How;
use crate::plan::command_line::quoted;
use crate::plan::named_program::{NamedProgram, Place};
use crate::plan::program::What;
use crate::plan::prompt::Prompt;
use crate::project::{Binary, Project, Workspace};
use crate::settings::{FILE, Settings};

/// The main packages of a Go module, or the reason why they are not known.
pub(crate) type MainPackages<'a> = &'a dyn Fn(&Path) -> Result<Vec<MainPackage>, Error>;

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) how: How,
    pub(crate) what: What,
    /// Variables and arguments that belong to the program's name in the settings.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) args: Vec<Argument>,
    /// Printed once at the start.
    pub(crate) note: Option<String>,
}

/// `bin` is the name of a program of the project, if it is chosen by its name.
pub(crate) fn decide(
    bin: Option<&str>,
    place: &Place<'_>,
    tmp: &Path,
    project: &Project,
    settings: &Settings,
    ask: Prompt<'_>,
) -> Result<Target, Error> {
    let build = &settings.build;
    let root = place.root;
    let named = NamedProgram::of(build, place);
    let shell = |line: &str| if line.trim().is_empty() { How::Nothing } else { How::Shell(line.to_owned()) };
    match project {
        Project::Cargo(workspace) => {
            let cargo = Cargo { root, workspace, shares: build.share_target == Some(true), ask };
            match (bin, &build.cmd, named) {
                (Some(name), _, _) => cargo.program(workspace.named(name), Some(name)),
                (None, Some(line), Some(named)) => Ok(Target::of(shell(line), named)),
                (None, None, Some(named)) => Ok(Target::of(How::Shell("cargo build".to_owned()), named)),
                (None, Some(line), None) if !line.trim().is_empty() => cargo.command(line),
                (None, _, None) => cargo.program(workspace.candidates(place.here), None),
            }
        }
        Project::Go(_) => {
            let made = tmp.join("main");
            let usual = |package: &str| {
                How::Shell(format!("go build -o {} {}", quoted(&made.to_string_lossy()), quoted(package)))
            };
            let go = Go { root, here: place.here, packages: place.packages, ask };
            let how = match (&build.cmd, bin) {
                (_, Some(name)) => usual(&go.named(name)?),
                (Some(line), None) => shell(line),
                // The default of air.
                (None, None) if place.is_airs => usual("."),
                (None, None) => usual(&go.package()?),
            };
            Ok(match named.filter(|_| bin.is_none()) {
                Some(named) => Target::of(how, named),
                None => Target::made(how, made),
            })
        }
        Project::Other(_) if bin.is_some() => Err(Error::usage(format!(
            "`--bin` chooses among the programs of a Cargo project or a Go module; there is no `Cargo.toml` and no `go.mod` in or above `{}`",
            root.display()
        ))),
        Project::Other(_) => {
            let how = build.cmd.as_deref().map_or(How::Nothing, shell);
            match (named, how) {
                (Some(named), how) => Ok(Target::of(how, named)),
                (None, How::Nothing) => Err(Error::unfit(format!(
                    "nothing to run in `{}`: there is no `Cargo.toml` and no `go.mod`, no server in Node, Python or C that hotrun knows, and \
                     no `{FILE}` that says `bin` or `full_bin`; `hotrun init` writes one",
                    root.display()
                ))),
                // The default of air.
                (None, how) => Ok(Target::made(how, tmp.join("main"))),
            }
        }
    }
}

impl Target {
    fn of(how: How, named: NamedProgram) -> Self {
        let NamedProgram { what, env, args, note } = named;
        Self { how, what, env, args, note }
    }

    fn made(how: How, file: PathBuf) -> Self {
        Self { how, what: What::File(file), env: Vec::new(), args: Vec::new(), note: None }
    }

    /// Refuses a program that does not exist and that nothing builds.
    pub(crate) fn is_runnable(&self) -> Result<(), Error> {
        let (What::File(file), How::Nothing) = (&self.what, &self.how) else { return Ok(()) };
        let shown = file.display();
        match file.metadata() {
            Ok(found) if !found.is_file() => {
                Err(Error::unfit(format!("the program is `{shown}`, which is a folder; expected a program")))
            }
            Ok(found) if !is_executable(&found) => Err(Error::unfit(format!(
                "the program is `{shown}`, which may not be executed; `chmod +x` it, or give `build.full_bin`"
            ))),
            Ok(_) => Ok(()),
            Err(error) => Err(Error::unfit(format!(
                "the program is `{shown}`, which cannot be read: {error}; `build.cmd` may say what builds it"
            ))),
        }
    }
}

struct Cargo<'a> {
    root: &'a Path,
    workspace: &'a Workspace,
    shares: bool,
    ask: Prompt<'a>,
}

impl Cargo<'_> {
    /// Builds the only program among the candidates. `name` is from the command line, for errors.
    fn program(&self, candidates: Vec<Binary>, name: Option<&str>) -> Result<Target, Error> {
        let binary = self.one(candidates, name)?;
        let words = ["build", "-p", &binary.package, "--bin", &binary.name];
        Ok(self.built(words.map(str::to_owned).into(), binary.name))
    }

    /// Builds as `cmd` says. hotrun runs a plain `cargo build` itself, so that it can read cargo's messages.
    fn command(&self, line: &str) -> Result<Target, Error> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |short: &str, long: &str| {
            let at = words.iter().position(|word| *word == short || *word == long);
            let joined = || words.iter().find_map(|word| word.strip_prefix(long)?.strip_prefix('='));
            at.and_then(|at| words.get(at + 1).copied()).or_else(joined)
        };
        let target = value("--bin", "--bin").or(value("--example", "--example"));
        let name = match (target, value("-p", "--package")) {
            (Some(target), _) => target.to_owned(),
            (None, Some(package)) => {
                let programs = self.workspace.named(package);
                self.one(
                    programs.into_iter().filter(|binary| binary.package == package).collect(),
                    Some(package),
                )?
                .name
            }
            (None, None) => self.one(self.workspace.candidates(self.root), None)?.name,
        };
        let is_plain = !line.contains(|character: char| "|&;<>()$`\\\"'*?[]#~%!{}\n".contains(character))
            && !words
                .iter()
                .any(|word| word.starts_with("--target-dir") || word.starts_with("--message-format"))
            && matches!(words[..], ["cargo", "build" | "b", ..]);
        if is_plain {
            return Ok(self.built(words[1..].iter().map(ToString::to_string).collect(), name));
        }
        let profile = if words.contains(&"--release") { "release" } else { "debug" };
        let made = self.workspace.target.join(profile).join(name);
        Ok(Target::made(How::Shell(line.to_owned()), made))
    }

    fn built(&self, arguments: Vec<String>, binary: String) -> Target {
        let target = (!self.shares).then(|| self.workspace.target.join("hotrun"));
        let how = How::Cargo { arguments, target, binary };
        Target { how, what: What::Built, env: Vec::new(), args: Vec::new(), note: None }
    }

    fn one(&self, candidates: Vec<Binary>, name: Option<&str>) -> Result<Binary, Error> {
        match name {
            None if candidates.is_empty() && self.workspace.binaries().is_empty() => {
                Err(Error::unfit(format!(
                    "nothing to run: the packages of `{}` have no program, only libraries",
                    self.workspace.root.display()
                )))
            }
            _ => one(candidates, &self.workspace.binaries(), name, self.ask),
        }
    }
}

struct Go<'a> {
    root: &'a Path,
    here: &'a Path,
    packages: MainPackages<'a>,
    ask: Prompt<'a>,
}

impl Go<'_> {
    /// The package of the program of this name, for `go build`.
    fn named(&self, name: &str) -> Result<String, Error> {
        let packages = (self.packages)(self.root)?;
        self.one(go_module::named(&packages, self.root, name), &packages, Some(name))
    }

    /// The package of the folder, else the only one.
    fn package(&self) -> Result<String, Error> {
        let packages = (self.packages)(self.root)?;
        if packages.is_empty() {
            return Err(Error::unfit(format!(
                "nothing to run: no package of `{}` is a main package",
                self.root.display()
            )));
        }
        self.one(go_module::candidates(&packages, self.root, self.here), &packages, None)
    }

    fn one(&self, candidates: Vec<Binary>, all: &[MainPackage], name: Option<&str>) -> Result<String, Error> {
        let all: Vec<Binary> = all.iter().map(|package| package.binary(self.root)).collect();
        one(candidates, &all, name, self.ask).map(|binary| binary.package)
    }
}

/// The only candidate, or the one that the user chooses. `name` is from the command line, and `all` are all programs, for errors.
fn one(
    mut candidates: Vec<Binary>,
    all: &[Binary],
    name: Option<&str>,
    ask: Prompt<'_>,
) -> Result<Binary, Error> {
    candidates.sort();
    candidates.dedup();
    match (candidates.len(), name) {
        (0, None) => Err(Error::usage(format!("which program? `--bin NAME`: {}", list(all)))),
        (0, Some(name)) => {
            Err(Error::usage(format!("no program is called `{name}`; there is {}", list(all))))
        }
        (1, _) => Ok(candidates.remove(0)),
        _ => ask(&candidates)
            .ok_or_else(|| Error::usage(format!("which program? `--bin NAME`: {}", list(&candidates)))),
    }
}

#[cfg(unix)]
fn is_executable(found: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    true
}

/// The names; those that several programs have with their folders, if they are Go's.
fn list(binaries: &[Binary]) -> String {
    let is_shared = |name: &str| binaries.iter().filter(|other| other.name == name).count() > 1;
    let shown = |binary: &Binary| {
        let is_folder = binary.package.starts_with('.') && is_shared(&binary.name);
        format!("`{}`", if is_folder { &binary.package } else { &binary.name })
    };
    let names: Vec<String> = binaries.iter().map(shown).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "none".to_owned(),
    }
}
