//! `hotrun check`: prints the plan and does nothing.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::{self, Argument, CommandLine, How, Plan, Ready, SharedBuild, Signal, Stop, What};
use crate::report::{Report, spoken};
use crate::socket_mode;
use crate::sources::{Scan, SourceRules};

/// Prints the plan and its warnings. Fails with the error that a run would have.
pub(crate) fn check(cli: &Cli) -> Result<(), Error> {
    let plans = plan::plans(cli)?;
    for plan in &plans {
        if let Some(name) = &plan.name {
            Report::say(&format!("{:<9} {name}", "program"));
        }
        for (name, words) in lines(plan) {
            Report::say(&format!("{name:<9} {words}"));
        }
        for note in &plan.notes {
            Report::say(&format!("{:<9} {note}", "note"));
        }
        for warning in &plan.warnings {
            Report::say(&format!("{:<9} {warning}", "warning"));
        }
    }
    for shared in SharedBuild::of(plans.iter().map(|plan| &plan.build)).iter().filter(|one| one.is_shared()) {
        let names = shared.programs.iter().filter_map(|at| plans[*at].name.as_deref());
        let words = build(&shared.build.how, &plans[0].root);
        Report::say(&format!("{:<9} {words}, for {}", "together", names.collect::<Vec<_>>().join(", ")));
    }
    for address in plans.iter().flat_map(|plan| &plan.sockets.addresses) {
        if let Some(holder) = intercept::port_holder(*address) {
            return Err(Error::held(format!(
                "`{address}` is held by `{}` (process {}): end that, or give another `socket.address`",
                holder.name, holder.pid
            )));
        }
    }
    Ok(())
}

/// The lines, each with its topic.
pub(crate) fn lines(plan: &Plan) -> Vec<(&'static str, String)> {
    let scan = Scan::new(&plan.sources);
    let chosen = socket_mode::choose(&plan.sockets);
    let addresses: Vec<String> = plan.sockets.addresses.iter().map(ToString::to_string).collect();
    let addresses = if addresses.is_empty() { String::new() } else { format!("{}: ", addresses.join(", ")) };
    let settings = match &plan.settings {
        Some(file) => shown(file, &plan.root),
        None => "none, and none are needed; `hotrun init` writes a file".to_owned(),
    };
    vec![
        ("settings", settings),
        ("root", format!("`{}`", plan.root.display())),
        (
            "watch",
            format!("{} folders, in them {} files that may be sources", scan.folders, scan.files.len()),
        ),
        ("sources", sources(&plan.sources, &plan.root)),
        ("env", env(plan)),
        ("build", build(&plan.build.how, &plan.root)),
        ("run", run(plan)),
        ("port", format!("{addresses}{}", chosen.reason)),
        ("ready", ready(&plan.ready, plan.probation)),
        ("stop", stop(&plan.stop)),
    ]
}

fn sources(rules: &SourceRules, root: &Path) -> String {
    let endings: Vec<String> = rules.extensions.iter().map(|ending| format!("`{ending}`")).collect();
    let mut words = match (&endings[..], rules.compiler_decides) {
        ([], _) => "only named files".to_owned(),
        (endings, true) => {
            format!("{} files and manifests, after a build what the compiler has read", endings.join(", "))
        }
        (endings, false) => format!("files that end in {}", endings.join(", ")),
    };
    for folder in &rules.include_dirs {
        let _ = write!(words, "; below {}", shown(folder, root));
    }
    for pattern in &rules.handled {
        let endings = pattern.extensions.iter().map(|ending| format!("`{ending}`"));
        let paths = pattern.folders.iter().chain(&pattern.files).map(|path| shown(path, root));
        let when = if pattern.is_built { " before the build" } else { "" };
        let _ = write!(words, "; by a rule{when} {}", endings.chain(paths).collect::<Vec<_>>().join(", "));
    }
    if let Some(interval) = rules.poll {
        let _ = write!(words, "; looks at them every {}", spoken(interval));
    }
    for folder in rules.roots.iter().skip(1) {
        let _ = write!(words, "; also {}", shown(folder, root));
    }
    words
}

fn env(plan: &Plan) -> String {
    let files: Vec<String> = plan.env_files.iter().map(|file| shown(file, &plan.root)).collect();
    if files.is_empty() {
        "no files".to_owned()
    } else {
        format!("from {}, where they exist", files.join(", "))
    }
}

fn build(how: &How, root: &Path) -> String {
    match how {
        How::Nothing => "nothing".to_owned(),
        How::Shell(line) => format!("`{line}`"),
        How::Cargo { arguments, target: Some(target), .. } => {
            format!(
                "`cargo {}` into {}, a target folder of its own",
                arguments.join(" "),
                shown(target, root)
            )
        }
        How::Cargo { arguments, target: None, .. } => {
            format!("`cargo {}` into the usual target folder", arguments.join(" "))
        }
    }
}

fn run(plan: &Plan) -> String {
    let what = match (&plan.program.what, &plan.build.how) {
        (What::Built, How::Cargo { binary, .. }) => format!("`{binary}`"),
        (What::Built, _) => "what was built".to_owned(),
        (What::File(file), _) => shown(file, &plan.root),
        (What::Shell(line), _) if CommandLine::simple(line).is_some() => format!("`{line}`"),
        (What::Shell(line), _) => {
            format!("`{line}` by the shell, so without a copy of the last good program")
        }
    };
    let args = if plan.program.args.is_empty() {
        String::new()
    } else {
        let args: Vec<&str> = plan.program.args.iter().map(Argument::text).collect();
        format!(" with `{}`", args.join("` `"))
    };
    format!("{what}{args} in `{}`", plan.program.dir.display())
}

fn ready(ready: &Ready, probation: Duration) -> String {
    let sign = match &ready.http {
        Some(path) => format!("when `{path}` answers with 2xx"),
        None => "when it says so, or listens".to_owned(),
    };
    format!("{sign}, within {}; on probation for {}", spoken(ready.timeout), spoken(probation))
}

fn stop(stop: &Stop) -> String {
    let signal = match stop.signal {
        Signal::Term => "`SIGTERM`",
        Signal::Int => "`SIGINT`",
    };
    format!("{signal}, and `SIGKILL` after {}", spoken(stop.kill_delay))
}

/// The path relative to the root, quoted.
fn shown(path: &Path, root: &Path) -> String {
    format!(
        "`{}`",
        path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty()).unwrap_or(path).display()
    )
}
