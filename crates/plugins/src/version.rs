//! One version of a plugin.

use std::ffi::c_void;
use std::ptr::from_mut;

use crate::library::Checked;
use crate::table::{DONE, FAILED, Reply, Text};

/// One version of a plugin, loaded for as long as the process lives.
#[derive(Debug)]
pub struct Version {
    pub(crate) checked: Checked,
    pub(crate) sha256: String,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin panicked, or says that it has failed.
    #[error("the plugin failed: {0}")]
    Failed(String),
    /// The plugin does not keep to the interface.
    #[error("the plugin {0}")]
    Broken(String),
}

impl Version {
    /// The name that the plugin gives itself.
    pub fn name(&self) -> &str {
        &self.checked.name
    }

    /// The version that the plugin gives itself.
    pub fn version(&self) -> &str {
        &self.checked.version
    }

    /// The SHA-256 of the file, in 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Asks the plugin for its answer. The call takes as long as the plugin takes.
    pub fn greet(&self, name: &str) -> Result<String, CallError> {
        self.checked.greet(name)
    }
}

impl Checked {
    /// The trial of a version: it starts and answers a call.
    pub(crate) fn self_test(&self) -> Result<(), String> {
        let start = self.start;
        call(|reply| start(reply)).map_err(|error| format!("does not start: {error}"))?;
        let answer = self.greet("World").map_err(|error| format!("does not answer: {error}"))?;
        if answer.is_empty() { Err("gives an empty answer".to_owned()) } else { Ok(()) }
    }

    fn greet(&self, name: &str) -> Result<String, CallError> {
        let greet = self.greet;
        call(|reply| greet(Text::new(name), reply))
    }
}

/// Calls a function of the table and takes its answer.
fn call(function: impl FnOnce(Reply) -> u32) -> Result<String, CallError> {
    let mut answer: Option<Vec<u8>> = None;
    let status = function(Reply { take, context: from_mut(&mut answer).cast() });
    let broken = |words: &str| CallError::Broken(words.to_owned());
    let answer = answer.ok_or_else(|| broken("gave no answer"))?;
    let answer = String::from_utf8(answer).map_err(|_| broken("answered with bytes that are no UTF-8"))?;
    match status {
        DONE => Ok(answer),
        FAILED => Err(CallError::Failed(answer)),
        other => Err(CallError::Broken(format!("returned the unknown status {other}"))),
    }
}

/// Copies the answer of a plugin.
#[expect(unsafe_code, reason = "called by foreign code")]
extern "C" fn take(context: *mut c_void, text: Text) {
    // SAFETY: the context is the one that `call` made, and the plugin calls this before it returns.
    unsafe { *context.cast::<Option<Vec<u8>>>() = Some(text.to_vec()) };
}
