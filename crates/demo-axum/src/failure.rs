//! The answer of a request that failed or was refused.

use axum::Extension;
use axum::response::{IntoResponse, Response};

use crate::operations::respond;

/// The site's error as a response. The response carries it as an extension, for the log.
pub(crate) struct Failure(pub(crate) site::Error);

impl<E: Into<site::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let response = respond(error.answer());
        (Extension(error), response).into_response()
    }
}
