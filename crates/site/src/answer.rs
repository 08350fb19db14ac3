//! An answer in bytes.

use bytes::Bytes;
use serde::Serialize;

/// An answer in bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
        Answer { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }
}

/// A value as JSON.
pub(crate) fn json_answer(status: u16, value: &impl Serialize) -> Answer {
    json(status, serde_json::to_vec(value).expect("strings and numbers are always JSON"))
}

/// JSON text.
pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer::new(status, "application/json", body)
}
