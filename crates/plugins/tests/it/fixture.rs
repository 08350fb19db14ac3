//! Libraries with switches, and a plugin that follows one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conformance::DEADLINE;
use plugins::{Error, Event, Options, Plugin};
use tempfile::TempDir;

/// Bytes at the beginning of a library that hold all that is loaded. The rest is for debuggers.
const LOADED: usize = 1 << 20;

/// A folder with one library that a plugin follows.
pub(crate) struct Fixture {
    folder: TempDir,
    pub(crate) plugin: Plugin,
    events: Receiver<Event>,
}

/// The bytes of an example that cargo has built beside this program.
pub(crate) fn example(name: &str) -> Vec<u8> {
    let this = std::env::current_exe().unwrap();
    let examples = this.parent().and_then(Path::parent).unwrap().join("examples");
    fs::read(examples.join(format!("lib{name}.so"))).unwrap()
}

/// The library with these switches: a fault, and the text of the answer.
pub(crate) fn faulty(fault: &str, text: &str) -> Vec<u8> {
    let switches = format!("SWITCHES={fault:<10}{text:<13}");
    replaced(&example("faulty"), b"SWITCHES=none      one          ", switches.as_bytes())
}

/// Replaces one sequence of bytes by another of the same length, everywhere in the part that is loaded.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut replaced = bytes.to_vec();
    let mut found = 0;
    for at in 0..LOADED.min(bytes.len()) {
        if bytes[at] == from[0] && bytes[at..].starts_with(from) {
            replaced[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "`{}` is in the library", from.escape_ascii());
    replaced
}

/// Follows a file, with a shorter time for one that does not return.
pub(crate) fn follow(path: PathBuf, options: Options) -> Result<(Plugin, Receiver<Event>), Error> {
    let (sender, events) = channel();
    let plugin = Plugin::follow(path, options, move |event| {
        let _ = sender.send(event);
    })?;
    Ok((plugin, events))
}

/// The error of a plugin that is refused at the start.
pub(crate) fn refusal(library: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libplugin.so");
    fs::write(&path, library).unwrap();
    follow(path, Options::default()).map(|_| ()).unwrap_err().to_string()
}

impl Fixture {
    /// A plugin that answers with `one`.
    pub(crate) fn new() -> Self {
        Self::of(&faulty("none", "one"), Options::default())
    }

    pub(crate) fn of(library: &[u8], options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libplugin.so");
        fs::write(&path, library).unwrap();
        let (plugin, events) = follow(path, options).unwrap();
        Self { folder, plugin, events }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("libplugin.so")
    }

    /// Renames a new file to the path, as a deployment does.
    pub(crate) fn replace(&self, library: &[u8]) {
        let new = self.folder.path().join("new");
        fs::write(&new, library).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    pub(crate) fn answer(&self) -> String {
        self.plugin.snapshot().greet("you").unwrap()
    }

    pub(crate) fn wait_for_event(&self) -> Event {
        self.events.recv_timeout(DEADLINE).unwrap()
    }

    pub(crate) fn wait_for_swap(&self) {
        let event = self.wait_for_event();
        assert!(matches!(event, Event::Swapped(_)), "{event:?}");
    }

    /// Waits for a refusal, and returns its words.
    pub(crate) fn wait_for_refusal(&self) -> String {
        match self.wait_for_event() {
            Event::Rejected(error) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn has_event_within(&self, time: Duration) -> bool {
        self.events.recv_timeout(time).is_ok()
    }
}
