//! The answer of a request that failed or was refused.

use poem::{IntoResponse, Response};

use crate::operations::respond;

/// The site's error as a response. The response carries it as an extension, for the log.
pub(crate) struct Failure(pub(crate) site::Error);

impl<E: Into<site::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Failure> for poem::Error {
    fn from(failure: Failure) -> Self {
        let cause = failure.0.clone();
        let mut error = Self::from_response(failure.into_response());
        // poem replaces the extensions of the response by those of the error.
        error.set_data(cause);
        error
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let mut response = respond(error.answer());
        response.extensions_mut().insert(error);
        response
    }
}
