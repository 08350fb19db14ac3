//! air's `[proxy]`.

use std::time::Duration;

use crate::proxy::UNREACHED;
use crate::settings::Proxy;

/// A port of hotrun's in front of the program's.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) proxy_port: u16,
    pub(crate) app_port: u16,
    /// After this time without a connection to the program, a request fails.
    pub(crate) timeout: Duration,
}

impl Front {
    /// `None` if it is not enabled.
    pub(super) fn of(proxy: &Proxy) -> Option<Self> {
        let (proxy_port, app_port) = (proxy.port?, proxy.app_port?);
        let timeout = proxy.app_start_timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(UNREACHED);
        (proxy.enabled == Some(true)).then_some(Self { proxy_port, app_port, timeout })
    }

    /// Printed once at the start.
    pub(super) fn note(&self) -> String {
        format!(
            "`[proxy]` leads from port {} to port {}; pages are not reloaded",
            self.proxy_port, self.app_port
        )
    }
}
