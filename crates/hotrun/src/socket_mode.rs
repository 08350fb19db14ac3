//! The way in which servers receive connections.

use crate::plan::Sockets;
use crate::settings::WantedMode;

/// The way in which servers receive connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketMode {
    /// hotrun's listener is passed on as descriptor 3. The program's own `bind` of the address is answered too where filters work.
    ListenFds,
    /// The program's own `bind` is answered with hotrun's listener.
    Bind,
    /// The program listens on `PORT`, behind hotrun's proxy.
    Proxy,
    /// One server at a time. Requests wait in the queue of hotrun's listener.
    StopFirst,
    /// hotrun owns no port.
    Plain,
}

/// The chosen mode, and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) mode: SocketMode,
    /// Filters work on this machine, whatever the mode.
    pub(crate) lends: bool,
    /// A clause for a message.
    pub(crate) reason: String,
}

/// Chooses the mode by the settings and by what this machine can do.
pub(crate) fn choose(sockets: &Sockets) -> Chosen {
    decide(sockets.mode, !sockets.addresses.is_empty(), intercept::unavailable())
}

/// `obstacle` is the reason why filters do not work here, if they do not.
fn decide(wanted: WantedMode, given: bool, obstacle: Option<String>) -> Chosen {
    let lends = obstacle.is_none();
    let chosen = |mode, reason: &str| Chosen { mode, lends, reason: reason.to_owned() };
    match (wanted, obstacle) {
        (WantedMode::None, _) => chosen(SocketMode::Plain, "`[socket] way` says so"),
        (WantedMode::Proxy, _) => chosen(SocketMode::Proxy, "`[socket] way` says so"),
        (WantedMode::ListenFds, _) => chosen(SocketMode::ListenFds, "`[socket] way` says so"),
        (WantedMode::StopFirst, None) => chosen(SocketMode::StopFirst, "`[socket] way` says so"),
        (WantedMode::StopFirst, Some(_)) if given => chosen(SocketMode::StopFirst, "`[socket] way` says so"),
        (WantedMode::Bind, None) => chosen(SocketMode::Bind, "`[socket] way` says so"),
        (WantedMode::Auto, _) if given => chosen(SocketMode::ListenFds, "`[socket] address` gives it"),
        (WantedMode::Auto, None) => chosen(SocketMode::Bind, "the program says where when it binds"),
        (_, Some(obstacle)) => {
            let reason = format!("{obstacle}; `[socket] address` would let hotrun own the port all the same");
            chosen(SocketMode::Plain, &reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SocketMode, decide};
    use crate::settings::WantedMode;

    #[test]
    fn the_mode_follows_from_the_settings_and_from_what_works() {
        let table = [
            (WantedMode::Auto, true, true, SocketMode::ListenFds),
            (WantedMode::Auto, true, false, SocketMode::ListenFds),
            (WantedMode::Auto, false, true, SocketMode::Bind),
            (WantedMode::Auto, false, false, SocketMode::Plain),
            (WantedMode::Bind, false, true, SocketMode::Bind),
            (WantedMode::Bind, true, true, SocketMode::Bind),
            (WantedMode::Bind, true, false, SocketMode::Plain),
            (WantedMode::ListenFds, true, false, SocketMode::ListenFds),
            (WantedMode::Proxy, true, true, SocketMode::Proxy),
            (WantedMode::StopFirst, true, false, SocketMode::StopFirst),
            (WantedMode::StopFirst, false, true, SocketMode::StopFirst),
            (WantedMode::StopFirst, false, false, SocketMode::Plain),
            (WantedMode::None, true, true, SocketMode::Plain),
        ];
        for (wanted, given, works, way) in table {
            let obstacle = (!works).then(|| "the kernel is from 1999".to_owned());
            let chosen = decide(wanted, given, obstacle);
            assert_eq!((chosen.mode, chosen.lends), (way, works), "{wanted:?}, {given}, {works}");
            assert!(!chosen.reason.is_empty());
        }
        let reason = decide(WantedMode::Auto, false, Some("the kernel is from 1999".to_owned())).reason;
        assert!(reason.starts_with("the kernel is from 1999; "), "{reason}");
    }
}
