//! An etcd server for one test.

use crate::{Failed, folder, tier, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

/// A single etcd with a folder and ports of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct Etcd {
    folder: TempDir,
    /// The port of clients and the one of members.
    ports: [u16; 2],
    /// The name of the folder of data: another one after each restore.
    data: String,
    certificate: Option<Certificate>,
    /// `root:PASSWORD`, once a password is required.
    root: Option<String>,
    server: Option<Child>,
}

/// A self-signed certificate for `127.0.0.1`. A client trusts it if it is named as an authority.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, in PEM.
    pub public: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

impl Etcd {
    /// The reason why no server can be started; `None` if one can.
    pub fn missing() -> Option<String> {
        let paths = env::var_os("PATH").unwrap_or_default();
        let has = |program: &str| env::split_paths(&paths).any(|folder| folder.join(program).is_file());
        (!has("etcd") || !has("etcdctl")).then(|| "etcd is not installed".to_owned())
    }

    /// Starts a server. Without the programs prints that the calling test is skipped; the test then returns.
    ///
    /// # Panics
    /// When the server cannot be started, or is not installed and `REQUIRE_ALL` is `1`.
    #[track_caller]
    pub fn for_this_test() -> Option<Etcd> {
        if let Some(missing) = Etcd::missing() {
            tier::skipped(&missing);
            return None;
        }
        Some(Etcd::start().unwrap_or_else(|failed| panic!("{failed:?}")))
    }

    /// Starts a server without keys.
    pub fn start() -> Result<Etcd, Failed> {
        Etcd::start_with(None)
    }

    /// Starts a server without keys that takes clients over TLS alone.
    pub fn start_over_tls(certificate: &Certificate) -> Result<Etcd, Failed> {
        Etcd::start_with(Some(certificate))
    }

