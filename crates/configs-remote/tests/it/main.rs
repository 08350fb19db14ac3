//! Sources against real servers.

mod copy;
#[cfg(feature = "etcd")]
mod etcd;
mod http;
mod shop;
