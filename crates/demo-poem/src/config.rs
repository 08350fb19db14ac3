//! The configuration of a request, as an extractor.

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result};
use site::RequestContext;

use crate::failure::Failure;

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
#[derive(Clone)]
pub(crate) struct Config(pub(crate) RequestContext);

impl<'a> FromRequest<'a> for &'a Config {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let config = request.data::<Config>();
        config.ok_or_else(|| Failure(site::Error::internal("the request was not admitted")).into())
    }
}

impl Deref for Config {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}
