//! The configuration of a request, as an extractor.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use site::RequestContext;

use crate::failure::Failure;

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
#[derive(Clone)]
pub(crate) struct Config(pub(crate) RequestContext);

impl FromRequest for Config {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let config = request.extensions().get().cloned();
        ready(config.ok_or_else(|| Failure(site::Error::internal("the request was not admitted"))))
    }
}

impl Deref for Config {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}
