//! The names, programs and sources of the four demos, and their counterparts.

use super::counterpart::{Counterpart, ECHO, FIBER, GIN, GOFRAME};

/// One framework's server.
#[derive(Debug)]
pub(crate) struct Demo {
    /// The name of the framework's crate. It is unique and can be part of a URL or a CSS class.
    pub(crate) name: &'static str,
    /// The program, which has the name of its package.
    pub(crate) program: &'static str,
    /// The names and texts of its sources at compile time.
    sources: [(&'static str, &'static str); 8],
    /// The text of `examples/minimal.rs`.
    pub(crate) minimal: &'static str,
    /// The closest server in Go.
    pub(crate) counterpart: Counterpart,
}

macro_rules! demo {
    ($name:literal, $counterpart:expr) => {
        Demo {
            name: $name,
            program: concat!("demo-", $name),
            sources: [
                ("main.rs", include_str!(concat!("../../../demo-", $name, "/src/main.rs"))),
                ("server.rs", include_str!(concat!("../../../demo-", $name, "/src/server.rs"))),
                ("routes.rs", include_str!(concat!("../../../demo-", $name, "/src/routes.rs"))),
                ("config.rs", include_str!(concat!("../../../demo-", $name, "/src/config.rs"))),
                ("database.rs", include_str!(concat!("../../../demo-", $name, "/src/database.rs"))),
                ("middleware.rs", include_str!(concat!("../../../demo-", $name, "/src/middleware.rs"))),
                ("operations.rs", include_str!(concat!("../../../demo-", $name, "/src/operations.rs"))),
                ("failure.rs", include_str!(concat!("../../../demo-", $name, "/src/failure.rs"))),
            ],
            minimal: include_str!(concat!("../../../demo-", $name, "/examples/minimal.rs")),
            counterpart: $counterpart,
        }
    };
}

/// The demos in the order of the columns. The others are compared with the first.
pub(crate) const DEMOS: [Demo; 4] =
    [demo!("axum", GIN), demo!("actix-web", FIBER), demo!("warp", ECHO), demo!("poem", GOFRAME)];

impl Demo {
    /// The text of one of its sources.
    ///
    /// # Panics
    /// When there is no such source.
    pub(crate) fn source(&self, file: &str) -> &'static str {
        let (_, text) =
            self.sources.iter().find(|(name, _)| *name == file).expect("every demo has this source");
        text
    }

    /// The number of its lines that are neither empty nor a comment.
    pub(crate) fn lines_of_code(&self) -> usize {
        self.sources.iter().map(|(_, text)| lines_of_code(text)).sum()
    }
}

/// The number of lines of a source, in Rust or Go, that are neither empty nor a comment.
pub(crate) fn lines_of_code(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}
