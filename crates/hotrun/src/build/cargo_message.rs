//! Reads cargo's messages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use serde::Deserialize;

use crate::build::log::Log;
use crate::report::{Report, Stream};

/// Passes other lines on. Returns the executables, by the names of their targets.
pub(super) fn executables(pipe: impl Read, report: &Report, log: &Log) -> BTreeMap<String, PathBuf> {
    let mut executables = BTreeMap::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        if let Ok(message) = serde_json::from_slice::<Message>(&line) {
            executables.extend(message.executable());
        } else {
            let line = [&line[..], b"\n"].concat();
            report.of_build(Stream::Err, &line);
            log.write(&line);
        }
    }
    executables
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
    fn executable(self) -> Option<(String, PathBuf)> {
        self.target.map(|target| target.name).zip(self.executable)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Message;

    #[test]
    fn an_executable_has_the_name_of_its_target() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"site","kind":["bin"]},"executable":"/t/site"}"#;
        let read = |line| serde_json::from_str::<Message>(line).unwrap().executable();
        assert_eq!(read(line), Some(("site".to_owned(), PathBuf::from("/t/site"))));
        assert_eq!(read(r#"{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}"#), None);
        assert_eq!(read(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
