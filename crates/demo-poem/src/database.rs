//! A connection to the database, as an extractor.

use poem::web::Data;
use poem::{FromRequest, Request, RequestBody, Result};
use site::Site;

use crate::config::Config;
use crate::failure::Failure;

/// A connection of the pool that follows the settings.
pub(crate) struct Connection(pub(crate) site::Connection);

impl<'a> FromRequest<'a> for Connection {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let Data(site) = Data::<&Site>::from_request(request, body).await?;
        let config = Config::from_request(request, body).await?;
        Ok(Self(site.connection(&config).await.map_err(Failure)?))
    }
}
