//! The content and the rules that the four demos share.
//!
//! A [`Site`] follows the configuration and the templates. It holds the events, the history and the metrics, and decides
//! which requests are answered. A framework serves it: its handlers render a [`Page`], answer a [`DynamicConfig`] and write
//! each [`Event`].
//!
//! ```no_run
//! use site::{DynamicConfig, Options, Page, RequestHead, Site};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::open(Options::new("Axum"))?;
//! let head = RequestHead {
//!     method: "GET",
//!     path: "/",
//!     query: None,
//!     target_host: None,
//!     ends: None,
//!     half_closed: None,
//!     hosts: 1,
//!     header: &|_| None,
//! };
//! let config = site.admit(&head);
//! config.admitted()?;
//! println!("{}", config.templates().render("index.html", &Page::new(&site, &config))?);
//! println!("{}", serde_json::to_string(&DynamicConfig::new(&config))?);
//! # Ok(())
//! # }
//! ```
//!
//! # The invariant
//!
//! A request sees one configuration from beginning to end: [`Site::admit`] takes the only snapshot, and everything after it is
//! answered from that [`RequestContext`]. A configuration is in force only if the page can be rendered with it. A set of
//! templates is in force only if it can render the page with the configuration in force.
//!
//! # Not in here
//!
//! There is no socket but those of the database pool (feature `database`). There is no HTTP type: a status is a `u16`, a header
//! is a pair of strings. Routes belong to the framework.

mod admission;
mod answer;
mod configured_routes;
#[cfg_attr(not(feature = "database"), path = "no_database.rs")]
mod database;
mod debug;
mod derived;
mod drain_signal;
mod dynamic_config;
mod error;
mod events;
mod fault;
#[cfg_attr(not(feature = "plugins"), path = "no_greeter.rs")]
mod greeter;
mod guard;
mod history;
mod limiter;
mod metrics;
mod operation;
mod options;
mod overrides;
mod page;
#[cfg_attr(not(feature = "profiling"), path = "no_profile.rs")]
mod profile;
#[cfg(feature = "plugins")]
mod refused_plugin;
mod request;
mod request_head;
mod route;
mod site;
mod state;
mod visitor;

pub use crate::{
    admission::BODY_LIMIT,
    answer::Answer,
    database::{Connection, Database},
    derived::{Config, Derived},
    dynamic_config::DynamicConfig,
    error::Error,
    events::Event,
    greeter::init,
    metrics::ProcessStats,
    operation::Operation,
    options::{Inspected, OpenError, Options},
    page::{CONTENT_SECURITY_POLICY, Page, TEMPLATE},
    request::RequestContext,
    request_head::RequestHead,
    site::Site,
    visitor::Visitor,
};
pub use configs::{AppConfig, Commit, Layer, Rejection, Source, UnknownKeys};
