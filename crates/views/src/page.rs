//! The page that is being written.

use std::io::{self, Write};

use crate::leash::{self, Excess};

/// The longest page that is rendered, in bytes: 8 MiB.
pub const PAGE_LIMIT: usize = 8 << 20;

/// Takes what a template writes, up to the limit.
pub(crate) struct Page(Vec<u8>);

impl Page {
    pub(crate) fn new() -> Page {
        Page(Vec::with_capacity(16 << 10))
    }

    pub(crate) fn into_string(self) -> String {
        // The engine writes nothing but text; were it ever wrong about that, a replacement character is the answer.
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl Write for Page {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.0.len() + piece.len() > PAGE_LIMIT {
            leash::pull(Excess::Bytes);
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
