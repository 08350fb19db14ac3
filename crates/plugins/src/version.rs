//! One version of a plugin.
#![expect(unsafe_code, reason = "called by foreign code")]

use std::ffi::c_void;
use std::ptr::from_mut;

use crate::table::{DONE, FAILED, Reply, Text};

/// One version of a plugin. Its functions stay callable for as long as the process lives.
#[derive(Debug)]
pub struct Version {
    /// The name that the plugin gives itself.
    pub name: String,
    /// The version that the plugin gives itself.
    pub version: String,
    /// The SHA-256 of the file, in 64 hexadecimal digits.
    pub sha256: String,
    pub(crate) start: extern "C" fn(Reply) -> u32,
    pub(crate) greet: extern "C" fn(Text, Reply) -> u32,
}

/// Why a call has no answer: the plugin panicked, says that it has failed, or does not keep to the interface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plugin {0}")]
pub struct CallError(String);

impl Version {
    /// Asks the plugin for its answer. The call takes as long as the plugin takes.
    pub fn greet(&self, name: &str) -> Result<String, CallError> {
        call(|reply| (self.greet)(Text::new(name), reply))
    }

    /// The trial of a version: it starts and answers a call. Says what fails, as the rest of a sentence.
    pub(crate) fn self_test(&self) -> Result<(), String> {
        call(|reply| (self.start)(reply)).map_err(|error| format!("does not start: {error}"))?;
        let answer = self.greet("World").map_err(|error| format!("does not answer: {error}"))?;
        if answer.is_empty() { Err("gives an empty answer".to_owned()) } else { Ok(()) }
    }
}

/// Calls a function of the table and takes its answer.
fn call(function: impl FnOnce(Reply) -> u32) -> Result<String, CallError> {
    let mut answer: Option<Vec<u8>> = None;
    let status = function(Reply { take, context: from_mut(&mut answer).cast() });
    let answer = answer.ok_or_else(|| CallError("gave no answer".to_owned()))?;
    let answer = String::from_utf8(answer)
        .map_err(|_| CallError("answered with bytes that are no UTF-8".to_owned()))?;
    match status {
        DONE => Ok(answer),
        FAILED => Err(CallError(format!("failed: {answer}"))),
        other => Err(CallError(format!("returned the unknown status {other}"))),
    }
}

/// Copies the answer of a plugin.
extern "C" fn take(context: *mut c_void, text: Text) {
    // SAFETY: the context is the one that `call` made, and the plugin calls this before it returns.
    unsafe { *context.cast::<Option<Vec<u8>>>() = Some(text.to_vec()) };
}
