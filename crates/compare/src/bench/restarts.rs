//! Requests that fail while a server is restarted by its usual tool.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::{Action, Client, Demo, Failed, Proof, Server};
use tempfile::TempDir;

use crate::{
    bench::{
        Scale,
        contender::{self, Contender},
        programs::Programs,
        record::{Figure, Row},
        started::{free, sources},
        visitors::{Fared, Visitors},
    },
    progress,
};

/// Restarts of each server.
const RESTARTS: u32 = 20;

/// How long a change of the sources may take to be served.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at what is served.
const PAUSE: Duration = Duration::from_millis(20);

/// What the answers begin with, and what every edit of the sources changes.
const WORDS: &str = "Current dynamic config values";

/// A copy of the counterparts' sources, with air at work in it.
struct Workshop {
    tool: Child,
    folder: TempDir,
    address: SocketAddr,
    edited: PathBuf,
}

/// `restarts`.
pub(crate) fn figures(programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
    let times = if scale.quick { 2 } else { RESTARTS };
    let mut rows = Vec::new();
    for contender in &contender::ALL {
        progress(&format!("restarts: {} times {}", times, contender.name));
        if contender.is_demo() {
            rows.push(upgraded(programs, contender, times)?);
            rows.push(Row::none(contender.id, "not measured in this run").series("hotrun"));
        } else if scale.quick {
            rows.push(
                Row::none(contender.id, "left out of the quick run: every restart is a build").series("air"),
            );
        } else {
            rows.push(by_air(programs, contender, times)?);
        }
    }
    let mut figure = Figure::new(
        "restarts",
        "restarts",
        &format!("Requests that failed over {times} restarts"),
        "requests",
    )
    .what("a demo is sent `SIGUSR2` and replaced by a new process of the same program; a counterpart's source is edited, and air, as `air init` sets it up, builds and starts it again. Meanwhile clients ask without a pause and retry nothing: for a demo the ten of `just soak` (kept connections, new ones, requests sent by halves, slow readers, `/events`), for a counterpart two that keep their connection and two that connect for each request. `ok`: requests answered; `silence_ms`: the longest time in which nobody was answered (counterparts), or an upgrade took (demos)")
    .limits("the tools do not do the same: air builds in between, an upgrade starts what is there. What is compared is what visitors notice of it. A counterpart behind a balancer would lose less")
    .columns(&["ok", "silence_ms"])
    .rows(rows);
    figure.rounds = Some(1);
    Ok(vec![figure])
}

fn upgraded(programs: &Programs, contender: &Contender, times: u32) -> Result<Row, Failed> {
    let demo = Demo::new(programs.demo(contender.program())?);
    let proof = Proof::of(&demo, Action::Upgrade, times, Duration::from_millis(600))?;
    let failed = u32::try_from(proof.tally.failed()).unwrap_or(u32::MAX);
    let row = Row::of(contender.id, vec![failed.into()]).series("SIGUSR2");
    let ok = proof.tally.count(conformance::Fate::Answered);
    let slowest = u64::try_from(proof.slowest.as_millis()).unwrap_or(u64::MAX);
    Ok(row.with("ok", ok).with("silence_ms", slowest))
}

fn by_air(programs: &Programs, contender: &Contender, times: u32) -> Result<Row, Failed> {
    let mut workshop = Workshop::open(programs, contender)?;
    let visitors = Visitors::of(workshop.address);
    for number in 1..=times {
        workshop.edit_and_wait(number)?;
    }
    let Fared { answered, failed, silence } = visitors.end();
    let lost = u32::try_from(failed).unwrap_or(u32::MAX);
    let row = Row::of(contender.id, vec![lost.into()]).series("air");
    let silence = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
    Ok(row.with("ok", answered).with("silence_ms", silence))
}

impl Workshop {
    fn open(programs: &Programs, contender: &Contender) -> Result<Workshop, Failed> {
        let (folder, address) = (TempDir::new()?, free()?);
        copy(&sources(), folder.path())?;
        let port = format!("port: {}", address.port());
        let config = Server::shipped_config().replacen("port: 8080", &port, 1);
        fs::write(folder.path().join("config.yaml"), config)?;
        let program = contender.program();
        // Everything else as `air init` leaves it.
        let settings =
            format!("[build]\ncmd = \"go build -o ./tmp/main ./{program}\"\nbin = \"./tmp/main\"\n");
        fs::write(folder.path().join(".air.toml"), settings)?;
        let log = File::create(folder.path().join("log"))?;
        let tool = Command::new(programs.counterpart("air")?)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let edited = if program == "goframe" { "goframe/main.go" } else { "settings/settings.go" };
        let edited = folder.path().join(edited);
        let mut workshop = Workshop { tool, folder, address, edited };
        workshop.wait_for(WORDS)?;
        Ok(workshop)
    }

    /// Changes what the program says, and waits until it says so.
    fn edit_and_wait(&mut self, number: u32) -> Result<(), Failed> {
        let source = fs::read_to_string(&self.edited)?;
        let (before, rest) = source.split_once(WORDS).ok_or("the words are in the source")?;
        let (_, after) = rest.split_once('"').ok_or("the words end")?;
        let words = format!("{WORDS} {number}");
        fs::write(&self.edited, format!("{before}{words}\"{after}"))?;
        self.wait_for(&format!("{words}\""))
    }

    fn wait_for(&mut self, words: &str) -> Result<(), Failed> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && self.tool.try_wait()?.is_none() {
            let answer = Client::connect(self.address).and_then(|mut client| client.get("/dynamic-config"));
            if answer.is_ok_and(|answer| answer.text().contains(words)) {
                return Ok(());
            }
            sleep(PAUSE);
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(format!("`{words}` was not served in {PATIENCE:?}: {log}").into())
    }
}

impl Drop for Workshop {
    /// air ends its server when it is interrupted, and not when it is killed.
    fn drop(&mut self) {
        let signal = |name: &str, whom: String| {
            let _ = Command::new("kill").args([name, "--", &whom]).stderr(Stdio::null()).status();
        };
        signal("-INT", self.tool.id().to_string());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) && matches!(self.tool.try_wait(), Ok(None)) {
            sleep(PAUSE);
        }
        signal("-KILL", format!("-{}", self.tool.id()));
        let _ = self.tool.wait();
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            fs::copy(entry.path(), target)?;
        } else if entry.file_name() != "tmp" {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}
