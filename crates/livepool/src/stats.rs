//! The figures of a pool.

/// The figures of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The state of the current pool.
    pub state: State,
    /// The number of the current pool, from 1.
    pub generation: u64,
    /// Connections of the current pool that tasks hold.
    pub in_use: usize,
    /// The most connections of one pool that tasks have held at once.
    pub in_use_peak: usize,
    /// Connections of the current pool that no task holds.
    pub idle: usize,
    /// Old pools that are being drained.
    pub draining: usize,
    /// Old pools whose connections were all given back before the deadline.
    pub drained: u64,
    /// Old pools that were cut at the deadline.
    pub cut: u64,
    /// Connections that were out for longer than `leak_after`.
    pub leaks: u64,
}

/// The state of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No task has asked for a connection yet.
    #[default]
    Unused,
    /// The last attempt to connect succeeded.
    Connected,
    /// The last attempt to connect failed. The next ones are made in the background.
    Away,
}

impl State {
    /// `unused`, `connected` or `away`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Unused => "unused",
            State::Connected => "connected",
            State::Away => "away",
        }
    }
}
