//! The answer of a request that failed or was refused.

use actix_web::{HttpResponse, ResponseError};

use crate::operations::respond;

/// The site's error as a response. The response carries it as an extension, for the log.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Failure(pub(crate) site::Error);

impl<E: Into<site::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl ResponseError for Failure {
    fn error_response(&self) -> HttpResponse {
        let Self(error) = self;
        let mut response = respond(error.answer());
        response.extensions_mut().insert(error.clone());
        response
    }
}
