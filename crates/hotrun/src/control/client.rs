//! `hotrun status` and the other requests: a client's end of the socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::{env, io};

use serde_json::Value;

use crate::cli::Cli;
use crate::control::folder;
use crate::control::request::Request;
use crate::error::Error;
use crate::report::Report;

/// Sends the request to the hotrun of this folder, or of one above it, and prints the answer.
///
/// # Errors
///
/// Status 1 for a build or a start that has failed, with the diagnosis. Status 4 if no hotrun runs here. Status 2 if several do.
pub(crate) fn run(cli: &Cli, request: &Request, json: bool) -> Result<(), Error> {
    let stream = find(cli)?;
    let mut ok = !matches!(request, Request::Reload { .. } | Request::Restart { .. });
    for line in exchange(&stream, request).map_err(broken)? {
        let line = line.map_err(broken)?;
        let value: Value = serde_json::from_str(&line).map_err(|error| broken(error.into()))?;
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let goes_on = match (value["event"].as_str(), json) {
            (Some("result"), _) if value["ok"] == false => {
                if json {
                    Report::say(&line);
                }
                let output = text("output").trim_end();
                let words = if output.is_empty() { String::new() } else { format!("\n{output}") };
                let words = format!("{}{words}", text("reason"));
                return Err(if value["usage"] == true { Error::usage(words) } else { Error::unfit(words) });
            }
            (_, true) => Report::say(&line),
            (Some("status"), _) => {
                state(&value).iter().all(|(topic, words)| Report::say(&format!("{topic:<9} {words}")))
            }
            (Some("message"), _) => Report::say(&format!("hotrun  {}{}", about(&value), text("text"))),
            (Some("line"), _) => Report::say(&format!("{} | {}", text("program"), text("text"))),
            (Some("output" | "result"), _) => Report::say(text("text")),
            _ => true,
        };
        ok = true;
        if !goes_on {
            break;
        }
    }
    if ok { Ok(()) } else { Err(Error::unfit("hotrun has ended before the outcome was known")) }
}

/// Sends the request. Returns the lines of the answer.
fn exchange(stream: &UnixStream, request: &Request) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut writer = stream;
    writeln!(writer, "{}", serde_json::to_string(request)?)?;
    Ok(BufReader::new(stream).lines())
}

/// Connects to the hotrun of the current folder, or of the nearest folder above it that has one. `-c` and `--bin` choose among several.
fn find(cli: &Cli) -> Result<UnixStream, Error> {
    let here = env::current_dir()
        .map_err(|error| Error::unfit(format!("the current folder cannot be read: {error}")))?;
    let folder = folder::folder().map_err(broken)?;
    let mut found =
        here.ancestors().map(|above| folder::connect(&folder, above)).find(|found| !found.is_empty());
    let mut found = found.take().unwrap_or_default();
    if found.len() > 1 || cli.config.is_some() || cli.bin.is_some() {
        let wanted = cli.config.as_ref().map(|file| here.join(file));
        found = choose(&folder, &here, wanted.as_deref(), cli.bin.as_deref())?;
    }
    found.pop().ok_or_else(|| {
        Error::absent(format!("no hotrun runs in `{}` or above it; `hotrun` starts one", here.display()))
    })
}

/// The only hotrun with this settings file and this program, each of which may be anything.
fn choose(
    folder: &Path,
    here: &Path,
    file: Option<&Path>,
    bin: Option<&str>,
) -> Result<Vec<UnixStream>, Error> {
    let file = file.map(|file| file.canonicalize().unwrap_or_else(|_| file.to_owned()));
    let mut named = Vec::new();
    let mut found = Vec::new();
    for root in here.ancestors() {
        // Two connections each: one for the question about it, the other for the request.
        for (asked, kept) in folder::connect(folder, root).iter().zip(folder::connect(folder, root)) {
            let mut lines = exchange(asked, &Request::Status).map_err(broken)?;
            let Some(Ok(line)) = lines.next() else { continue };
            let status: Value = serde_json::from_str(&line).map_err(|error| broken(error.into()))?;
            let is_file = file
                .as_ref()
                .is_none_or(|file| status["settings"].as_str().map(PathBuf::from).as_ref() == Some(file));
            if is_file && bin.is_none_or(|bin| status["bin"] == bin) {
                named.push(format!(
                    "process {} ({})",
                    status["process"],
                    status["settings"].as_str().unwrap_or("no settings")
                ));
                found.push(kept);
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    if found.len() > 1 {
        return Err(Error::usage(format!("which hotrun? `-c FILE` or `--bin NAME`: {}", named.join(", "))));
    }
    Ok(found)
}

/// The name of the program that a message is about, if there are several.
fn about(message: &Value) -> String {
    message["program"].as_str().map(|name| format!("{name}: ")).unwrap_or_default()
}

/// The state in words, each line with its topic.
fn state(status: &Value) -> Vec<(&'static str, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = match status["programs"].as_array() {
        Some(programs) => {
            let named = |one: &Value| {
                std::iter::once(("program", text(&one["program"])))
                    .chain(program_state(one))
                    .collect::<Vec<_>>()
            };
            programs.iter().flat_map(named).collect()
        }
        None => program_state(status),
    };
    lines.push(("root", format!("`{}`", text(&status["root"]))));
    lines.push(("hotrun", format!("process {}", status["process"])));
    lines
}

/// The state of one program in words.
fn program_state(status: &Value) -> Vec<(&'static str, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let addresses: Vec<String> = status["addresses"].as_array().into_iter().flatten().map(text).collect();
    let mut lines =
        vec![("state", format!("{} {}", text(&status["state"]), addresses.join(", ")).trim_end().to_owned())];
    for server in status["servers"].as_array().into_iter().flatten() {
        let words =
            format!("{} {} (process {})", server["server"], text(&server["state"]), server["process"]);
        lines.push(("server", words));
    }
    let build = &status["build"];
    if build.is_object() {
        lines.push(("build", format!("{} in {} ms", text(&build["outcome"]), build["took_ms"])));
    }
    if status["problem"].is_object() {
        lines.push(("problem", text(&status["problem"]["reason"])));
    }
    lines
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broken(error: io::Error) -> Error {
    Error::unfit(format!("the running hotrun does not answer: {error}"))
}
