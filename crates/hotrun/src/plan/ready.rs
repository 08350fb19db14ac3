//! The readiness of a plan's servers.

use std::time::Duration;

use crate::error::Error;
use crate::settings;

/// Upper bound on the time from the start of a server until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// A path that answers with 2xx once the server is ready.
    pub(crate) http: Option<String>,
    pub(crate) timeout: Duration,
}

impl Ready {
    pub(super) fn of(ready: settings::Ready) -> Result<Self, Error> {
        if let Some(path) =
            ready.http.as_ref().filter(|path| !path.starts_with('/') || path.contains([' ', '\r', '\n']))
        {
            return Err(Error::unfit(format!(
                "`ready.http` is `{path}`; expected a path such as \"/readyz\""
            )));
        }
        let timeout = ready.timeout.unwrap_or(READY_TIMEOUT);
        if timeout.is_zero() {
            return Err(Error::unfit(
                "`ready.timeout` is 0; expected the longest start that is worth waiting for",
            ));
        }
        Ok(Self { http: ready.http, timeout })
    }
}