    fn start_with(certificate: Option<&Certificate>) -> Result<Etcd, Failed> {
        let mut failure = Failed::without_message();
        // Another process may take a free port before the server does.
        for _ in 0..5 {
            let free = || Ok::<_, Failed>(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
            let ports = [free()?, free()?];
            let (data, certificate) = ("data".to_owned(), certificate.cloned());
            let mut etcd = Etcd { folder: folder()?, ports, data, certificate, root: None, server: None };
            match etcd.restart() {
                Ok(()) => return Ok(etcd),
                Err(failed) => failure = failed,
            }
        }
        Err(failure)
    }

    /// `127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Shows another certificate from the next start on.
    pub fn set_certificate(&mut self, certificate: &Certificate) {
        self.certificate = Some(certificate.clone());
    }

    /// Starts the server on the same ports with the same data; if it runs, kills it first.
    pub fn restart(&mut self) -> Result<(), Failed> {
        self.kill()?;
        let (clients, members) = (self.client_url(), format!("http://127.0.0.1:{}", self.ports[1]));
        let log = fs::File::options().create(true).append(true).open(self.path("log"))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "etcd", "--name=test"]);
        command.arg(format!("--data-dir={}", self.path(&self.data).display()));
        command
            .arg(format!("--listen-client-urls={clients}"))
            .arg(format!("--advertise-client-urls={clients}"));
        command.arg(format!("--listen-peer-urls={members}"));
        command.arg(format!("--initial-advertise-peer-urls={members}"));
        command.arg(format!("--initial-cluster=test={members}"));
        if let Some(Certificate { public, key }) = &self.certificate {
            command.arg(format!("--cert-file={}", public.display()));
            command.arg(format!("--key-file={}", key.display()));
        }
        // Debian's etcd needs it on other machines than amd64.
        command.env("ETCD_UNSUPPORTED_ARCH", env::consts::ARCH.replace("aarch64", "arm64"));
        let server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let server = self.server.insert(server);
        let mut ended = || !matches!(server.try_wait(), Ok(None));
        let endpoint = format!("127.0.0.1:{}", self.ports[0]);
        let is_up = wait_for("etcd to listen", || {
            if ended() { Some(false) } else { TcpStream::connect(&endpoint).ok().map(|_| true) }
        })?;
        if !is_up {
            return Err(format!("etcd did not start:\n{}", self.log()).into());
        }
        wait_for("etcd to answer", || self.ctl(&["endpoint", "health"]).ok()).map(drop)
    }

    /// Kills the server.
    pub fn kill(&mut self) -> Result<(), Failed> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: Signal) -> Result<(), Failed> {
        let server = self.server.as_ref().ok_or("it does not run")?;
        Ok(kill_process(Pid::from_child(server), signal)?)
    }

    /// Writes a key.
    pub fn put(&self, key: &str, value: &str) -> Result<(), Failed> {
        self.ctl(&["put", "--", key, value]).map(drop)
    }

    /// Deletes a key.
    pub fn delete(&self, key: &str) -> Result<(), Failed> {
        self.ctl(&["del", key]).map(drop)
    }

    /// Drops the history of all revisions so far.
    pub fn compact(&self) -> Result<(), Failed> {
        let status = self.ctl(&["endpoint", "status", "--write-out=json"])?;
        let status: serde_json::Value = serde_json::from_str(&status)?;
        let revision = status[0]["Status"]["header"]["revision"].to_string();
        self.ctl(&["compact", &revision]).map(drop)
    }

    /// Saves a snapshot of all keys.
    pub fn snapshot(&self, name: &str) -> Result<(), Failed> {
        self.ctl(&["snapshot", "save", &self.path(name).to_string_lossy()]).map(drop)
    }

    /// Replaces all data by those of a snapshot, and starts the server again.
    pub fn restore(&mut self, name: &str) -> Result<(), Failed> {
        self.kill()?;
        self.data.push('+');
        let members = format!("http://127.0.0.1:{}", self.ports[1]);
        let data = format!("--data-dir={}", self.path(&self.data).display());
        let (cluster, peers) =
            (format!("--initial-cluster=test={members}"), format!("--initial-advertise-peer-urls={members}"));
        let snapshot = self.path(name);
        let snapshot = snapshot.to_string_lossy();
        self.ctl(&["snapshot", "restore", &snapshot, "--name=test", &data, &cluster, &peers])?;
        self.restart()
    }

    /// Asks for a name and a password from now on. The user `reader` may read the keys with a prefix; `etcdctl` is run as `root`.
    pub fn require_password(&mut self, password: &str, prefix: &str) -> Result<(), Failed> {
        self.ctl(&["user", "add", &format!("root:{password}")])?;
        self.ctl(&["user", "add", &format!("reader:{password}")])?;
        self.ctl(&["role", "add", "readers"])?;
        self.ctl(&["role", "grant-permission", "readers", "read", "--prefix=true", prefix])?;
        self.ctl(&["user", "grant-role", "reader", "readers"])?;
        self.ctl(&["user", "grant-role", "root", "root"])?;
        self.ctl(&["auth", "enable"])?;
        self.root = Some(format!("root:{password}"));
        Ok(())
    }

    /// Runs `etcdctl`, and returns what it prints.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").env("ETCDCTL_ENDPOINTS", self.client_url());
        if let Some(certificate) = &self.certificate {
            command.env("ETCDCTL_CACERT", &certificate.public);
        }
        if let Some(root) = &self.root {
            command.env("ETCDCTL_USER", root);
        }
        let output: Output = command.args(arguments).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    fn client_url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.endpoint())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Certificate {
    /// Makes one with `openssl`, in the files `NAME.pem` and `NAME.key`.
    pub fn make(folder: &Path, name: &str) -> Result<Certificate, Failed> {
        let (public, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt"]);
        openssl.args(["ec_paramgen_curve:P-256", "-subj", &format!("/CN={name}")]);
        openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        let output = openssl.arg("-keyout").arg(&key).arg("-out").arg(&public).output()?;
        if output.status.success() {
            return Ok(Certificate { public, key });
        }
        Err(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
