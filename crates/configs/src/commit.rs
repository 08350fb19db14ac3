//! The second half of a consumer's work: after the swap.

/// Called once the edit that the consumer agreed to is in force. Dropped if the edit is rejected.
pub type Commit = Box<dyn FnOnce() + Send>;

/// The commit of a consumer that has nothing to do.
pub fn no_op() -> Commit {
    Box::new(|| ())
}
