//! The answer of a request that failed or was refused.

use poem::http::{HeaderValue, StatusCode};
use poem::{IntoResponse, Response};

/// The site's error as a response. The response carries it as an extension, for the log.
pub(crate) struct Failure(pub(crate) site::Error);

impl<E: Into<site::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Failure> for poem::Error {
    fn from(failure: Failure) -> Self {
        Self::from_response(failure.into_response())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = StatusCode::from_u16(error.status()).unwrap_or_default();
        let mut response = error.body().with_status(status).into_response();
        for (name, value) in error.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(error);
        response
    }
}
