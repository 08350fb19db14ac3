//! The configuration of a server: its folder, command line and socket.

use crate::{Exit, Failed, Log, Running, fixtures, folder, wait_for};
use std::{
    ffi::OsString,
    fs,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::{self, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A server that does not run yet.
///
/// It runs in its own folder, which has `config.yaml` and `templates/` of this repository. It gets a listener on a free port as
/// descriptor 3.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    folder: TempDir,
    config: Option<Vec<u8>>,
    config_name: String,
    templates: Vec<(String, String)>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    listening: Listening,
    stderr_is: Stderr,
    before: String,
}

#[derive(Debug)]
enum Listening {
    Handed(TcpListener),
    Own,
    At(SocketAddr),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stderr {
    Read,
    Unread,
    Closed,
}

impl Server {
    /// A server of the program at `binary`.
    ///
    /// # Panics
    /// When no temporary folder can be made or no port is free.
    pub fn new(binary: impl Into<PathBuf>) -> Server {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let binary = binary.into();
        Server {
            // It starts in another folder.
            binary: path::absolute(&binary).unwrap_or(binary),
            folder: folder().expect("a temporary folder can be made"),
            config: None,
            config_name: "config.yaml".into(),
            templates: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            listening: Listening::Handed(socket),
            stderr_is: Stderr::Read,
            before: String::new(),
        }
    }

    /// The text of the repository's `config.yaml`.
    pub fn shipped_config() -> String {
        fixtures::config()
    }

    /// The shipped template of that name.
    pub fn shipped_template(name: &str) -> String {
        fixtures::template(name)
    }

    /// Replaces the text of `config.yaml`.
    #[must_use]
    pub fn config(mut self, text: impl Into<Vec<u8>>) -> Server {
        self.config = Some(text.into());
        self
    }

    /// Gives `config.yaml` another name, such as `config/config.toml`.
    #[must_use]
    pub fn config_at(mut self, name: &str) -> Server {
        self.config_name = name.into();
        self
    }

    /// Replaces one passage of `config.yaml`.
    ///
    /// # Panics
    /// When the file does not contain the passage exactly once.
    #[must_use]
    pub fn edited(self, from: &str, to: &str) -> Server {
        let config = match &self.config {
            Some(config) => String::from_utf8_lossy(config).into_owned(),
            None => Server::shipped_config(),
        };
        assert_eq!(config.matches(from).count(), 1, "`{from}` in:\n{config}");
        self.config(config.replace(from, to))
    }

    /// Adds a template. The repository's templates are left out then.
    #[must_use]
    pub fn template(mut self, name: &str, text: &str) -> Server {
        self.templates.push((name.into(), text.into()));
        self
    }

    /// Adds a file to the folder.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Server {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, content).expect("a file can be written");
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Server {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments, split at spaces.
    #[must_use]
    pub fn args(mut self, arguments: &str) -> Server {
        self.arguments.extend(arguments.split_whitespace().map(OsString::from));
        self
    }

    /// Adds a variable to the environment, which otherwise has only `PATH`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Server {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Gives the server this listener instead of a new one.
    #[must_use]
    pub fn listener(mut self, socket: TcpListener) -> Server {
        self.listening = Listening::Handed(socket);
        self
    }

    /// Gives the server no listener: it binds its own.
    #[must_use]
    pub fn binding_itself(mut self) -> Server {
        self.listening = Listening::Own;
        self
    }

    /// Gives the server no listener: it binds a free port.
    #[must_use]
    pub fn on_a_free_port(self) -> Server {
        self.binding_itself().args("--set port=0")
    }

    /// Gives the server no listener: its files make it bind this address. Any answer shows that it serves, so it may be any
    /// program.
    #[must_use]
    pub fn serving_at(mut self, address: SocketAddr) -> Server {
        self.listening = Listening::At(address);
        self
    }

    /// Makes stderr a pipe that is not read.
    #[must_use]
    pub fn with_stderr_stuck(mut self) -> Server {
        self.stderr_is = Stderr::Unread;
        self
    }

    /// Makes stderr a pipe whose read end is closed.
    #[must_use]
    pub fn with_stderr_closed(mut self) -> Server {
        self.stderr_is = Stderr::Closed;
        self
    }

    /// Runs a line of shell first, in the process that becomes the server: `ulimit -n 64`.
    #[must_use]
    pub fn after(mut self, line: &str) -> Server {
        self.before = format!("{line}; ");
        self
    }

    /// The path of a file in the server's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the server and waits until it announces its address.
    pub fn start(mut self) -> Result<Running, Failed> {
        self.write_files()?;
        let mut child = self.command("").stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or("stderr is a pipe")?;
        let (log, unread) = match self.stderr_is {
            Stderr::Read => (Log::follow(stderr), None),
            Stderr::Unread => (Log::follow(&[][..]), Some(stderr)),
            Stderr::Closed => (Log::follow(&[][..]), None),
        };
        let announces = self.stderr_is == Stderr::Read && !matches!(self.listening, Listening::At(_));
        let (address, socket) = match self.listening {
            Listening::Handed(socket) => (Some(socket.local_addr()?), Some(socket)),
            Listening::Own => (None, None),
            Listening::At(address) => (Some(address), None),
        };
        let mut running = Running::new(child, self.folder, log, unread, socket);
        match address {
            Some(address) if !announces => running.wait_for_answer(address)?,
            address => running.wait_for_announcement(address)?,
        }
        Ok(running)
    }

    /// Runs the program without a listener and waits for its end.
    pub fn run(mut self) -> Result<Exit, Failed> {
        self.write_files()?;
        self.listening = Listening::Own;
        let mut child = self.command(" >stdout 2>stderr").spawn()?;
        let ended = wait_for("the program to end", || child.try_wait().ok().flatten());
        let (stdout, stderr) = (self.content("stdout"), self.content("stderr"));
        let status = ended.inspect_err(|_| end(&mut child)).map_err(|failed| {
            format!("{}\nstdout: {stdout}\nstderr: {stderr}", failed.message().unwrap_or_default())
        })?;
        Ok(Exit { status, stdout, stderr })
    }

    /// Writes its files and returns the folder, for a program that a claim starts by itself.
    pub(crate) fn prepared(mut self) -> Result<TempDir, Failed> {
        self.write_files()?;
        Ok(self.folder)
    }

    fn content(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    fn write_files(&mut self) -> Result<(), Failed> {
        let config = self.path(&self.config_name);
        if !config.exists() {
            let text = self.config.take().unwrap_or_else(|| Server::shipped_config().into());
            fs::create_dir_all(config.parent().ok_or("a file is in a folder")?)?;
            fs::write(config, text)?;
        }
        if self.templates.is_empty() && !self.path("templates").exists() {
            fixtures::templates_into(&self.path("templates"))?;
        }
        for (name, text) in &self.templates {
            let path = self.path("templates").join(name);
            fs::create_dir_all(path.parent().ok_or("a template is in a folder")?)?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// The shell moves the listener from its stdin to descriptor 3, and becomes the server by `exec`. The standard library
    /// cannot move it safely.
    fn command(&self, redirection: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let socket = match &self.listening {
            Listening::Handed(socket) => {
                let socket = socket.try_clone().expect("a descriptor is left");
                command.stdin(Stdio::from(OwnedFd::from(socket))).env("LISTEN_FDS", "1");
                "3<&0 0</dev/null"
            }
            Listening::Own | Listening::At(_) => {
                command.stdin(Stdio::null());
                ""
            }
        };
        command.arg("-c").arg(format!("{}exec \"$@\" {socket}{redirection}", self.before)).arg("sh");
        command.arg(&self.binary).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Kills a process and waits for its end.
pub(crate) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
