//! `[run.NAME]`: one of several programs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml_edit::TableLike;

use crate::settings::build::Build;
use crate::settings::finding::Finding;
use crate::settings::table::Table;
use crate::settings::value::OneOrMore;
use crate::settings::{Ready, Socket};

/// Keys of `[build]` that belong to one program. With `[run]`, each program has its own.
pub(super) const OF_ONE_PROGRAM: [&str; 13] = [
    "cmd",
    "bin",
    "full_bin",
    "entrypoint",
    "pre_cmd",
    "post_cmd",
    "args",
    "args_bin",
    "rules",
    "include_dir",
    "include_file",
    "linux",
    "darwin",
];

/// `[run.NAME]`. The keys of `[build]`, `[socket]`, `[ready]` and `[probation]` hold for it, if it does not have them itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) name: String,
    /// The folder in which it is built and run.
    pub(crate) dir: Option<PathBuf>,
    /// Besides those of the file.
    pub(crate) env_files: Vec<PathBuf>,
    pub(crate) build: Build,
    pub(crate) socket: Socket,
    pub(crate) ready: Ready,
    pub(crate) probation: Option<Duration>,
    /// Offset of `socket.address` in the text, in bytes.
    address_at: usize,
}

impl Run {
    /// Reads all programs, in the order of the text. `top` is the top level of the file.
    pub(super) fn read_all(runs: Table<'_>, top: &dyn TableLike, findings: &mut Vec<Finding>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (name, at, table) in runs.named(findings) {
            if name.is_empty() || !name.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one)) {
                findings.push(Finding::error(
                    at,
                    format!("`{name}` is no name of a program; expected letters, digits, `-` and `_`"),
                ));
                continue;
            }
            let run = Self::read(&name, table, top, findings);
            for address in &run.socket.address {
                if let Some(other) = all.iter().find(|other| other.listens_at(*address)) {
                    findings.push(Finding::error(
                        run.address_at,
                        format!(
                            "`run.{name}.socket.address` is `{address}`, which is the port of `[run.{}]`; expected one of its own",
                            other.name
                        ),
                    ));
                }
            }
            all.push(run);
        }
        all
    }

    fn read(name: &str, mut table: Table<'_>, top: &dyn TableLike, findings: &mut Vec<Finding>) -> Self {
        let dir = table.take("dir");
        let env_files = table.take("env_files").map_or_else(Vec::new, |OneOrMore(files)| files);
        let socket = table.table("socket").over("socket", top);
        let address_at = socket.place_of("address");
        let socket = Socket::read(socket, findings);
        let ready = Ready::read(table.table("ready").over("ready", top), findings);
        let probation = table.table("probation").over("probation", top).only("time", findings);
        let build = Build::read(table.over("build", top), findings);
        Self { name: name.to_owned(), dir, env_files, build, socket, ready, probation, address_at }
    }

    /// True if it has this port at this address, or at an address that includes it.
    fn listens_at(&self, address: SocketAddr) -> bool {
        let overlaps = |own: &SocketAddr| {
            own.ip() == address.ip() || own.ip().is_unspecified() || address.ip().is_unspecified()
        };
        self.socket.address.iter().any(|own| own.port() == address.port() && overlaps(own))
    }
}
