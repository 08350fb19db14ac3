//! Output of builds and commands.

use crate::report::{Report, Stream};

/// Passes output on as it arrives. With several programs it is printed line by line, each with the name of its program.
#[derive(Debug)]
pub(crate) struct Lines {
    report: Report,
    stream: Stream,
    /// A line without its end yet.
    rest: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(report: &Report, stream: Stream) -> Self {
        Self { report: report.clone(), stream, rest: Vec::new() }
    }

    pub(crate) fn pass_on(&mut self, bytes: &[u8]) {
        if self.report.program().is_none() {
            self.report.of_build(self.stream, bytes);
            return;
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.report.prefixed(self.stream, &self.rest);
                self.rest.clear();
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.report.prefixed(self.stream, &self.rest);
        }
    }
}
