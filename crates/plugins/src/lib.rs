#![doc = include_str!("../README.md")]

mod export;
mod greeter;
mod table;

#[cfg(feature = "host")]
mod elf;
#[cfg(feature = "host")]
mod error;
#[cfg(feature = "host")]
mod library;
#[cfg(feature = "host")]
mod memory_file;
#[cfg(feature = "host")]
mod plugin;
#[cfg(feature = "host")]
mod trial;
#[cfg(feature = "host")]
mod version;

pub use crate::greeter::Greeter;
#[cfg(feature = "host")]
pub use crate::{
    error::Error,
    library::mappings,
    plugin::{Event, Options, Plugin},
    trial::init,
    version::{CallError, Version},
};
#[doc(hidden)]
pub use crate::{
    export::Instance,
    table::{Reply, Table, Text},
};
#[cfg(feature = "host")]
pub use filewatch::Degraded;
