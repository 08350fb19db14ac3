//! Runs a server while it is being written.
//!
//! An edit to any source is built beside the running server and takes over without a failed request; a broken edit leaves the
//! good server running. The program needs no line for it, in whatever language it is.
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
//! `hotrun check` says what would be watched, built, run and owned, `hotrun init` writes every setting with its default into
//! `.hotrun.toml`, `hotrun --bin NAME -- ARGS` chooses a program and hands arguments on. The keys are air's where air has them;
//! where air's behaviour is an accident, what the key says is done.
//!
//! # The invariant
//!
//! **At most two servers exist, at most one of them is not ready, and the old one is asked to stop only after the new one is
//! ready.** So somebody accepts at every moment. One build runs at a time, and no change is forgotten: one that is made during a
//! build begins it anew, also where only that build finds out that it reads the file, also while the first one runs and the tree is
//! not watched yet. Nothing is left behind, however hotrun ends: no process, no watch, no socket.
//!
//! # What is a source
//!
//! In a Cargo project: `.rs` files, manifests, and whatever the last build has read by its dependency files and its build scripts,
//! wherever that lies; `.rs` files that it did not read are none, unless they are new or the build has failed. In a Go module: what
//! air takes. Elsewhere: the usual endings of programs, or `include_ext`. Never: what git ignores, unless the compiler reads it;
//! hidden folders, `node_modules`, folders with a `CACHEDIR.TAG`. None of these costs a watch. Contents are compared, so saving the
//! same again changes nothing.
//!
//! # When it cannot hold
//!
//! * A program without a graceful shutdown that closes kept connections under its clients: their requests are waited for up to
//!   `socket.drain`, what is lost after that is said.
//! * Where the kernel or a container forbids seccomp's user notifications, the program's own address cannot be lent: then one of the
//!   other ways is taken, and said, the last being a plain restart.
//! * A build script or a macro that reads files without telling cargo of it: name them in `include_file`.
//!
//! # What it does not do
//!
//! It knows no framework and no language but by what a program does with its sockets and what its compiler writes down. It does not
//! reload pages, does not watch what the server reads by itself (`exclude_file`, `exclude_dir`), and runs one server.

mod build;
mod check;
mod child;
mod cli;
mod drain;
mod generation;
mod herald;
mod init;
mod inputs;
mod job;
mod lend;
mod plan;
mod probe;
mod project;
mod proxy;
mod quiet;
mod refusal;
mod report;
mod runner;
mod settings;
mod shelf;
mod socket;
mod sources;
mod supervisor;
mod tmp_dir;

use std::env;
use std::process::ExitCode;

use crate::cli::What;
use crate::refusal::Refusal;
use crate::report::Report;

fn main() -> ExitCode {
    let persona = env::args_os().nth(1);
    match persona.as_deref().and_then(|name| name.to_str()) {
        Some(child::PERSONA) => return child::main(),
        Some(process_tree::WATCHDOG) => return process_tree::watchdog(),
        _ => {}
    }
    match act() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            Report::plain().refused(&refusal);
            ExitCode::from(refusal.status)
        }
    }
}

fn act() -> Result<(), Refusal> {
    let cli = cli::parse();
    match cli.what {
        Some(What::Init) => init::init(&cli),
        Some(What::Check { .. }) => check::check(&cli),
        None => runner::run(plan::plan(&cli)?),
    }
}
