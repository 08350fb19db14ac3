//! A connection to the database, as an extractor.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use site::Site;

use crate::config::Config;
use crate::failure::Failure;

/// A connection of the pool that follows the settings.
pub(crate) struct Connection(pub(crate) site::Connection);

impl FromRequestParts<Site> for Connection {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Failure> {
        let config = Config::from_request_parts(parts, site).await?;
        Ok(Self(site.connection(&config).await?))
    }
}
