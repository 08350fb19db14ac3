//! The answer of a request that failed or was refused.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

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
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or_default()
    }

    fn error_response(&self) -> HttpResponse {
        let Self(error) = self;
        let mut response = HttpResponse::build(self.status_code());
        for header in error.headers() {
            response.insert_header(header);
        }
        response.extensions_mut().insert(error.clone());
        response.body(error.body())
    }
}
