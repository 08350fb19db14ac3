//! The inputs of the main loop.

use std::io;
use std::process::Output;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::SystemTime;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::build::Built;
use crate::control::Call;
use crate::error::Error;
use crate::generation::ServerEvent;
use crate::sources::Changes;

/// An input of the loop, from another thread.
#[derive(Debug)]
pub(super) enum Input {
    Changes(Changes),
    Built(u32, Built),
    /// A copy of this version's program was made.
    Copied(u32),
    ServerEvent(u32, ServerEvent),
    /// The command of the rule at this place has ended, at this time.
    RuleEnded(usize, SystemTime, io::Result<Output>),
    /// A request of a script or an editor.
    Call(Call),
    /// A signal asked hotrun to end.
    Quit,
}

pub(super) fn listen_to_signals(sender: Sender<Input>) -> Result<(), Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Error::unfit(format!("signals cannot be caught: {error}")))?;
    let hear = move || {
        for _ in signals.forever() {
            if sender.send(Input::Quit).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("signals".to_owned()).spawn(hear);
    started.map(drop).map_err(|error| Error::unfit(format!("signals cannot be caught: {error}")))
}
