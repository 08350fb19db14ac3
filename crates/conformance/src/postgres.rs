//! A PostgreSQL server for one test.

use crate::{Failed, folder, tier, wait_for};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

/// The folders of Debian's packages, one for each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// A PostgreSQL server with a folder and a port of its own. It ends when this is dropped.
///
/// Its superuser is `postgres`. Over TCP every role needs its password.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// The reason why no server can be started; `None` if one can.
    pub fn missing() -> Option<String> {
        programs().is_none().then(|| "PostgreSQL is not installed".to_owned())
    }

    /// Starts a server. Without the programs prints that the calling test is skipped; the test then returns.
    ///
    /// # Panics
    /// When the server cannot be started, or is not installed and `REQUIRE_ALL` is `1`.
    #[track_caller]
    pub fn for_this_test() -> Option<Postgres> {
        if let Some(missing) = Postgres::missing() {
            tier::skipped(&missing);
            return None;
        }
        Some(Postgres::start().unwrap_or_else(|failed| panic!("{failed:?}")))
    }

    /// Makes a cluster and starts its server.
    pub fn start() -> Result<Postgres, Failed> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let folder = folder()?;
        if let Some(user) = other_user() {
            chown(folder.path(), Some(user), None)?;
        }
        let mut postgres = Postgres { programs, folder, port: 0, server: None };
        let mut initdb = postgres.program("initdb");
        initdb.args(["-N", "-U", "postgres", "-E", "UTF8", "--no-locale", "--auth-host=scram-sha-256", "-D"]);
        succeed(initdb.arg(postgres.data()))?;
        postgres.restart()?;
        Ok(postgres)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server, on the same port as before; if it runs, ends it first.
    pub fn restart(&mut self) -> Result<(), Failed> {
        self.stop()?;
        // Another process may take a free port before the server does.
        let attempts = if self.port == 0 { 5 } else { 1 };
        let mut failure = Failed::without_message();
        for _ in 0..attempts {
            let port = match self.port {
                0 => TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
                port => port,
            };
            match self.serve_at(port) {
                Ok(()) => return Ok(()),
                Err(failed) => failure = failed,
            }
        }
        self.port = 0;
        Err(failure)
    }

    /// Ends the server as an operator does: sessions are cut, transactions rolled back.
    pub fn stop(&mut self) -> Result<(), Failed> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let _ = kill_process(Pid::from_child(&server), Signal::INT);
        let _ = kill_process(Pid::from_child(&server), Signal::CONT);
        let ended = wait_for("PostgreSQL to end", || server.try_wait().ok().flatten());
        if ended.is_err() {
            crate::server::end(&mut server);
        }
        ended.map(drop)
    }

    /// Sends a signal to its first process, which starts a process for each new connection.
    pub fn signal(&self, signal: Signal) -> Result<(), Failed> {
        let server = self.server.as_ref().ok_or("it does not run")?;
        Ok(kill_process(Pid::from_child(server), signal)?)
    }

    /// Runs SQL as the superuser. Returns the rows, one a line, with `|` between the columns.
    pub fn sql(&self, sql: &str) -> Result<String, Failed> {
        let mut psql = self.program("psql");
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ]);
        psql.arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("stdin is a pipe")?.write_all(sql.as_bytes())?;
        good(&child.wait_with_output()?)
    }

    /// The process ids of the sessions of `user`.
    pub fn sessions(&self, user: &str) -> Result<Vec<u32>, Failed> {
        let rows = self.sql(&format!("SELECT pid FROM pg_stat_activity WHERE usename = '{user}'"))?;
        rows.lines().map(|pid| pid.parse().map_err(|error| format!("{pid}: {error}").into())).collect()
    }

    fn serve_at(&mut self, port: u16) -> Result<(), Failed> {
        self.port = port;
        let mut server = self.program("postgres");
        server.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &port.to_string()]);
        server.args(["-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=40"]);
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let server = self.server.insert(server.spawn()?);
        let mut ended = false;
        let mut child_has_ended = || {
            ended = ended || !matches!(server.try_wait(), Ok(None));
            ended
        };
        let port = port.to_string();
        let ready = wait_for("PostgreSQL to answer", || {
            if child_has_ended() {
                return Some(false);
            }
            let mut ask = command(&self.programs.join("pg_isready"));
            ask.arg("-q").arg("-h").arg(self.folder.path()).args(["-p", &port]);
            ask.status().is_ok_and(|status| status.success()).then_some(true)
        })?;
        if ready {
            return Ok(());
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(format!("PostgreSQL did not start:\n{log}").into())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        command(&self.programs.join(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The newest version's folder of programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).ok()?.flatten().map(|entry| entry.path().join("bin"));
    let versions = versions.filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file());
    versions.max_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    })
}

/// PostgreSQL refuses to run as root: the owner of Debian's data folder, or `nobody`.
fn other_user() -> Option<u32> {
    geteuid().is_root().then(|| {
        let owner = fs::metadata("/var/lib/postgresql").map(|folder| folder.uid());
        owner.ok().filter(|user| *user != 0).unwrap_or(65_534)
    })
}

/// A program that ends with the thread that starts it, and does not run as root.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=QUIT");
    if let Some(user) = other_user() {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
    }
    command.arg(program).current_dir("/").env("LC_ALL", "C");
    command
}

fn succeed(command: &mut Command) -> Result<(), Failed> {
    good(&command.stdin(Stdio::null()).output()?).map(drop)
}

fn good(output: &Output) -> Result<String, Failed> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}
