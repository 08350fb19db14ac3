//! The look of hotrun's lines.

use anstream::ColorChoice;
use anstyle::AnsiColor;

#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// `[log] time`.
    pub(crate) time: bool,
    pub(crate) mode: ColorChoice,
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
            mode: ColorChoice::Auto,
            main: Some(AnsiColor::Magenta),
            watcher: Some(AnsiColor::Cyan),
            build: Some(AnsiColor::Yellow),
            runner: Some(AnsiColor::Green),
        }
    }
}
