//! The types that settings can have.

use serde::de::DeserializeOwned;

/// A type of settings: serde can make one, and threads can share one. Implemented for every such type.
pub trait Configurable: DeserializeOwned + Send + Sync + 'static {}

impl<T: DeserializeOwned + Send + Sync + 'static> Configurable for T {}
