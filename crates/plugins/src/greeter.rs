//! The trait of a plugin.

/// The functions that a plugin implements, and [`export!`](crate::export) exports.
///
/// One instance serves all calls, from many threads at once. A panic fails the call and harms nothing else.
pub trait Greeter: Send + Sync + 'static {
    /// The name of the plugin, for the log.
    const NAME: &'static str;
    /// The version of the plugin, for the log.
    const VERSION: &'static str;

    /// Makes the instance. It is called once for each version that is loaded, and once more in the process that tries it.
    fn new() -> Self;

    /// Answers one request. The host waits for it, so it should take no longer than an answer may take.
    fn greet(&self, name: &str) -> String;
}
