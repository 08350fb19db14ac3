//! The terminal that hotrun was started on: single keys, without Enter.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

/// From one look to the next while a key waits that is not for this process.
const BACKGROUND: Duration = Duration::from_millis(100);

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Restart,
    Rebuild,
    CleanRebuild,
    Pause,
    Open,
    Clear,
    Quit,
    Help,
}

/// The keys and their effects, for the help.
pub(crate) const HELP: [(char, Key, &str); 8] = [
    ('r', Key::Restart, "start the same program again"),
    ('b', Key::Rebuild, "build, and start what was built"),
    ('B', Key::CleanRebuild, "the same from nothing: what cargo has made is removed first"),
    ('p', Key::Pause, "pause: edits wait until this key is pressed again"),
    ('o', Key::Open, "open the address in a browser"),
    ('c', Key::Clear, "clear the terminal"),
    ('q', Key::Quit, "quit"),
    ('h', Key::Help, "show the keys"),
];

impl Key {
    /// The key of a byte that was typed.
    fn of(byte: u8) -> Option<Key> {
        let typed = if byte == b'?' { 'h' } else { char::from(byte) };
        HELP.iter().find(|(name, ..)| *name == typed).map(|(_, key, _)| *key)
    }
}

/// The terminal, which sends single keys as long as this lives.
#[derive(Debug)]
pub(crate) struct Terminal {
    before: Termios,
    keys: Termios,
}

impl Terminal {
    /// Reports keys. `None` if input or messages are no terminal, or another program has the terminal. `tell` is called on another thread.
    pub(crate) fn open(tell: impl Fn(Key) + Send + 'static) -> Option<Terminal> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !io::stderr().is_terminal() || !is_in_front() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut keys = before.clone();
        // Ctrl-C and Ctrl-Z go on sending signals.
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        let read = move || {
            let stdin = io::stdin();
            let mut byte = [0];
            loop {
                let asked = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None);
                if asked == Err(Errno::INTR) {
                    continue;
                }
                // In the background the keys are the shell's, and a read would stop this process.
                if !is_in_front() && tcgetattr(&stdin).is_ok() {
                    thread::sleep(BACKGROUND);
                    continue;
                }
                match rustix::io::read(&stdin, &mut byte) {
                    Ok(1..) => Key::of(byte[0]).into_iter().for_each(&tell),
                    Err(Errno::INTR) => {}
                    Ok(0) | Err(_) => return,
                }
            }
        };
        thread::Builder::new().name("keys".to_owned()).spawn(read).ok()?;
        tcsetattr(&stdin, OptionalActions::Now, &keys).ok()?;
        Some(Terminal { before, keys })
    }

    /// Sends single keys again, unless another program has the terminal.
    pub(crate) fn take_keys(&self) {
        if is_in_front() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.keys);
        }
    }

    /// Sends lines, as before. In the background the modes are the shell's, and a change of them would stop this process.
    pub(crate) fn leave_keys(&self) {
        if is_in_front() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave_keys();
    }
}

/// True if keys are sent to this process, not to a shell or to another job.
fn is_in_front() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// The terminal of this process, for the watchdog.
#[derive(Debug)]
pub(crate) struct TerminalAfterKill(Option<File>);

impl TerminalAfterKill {
    /// Opens the terminal while this process belongs to it.
    pub(crate) fn open() -> TerminalAfterKill {
        let mut options = File::options();
        TerminalAfterKill(options.read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty").ok())
    }

    /// Has the terminal send lines and show what is typed, if it is still as hotrun left it when it was killed. The line editors of shells
    /// leave it in other modes: they read the end of a line as `\r`.
    pub(crate) fn restore(&self) {
        let Some(terminal) = &self.0 else { return };
        let Ok(mut modes) = tcgetattr(terminal) else { return };
        let lines = LocalModes::ICANON | LocalModes::ECHO;
        if !modes.local_modes.intersects(lines) && modes.input_modes.contains(InputModes::ICRNL) {
            modes.local_modes.insert(lines);
            let _ = tcsetattr(terminal, OptionalActions::Now, &modes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HELP, Key};

    #[test]
    fn every_key_of_the_help_does_something() {
        for (name, key, _) in HELP {
            assert_eq!(Key::of(u8::try_from(name).unwrap()), Some(key));
        }
        assert_eq!(Key::of(b'?'), Some(Key::Help));
        assert_eq!((Key::of(b'x'), Key::of(b'\n'), Key::of(0xC3)), (None, None, None));
    }
}
