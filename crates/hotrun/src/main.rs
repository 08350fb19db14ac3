//! Runs a server while it is being written.
//!
//! hotrun builds every edit beside the running server. The new server takes over without a failed request. After a broken edit
//! the good server runs on. The program needs no change, in whatever language it is.
//!
//! ```console
//! $ hotrun
//! hotrun  builds: cargo build -p site --bin site
//!    Compiling site v0.1.0 (/home/me/site)
//!     Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.41s
//! hotrun  built in 445 ms
//! hotrun  server 1 is ready after 2 ms: it listens
//! hotrun  serves http://127.0.0.1:8080, the program says where when it binds
//! hotrun  src/main.rs changed
//! hotrun  builds: cargo build -p site --bin site
//! hotrun  built in 310 ms
//! hotrun  server 2 is ready after 2 ms: it listens
//! hotrun  server 1 leaves
//! ```
//!
//! `hotrun check` prints what would be watched, built, run and owned. `hotrun init` writes every setting with its default into
//! `.hotrun.toml`. `hotrun --bin NAME -- ARGS` chooses a program and passes arguments on. The keys are those of air, where air has
//! them, and `.air.toml` is read if there is no `.hotrun.toml`.
//!
//! # The invariant
//!
//! **One server takes new connections, at most one more is not ready, and the old one is asked to stop only after the new one is
//! ready.** Older ones may still drain: at most three, then the oldest is killed. So a server accepts at every moment.
//!
//! One build runs at a time, and no change is lost. A change during a build starts it again, also if only that build finds out that
//! it reads the file, and also if the tree is not watched yet. However hotrun ends, no process, watch or socket is left.
//!
//! # What is a source
//!
//! In a Cargo project: `.rs` files, manifests, and every file that the last build has read, according to its dependency files and
//! its build scripts. An `.rs` file that the build did not read is no source, unless it is new or the build has failed. In a Go
//! module: the files that air takes. Elsewhere: files with the usual endings, or `include_ext`. Never: files that git ignores, unless
//! the compiler reads them; hidden folders, `node_modules`, folders with a `CACHEDIR.TAG`. None of these costs a watch. Contents are
//! compared, so saving the same content again changes nothing.
//!
//! A build whose program has the same bytes as before starts nothing. The exception is a changed file that is not compiled: the
//! program may read it itself. An edited `.env`, or a file in `env_files`, starts the same program with the new variables,
//! without a build.
//!
//! # When no server serves
//!
//! The first build may fail, or the program may end by itself. Then hotrun answers on its own socket with 503 and the reason. During a
//! build or a start, requests wait.
//!
//! # When it cannot hold
//!
//! * A program without a graceful shutdown closes the connections of its clients. hotrun waits for their requests, for `socket.drain`
//!   at most, and then reports what is lost.
//! * If the kernel or a container forbids seccomp's user notifications, hotrun cannot answer the program's `bind`. Then it takes another
//!   way and says so. The last one is a plain restart.
//! * A build script or a macro may read files without reporting them to cargo. Name them in `include_file`.
//!
//! # What it does not do
//!
//! It knows no framework. It knows a language only for the advice that it prints, and by the files that its compiler writes. It does not
//! reload pages, and does not watch files that the server reads by itself (`exclude_file`, `exclude_dir`).
//!
//! # Several programs
//!
//! `[run.NAME]` is a program beside others. Each has a supervisor, servers and sockets of its own, so all of the above holds for each. They
//! share one watcher. Cargo builds that differ only in the program are one build.

mod accept;
mod binary_cache;
mod build;
mod check;
mod cli;
mod control;
mod drain;
mod environment;
mod error;
mod generation;
mod go_module;
mod idle;
mod init;
mod inputs;
mod job;
mod journal;
mod notify_socket;
mod outage;
mod plan;
mod probe;
mod project;
mod proxy;
mod pseudo_terminal;
mod reloader;
mod report;
mod runner;
mod settings;
mod socket_mode;
mod sources;
mod suggestion;
mod supervisor;
mod terminal;
mod tmp_dir;

use std::env;
use std::process::ExitCode;

use crate::cli::{Cli, What};
use crate::control::Request;
use crate::error::Error;
use crate::journal::{Event, Level};
use crate::report::Report;
use crate::terminal::TerminalAfterKill;

fn main() -> ExitCode {
    if let Some(status) = intercept::launcher() {
        return status;
    }
    if env::args_os().nth(1).is_some_and(|argument| argument == process_tree::WATCHDOG) {
        let terminal = TerminalAfterKill::open();
        let status = process_tree::watchdog();
        terminal.restore();
        return status;
    }
    let cli = cli::parse();
    match act(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Report::plain().error(&error);
            if cli.json {
                Report::say_event(Event::Message { level: Level::Error, text: error.words });
            }
            ExitCode::from(error.status)
        }
    }
}

fn act(cli: &Cli) -> Result<(), Error> {
    if let Some(choice) = cli.color_choice() {
        choice.write_global();
    }
    match cli.what {
        Some(What::Init) => init::init(cli),
        Some(What::Check { .. }) => check::check(cli),
        Some(What::Status { json }) => control::run(cli, &Request::Status, json),
        Some(What::Reload { ref program, wait, json }) => {
            control::run(cli, &Request::Reload { wait, program: program.clone() }, json)
        }
        Some(What::Restart { ref program, wait, json }) => {
            control::run(cli, &Request::Restart { wait, program: program.clone() }, json)
        }
        Some(What::Stop) => control::run(cli, &Request::Stop, false),
        Some(What::Logs { ref program, since_build, follow, json }) => {
            control::run(cli, &Request::Logs { since_build, follow, program: program.clone() }, json)
        }
        None => runner::run(plan::plans(cli)?),
    }
}
