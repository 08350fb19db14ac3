//! `hotrun status` and the other requests: a client's end of the socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{env, io};

use crate::cli::Cli;
use crate::control::folder;
use crate::control::request::Request;
use crate::error::Error;
use crate::journal::{Event, NamedStatus, ProgramStatus, Programs, Record, RequestResult, Status};
use crate::report::{Report, Stream};

/// Sends the request to the hotrun of this folder, or of one above it, and prints the answer.
///
/// # Errors
///
/// Status 1 for a build or a start that has failed, with the diagnosis. Status 4 if no hotrun runs here. Status 2 if several do.
pub(crate) fn run(cli: &Cli, request: &Request, json: bool) -> Result<(), Error> {
    let stream = find(cli)?;
    let mut ok = matches!(request, Request::Stop | Request::Logs { .. });
    for line in exchange(&stream, request).map_err(broken)? {
        let line = line.map_err(broken)?;
        let record = parse(&line)?;
        if let Event::Result(result) = &record.event
            && !result.ok
        {
            if json {
                Report::say(&line);
            }
            return Err(refusal(result));
        }
        ok = true;
        let goes_on =
            if json { Report::say(&line) } else { words(&record).iter().all(|line| Report::say(line)) };
        if !goes_on {
            break;
        }
    }
    if ok { Ok(()) } else { Err(Error::unfit("hotrun has ended before it answered")) }
}

fn parse(line: &str) -> Result<Record, Error> {
    serde_json::from_str(line).map_err(|error| broken(error.into()))
}

/// A failed request. Prints the compiler's lines first, as in the terminal: they do not have hotrun's name.
fn refusal(result: &RequestResult) -> Error {
    let report = Report::plain();
    for line in result.output.lines() {
        report.of_build(Stream::Err, format!("{line}\n").as_bytes());
    }
    let words = &result.reason;
    if result.usage { Error::usage(words) } else { Error::unfit(words) }
}

/// The lines for a person. Most events have a message, too.
fn words(record: &Record) -> Vec<String> {
    let name = record.program.as_deref();
    match &record.event {
        Event::Status(status) => {
            state(status).iter().map(|(topic, words)| format!("{topic:<9} {words}")).collect()
        }
        Event::Message { text, .. } => {
            let about = name.map(|name| format!("{name}: ")).unwrap_or_default();
            text.lines().map(|line| format!("hotrun  {about}{line}")).collect()
        }
        Event::Line { text, .. } => {
            vec![name.map_or_else(|| text.clone(), |name| format!("{name} | {text}"))]
        }
        Event::Output { text } => vec![text.clone()],
        Event::Result(result) => vec![result.text.clone()],
        Event::Lost { count } => {
            vec![format!("hotrun  {count} lines are missing here: they were not read in time")]
        }
        _ => Vec::new(),
    }
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
            let Event::Status(status) = parse(&line)?.event else { continue };
            let settings = status.settings.as_deref();
            let is_file = file.as_ref().is_none_or(|file| settings.map(Path::new) == Some(file));
            if is_file && bin.is_none_or(|bin| status.programs.has_bin(bin)) {
                named.push(format!("process {} ({})", status.process, settings.unwrap_or("no settings")));
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

/// The state in words, each line with its topic.
fn state(status: &Status) -> Vec<(&'static str, String)> {
    let mut lines = match &status.programs {
        Programs::One(only) => program_state(only),
        Programs::Several { programs } => {
            let named = |one: &NamedStatus| {
                let mut lines = vec![("program", one.program.clone())];
                lines.extend(program_state(&one.status));
                lines
            };
            programs.iter().flat_map(named).collect()
        }
    };
    lines.push(("root", format!("`{}`", status.root)));
    lines.push(("hotrun", format!("process {}", status.process)));
    lines
}

/// The state of one program in words.
fn program_state(status: &ProgramStatus) -> Vec<(&'static str, String)> {
    let state = format!("{} {}", status.state.word(), status.addresses.join(", "));
    let mut lines = vec![("state", state.trim_end().to_owned())];
    for server in &status.servers {
        lines.push(("server", format!("{} {} (process {})", server.server, server.state, server.process)));
    }
    if let Some(build) = &status.build {
        lines.push(("build", format!("{} in {} ms", build.outcome.word(), build.took_ms)));
    }
    lines.extend(status.problem.iter().map(|problem| ("problem", problem.reason.clone())));
    lines
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broken(error: io::Error) -> Error {
    Error::unfit(format!("the running hotrun does not answer: {error}"))
}
