//! The build under way.

/// The build under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Build {
    /// Something changed since it began.
    pub(super) stale: bool,
    /// The variables changed since it began.
    pub(super) renews: bool,
}
