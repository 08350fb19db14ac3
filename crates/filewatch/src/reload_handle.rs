use crate::backend::message::Message;
use crate::backend::sender::Sender;

/// Requests rebuilds of a [`Live`](crate::Live) value and does not keep its watching alive.
///
/// A build or a notice of a value that shares the [`RebuildLock`](crate::RebuildLock) may use and drop it. It must not do so
/// with a [`Live`](crate::Live).
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    pub(crate) sender: Option<Sender>,
}

impl ReloadHandle {
    /// Requests a rebuild, even if no byte differs. Returns at once. Does nothing after the last handle of the value was dropped.
    pub fn reload(&self) {
        if let Some(sender) = &self.sender {
            sender.send(Message::Rebuild);
        }
    }
}
