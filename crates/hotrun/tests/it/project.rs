//! A project in a temporary folder, and hotrun in it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// For whatever is waited for: a cold build on a busy machine is in it.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Without debug information and incremental files, which take most of the time of a first build.
const MANIFEST: &str = "[package]\nname = \"site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
    [profile.dev]\ndebug = false\nincremental = false\n";

/// A program that is not prepared for hotrun: it binds a hard-coded address, and `SIGTERM` kills it.
const SERVER: &str = r#"
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

const WORD: &str = "version 1";

fn main() {
    // before
    let listener = TcpListener::bind("127.0.0.1:PORT").expect("a port");
    // bound
    for stream in listener.incoming() {
        std::thread::spawn(move || answer(stream.expect("a connection")));
    }
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    loop {
        let mut closes = false;
        loop {
            match lines.next() {
                Some(Ok(line)) if line.is_empty() => break,
                Some(Ok(line)) => closes |= line.eq_ignore_ascii_case("connection: close"),
                _ => return,
            }
        }
        // answering
        let head = if closes { "Connection: close\r\n" } else { "" };
        let text = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n{WORD}", WORD.len());
        if stream.write_all(text.as_bytes()).is_err() || closes {
            return;
        }
    }
}
"#;

/// Files in a folder of their own, and a port that no other test uses.
pub(crate) struct Project {
    folder: TempDir,
    port: u16,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// The program that starts hotrun, with its arguments; empty if none does.
    starter: Vec<String>,
    /// The folder in which hotrun is started, below this one.
    here: PathBuf,
}

impl Project {
    /// An empty folder.
    pub(crate) fn new() -> Project {
        let folder = tempfile::Builder::new().prefix("hotrun-").tempdir().expect("a folder");
        Project {
            folder,
            port: conformance::free_address().expect("a port").port(),
            args: Vec::new(),
            env: Vec::new(),
            starter: Vec::new(),
            here: PathBuf::new(),
        }
    }

    /// A Cargo project with an HTTP server on std alone: hard-coded address, no graceful shutdown, `version 1`.
    pub(crate) fn server() -> Project {
        let project = Project::new().file("Cargo.toml", MANIFEST).file("src/main.rs", SERVER);
        project.file("Cargo.lock", "version = 4\n\n[[package]]\nname = \"site\"\nversion = \"0.1.0\"\n")
    }

    /// Writes a file; `PORT` in it is this project's port.
    pub(crate) fn file(self, name: &str, text: &str) -> Project {
        self.save(name, &text.replace("PORT", &self.port.to_string()));
        self
    }

    /// Replaces text in a file, which must be there.
    pub(crate) fn edited(self, name: &str, from: &str, to: &str) -> Project {
        self.edit(name, from, to);
        self
    }

    /// Arguments of hotrun.
    pub(crate) fn args(mut self, args: &[&str]) -> Project {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Project {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has hotrun started in a folder below this one.
    pub(crate) fn started_in(mut self, folder: &str) -> Project {
        self.here = folder.into();
        self
    }

    /// Has hotrun started by a program that becomes hotrun, whose name follows.
    pub(crate) fn started_by(mut self, words: &[&str]) -> Project {
        self.starter = words.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn save(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Writes the file by a rename: one that is found cut off is a change of its own.
    pub(crate) fn save_at_once(&self, name: &str, text: &str) {
        let beside = format!("{name}~");
        self.save(&beside, text);
        fs::rename(self.path(&beside), self.path(name)).expect("moved over");
    }

    /// Replaces text in a file by a rename.
    pub(crate) fn edit_at_once(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect("a file");
        assert!(text.contains(from), "`{from}` in {name}");
        self.save_at_once(name, &text.replace(from, to));
    }

    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect("a file");
        assert!(text.contains(from), "`{from}` in {name}");
        self.save(name, &text.replace(from, to));
    }

    /// hotrun, with nothing started.
    pub(crate) fn command(&self) -> Command {
        let words: Vec<&str> =
            self.starter.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_hotrun")]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env_remove("CARGO_TARGET_DIR").current_dir(self.folder.path().join(&self.here));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts hotrun.
    pub(crate) fn hotrun(self) -> Hotrun {
        let mut child = self.command().spawn().expect("hotrun");
        let said = Arc::new(Mutex::new(String::new()));
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("a pipe")), Box::new(child.stderr.take().expect("a pipe"))];
        for pipe in pipes {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let mut said = said.lock().expect("a lock");
                    said.push_str(&String::from_utf8_lossy(&line));
                    said.push('\n');
                }
            });
        }
        Hotrun { project: self, child, said }
    }

    /// Runs hotrun to its end; what it said on both streams, and how it ended.
    pub(crate) fn ends(self) -> (String, Option<i32>) {
        let mut hotrun = self.hotrun();
        let status = hotrun.wait();
        // Each reader lets go of it at the end of its pipe, which a process left behind may hold open.
        let end = Instant::now() + Duration::from_secs(5);
        while Arc::strong_count(&hotrun.said) > 1 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        (hotrun.said(), status.code())
    }
}

