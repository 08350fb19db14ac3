//! Decides the plans of several programs, `[run.NAME]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::command_line::quoted;
use crate::plan::discovery::Discovery;
use crate::plan::prompt::Prompt;
use crate::plan::{How, Plan, decide, tmp_dir};
use crate::project::Project;
use crate::settings::{Proxy, Run, Settings};
use crate::sources::SourceRules;

/// The part of a plan's settings that it has as one of several programs.
#[derive(Clone, Debug)]
pub(crate) struct OneProgram {
    pub(super) name: String,
    /// It has a folder of its own.
    pub(super) has_dir: bool,
    /// Variables and files with variables that all programs have. A build that several programs share gets no others.
    pub(super) shared_env: BTreeMap<String, String>,
    pub(super) shared_env_files: Vec<PathBuf>,
}

impl OneProgram {
    /// The binary of a Cargo workspace that has the program's name, if the settings name no other one.
    pub(super) fn binary(&self, project: &Project, settings: &Settings) -> Option<&str> {
        let Project::Cargo(workspace) = project else { return None };
        let is_found = !self.has_dir || !workspace.named(&self.name).is_empty();
        (settings.build.cmd.is_none() && is_found).then_some(self.name.as_str())
    }

    /// Leaves out what the project's compiler reads, if it does not make this program, and files outside of the program's folder. The
    /// settings come before both.
    pub(super) fn narrow(
        &self,
        sources: &mut SourceRules,
        project: &Project,
        settings: &Settings,
        how: &How,
        folder: &Path,
    ) {
        let compiled: &[&str] = match project {
            Project::Cargo(_) => &["rs", "toml"],
            Project::Go(_) => &["go"],
            Project::Other(_) => &[],
        };
        if settings.build.include_ext.is_none() && !is_made_by(project, how) {
            sources.extensions.retain(|ending| !compiled.contains(&ending.as_str()));
        }
        if self.has_dir && !sources.compiler_decides && sources.include_dirs.is_empty() {
            sources.include_dirs.push(folder.to_owned());
        }
    }
}

/// True if the project's compiler makes a program that is built like this.
pub(super) fn is_made_by(project: &Project, how: &How) -> bool {
    let calls = |compiler: &str| matches!(how, How::Shell(line) if line.split_whitespace().any(|word| word == compiler));
    match project {
        Project::Cargo(_) => matches!(how, How::Cargo { .. }) || calls("cargo"),
        Project::Go(_) => calls("go"),
        Project::Other(_) => true,
    }
}

/// One plan for each program, or only for the one that `--bin` names.
pub(super) fn plans(cli: &Cli, discovery: &Discovery, ask: Prompt<'_>) -> Result<Vec<Plan>, Error> {
    let mut runs = discovery.settings.runs.clone();
    let names: Vec<String> = runs.iter().map(|run| format!("`{}`", run.name)).collect();
    if let Some(name) = &cli.bin {
        runs.retain(|run| run.name == *name);
    }
    match (runs.as_slice(), &cli.bin) {
        ([], Some(name)) => {
            let words = format!("no program is called `{name}`; `[run]` has {}", names.join(", "));
            return Err(Error::usage(words));
        }
        ([_, _, ..], _) if !cli.args.is_empty() => {
            return Err(Error::usage(format!(
                "the arguments after `--` are for one program: `--bin NAME` chooses it, of {}; or give `args` in `[run.NAME]`",
                names.join(", ")
            )));
        }
        _ => {}
    }
    let are_several = runs.len() > 1;
    let mut plans = Vec::new();
    for (at, run) in runs.into_iter().enumerate() {
        let name = run.name.clone();
        let in_words = |error: Error| Error::unfit(format!("`[run.{name}]`: {}", error.words));
        let mut found = of_program(discovery, run).map_err(in_words)?;
        if at > 0 {
            // Said and done once.
            found.warnings.clear();
            found.notes.clear();
            found.settings.proxy = Proxy::default();
        }
        let mut plan = decide(cli, found, ask).map_err(in_words)?;
        plan.name = are_several.then_some(name);
        plans.push(plan);
    }
    // One program's output is no source of another.
    let mut never: Vec<PathBuf> = plans.iter().flat_map(|plan| plan.sources.never.clone()).collect();
    never.push(tmp_dir::decide(&discovery.root, &discovery.project, &discovery.settings)?);
    never.sort();
    never.dedup();
    for plan in &mut plans {
        plan.sources.never.clone_from(&never);
    }
    Ok(plans)
}

/// The discovery as if this were the only program.
fn of_program(discovery: &Discovery, run: Run) -> Result<Discovery, Error> {
    let mut found = discovery.clone();
    let top = &discovery.settings;
    if let Some(dir) = &run.dir {
        let folder = discovery.root.join(dir);
        let shown = dir.display();
        let folder = folder
            .canonicalize()
            .map_err(|error| Error::unfit(format!("`dir` is `{shown}`, which cannot be read: {error}")))?;
        if !folder.is_dir() {
            return Err(Error::unfit(format!("`dir` is `{shown}`, which is a file; expected a folder")));
        }
        found.project = Project::find(&folder)?;
        found.build_in.clone_from(&folder);
        found.run_in = folder;
    }
    // All programs run, wherever hotrun was started.
    found.here.clone_from(&found.build_in);
    let shared_env_files = top.env_files.clone().unwrap_or_else(|| vec![".env".into()]);
    found.program = Some(OneProgram {
        name: run.name.clone(),
        has_dir: run.dir.is_some(),
        shared_env: top.build.env.clone(),
        shared_env_files: shared_env_files.iter().map(|file| discovery.root.join(file)).collect(),
    });
    let settings = &mut found.settings;
    settings.env_files = Some(shared_env_files.into_iter().chain(run.env_files).collect());
    settings.build = run.build;
    let own_env = std::mem::replace(&mut settings.build.env, top.build.env.clone());
    settings.build.env.extend(own_env);
    (settings.socket, settings.ready, settings.probation) = (run.socket, run.ready, run.probation);
    if settings.build.cmd.is_none() {
        settings.build.cmd = usual_command(settings, &found.project, &run.name, &found.build_in);
    }
    Ok(found)
}

/// The build of a program without `cmd`; `None` for the project's usual one. A command that is only run is not built.
fn usual_command(settings: &Settings, project: &Project, name: &str, folder: &Path) -> Option<String> {
    let build = &settings.build;
    if build.bin.is_some() || build.full_bin.is_some() || !build.entrypoint.is_empty() {
        return Some(String::new());
    }
    let package = Path::new("cmd").join(name);
    if matches!(project, Project::Go(_)) && folder.join(&package).is_dir() {
        let tmp = tmp_dir::decide(folder, project, settings).ok()?.join(name).join("main");
        let (made, package) = (quoted(&tmp.to_string_lossy()), package.display());
        return Some(format!("go build -o {made} ./{package}"));
    }
    None
}
