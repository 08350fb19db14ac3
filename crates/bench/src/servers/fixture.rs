//! A copy of a server's sources, with its development tool running.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::{Client, Failed, Server, free_address};
use tempfile::{Builder, TempDir, env::temp_dir};

use crate::servers::{programs::Programs, sources, subject::Subject};

/// Sources for editing, and the tool that builds them and restarts the server.
pub(crate) struct Fixture {
    tool: Child,
    folder: PathBuf,
    /// Removes the folder, unless it is kept for the next run.
    _temporary: Option<TempDir>,
    address: SocketAddr,
    edited: PathBuf,
}

/// The timeout of the first build, which is cold.
const FIRST: Duration = Duration::from_mins(10);

/// The timeout for an edit to be served.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The pause between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// The beginning of the answers, which every edit changes.
const WORDS: &str = "Current dynamic config values";

impl Fixture {
    /// A counterpart under air, whose settings are those that `air init` writes.
    pub(crate) fn of_air(programs: &Programs, subject: &Subject) -> Result<Fixture, Failed> {
        // air ignores folders whose names begin with a dot, as those of `TempDir::new` do.
        let temporary = Builder::new().prefix("bench-").tempdir()?;
        let folder = temporary.path();
        sources::copy(&sources::of_counterparts(), folder)?;
        let program = subject.program();
        let settings =
            format!("[build]\ncmd = \"go build -o ./tmp/main ./{program}\"\nentrypoint = [\"./tmp/main\"]\n");
        fs::write(folder.join(".air.toml"), settings)?;
        let edited = if program == "goframe" { "goframe/main.go" } else { "settings/settings.go" };
        let (folder, edited) = (folder.to_owned(), folder.join(edited));
        Fixture::open(&mut Command::new(programs.counterpart("air")?), folder, Some(temporary), edited)
    }

    /// A demo under hotrun, with the settings of this repository, in a folder whose dependencies stay built.
    pub(crate) fn of_hotrun(hotrun: &Path, subject: &Subject) -> Result<Fixture, Failed> {
        let repository = sources::of_demos().canonicalize()?;
        let folder = repository.join("target/bench-hotrun");
        // Sources of an earlier run may have other names.
        let _ = fs::remove_dir_all(folder.join("crates"));
        sources::copy(&repository, &folder)?;
        let mut command = Command::new(hotrun);
        command.args(["--bin", subject.program()]).env_remove("CARGO_TARGET_DIR");
        let edited = sources::with(&folder.join("crates/site/src"), WORDS)?;
        Fixture::open(&mut command, folder, None, edited)
    }

    fn open(
        command: &mut Command,
        folder: PathBuf,
        temporary: Option<TempDir>,
        edited: PathBuf,
    ) -> Result<Fixture, Failed> {
        let address = free_address()?;
        let port = format!("port: {}", address.port());
        let config = Server::shipped_config().replacen("port: 8080", &port, 1);
        fs::write(folder.join("config.yaml"), config)?;
        let log = File::create(folder.join("tmp.log"))?;
        command.current_dir(&folder).env("TMPDIR", temp_dir()).stdin(Stdio::null());
        let tool = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut fixture = Fixture { tool, folder, _temporary: temporary, address, edited };
        fixture.wait_for(WORDS, FIRST)?;
        Ok(fixture)
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Edits the text of the answers, and waits until it is served.
    pub(crate) fn edit_and_wait(&mut self, number: u32) -> Result<(), Failed> {
        let source = fs::read_to_string(&self.edited)?;
        let (before, rest) = source.split_once(WORDS).ok_or("the words are in the source")?;
        let (_, after) = rest.split_once('"').ok_or("the words end")?;
        let words = format!("{WORDS} {number}");
        fs::write(&self.edited, format!("{before}{words}\"{after}"))?;
        self.wait_for(&format!("{words}\""), TIMEOUT)
    }

    fn wait_for(&mut self, words: &str, timeout: Duration) -> Result<(), Failed> {
        let begun = Instant::now();
        while begun.elapsed() < timeout && self.tool.try_wait()?.is_none() {
            let answer = Client::connect(self.address).and_then(|mut client| client.get("/dynamic-config"));
            if answer.is_ok_and(|answer| answer.text().contains(words)) {
                return Ok(());
            }
            sleep(PAUSE);
        }
        let log = fs::read_to_string(self.folder.join("tmp.log")).unwrap_or_default();
        Err(format!("`{words}` was not served in {timeout:?}: {log}").into())
    }
}

impl Drop for Fixture {
    /// An interrupt makes a tool end its server; a kill may not.
    fn drop(&mut self) {
        let id = self.tool.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).stderr(Stdio::null()).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(15) && matches!(self.tool.try_wait(), Ok(None)) {
            sleep(PAUSE);
        }
        let _ = self.tool.kill();
        let _ = self.tool.wait();
    }
}
