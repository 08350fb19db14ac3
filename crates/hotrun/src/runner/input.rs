//! The inputs of the main loop.

use std::io;
use std::process::Output;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::SystemTime;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::build::{Built, EndedBuild, Progress};
use crate::control::Call;
use crate::error::Error;
use crate::generation::ServerEvent;
use crate::sources::Changes;
use crate::terminal::Key;

/// An input of the loop, from another thread.
#[derive(Debug)]
pub(super) enum Input {
    Changes(Changes),
    /// The build at this place has ended.
    Built(usize, EndedBuild),
    /// The progress of the build at this place.
    Progress(usize, Progress),
    /// An input of the program at this place.
    Program(usize, ProgramInput),
    /// A request of a script or an editor.
    Call(Call),
    /// A key of the terminal.
    Key(Key),
    /// The terminal has another size, or hotrun goes on after it was stopped.
    TerminalChanged,
    /// The terminal asks hotrun to stop, as Ctrl-Z does.
    Suspend,
    /// A signal asked hotrun to end.
    Quit,
    /// The reader of the events has closed the pipe.
    Unread,
}

/// An input of one program.
#[derive(Debug)]
pub(super) enum ProgramInput {
    Built(u32, Built),
    /// A copy of this version's program was made.
    Copied(u32),
    ServerEvent(u32, ServerEvent),
    /// The command of the rule at this place has ended, at this time.
    RuleEnded(usize, SystemTime, io::Result<Output>),
}

/// Sends the inputs of one program to the loop.
#[derive(Clone, Debug)]
pub(super) struct ProgramSender {
    program: usize,
    sender: Sender<Input>,
}

impl ProgramSender {
    pub(super) fn new(program: usize, sender: Sender<Input>) -> Self {
        Self { program, sender }
    }

    /// The place of the program.
    pub(super) fn program(&self) -> usize {
        self.program
    }

    pub(super) fn send(&self, input: ProgramInput) {
        // Fails once the loop has ended.
        let _ = self.sender.send(Input::Program(self.program, input));
    }
}

pub(super) fn listen_to_signals(sender: Sender<Input>) -> Result<(), Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT, SIGTSTP])
        .map_err(|error| Error::unfit(format!("signals cannot be caught: {error}")))?;
    let hear = move || {
        for signal in signals.forever() {
            let input = match signal {
                SIGWINCH | SIGCONT => Input::TerminalChanged,
                SIGTSTP => Input::Suspend,
                _ => Input::Quit,
            };
            if sender.send(input).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("signals".to_owned()).spawn(hear);
    started.map(drop).map_err(|error| Error::unfit(format!("signals cannot be caught: {error}")))
}
