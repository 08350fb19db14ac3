/// Why a build runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The first build, in `open`.
    Start,
    /// An event told of a change.
    Event,
    /// The poll found a change.
    Poll,
    /// [`Live::reload`](crate::Live::reload) was called.
    Request,
}

impl Trigger {
    /// `start`, `event`, `poll` or `request`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Event => "event",
            Self::Poll => "poll",
            Self::Request => "request",
        }
    }
}
