//! What stands for upgrades where the system has no sealed memory files: nothing is handed over, nothing is started.

use std::convert::Infallible;
use std::env;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::setback::Setback;
use crate::socket::Socket;

/// What an upgrade may start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The only binary, by its SHA-256 in hexadecimal digits.
    pub sha256: Option<String>,
    /// A minisign public key in base 64.
    pub public_key: Option<String>,
}

/// What was handed over.
#[derive(Debug, Default)]
pub struct Handed {
    /// A listening socket.
    pub socket: Option<Socket>,
    /// The process that this one is to take over from.
    pub predecessor: Option<Predecessor>,
}

/// The process that started this one to take over from it.
#[derive(Debug)]
pub struct Predecessor(Infallible);

/// A predecessor that watches over this process's probation.
#[derive(Debug)]
pub struct Guardian(Infallible);

/// A process that was started to take over.
#[derive(Debug)]
pub struct Successor(Infallible);

/// How a probation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probation {
    /// The successor goes its own way.
    Over,
    /// The successor is gone.
    Failed(Setback),
}

/// Where this process is asked for an upgrade.
#[derive(Debug)]
pub struct Petitions(Infallible);

/// Somebody who waits for the outcome of an upgrade.
#[derive(Debug)]
pub struct Petitioner(Infallible);

impl Handed {
    /// Nothing is handed over here.
    pub fn take() -> io::Result<Handed> {
        Ok(Handed::default())
    }
}

/// The path of the program that this process was started from.
pub fn executable() -> io::Result<&'static Path> {
    static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();
    let path = env::current_exe()?;
    Ok(EXECUTABLE.get_or_init(|| path))
}

/// Nobody can be asked here.
pub fn petition(_pid: u32) -> io::Result<Result<String, String>> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Predecessor {
    /// There is none.
    pub fn pid(&self) -> Option<u32> {
        match self.0 {}
    }

    /// There is none.
    pub fn ready(&self) {
        match self.0 {}
    }

    /// There is none.
    pub fn serving(self) -> io::Result<Guardian> {
        match self.0 {}
    }
}

impl Guardian {
    /// There is none.
    pub async fn judged(&mut self) -> bool {
        pending().await
    }

    /// There is none.
    pub fn stopping(&self) {
        match self.0 {}
    }

    /// There is none.
    pub fn upgrading(&self) {
        match self.0 {}
    }
}

impl Successor {
    /// None can be started here.
    pub fn start(_path: &Path, _rules: &Rules, _socket: &Socket) -> Result<Successor, Setback> {
        Err(Setback::Unstartable(String::from("upgrades in place need Linux")))
    }

    /// There is none.
    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    /// There is none.
    pub async fn ready(&mut self, _patience: Duration) -> Result<(), Setback> {
        pending().await
    }

    /// There is none.
    pub async fn take_over(&mut self) -> Result<(), Setback> {
        pending().await
    }

    /// There is none.
    pub async fn watch(&mut self) -> Probation {
        pending().await
    }

    /// There is none.
    pub fn acquit(self) {
        match self.0 {}
    }
}

impl Petitions {
    /// Nobody can ask here.
    pub fn listen() -> io::Result<Petitions> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is none.
    pub async fn next(&mut self) -> Petitioner {
        pending().await
    }
}

impl Petitioner {
    /// There is none.
    pub fn answer(self, _outcome: Result<&str, &str>) {
        match self.0 {}
    }
}
