//! A storm of saves over one file, judged by the output of a program that follows it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::ValueEnum;
use conformance::Failed;

use crate::{
    follower::Follower,
    saves::{Save, Saves},
    verdict::{Verdict, judge},
};

/// Runs a writer on a file in `parent` while the program `follow` follows it.
pub(crate) fn over_a_file(
    follow: &Path,
    flags: &[&str],
    parent: &Path,
    saves: impl Fn(PathBuf) -> Saves,
) -> Result<Verdict, Failed> {
    let folder = process_tree::folder_in(parent, "storm-")?;
    let saves = saves(folder.path().canonicalize()?);
    let path = saves.folder.join(saves.what.file(0));
    fs::write(&path, saves.what.version(0, saves.size))?;
    over(follow, flags, &path, &saves)
}

/// The same with a folder that is followed, where the file is one of `others` more.
pub(crate) fn over_a_folder(
    follow: &Path,
    parent: &Path,
    others: usize,
    saves: impl Fn(PathBuf) -> Saves,
) -> Result<Verdict, Failed> {
    let folder = process_tree::folder_in(parent, "storm-")?;
    let saves = saves(folder.path().canonicalize()?);
    fs::write(saves.folder.join(saves.what.file(0)), saves.what.version(0, saves.size))?;
    for number in 0..others {
        // The other files are empty, so that only the saved one is published.
        fs::write(saves.folder.join(format!("unchanged-{number}.html")), "")?;
    }
    over(follow, &[], &saves.folder, &saves)
}

fn over(follow: &Path, flags: &[&str], target: &Path, saves: &Saves) -> Result<Verdict, Failed> {
    let mut follower = Follower::start(follow, target, flags)?;
    let log = write(saves)?;
    let last = saves.first + saves.count - 1;
    let told = follower.until(&format!("version: {last}"))?;
    Ok(judge(&log, told, saves.size))
}

/// Runs the writer and returns its records.
pub(crate) fn write(saves: &Saves) -> Result<Vec<Save>, Failed> {
    let numbers = [
        ("--first", saves.first),
        ("--count", saves.count),
        ("--gap", saves.gap),
        ("--pause", saves.pause),
        ("--rest-every", saves.rest_every),
        ("--rest", saves.rest),
        ("--size", saves.size as u64),
    ];
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("saves").arg(&saves.folder);
    command.args(["--what", &name(&saves.what), "--how", &name(&saves.how)]);
    for (flag, number) in numbers {
        command.arg(flag).arg(number.to_string());
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let log: Vec<Save> = text.lines().filter_map(Save::parse).collect();
    if !output.status.success() || log.len() as u64 != saves.count {
        return Err(format!("the writer ended with {} after {} saves", output.status, log.len()).into());
    }
    Ok(log)
}

/// The value's name on the command line.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
