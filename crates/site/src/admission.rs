//! The order in which a request is refused.

use configs::ExposeSecret;

use crate::{derived::Config, error::Error, guard, request_head::RequestHead, route::Route};

/// Upper bound on the length of a request's body, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Decides by the configuration of the request: hosts, limit, maintenance, unknown path, length of the body, in this order.
///
/// The router alone would not refuse every unknown path: actix-web and poem decode a path, and poem drops a slash at its end.
pub(crate) fn admit(config: &Config, route: Route, head: &RequestHead<'_>) -> Result<(), Error> {
    if head.hosts > 1 {
        return Err(Error::TwoHosts);
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
        return Err(Error::NotFound { path: head.path.to_owned() });
    }
    check_body((head.header)("content-length"))
}

/// Decides about a guarded route. If a token is set, it takes that token, else a request that is proved to be local.
pub(crate) fn authorize(config: &Config, route: Route, head: &RequestHead<'_>) -> Result<(), Error> {
    match &config.admin_token {
        _ if !route.is_guarded() => Err(Error::Forbidden),
        Some(token) if guard::bears((head.header)("authorization"), token.expose_secret()) => Ok(()),
        Some(_) => Err(Error::Unauthorized),
        None if guard::is_local(head) => Ok(()),
        None => Err(Error::Forbidden),
    }
}

/// Refuses a body that is announced as larger than [`BODY_LIMIT`].
fn check_body(content_length: Option<&[u8]>) -> Result<(), Error> {
    let Some(length) = content_length else { return Ok(()) };
    let announced = std::str::from_utf8(length).ok().and_then(|length| length.trim().parse::<u64>().ok());
    if announced.is_none_or(|announced| announced > BODY_LIMIT as u64) {
        return Err(Error::BodyTooLarge);
    }
    Ok(())
}
