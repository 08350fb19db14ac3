//! Reads cargo's messages.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use serde::Deserialize;

use crate::build::log::Log;
use crate::report::Report;

/// Passes other lines on. Returns the executable of the target with this name.
pub(super) fn executable(pipe: impl Read, binary: &str, log: &Log) -> Option<PathBuf> {
    let mut executable = None;
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        if let Ok(message) = serde_json::from_slice::<Message>(&line) {
            executable = message.executable_of(binary).or(executable);
        } else {
            let line = [&line[..], b"\n"].concat();
            Report::compiler(&line);
            log.write(&line);
        }
    }
    executable
}

/// The part of cargo's messages that is read.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

impl Message {
    fn executable_of(self, binary: &str) -> Option<PathBuf> {
        self.executable.filter(|_| self.target.is_some_and(|target| target.name == binary))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Message;

    #[test]
    fn an_executable_is_the_one_with_the_right_name() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"site","kind":["bin"]},"executable":"/t/site"}"#;
        let read = |binary| serde_json::from_str::<Message>(line).unwrap().executable_of(binary);
        assert_eq!(read("site"), Some(PathBuf::from("/t/site")));
        assert_eq!(read("other"), None);
        let finished =
            serde_json::from_str::<Message>(r#"{"reason":"build-finished","success":true}"#).unwrap();
        assert_eq!(finished.executable_of("site"), None);
    }
}
