//! The answer of a check or a consumer that does not accept a value.

/// The reason why a value cannot be put in force, given by a check or by a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The dotted path of the value at fault; empty for the configuration as a whole.
    pub path: String,
    /// The message: what is wrong and what was expected.
    pub message: String,
    /// The advice.
    pub help: Option<String>,
    /// True: the message ends with the value at fault.
    pub(crate) names_value: bool,
}

impl Rejection {
    /// A rejection of the value at a dotted path.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Rejection {
        Rejection { path: path.into(), message: message.into(), help: None, names_value: false }
    }

    /// Adds `, found ...` with the value at the path, if a message may repeat it. Use this rather than a message with the
    /// value in it: a text over several lines may contain a secret.
    #[must_use]
    pub fn naming_the_value(mut self) -> Rejection {
        self.names_value = true;
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Rejection {
        self.help = Some(help.into());
        self
    }
}
