//! A small project with a runner.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use conformance::{Client, Failed, free_address};
use tempfile::TempDir;

use super::tool::Tool;

/// A build takes one second, and ten on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The pause between two requests for the new version.
const PAUSE: Duration = Duration::from_millis(1);

/// Upper bound on the time from the program's `main` to its first answer, on an idle machine.
const ALONE: Duration = Duration::from_millis(1);

const FILES_IN_A_FOLDER: u32 = 100;

const MANIFEST: &str = "[package]\nname = \"site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";

/// The build script. It prints when it began and when it ended, in nanoseconds.
const BUILD: &str =
    "#!/bin/sh\ndate +%s%N > times/began\ncargo build -q || exit 1\ndate +%s%N > times/ended\n";

const SERVER: &str = r#"
use std::io::{Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let listener = std::net::TcpListener::bind("127.0.0.1:PORT").unwrap();
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::spawn(move || answer(stream, now));
    }
}

fn answer(mut stream: std::net::TcpStream, began: u128) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let body = format!("version 0. {began}");
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}
"#;

/// A project with its runner and its server.
pub(crate) struct Fixture {
    tool: Child,
    folder: TempDir,
    address: SocketAddr,
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
    /// Makes the project with so many other files, and waits until its server answers.
    pub(crate) fn open(tool: &Tool, files: u32) -> Result<Fixture, Failed> {
        let folder = tempfile::Builder::new().prefix("runners-").tempdir()?;
        let address = free_address()?;
        make(folder.path(), address, files)?;
        let log = File::create(folder.path().join("times/log"))?;
        let mut command = tool.command(folder.path())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let started = SystemTime::now();
        let mut fixture = Fixture { tool: command.spawn()?, folder, address, started, stuck: 0 };
        fixture.wait_for(0)?;
        Ok(fixture)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Saves another version and waits until it is served. Saves it once more if that takes too long.
    pub(crate) fn edit_and_wait(&mut self, number: u32) -> Result<Option<RestartTimes>, Failed> {
        let source = self.folder.path().join("src/main.rs");
        let text = fs::read_to_string(&source)?;
        let text = text.replace(&format!("version {}.", number - 1), &format!("version {number}."));
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

    /// The number of saves that were not served.
    pub(crate) fn stuck(&self) -> u32 {
        self.stuck
    }

    /// The time from the start of the runner to the first build.
    pub(crate) fn start(&self) -> Result<Duration, Failed> {
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
        self.served(number, 4 * TIMEOUT)?.ok_or_else(|| {
            let log = fs::read_to_string(self.folder.path().join("times/log")).unwrap_or_default();
            format!("version {number} was not served: {log}").into()
        })
    }

    fn served(&mut self, number: u32, timeout: Duration) -> Result<Option<SystemTime>, Failed> {
        let begun = Instant::now();
        let words = format!("version {number}. ");
        while begun.elapsed() < timeout && self.tool.try_wait()?.is_none() {
            let answer = Client::connect(self.address).and_then(|mut client| client.get("/"));
            if let Ok(answer) = answer
                && let Some(began) = answer.text().strip_prefix(&words)
            {
                return nanoseconds(began).map(Some);
            }
            sleep(PAUSE);
        }
        Ok(None)
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

fn make(folder: &Path, address: SocketAddr, files: u32) -> Result<(), Failed> {
    for name in ["src", "times"] {
        fs::create_dir(folder.join(name))?;
    }
    fs::write(folder.join("Cargo.toml"), MANIFEST)?;
    fs::write(folder.join(".gitignore"), "/target\n/times\n")?;
    fs::write(folder.join("src/main.rs"), SERVER.replace("PORT", &address.port().to_string()))?;
    let script = folder.join("build.sh");
    fs::write(&script, BUILD)?;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
    for number in 0..files {
        let part = folder.join("src/data").join(format!("part_{}", number / FILES_IN_A_FOLDER));
        if number % FILES_IN_A_FOLDER == 0 {
            fs::create_dir_all(&part)?;
        }
        fs::write(part.join(format!("{number}.txt")), "data")?;
    }
    Ok(())
}
