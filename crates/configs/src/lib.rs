//! Settings of any type, always whole.
//!
//! A program describes its settings as a struct. [`Configs`] makes one from files, environment variables and flags, checks it,
//! and keeps it in step with the files. Saving a file changes what the next [`load`](Configs::load) returns. A bad edit changes
//! nothing but the [`history`](Configs::history), which says what is wrong and where.
//!
//! ```
//! use configs::{Configs, Rejection};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Shop {
//!     greeting: String,
//!     discount_percent: u8,
//! }
//!
//! fn builder() -> configs::Builder<Shop> {
//!     Configs::builder().check("discount", |shop: &Shop, _| {
//!         let problem = (shop.discount_percent > 100).then(|| Rejection::new("discount_percent", "expected at most 100"));
//!         problem.into_iter().collect()
//!     })
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("shop.yaml");
//! std::fs::write(&file, "greeting: Hello\ndiscount_percent: 5\n")?;
//! let shop = builder().file(&file).set("greeting=Welcome")?.open()?;
//! let now = shop.load();
//! assert_eq!((now.greeting.as_str(), now.discount_percent, now.generation()), ("Welcome", 5, 1));
//!
//! std::fs::write(&file, "greeting: Hello\ndiscount_precent: 5\n")?;
//! let diagnosis = builder().file(&file).open().unwrap_err();
//! assert!(diagnosis.message().ends_with("shop.yaml:2:1: discount_precent: unknown key (did you mean `discount_percent`?)"));
//! # Ok(())
//! # }
//! ```
//!
//! All layers become one tree in which every node knows its origin. Merging, comparing, masking and diagnosing work on the tree;
//! the value is made from it. An edit goes through *prepare, swap, commit*:
//!
//! 1. It is read, checked and compared. Then every consumer is asked ([`on_prepare`](Configs::on_prepare)).
//! 2. If all agree, one pointer is swapped. The new [`Snapshot`] holds the value and everything that is
//!    [derived](Builder::derive) from it.
//! 3. The consumers' commits run. Then [subscribers](Configs::watch) and [listeners](Configs::on_event) are told.
//!
//! A value may also be set at run time ([`Configs::set`]), for a while or until it is taken back. It goes through the same steps.
//!
//! **The invariant:** a reader sees a whole and valid value. The text of a [secret](Builder::secret) is in no message, no
//! history, no digest and no `Debug` output.
//!
//! A [`Source`] brings text from elsewhere than a file, such as a key-value store. It is a layer like a file. A source that is
//! lost changes no value. A part of the instances may run a canary, a second version of its text ([`Builder::instance`]).
//!
//! **Cargo features**, all off by default: `garde` adds [`Builder::validate`], `schema` adds [`Configs::schema`], `toml`
//! reads TOML files, `app-config` adds [`AppConfig`], the settings of the demo servers.
//!
//! **Not in here:** writing files, reading from the network (see `configs-remote`), interpolated variables, YAML tags, other formats
//! than YAML, JSON and TOML. A type with `#[serde(flatten)]` hides its keys from serde: no key of it is unknown, and numbers that are meant
//! as text need quotes. A default in the type itself (`#[serde(default)]`) works, but only one in [`Builder::defaults`]
//! is part of the digest and of the history.
#![cfg_attr(
    not(all(feature = "garde", feature = "schema", feature = "app-config")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "app-config")]
pub mod app_config;
mod attempt_log;
mod builder;
mod callbacks;
mod canary;
mod commit;
mod configs;
mod configurable;
mod consumers;
mod cost;
mod de;
mod de_error;
mod diagnosis;
mod dotenv;
mod effective;
mod expiry;
mod followers;
mod format;
mod history;
mod json;
mod kept;
mod layer;
mod layers;
mod listener;
mod loader;
mod origin;
mod origins;
mod path;
mod pending;
mod problem;
mod provenance;
mod reading;
mod redactor;
mod rejection;
mod reload;
mod render;
mod revisions;
mod rollout;
mod runtime;
mod secrets;
mod set_error;
mod snapshot;
mod source;
mod source_map;
mod sources;
mod subscription;
mod suggest;
mod surrogates;
mod testing;
mod text;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod yaml;

#[cfg(feature = "app-config")]
pub use app_config::{AppConfig, Database, Settings};
pub use builder::Builder;
pub use canary::Variant;
pub use commit::{Commit, no_op};
pub use configs::{Configs, Reader};
pub use configurable::Configurable;
pub use diagnosis::Diagnosis;
pub use effective::EffectiveValue;
pub use filewatch::{Degraded, RebuildLock, ReloadHandle};
pub use format::Format;
pub use history::{Attempt, Change, Event, Outcome, Trigger};
pub use layer::Layer;
pub use layers::MalformedOverride;
pub use loader::UnknownKeys;
pub use origin::Origin;
pub use problem::Problem;
pub use provenance::Provenance;
pub use rejection::Rejection;
pub use runtime::RuntimeValue;
pub use secrecy::{ExposeSecret, SecretString};
pub use set_error::SetError;
pub use snapshot::Snapshot;
pub use source::{Source, SourceDocument, SourceError, SourceState, SourceStatus, SourceText};
pub use sources::MalformedName;
pub use subscription::{Closed, Subscription};
#[doc(hidden)]
pub use testing::Unwatched;
