//! The page that shows the demos side by side.
//!
//! It starts the four demos, each with a copy of the configuration, and edits only those copies. It starts their counterparts
//! in Go if a reader asks for them.

mod concern;
mod counterpart;
mod curve;
mod demo;
mod demo_runner;
mod document;
mod edit;
mod excerpt;
mod export;
mod figures;
mod gate;
mod go;
mod highlight;
mod limits;
mod live;
mod matrix;
mod measured;
mod minimal;
mod number;
mod outcome;
mod programs;
mod prose;
mod serving;
mod site_files;
mod source;
mod subject;
mod summary;
mod table;
mod torn;

use std::{
    env,
    io::{IsTerminal, stdout},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use clap::Args;
use conformance::Failed;

use self::demo_runner::DemoRunner;
use crate::progress::progress;

/// The options of the served page.
#[derive(Args)]
pub(crate) struct Page {
    /// The page's port on 127.0.0.1; the demos get the next four, or free ones; 0 is any
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Do not open it in a browser
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    inputs: Inputs,
}

/// The options of the exported page.
#[derive(Args)]
pub(crate) struct Export {
    /// Folder for the files; it is made if it does not exist
    dir: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
}

/// The programs and figures of the page.
#[derive(Args)]
struct Inputs {
    /// Build the demos for speed
    #[arg(long, conflicts_with = "programs")]
    release: bool,
    /// The folder of the demos' programs, instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// The folder of the figures, or a file of them [default: crates/bench/results]
    #[arg(long, value_name = "PATH", hide_default_value = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/results"))]
    results: PathBuf,
}

/// Starts the demos and serves the page until a signal ends it.
pub(crate) fn show(page: &Page) -> Result<(), Failed> {
    let listener = serving::listen(page.port)?;
    let programs = page.inputs.programs()?;
    let port = listener.local_addr()?.port();
    let first = if page.port == 0 { 0 } else { port.saturating_add(1) };
    serving::serve(listener, page.inputs.results.clone(), page.inputs.built(), || {
        let demos = DemoRunner::open(&programs, first)?;
        let address = format!("http://127.0.0.1:{port}/");
        progress(&format!("the page is {address}; Ctrl-C ends it and the demos"));
        if !page.no_open && stdout().is_terminal() && has_a_screen() {
            open(&address);
        }
        Ok(demos)
    })
}

/// Starts the demos, captures them, makes every edit once, and writes the result as files.
pub(crate) fn export(export: &Export) -> Result<(), Failed> {
    let demos = DemoRunner::open(&export.inputs.programs()?, 0)?;
    export::export(&export.dir, demos, &export.inputs.results, export.inputs.built())?;
    progress(&format!("written: {}", export.dir.join("index.html").display()));
    Ok(())
}

impl Inputs {
    fn programs(&self) -> Result<Vec<PathBuf>, Failed> {
        match &self.programs {
            Some(folder) => programs::find(folder),
            None => programs::build(self.release),
        }
    }

    fn built(&self) -> String {
        match &self.programs {
            Some(_) => "existing programs".to_owned(),
            None if self.release => "release builds".to_owned(),
            None => "debug builds, which are slower than those of the figures below".to_owned(),
        }
    }
}

fn has_a_screen() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| env::var_os(name).is_some())
}

/// Asks the desktop to show the address. If that fails, the address is on the terminal.
fn open(address: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(address).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(target_os = "linux")]
    command.env(process_tree::STAYS, "1");
    let opener = command.spawn();
    if let Ok(mut opener) = opener {
        thread::spawn(move || opener.wait());
    }
}
