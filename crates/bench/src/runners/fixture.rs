//! A small project with a runner.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use conformance::{Client, Failed, free_address};
use tempfile::TempDir;

use super::{
    project::{Project, version_line},
    tool::Tool,
};

/// A build takes one second, and ten on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The pause between two requests for the new version.
const PAUSE: Duration = Duration::from_millis(1);

/// Upper bound on the time from the program's `main` to its first answer, on an idle machine.
const ALONE: Duration = Duration::from_millis(1);

/// A project with its runner and its server.
pub(crate) struct Fixture {
    tool: Child,
    folder: TempDir,
    /// Of each program.
    addresses: Vec<SocketAddr>,
    edited: PathBuf,
    started: SystemTime,
    stuck: u32,
}

/// The duration of one restart.
pub(crate) struct RestartTimes {
    whole: Duration,
    build: Duration,
    program: Duration,
}

impl RestartTimes {
    /// The share of the runner.
    pub(crate) fn own(&self) -> Duration {
        self.whole.saturating_sub(self.build).saturating_sub(self.program)
    }
}

impl Fixture {
    /// Makes the project, starts the runner in it, and waits until its servers answer.
    pub(crate) fn open(tool: &Tool, project: Project) -> Result<Fixture, Failed> {
        let mut fixture = Fixture::start(tool, project)?;
        fixture.wait_for(0)?;
        Ok(fixture)
    }

    /// Makes the project and starts the runner in it.
    pub(crate) fn start(tool: &Tool, project: Project) -> Result<Fixture, Failed> {
        let folder = tempfile::Builder::new().prefix("runners-").tempdir()?;
        let addresses = free_addresses(project.programs())?;
        project.make(folder.path(), &addresses)?;
        let edited = folder.path().join(project.edited());
        let log = File::create(folder.path().join("times/log"))?;
        let mut command = tool.command(folder.path(), addresses[0])?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let started = SystemTime::now();
        Ok(Fixture { tool: command.spawn()?, folder, addresses, edited, started, stuck: 0 })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Saves another version and waits until it is served. Saves it once more if that takes too long.
    pub(crate) fn edit_and_wait(&mut self, number: u32) -> Result<Option<RestartTimes>, Failed> {
        let source = self.edited.clone();
        let text = fs::read_to_string(&source)?;
        let text = text.replace(&version_line(number - 1), &version_line(number));
        fs::write(&source, &text)?;
        let saved = SystemTime::now();
        if let Some(began) = self.served(number, TIMEOUT)? {
            let answered = SystemTime::now();
            let build = self.time("ended")?.duration_since(self.time("began")?)?;
            let whole = answered.duration_since(saved)?;
            return Ok(Some(RestartTimes {
                whole,
                build,
                program: answered.duration_since(began)?.min(ALONE),
            }));
        }
        self.stuck += 1;
        fs::write(&source, format!("{text}\n"))?;
        self.wait_for(number).map(|_| None)
    }

    /// Saves `.env` with another version. Returns the time from the end of the save to the first answer that has it.
    pub(crate) fn edit_env_and_wait(&mut self, number: u32) -> Result<Duration, Failed> {
        fs::write(self.folder.path().join(".env"), format!("VERSION={number}\n"))?;
        let saved = SystemTime::now();
        self.wait_for(number)?;
        Ok(SystemTime::now().duration_since(saved)?)
    }

    /// Waits for the first answer with status 503. Returns the time since the build has failed.
    pub(crate) fn wait_for_503(&mut self) -> Result<Duration, Failed> {
        let begun = Instant::now();
        while begun.elapsed() < 4 * TIMEOUT && self.tool.try_wait()?.is_none() {
            // During the build the request waits.
            let answer = Client::patient(self.addresses[0], TIMEOUT).and_then(|mut client| client.get("/"));
            if answer.is_ok_and(|answer| answer.status == 503) {
                let answered = SystemTime::now();
                return Ok(answered.duration_since(self.time("ended")?)?);
            }
            sleep(PAUSE);
        }
        Err(format!("no answer with status 503: {}", self.log()).into())
    }

    /// The number of saves that were not served.
    pub(crate) fn stuck(&self) -> u32 {
        self.stuck
    }

    /// The time from the start of the runner to the first build.
    pub(crate) fn start_to_build(&self) -> Result<Duration, Failed> {
        Ok(self.time("began")?.duration_since(self.started)?)
    }

    /// Resident memory of the runner's processes, without builds and servers.
    pub(crate) fn memory_mb(&self) -> u64 {
        let kilobytes = self.of_the_runner().into_iter().filter_map(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        });
        kilobytes.sum::<u64>() / 1024
    }

    /// The number of its inotify watches.
    pub(crate) fn watches(&self) -> usize {
        let infos = self
            .of_the_runner()
            .into_iter()
            .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fdinfo")).ok());
        let infos = infos.flatten().flatten().filter_map(|info| fs::read_to_string(info.path()).ok());
        infos.map(|info| info.lines().filter(|line| line.starts_with("inotify wd")).count()).sum()
    }

    /// The processes that run the runner's own program.
    fn of_the_runner(&self) -> Vec<u32> {
        let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
        let own = program(self.tool.id());
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        all.filter(|pid| own.is_some() && program(*pid) == own).collect()
    }

    /// Waits for a version. Returns the time when its process began.
    fn wait_for(&mut self, number: u32) -> Result<SystemTime, Failed> {
        self.served(number, 4 * TIMEOUT)?
            .ok_or_else(|| format!("version {number} was not served: {}", self.log()).into())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("times/log")).unwrap_or_default()
    }

    /// Waits until all programs serve this version. Returns the time when the last process began.
    fn served(&mut self, number: u32, timeout: Duration) -> Result<Option<SystemTime>, Failed> {
        let begun = Instant::now();
        let words = format!("version {number}. ");
        let mut last = None;
        for address in self.addresses.clone() {
            let process_began = loop {
                if begun.elapsed() >= timeout || self.tool.try_wait()?.is_some() {
                    return Ok(None);
                }
                let answer = Client::connect(address).and_then(|mut client| client.get("/"));
                if let Ok(answer) = answer
                    && let Some(time) = answer.text().strip_prefix(&words)
                {
                    break nanoseconds(time)?;
                }
                sleep(PAUSE);
            };
            last = last.max(Some(process_began));
        }
        Ok(last)
    }

    fn time(&self, name: &str) -> Result<SystemTime, Failed> {
        nanoseconds(&fs::read_to_string(self.folder.path().join("times").join(name))?)
    }
}

impl Drop for Fixture {
    /// An interrupt makes a runner end its server; a kill may not.
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

fn nanoseconds(text: &str) -> Result<SystemTime, Failed> {
    Ok(UNIX_EPOCH + Duration::from_nanos(text.trim().parse()?))
}

/// So many addresses, which differ.
fn free_addresses(count: usize) -> Result<Vec<SocketAddr>, Failed> {
    let mut addresses = Vec::new();
    while addresses.len() < count {
        let address = free_address()?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}
