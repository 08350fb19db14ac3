//! What a visitor gets when there is no answer.

use warp::http::{HeaderValue, StatusCode};
use warp::reply::{Reply, Response};

/// The site's error, as a response.
pub(crate) struct Failure(pub(crate) site::Error);

impl From<site::Error> for Failure {
    fn from(error: site::Error) -> Self {
        Self(error)
    }
}

impl Reply for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let mut response = error.body().into_response();
        *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or_default();
        for (name, value) in error.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
