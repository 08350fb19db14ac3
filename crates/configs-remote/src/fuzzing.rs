//! The readers of answers, for `fuzz/answers.rs`.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use url::Url;

use crate::etcd::{answer, watch};
use crate::http;

/// The length of all keys and values of an answer, or the text of the failure.
pub fn etcd_range(status: u16, bytes: &[u8]) -> Result<usize, String> {
    let answer = answer::json(status_of(status), bytes, "etcd").map_err(|failure| failure.to_string())?;
    let range = answer::range(&answer).map_err(|failure| failure.to_string())?;
    Ok(range.values.iter().map(|value| value.key.len() + value.value.len()).sum())
}

/// The token of an answer, or the text of the failure.
pub fn etcd_token(status: u16, bytes: &[u8]) -> Result<Option<String>, String> {
    answer::token(status_of(status), bytes, "etcd").map_err(|failure| failure.to_string())
}

/// True if a watch that reads these parts is over, or has told of a change.
pub fn etcd_watch<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> (bool, bool) {
    let mut lines = watch::Lines::default();
    let mut is_changed = false;
    for part in parts {
        match lines.take(part) {
            Some(watch::Change::Ended) => return (true, is_changed),
            Some(watch::Change::Event) => is_changed = true,
            None => {}
        }
    }
    (false, is_changed)
}

/// The URL that a redirect names, or the text of the failure; `None` for a header that hyper refuses.
pub fn redirect(from: &str, location: &[u8]) -> Option<Result<String, String>> {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_bytes(location).ok()?);
    let target = http::target(&Url::parse(from).ok()?, &headers);
    Some(target.map(String::from).map_err(|failure| failure.to_string()))
}

/// The format, and true if the server has waited; `None` for headers that hyper refuses.
pub fn headers(url: &str, content_type: &[u8], applied: &[u8]) -> Option<(configs::Format, bool)> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_bytes(content_type).ok()?);
    headers.insert("preference-applied", HeaderValue::from_bytes(applied).ok()?);
    Some((http::format(&Url::parse(url).ok()?, &headers), http::offers_to_wait(&headers)))
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}
