#![doc = include_str!("../README.md")]

mod address;
mod backoff;
mod body;
mod client;
mod connection;
mod endpoint;
#[cfg(feature = "etcd")]
mod etcd;
mod failure;
mod fetched;
mod follower;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host_name;
mod http;
mod kept;
mod remote;
mod shared;
#[cfg(feature = "tls")]
mod tls;

pub use address::BadAddress;
pub use host_name::host_name;
pub use kept::state_folder;
pub use remote::{OpenError, Options, Remote};
