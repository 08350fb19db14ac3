//! The end of a program that was not started to serve.

use crate::Failed;
use std::{net::SocketAddr, process::ExitStatus};

/// The end of a program that was not started to serve.
#[derive(Debug)]
pub struct Exit {
    /// The exit status.
    pub status: ExitStatus,
    /// The text on stdout.
    pub stdout: String,
    /// The text on stderr.
    pub stderr: String,
}

impl Exit {
    /// The exit status, as a number.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns itself if the program ended with this status and without a panic.
    pub fn with_status(self, code: i32) -> Result<Exit, Failed> {
        let said = self.output();
        let crashed =
            ["panicked", "backtrace", "RUST_BACKTRACE"].into_iter().find(|word| said.contains(word));
        match crashed {
            None if self.code() == Some(code) => Ok(self),
            None => Err(format!("expected exit status {code}, got {}:\n{said}", self.status).into()),
            Some(word) => Err(format!("`{word}` in what it said:\n{said}").into()),
        }
    }

    /// Stdout and stderr.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The first socket address in a text.
    pub(crate) fn address_in(text: &str) -> Option<SocketAddr> {
        text.split(|c: char| !(c.is_ascii_digit() || ".:[]".contains(c)))
            .find_map(|word| word.trim_matches([':', '.']).parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn an_address_is_found_in_any_kind_of_line() {
        for line in [
            "INFO serving http://127.0.0.1:8080/ instance=k3",
            r#"{"message":"serving","address":"127.0.0.1:8080"}"#,
            "12:30:01 serves on 127.0.0.1:8080.",
        ] {
            assert_eq!(Exit::address_in(line), "127.0.0.1:8080".parse().ok(), "{line}");
        }
        assert_eq!(Exit::address_in("2026-11-20T10:00:00Z reading config.yaml:4:9"), None);
    }
}
