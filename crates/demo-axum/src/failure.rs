//! The answer of a request that failed or was refused.

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

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
        let status = StatusCode::from_u16(error.status()).unwrap_or_default();
        let mut response = (status, error.body()).into_response();
        for (name, value) in error.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(error);
        response
    }
}
