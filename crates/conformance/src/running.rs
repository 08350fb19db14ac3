//! A running server.

use crate::{Answer, Client, Events, Exit, Failed, Log, Request, claim, server::end, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempDir;

/// The process of a server. When this is dropped, the process is killed and its folder removed.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    child: Mutex<Child>,
    folder: TempDir,
    log: Log,
    unread: Option<ChildStderr>,
    socket: Option<TcpListener>,
}

impl Running {
    pub(crate) fn new(
        child: Child,
        folder: TempDir,
        log: Log,
        unread: Option<ChildStderr>,
        socket: Option<TcpListener>,
    ) -> Running {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Running { address, child: Mutex::new(child), folder, log, unread, socket }
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Its stderr.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Another handle of the listener that it was given.
    pub fn listener(&self) -> Result<TcpListener, Failed> {
        Ok(self.socket.as_ref().ok_or("it binds its own socket")?.try_clone()?)
    }

    /// Closes this side's handle of the listener, so that the server alone holds it.
    pub fn let_go_of_the_socket(&mut self) {
        self.socket = None;
    }

    /// Starts to read a stderr that was not read so far.
    pub fn read_stderr(&mut self) {
        if let Some(stderr) = self.unread.take() {
            self.log = Log::follow(stderr);
        }
    }

    /// A new connection.
    pub fn client(&self) -> Result<Client, Failed> {
        Client::connect(self.address)
    }

    /// Sends a request on a new connection.
    pub fn request(&self, request: &Request) -> Result<Answer, Failed> {
        self.client()?.request(request)
    }

    /// Sends a `GET` on a new connection.
    pub fn get(&self, target: &str) -> Result<Answer, Failed> {
        self.request(&Request::get(target))
    }

    /// The status of a `GET`.
    pub fn status(&self, target: &str) -> Result<u16, Failed> {
        Ok(self.get(target)?.status)
    }

    /// The instance that answers on a new connection.
    pub fn instance(&self) -> Result<String, Failed> {
        self.client()?.instance()
    }

    /// Waits for an answer of another instance than `old`, and returns it.
    pub(crate) fn wait_for_another(&self, old: &str) -> Result<String, Failed> {
        wait_for("another instance", || self.instance().ok().filter(|instance| instance != old))
    }

    /// Opens `/events` and waits for its first frame.
    pub fn events(&self) -> Result<Events, Failed> {
        let mut client = self.client()?;
        client.send(&Request::get("/events").bytes(self.address))?;
        let mut events = Events::open(client)?;
        events.event("hello")?;
        Ok(events)
    }

    /// The attempts of `/config/history`, newest first.
    pub fn history(&self) -> Result<Vec<Value>, Failed> {
        let answer = self.get("/config/history")?;
        match answer.json()? {
            Value::Array(attempts) => Ok(attempts),
            other => Err(format!("/config/history is {other}").into()),
        }
    }

    /// The value of a series in `/metrics` with these labels in any order; 0 if there is no such series.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64, Failed> {
        let text = self.get("/metrics")?.text();
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(name).unwrap_or_default();
            rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
        });
        let value = line.and_then(|line| line.rsplit(' ').next()).unwrap_or("0");
        Ok(value.parse().map_err(|e| format!("{line:?}: {e}"))?)
    }

    /// Waits until answers carry this generation.
    pub fn wait_for_generation(&self, generation: u64) -> Result<(), Failed> {
        let mut last = None;
        wait_until(&format!("generation {generation}"), || {
            last = self.get("/healthz").ok().and_then(|answer| answer.generation());
            last == Some(generation)
        })
        .map_err(|failed| format!("{}; it is {last:?}", failed.message().unwrap_or_default()).into())
    }

    /// The path of a file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The current text of `config.yaml`.
    pub fn config(&self) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.path("config.yaml"))?)
    }

    /// Saves `config.yaml` in place.
    pub fn save_config(&self, text: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.save("config.yaml", text)
    }

    /// Saves a template in place.
    pub fn save_template(&self, name: &str, text: &str) -> Result<(), Failed> {
        self.save(&format!("templates/{name}"), text)
    }

    /// Saves a file in place.
    pub fn save(&self, name: &str, text: impl AsRef<[u8]>) -> Result<(), Failed> {
        Ok(fs::write(self.path(name), text)?)
    }

    /// Saves a file by a rename, as most editors do.
    pub fn replace(&self, name: &str, text: impl AsRef<[u8]>) -> Result<(), Failed> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        fs::write(&beside, text)?;
        Ok(fs::rename(beside, path)?)
    }

    /// Replaces one passage of `config.yaml`.
    ///
    /// # Panics
    /// When the file does not have the passage exactly once.
    pub fn edit(&self, from: &str, to: &str) -> Result<(), Failed> {
        let config = self.config()?;
        assert_eq!(config.matches(from).count(), 1, "`{from}` in:\n{config}");
        self.replace("config.yaml", config.replace(from, to))
    }

    /// Sends a signal to its process.
    pub fn signal(&self, signal: Signal) -> Result<(), Failed> {
        Ok(kill_process(Pid::from_child(&self.child()), signal)?)
    }

    /// Waits until a series of `/metrics` has this value. It changes after clients are notified.
    pub fn wait_for_metric(&self, name: &str, labels: &[(&str, &str)], value: u32) -> Result<(), Failed> {
        let value = f64::from(value);
        wait_until(&format!("{name}{labels:?} = {value}"), || {
            self.metric(name, labels).is_ok_and(|now| (now - value).abs() < 0.5)
        })
    }

    /// The number of attempts in `/config/history` with this outcome.
    pub fn attempts(&self, outcome: &str) -> Result<usize, Failed> {
        Ok(self.history()?.iter().filter(|attempt| attempt["outcome"] == outcome).count())
    }

    /// Waits until the history has this number of attempts with this outcome. It is written after the swap.
    pub fn wait_for_attempts(&self, outcome: &str, count: usize) -> Result<(), Failed> {
        wait_until(&format!("{count} attempts `{outcome}`"), || {
            self.attempts(outcome).is_ok_and(|now| now >= count)
        })
    }

    /// The processes whose working directory is its folder: itself and its successors, sorted by id.
    pub fn processes(&self) -> Vec<u32> {
        let folder = self.folder.path();
        let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut here: Vec<u32> = listed
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
            .collect();
        here.sort_unstable();
        here
    }

    /// Sends a signal to one of its processes.
    pub fn signal_to(&self, pid: u32, signal: Signal) -> Result<(), Failed> {
        let raw = i32::try_from(pid).map_err(|e| format!("{pid}: {e}"))?;
        Ok(kill_process(Pid::from_raw(raw).ok_or("a process id is not 0")?, signal)?)
    }

    /// The process id that this instance has announced in its log.
    pub fn process_of(&self, instance: &str) -> Result<u32, Failed> {
        let announced = format!("(instance {instance}, process ");
        let line = self.log.wait_for_log("the successor's announcement", |line| line.contains(&announced))?;
        let rest = line.split(&announced).nth(1).unwrap_or_default();
        Ok(rest.split(')').next().unwrap_or_default().parse().map_err(|e| format!("{line:?}: {e}"))?)
    }

    /// True if the process still runs.
    pub fn lives(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Waits for the process to end.
    pub fn wait_for_exit(&self) -> Result<ExitStatus, Failed> {
        wait_for("the process to end", || self.child().try_wait().ok().flatten())
    }

    /// Sends `SIGTERM` and waits for the end of the process.
    pub fn stop(&self) -> Result<ExitStatus, Failed> {
        self.signal(Signal::TERM)?;
        self.wait_for_exit()
    }

    /// Waits for the log line that announces the address; it must be `address` if that is given.
    pub(crate) fn wait_for_announcement(&mut self, address: Option<SocketAddr>) -> Result<(), Failed> {
        self.address = wait_for("the line that says where it serves", || {
            // A line before it may name the address of a source.
            let lines = self.log.lines();
            let announced =
                lines.iter().filter(|line| line.contains("serv")).find_map(|line| Exit::address_in(line));
            match (announced, address) {
                (Some(announced), None) => Some(Ok(announced)),
                (Some(announced), Some(address)) if announced == address => Some(Ok(announced)),
                _ if !self.lives() => Some(Err(Failed::from("it ended instead of serving"))),
                _ => None,
            }
        })??;
        Ok(())
    }

    /// Waits for an answer instead of a log line.
    pub(crate) fn wait_for_answer(&mut self, address: SocketAddr) -> Result<(), Failed> {
        self.address = address;
        wait_for("an answer", || match self.status("/healthz") {
            Ok(_) => Some(Ok(())),
            Err(_) if !self.lives() => Some(Err(Failed::from("it ended instead of serving"))),
            Err(_) => None,
        })?
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(self.child.get_mut().unwrap_or_else(PoisonError::into_inner));
        for successor in self.processes() {
            let _ = self.signal_to(successor, Signal::KILL);
        }
        self.unread = None;
        self.log.finish();
        claim::remember_log(&format!("[{}]\n{}\n", self.address, self.log.text()));
    }
}
