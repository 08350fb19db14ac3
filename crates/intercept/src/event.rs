//! The events that a program's calls cause.

use crate::address::Address;
use crate::port_holder::PortHolder;

/// A call of the program, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The program's `bind` of this address was answered with our listener.
    Bound(Address),
    /// Another program holds the address; `bind` failed with `EADDRINUSE`.
    Refused {
        /// The address that the program asked for.
        address: Address,
        /// Its holder, if it could be found out.
        by: Option<PortHolder>,
    },
    /// The program called `listen` on our listener.
    Listening(Address),
    /// The program called `accept` on our listener, for the first time.
    Accepting(Address),
    /// No process under the filter is left.
    Ended,
}
