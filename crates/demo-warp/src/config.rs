//! The configuration of a request, as a filter.

use warp::{Filter, Rejection};

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
pub(crate) use site::RequestContext as Config;

/// Extracts the configuration of the request.
pub(crate) fn config() -> impl Filter<Extract = (Config,), Error = Rejection> + Copy + Send + Sync + 'static {
    warp::ext::get()
}
