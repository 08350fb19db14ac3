//! The configuration of a request, as an extractor.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use site::RequestContext;

use crate::failure::Failure;

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
#[derive(Clone)]
pub(crate) struct Config(pub(crate) RequestContext);

impl<S: Sync> FromRequestParts<S> for Config {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| Failure(site::Error::internal("the request was not admitted")))
    }
}

impl Deref for Config {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}
