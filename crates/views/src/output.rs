//! The page that is being written.

use std::io::{self, Write};

use crate::budget::{self, LimitExceeded, PAGE_LIMIT};

/// Collects the text that a template writes, up to `PAGE_LIMIT`.
pub(crate) struct Output(Vec<u8>);

impl Output {
    pub(crate) fn new() -> Output {
        Output(Vec::with_capacity(16 << 10))
    }

    pub(crate) fn into_string(self) -> String {
        // The engine writes UTF-8 only. If it ever does not, the page shows replacement characters.
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl Write for Output {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.0.len() + piece.len() > PAGE_LIMIT {
            budget::exceed(LimitExceeded::Output);
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
