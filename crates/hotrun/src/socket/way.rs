//! How servers come by connections, and why that way.

use crate::lend;
use crate::plan::{Sockets, WayWanted};

/// How servers come by connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Our listener as descriptor 3; the program's own `bind` of it is answered too where that works.
    ListenFds,
    /// The program's own `bind` is answered with our listener.
    Lent,
    /// `PORT`, behind our proxy.
    Proxy,
    /// Ours, one server at a time: requests wait in the queue.
    StopFirst,
    /// Nothing is owned.
    Plain,
}

/// Which way is taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) way: Way,
    /// Filters work here, whatever the way.
    pub(crate) lends: bool,
    /// A clause.
    pub(crate) reason: String,
}

/// Chooses the way for what is wanted, on this machine.
pub(crate) fn choose(sockets: &Sockets) -> Chosen {
    decide(sockets.way, !sockets.addresses.is_empty(), lend::unavailable())
}

/// `obstacle` is why filters do not work here, if they do not.
fn decide(wanted: WayWanted, given: bool, obstacle: Option<String>) -> Chosen {
    let lends = obstacle.is_none();
    let chosen = |way, reason: &str| Chosen { way, lends, reason: reason.to_owned() };
    match (wanted, obstacle) {
        (WayWanted::None, _) => chosen(Way::Plain, "`[socket] way` says so"),
        (WayWanted::Proxy, _) => chosen(Way::Proxy, "`[socket] way` says so"),
        (WayWanted::ListenFds, _) => chosen(Way::ListenFds, "`[socket] way` says so"),
        (WayWanted::StopFirst, None) => chosen(Way::StopFirst, "`[socket] way` says so"),
        (WayWanted::StopFirst, Some(_)) if given => chosen(Way::StopFirst, "`[socket] way` says so"),
        (WayWanted::Bind, None) => chosen(Way::Lent, "`[socket] way` says so"),
        (WayWanted::Auto, _) if given => chosen(Way::ListenFds, "`[socket] address` gives it"),
        (WayWanted::Auto, None) => chosen(Way::Lent, "the program says where when it binds"),
        (_, Some(obstacle)) => {
            let reason = format!("{obstacle}; `[socket] address` would let hotrun own the port all the same");
            chosen(Way::Plain, &reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Way, decide};
    use crate::plan::WayWanted;

    #[test]
    fn the_way_follows_from_what_is_wanted_and_what_works() {
        let table = [
            (WayWanted::Auto, true, true, Way::ListenFds),
            (WayWanted::Auto, true, false, Way::ListenFds),
            (WayWanted::Auto, false, true, Way::Lent),
            (WayWanted::Auto, false, false, Way::Plain),
            (WayWanted::Bind, false, true, Way::Lent),
            (WayWanted::Bind, true, true, Way::Lent),
            (WayWanted::Bind, true, false, Way::Plain),
            (WayWanted::ListenFds, true, false, Way::ListenFds),
            (WayWanted::Proxy, true, true, Way::Proxy),
            (WayWanted::StopFirst, true, false, Way::StopFirst),
            (WayWanted::StopFirst, false, true, Way::StopFirst),
            (WayWanted::StopFirst, false, false, Way::Plain),
            (WayWanted::None, true, true, Way::Plain),
        ];
        for (wanted, given, works, way) in table {
            let obstacle = (!works).then(|| "the kernel is from 1999".to_owned());
            let chosen = decide(wanted, given, obstacle);
            assert_eq!((chosen.way, chosen.lends), (way, works), "{wanted:?}, {given}, {works}");
            assert!(!chosen.reason.is_empty());
        }
        let reason = decide(WayWanted::Auto, false, Some("the kernel is from 1999".to_owned())).reason;
        assert!(reason.starts_with("the kernel is from 1999; "), "{reason}");
    }
}
