//! The look of hotrun's lines.

use anstream::ColorChoice;
use anstyle::AnsiColor;

#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// `[log] time`.
    pub(crate) time: bool,
    pub(crate) volume: Volume,
    /// `--only-hotrun`: print no line of a program.
    pub(crate) only_hotrun: bool,
    /// `[screen]`: clear the terminal before each build but the first.
    pub(crate) clear: Option<Clear>,
    pub(crate) mode: ColorChoice,
    /// `--json`: stdout has the events, and all that is for people goes to stderr.
    pub(crate) json: bool,
    /// The colour of hotrun's own lines; `None` for no colour.
    pub(crate) main: Option<AnsiColor>,
    pub(crate) watcher: Option<AnsiColor>,
    pub(crate) build: Option<AnsiColor>,
    pub(crate) runner: Option<AnsiColor>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            time: false,
            volume: Volume::Usual,
            only_hotrun: false,
            clear: None,
            mode: ColorChoice::Auto,
            json: false,
            main: Some(AnsiColor::Magenta),
            watcher: Some(AnsiColor::Cyan),
            build: Some(AnsiColor::Yellow),
            runner: Some(AnsiColor::Green),
        }
    }
}

/// The lines that are printed. The error that ends hotrun always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    /// `[log] silent`: none.
    Silent,
    /// `[log] main_only`: none about sources, builds and servers, except warnings.
    MainOnly,
    Usual,
    /// `-d`: more.
    Debug,
}

/// The part of the terminal that is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clear {
    /// The visible part, so that one can scroll back.
    Screen,
    Everything,
}

impl Clear {
    /// The control sequence, as air writes it.
    pub(crate) fn sequence(self) -> &'static str {
        match self {
            Self::Screen => "\x1b[2J\x1b[H",
            Self::Everything => "\x1bc",
        }
    }
}
