//! What a visitor gets when there is no answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

/// The site's error, as a response.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Failure(pub(crate) site::Error);

impl From<site::Error> for Failure {
    fn from(error: site::Error) -> Self {
        Self(error)
    }
}

impl ResponseError for Failure {
    fn error_response(&self) -> HttpResponse {
        let Self(error) = self;
        let mut response = HttpResponse::Ok().body(error.body());
        *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or_default();
        for (name, value) in error.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
