//! Settings of any type, always whole.
//!
//! A program describes its settings as a struct; [`Configs`] makes one from files, environment variables and flags, checks it,
//! and keeps it in step with the files. Saving a file changes what the next [`load`](Configs::load) returns. A bad edit changes
//! nothing but the [`history`](Configs::history), which says where it is wrong.
//!
//! ```
//! use configs::Configs;
//! use garde::Validate;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, Validate)]
//! struct Shop {
//!     #[garde(length(min = 1))]
//!     greeting: String,
//!     #[garde(range(min = 1, max = 100))]
//!     discount_percent: u8,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("shop.yaml");
//! std::fs::write(&file, "greeting: Hello\ndiscount_percent: 5\n")?;
//! let shop = Configs::<Shop>::builder().file(&file).set("greeting=Welcome")?.open()?;
//! let now = shop.load();
//! assert_eq!((now.greeting.as_str(), now.discount_percent, now.generation()), ("Welcome", 5, 1));
//!
//! std::fs::write(&file, "greeting: Hello\ndiscount_precent: 5\n")?;
//! let diagnosis = Configs::<Shop>::builder().file(&file).open().unwrap_err();
//! assert!(diagnosis.message().ends_with("shop.yaml:2:1: discount_precent: unknown key (did you mean `discount_percent`?)"));
//! # Ok(())
//! # }
//! ```
//!
//! All layers become one tree whose every node knows where it came from; merging, comparing, masking and diagnosing work on the
//! tree, and the value is made from it. An edit goes through *prepare, swap, commit*: it is read, checked and compared; everyone
//! whom it concerns is asked ([`on_prepare`](Configs::on_prepare)); if all agree, one pointer is swapped and what they prepared
//! is put in force; then [subscribers](Configs::watch) and [listeners](Configs::on_event) are told.
//!
//! **The invariant:** a reader sees a whole and valid value, and what a [secret](Builder::secret) holds is in no message, no
//! history, no digest and no `Debug` output.
//!
//! **What it does not do:** write files, fetch from the network, interpolate variables, follow YAML merge keys or tags, read
//! other formats than YAML. A type with `#[serde(flatten)]` hides its keys from serde: there, none is unknown, and numbers that
//! are meant as text need quotes. A default in the type itself (`#[serde(default)]`) works, but only one in
//! [`Builder::defaults`] is part of the digest and the history.

mod access;
pub mod app_config;
mod builder;
mod callbacks;
mod configs;
mod de;
mod diagnosis;
mod drawn;
mod effective;
mod evidence;
mod fault;
mod history;
mod layers;
mod listener;
mod origin;
mod page;
mod pending;
mod reading;
mod recipe;
mod rehearsal;
mod reload;
mod secrets;
mod snapshot;
mod subscription;
mod suggest;
mod tree;
mod yaml;

pub use app_config::AppConfig;
pub use builder::{Builder, UnknownKeys};
pub use configs::{Commit, Configs, Configurable, Reader, nothing};
pub use diagnosis::{Diagnosis, Problem, Rejection};
pub use filewatch::{Degraded, Gate};
pub use history::{Attempt, Change, Event, Outcome, Trigger};
pub use layers::MalformedOverride;
pub use origin::{Origin, Provenance};
#[doc(hidden)]
pub use rehearsal::Rehearsal;
pub use secrecy::{ExposeSecret, SecretString};
pub use snapshot::Snapshot;
pub use subscription::{Closed, Subscription};
