//! A connection to the database, as a filter.

use site::Site;
use warp::{Filter, Rejection, reject};

use crate::config::{Config, config};
use crate::failure::Failure;

/// A connection of the pool that follows the settings.
pub(crate) struct Connection(pub(crate) site::Connection);

/// Extracts a connection.
pub(crate) fn connection(
    site: Site,
) -> impl Filter<Extract = (Connection,), Error = Rejection> + Clone + Send + Sync + 'static {
    config().and_then(move |config: Config| {
        let connection = site.connection(&config);
        async { connection.await.map(Connection).map_err(|error| reject::custom(Failure(error))) }
    })
}
