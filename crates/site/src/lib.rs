//! What every demo serves.
//!
//! A [`Site`] is the four demos' common content: the page, the JSON, the events, the history, the metrics, and the
//! decision who may have them. A framework brings a request in and carries the bytes out; all it says about the
//! request is an [`Arrival`].
//!
//! ```no_run
//! # fn main() -> Result<(), site::OpenError> {
//! let site = site::Site::open(site::Options::new("Axum"))?;
//! let arrival = site::Arrival { method: "GET", path: "/dynamic-config", target_host: None, ends: None, half_closed: None, hosts: 0, header: &|_| None };
//! let visit = site.visit(&arrival);
//! assert!(visit.admitted().is_ok());
//! println!("{}", String::from_utf8_lossy(&site.dynamic_config(&visit).json));
//! # Ok(())
//! # }
//! ```
//!
//! # The invariant
//!
//! A request sees one configuration from beginning to end: [`Site::visit`] takes the one snapshot, and everything
//! after it is answered from that [`Visit`]. A configuration is in force only if the page can be rendered with it, a
//! set of templates only if they can render the configuration in force.
//!
//! # What it does not do
//!
//! It has no socket and no HTTP type: a status is a `u16`, a header a pair of strings, a stream a stream of bytes. It
//! knows no framework, and routes nothing: which handler answers is the framework's business.

mod admission;
mod configured_routes;
mod derived;
mod drain_signal;
mod error;
mod events;
mod fault;
mod guard;
mod history;
mod limiter;
mod metrics;
mod options;
mod page;
mod request_id;
mod route;
mod site;
mod state;
mod visit;

pub use crate::{
    derived::{Config, Derived, Document},
    error::Error,
    metrics::ProcessStats,
    options::{OpenError, Options},
    page::CONTENT_SECURITY_POLICY,
    site::Site,
    visit::{Arrival, HEADERS, Visit},
};
pub use configs::{AppConfig, Commit, Rejection, UnknownKeys};
