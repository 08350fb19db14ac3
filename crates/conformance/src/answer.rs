//! The answer of a server.

use crate::Failed;
use serde_json::Value;

/// The answer of a server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// Names and values as sent, in order.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer encoding.
    pub body: Vec<u8>,
}

/// The sign by which the end of a body is known.
#[derive(Debug)]
pub(crate) enum Framing {
    Length(usize),
    Chunked { left: usize },
    UntilClose,
    Done,
}

impl Answer {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Failed> {
        serde_json::from_slice(&self.body).map_err(|e| format!("{e} in {:?}", self.text()).into())
    }

    /// The generation in the header `X-Config-Generation`.
    pub fn generation(&self) -> Option<u64> {
        self.header("x-config-generation")?.parse().ok()
    }

    /// Parses a head that ends with its empty line.
    pub(crate) fn parse(head: &str) -> Result<Answer, Failed> {
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let mut words = status_line.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| format!("no status line: {status_line:?}"))?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("no header line: {line:?}"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Answer { version, status, headers, body: Vec::new() })
    }

    /// The sign of the body's end in an answer to this method.
    pub(crate) fn framing(&self, method: &str) -> Result<Framing, Failed> {
        if method == "HEAD" || matches!(self.status, 204 | 304) {
            return Ok(Framing::Done);
        }
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Ok(Framing::Chunked { left: 0 });
        }
        match self.header("content-length") {
            Some(length) => {
                Ok(Framing::Length(length.parse().map_err(|e| format!("content-length {length:?}: {e}"))?))
            }
            None => Ok(Framing::UntilClose),
        }
    }
}
