//! The sockets of a plan.

use std::net::SocketAddr;

use crate::error::Error;
use crate::settings::WantedMode;

#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    /// `[socket] address`. If empty, hotrun learns them from the program.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) mode: WantedMode,
}

impl Sockets {
    pub(super) fn of(addresses: Vec<SocketAddr>, way: Option<WantedMode>) -> Result<Self, Error> {
        let way = way.unwrap_or_default();
        if addresses.is_empty() && matches!(way, WantedMode::ListenFds | WantedMode::Proxy) {
            let words = "`socket.way` needs `socket.address` beside it: hotrun listens there, before the program is started";
            return Err(Error::unfit(words));
        }
        if let Some(twice) =
            addresses.iter().enumerate().find(|(at, address)| addresses[..*at].contains(address))
        {
            return Err(Error::unfit(format!("`socket.address` names `{}` twice", twice.1)));
        }
        Ok(Self { addresses, mode: way })
    }
}
