//! A connection to the database, as an extractor.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use site::Site;

use crate::config::Config;
use crate::failure::Failure;

/// A connection of the pool that follows the settings.
pub(crate) struct Connection(pub(crate) site::Connection);

impl FromRequestParts<Site> for Connection {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let config = Config::from_request_parts(parts, site).await.map_err(IntoResponse::into_response)?;
        let connection = site.connection(&config).await;
        connection.map(Self).map_err(|error| Failure(error).into_response())
    }
}
