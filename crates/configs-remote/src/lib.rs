//! Configuration text from a URL or from etcd, for [`configs`].
//!
//! ```no_run
//! use configs::Configs;
//! use configs_remote::{Options, Remote};
//!
//! # #[derive(serde::Deserialize)] struct Shop { greeting: String }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let remote = Remote::open("http://config.example/shop.yaml", &Options::default())?;
//! let shop = Configs::<Shop>::builder().source(remote).open()?;
//! println!("{}", shop.load().greeting);
//! # Ok(())
//! # }
//! ```
//!
//! | address | source |
//! | --- | --- |
//! | `http://HOST/PATH` | any URL, asked again with `If-None-Match`; with long polling if the server offers it |
//! | `etcd://HOST:2379,HOST:2379/KEY` | one key of etcd 3.4 or newer (Cargo feature `etcd`) |
//! | `etcd://HOST:2379/PREFIX/` | all keys below a prefix that end with `.yaml`, `.yml`, `.toml` or `.json`, in their order |
//! | `https://…`, `etcds://…` | the same over TLS (Cargo feature `tls`) |
//!
//! A name and a password may stand before the host (`etcd://user:password@HOST/`). They are in no message.
//!
//! **The invariant:** a source that is lost, or that sends something else than a text, changes nothing. The last text stays, and the
//! log says why. With [`Options::keep`], the last text that was in force is also kept on disk: a start without the source
//! uses it.
//!
//! **Not in here:** writing to a source; client certificates; proxies; HTTP/2.

mod address;
mod backoff;
mod body;
mod client;
mod connection;
#[cfg(feature = "etcd")]
mod etcd;
mod failure;
mod follower;
mod http;
mod kept;
mod remote;
mod shared;
#[cfg(feature = "tls")]
mod tls;

pub use address::{BadAddress, is_address};
pub use remote::{OpenError, Options, Remote};