/// hotrun at work. Dropping it ends it, politely at first.
pub(crate) struct Hotrun {
    project: Project,
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Hotrun {
    pub(crate) fn project(&self) -> &Project {
        &self.project
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that hotrun, the builds and the servers have said.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("a lock").clone()
    }

    /// The number of times that these words were printed.
    pub(crate) fn count(&self, words: &str) -> usize {
        self.said().matches(words).count()
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < end, "no {what}; it was said:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        self.wait_until(&format!("`{words}`"), || self.said().contains(words));
    }

    /// Waits until words were said so many times.
    #[track_caller]
    pub(crate) fn wait_for_count(&self, words: &str, count: usize) {
        self.wait_until(&format!("`{words}` {count} times"), || self.count(words) >= count);
    }

    /// Waits until `GET /` is answered with this.
    #[track_caller]
    pub(crate) fn wait_for_answer(&self, words: &str) {
        self.wait_until(&format!("answer `{words}`"), || {
            get(self.project.address()).is_ok_and(|text| text.contains(words))
        });
    }

    /// Saves the server with another version in it, without waiting. By rename: a file that is found cut off is a change of its own.
    pub(crate) fn save_version(&self, version: usize) {
        let path = self.project.path("src/main.rs");
        let text = fs::read_to_string(&path).expect("a server");
        let (head, rest) = text.split_once("\"version ").expect("a version");
        let (_, tail) = rest.split_once('"').expect("a version");
        let new = path.with_extension("rs~");
        fs::write(&new, format!("{head}\"version {version}\"{tail}")).expect("saved beside");
        fs::rename(new, path).expect("moved over");
    }

    /// Saves the server with another version in it, and waits until that answers.
    #[track_caller]
    pub(crate) fn becomes(&self, version: usize) {
        self.save_version(version);
        self.wait_until(&format!("answer of version {version}"), || {
            get(self.project.address()).is_ok_and(|text| text.ends_with(&format!("version {version}")))
        });
    }

    /// The same for a program of one line that prints its version.
    pub(crate) fn save_worker(&self, version: usize) {
        let text = fs::read_to_string(self.project.path("src/main.rs")).expect("a worker");
        let (head, rest) = text.split_once("version ").expect("a version");
        let (_, tail) = rest.split_once(' ').expect("a version");
        self.project.save("src/main.rs", &format!("{head}version {version} {tail}"));
    }

    /// The names of all processes that descend from hotrun.
    pub(crate) fn processes(&self) -> Vec<String> {
        self.family().into_iter().map(|(name, _)| name).collect()
    }

    /// How many builds are under way: cargo itself is called so until it has become the compiler that it starts, so
    /// only the first of a group counts.
    pub(crate) fn builds(&self) -> usize {
        self.family().iter().filter(|(name, leads)| name == "cargo" && *leads).count()
    }

    /// The number of servers: groups below hotrun, without the watchdog. Not to be asked during a build.
    pub(crate) fn servers(&self) -> usize {
        self.family().iter().filter(|(name, leads)| *leads && name != "exe").count()
    }

    /// Everyone below hotrun, and whether it leads its group.
    fn family(&self) -> Vec<(String, bool)> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc").expect("processes").flatten() {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parsed = stat.split_once(" (").and_then(|(pid, rest)| {
                let (name, rest) = rest.rsplit_once(") ")?;
                let mut fields = rest.split(' ').skip(1);
                let parent: u32 = fields.next()?.parse().ok()?;
                Some((pid.parse::<u32>().ok()?, parent, name.to_owned(), fields.next()? == pid))
            });
            all.extend(parsed);
        }
        let mut waiting = vec![self.child.id()];
        let mut found = Vec::new();
        while let Some(one) = waiting.pop() {
            for (pid, _, name, leads) in all.iter().filter(|(_, parent, ..)| *parent == one) {
                waiting.push(*pid);
                found.push((name.clone(), *leads));
            }
        }
        found
    }

    /// Sends a signal to hotrun itself.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        rustix::process::kill_process(pid, signal).expect("it lives");
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(Instant::now() < end, "it does not end; it was said:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Hotrun {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(rustix::process::Signal::INT);
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request for `/` on a connection of its own.
pub(crate) fn get(address: SocketAddr) -> std::io::Result<String> {
    ask(address, "/")
}

/// One request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
