//! Does what a key in the terminal asks for.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command, Stdio};

use signal_hook::consts::SIGTSTP;

use crate::job;
use crate::journal::StopReason;
use crate::plan::How;
use crate::sources::Changes;
use crate::supervisor::Event;
use crate::terminal::{HELP, Key, Terminal};

use super::{Flow, Runner};

impl Runner {
    pub(super) fn key(&mut self, key: Key) -> Flow {
        match key {
            Key::Restart => {
                self.report.runner("the program is started again, as asked for");
                return self.each(|program| program.begin(Event::Renewed));
            }
            Key::Rebuild => return self.rebuild(),
            Key::CleanRebuild => {
                if self.programs.iter().any(|program| program.wanted.is_some()) {
                    self.report.build("a build is under way: press `B` when it has ended");
                    return Ok(true);
                }
                self.remove_builds();
                self.programs.iter_mut().for_each(super::Program::prepare_anew);
                return self.rebuild();
            }
            Key::Pause => match self.paused.take() {
                None => {
                    self.report.main("pauses: edits wait until `p` is pressed again");
                    self.paused = Some(Changes::default());
                }
                Some(changes) => {
                    self.report.main("goes on");
                    let has_files = !changes.files.is_empty();
                    return if has_files { self.changed(&changes) } else { Ok(true) };
                }
            },
            Key::Open => self.open_address(),
            Key::Clear => self.report.clear_screen(),
            Key::Quit => {
                return self.stop(StopReason::Key, "ends");
            }
            Key::Help => {
                for (name, _, effect) in HELP {
                    self.report.main(&format!("{name}  {effect}"));
                }
            }
        }
        Ok(true)
    }

    /// Takes the keys again after hotrun was stopped, and draws for the size that the terminal has now.
    pub(super) fn terminal_changed(&self) {
        self.terminal.iter().for_each(Terminal::take_keys);
        self.programs.iter().for_each(|program| program.output.resize());
        self.report.redraw_status_line();
    }

    /// Leaves the terminal to the shell, and stops this process until the shell continues it.
    pub(super) fn suspend(&self) {
        self.report.hide_status_line();
        self.terminal.iter().for_each(Terminal::leave_keys);
        if let Err(error) = signal_hook::low_level::emulate_default_handler(SIGTSTP) {
            self.report.warning(&format!("hotrun cannot stop: {error}"));
        }
        self.terminal_changed();
    }

    /// Keeps the changes for later if the user has asked for a pause.
    pub(super) fn is_paused(&mut self, changes: &Changes) -> bool {
        let Some(paused) = &mut self.paused else { return false };
        paused.add(changes);
        let files: BTreeSet<_> = changes.files.iter().flatten().cloned().collect();
        self.report.waits(&Vec::from_iter(files));
        true
    }

    fn rebuild(&mut self) -> Flow {
        self.report.watcher("a build is asked for");
        self.each(|program| program.begin(Event::Changed))
    }

    /// Removes what cargo has made in hotrun's own target folders. The build does not wait for that.
    fn remove_builds(&self) {
        let mut targets: Vec<&Path> = Vec::new();
        for program in &self.programs {
            match &program.plan.build.how {
                How::Cargo { target: Some(target), .. } if !targets.contains(&target.as_path()) => targets.push(target),
                How::Cargo { target: Some(_), .. } => {}
                How::Cargo { target: None, .. } => program.report.build(
                    "nothing is removed: the target folder is shared with cargo (`share_target`), and `cargo clean` empties it",
                ),
                How::Nothing if self.programs.len() > 1 => {}
                How::Shell(_) | How::Nothing => {
                    program.report.build("nothing is removed: only cargo's builds are known");
                }
            }
        }
        for target in targets {
            for profile in fs::read_dir(target).into_iter().flatten().flatten() {
                let path = profile.path();
                // hotrun's own folder beside them has none.
                if path.join(".cargo-lock").exists() || path.join("deps").exists() {
                    self.remove(&path);
                }
            }
        }
    }

    fn remove(&self, folder: &Path) {
        let aside = folder.with_extension(format!("old-{}", process::id()));
        match fs::rename(folder, &aside) {
            Ok(()) => {
                self.report.build(&format!("`{}` is removed", self.report.name(folder)));
                let remove = |aside| drop(fs::remove_dir_all(aside));
                if let Err((_, Some(aside))) = job::start("clean", aside, remove) {
                    remove(aside);
                }
            }
            Err(error) => {
                self.report.warning(&format!("`{}` cannot be removed: {error}", self.report.name(folder)));
            }
        }
    }

    /// Opens the first address in the user's browser.
    fn open_address(&self) {
        let addresses = self.programs.iter().filter_map(|program| {
            let current = program.supervisor.current()?;
            program.addresses(program.generations.get(&current)?).into_iter().next()
        });
        let Some(address) = addresses.into_iter().find(|address| address.starts_with("http")) else {
            self.report.main("no server serves an address that a browser can open");
            return;
        };
        let browser = env::var_os("BROWSER").unwrap_or_else(|| OsString::from("xdg-open"));
        let mut command = Command::new(&browser);
        command.arg(&address).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            // Its end is waited for, so that no dead process is left.
            Ok(child) => drop(job::start("browser", child, |mut child| drop(child.wait()))),
            Err(error) => self.report.warning(&format!(
                "`{}` cannot be run to open {address}: {error}; `BROWSER` names another program",
                browser.display()
            )),
        }
    }
}
