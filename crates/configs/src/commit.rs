//! The second half of a consumer's work: after the swap.

/// What a consumer does once the edit that it agreed to is in force. It is dropped if the edit is rejected.
pub type Commit = Box<dyn FnOnce() + Send>;

/// The commit of a consumer that has nothing to do.
pub fn no_op() -> Commit {
    Box::new(|| ())
}
