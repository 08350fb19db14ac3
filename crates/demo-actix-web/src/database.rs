//! A connection to the database, as an extractor.

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use site::Site;

use crate::config::Config;
use crate::failure::Failure;

/// A connection of the pool that follows the settings.
pub(crate) struct Connection(pub(crate) site::Connection);

impl FromRequest for Connection {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (site, config) = (Data::<Site>::extract(request), Config::from_request(request, payload));
        Box::pin(async move { Ok(Self(site.await?.connection(&*config.await?).await.map_err(Failure)?)) })
    }
}
