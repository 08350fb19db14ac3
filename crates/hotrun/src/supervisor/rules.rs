//! The rules of the plan.

/// The rules of the plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// There is something to build.
    pub(crate) builds: bool,
    /// A failed build stops the servers.
    pub(crate) stop_on_error: bool,
    /// A program that ends by itself is run again.
    pub(crate) rerun: bool,
}
