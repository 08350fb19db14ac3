//! Bodies of answers, up to a limit.

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use crate::failure::Failure;

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(part) = next(&mut body).await? {
        if bytes.len() + part.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// The next part of a body; `None` at its end.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::new("the answer ended before it was whole"))?;
        if let Ok(part) = frame.into_data() {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

pub(crate) fn too_large(limit: usize) -> Failure {
    Failure::new(format!("the answer is too large, expected at most {limit} bytes"))
}
