//! The notation of `[color]`.

use anstyle::AnsiColor;
use toml_edit::Item;

use super::{Fault, Read, one_of};

/// A colour of `[color]`, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) Option<AnsiColor>);

/// `color.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

impl Read for When {
    const EXPECTED: &'static str = "\"auto\", \"always\" or \"never\"";

    fn read(item: &Item) -> Result<Self, Fault> {
        one_of(item, [("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)])
    }
}

impl Read for Color {
    const EXPECTED: &'static str = "red, green, yellow, blue, magenta, cyan, white, or raw for no colour";

    fn read(item: &Item) -> Result<Self, Fault> {
        let words = [
            ("red", AnsiColor::Red),
            ("green", AnsiColor::Green),
            ("yellow", AnsiColor::Yellow),
            ("blue", AnsiColor::Blue),
            ("magenta", AnsiColor::Magenta),
            ("cyan", AnsiColor::Cyan),
            ("white", AnsiColor::White),
        ];
        let colors = words.map(|(word, color)| (word, Self(Some(color))));
        one_of(item, colors.into_iter().chain([("raw", Self(None)), ("", Self(None))]))
    }
}
