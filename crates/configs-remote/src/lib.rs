#![doc = include_str!("../README.md")]

mod address;
mod backoff;
mod body;
mod client;
mod connection;
#[cfg(feature = "etcd")]
mod etcd;
mod failure;
mod follower;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod kept;
mod remote;
mod shared;
#[cfg(feature = "tls")]
mod tls;

pub use address::{BadAddress, is_address};
pub use remote::{OpenError, Options, Remote};
