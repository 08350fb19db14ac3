//! The order in which a request is turned away.

use configs::ExposeSecret;

use crate::{derived::Config, error::Error, guard, route::Route, visit::Arrival};

/// The largest body that a request may announce, in bytes: there is nothing to send here.
const BODY_LIMIT: u64 = 64 * 1024;

/// Decides by the one configuration of the request at hand: hosts, size, limit, maintenance, unknown path, guard, in this order.
///
/// An unknown path never reaches a framework's router: one that decodes a path, or drops a slash at its end, would find
/// a route there that the guard did not see. A wrong method comes before the guard, but is the framework's to find, so
/// the guard speaks only where it will not be found.
pub(crate) fn decide(config: &Config, route: Route, arrival: &Arrival<'_>, local: bool) -> Result<(), Error> {
    if arrival.hosts > 1 {
        return Err(Error::TwoHosts);
    }
    if announced(arrival) > BODY_LIMIT {
        return Err(Error::BodyTooLarge);
    }
    if !route.is_exempt() {
        if let Some(limiter) = config.derived().limiter() {
            limiter.take().map_err(|retry_after| Error::TooManyRequests { retry_after })?;
        }
        if config.maintenance {
            return Err(Error::Maintenance);
        }
    }
    if route == Route::Unknown {
        return Err(Error::NotFound { path: arrival.path.to_owned() });
    }
    if route.is_guarded() && matches!(arrival.method, "GET" | "HEAD") {
        return match &config.admin_token {
            Some(token) if guard::bears((arrival.header)("authorization"), token.expose_secret()) => Ok(()),
            Some(_) => Err(Error::Unauthorized),
            None if local => Ok(()),
            None => Err(Error::Forbidden),
        };
    }
    Ok(())
}

fn announced(arrival: &Arrival<'_>) -> u64 {
    let Some(length) = (arrival.header)("content-length") else { return 0 };
    std::str::from_utf8(length).ok().and_then(|length| length.trim().parse().ok()).unwrap_or(u64::MAX)
}
