//! The configuration of a request, as a filter.

use std::ops::Deref;

use site::RequestContext;
use warp::{Filter, Rejection};

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
#[derive(Clone)]
pub(crate) struct Config(pub(crate) RequestContext);

/// Extracts the configuration of the request.
pub(crate) fn config() -> impl Filter<Extract = (Config,), Error = Rejection> + Copy + Send + Sync + 'static {
    warp::ext::get::<Config>()
}

impl Deref for Config {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}
