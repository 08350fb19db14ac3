#![doc = include_str!("../README.md")]

#[cfg(feature = "host")]
mod elf;
#[cfg(feature = "host")]
mod error;
mod export;
mod greeter;
#[cfg(feature = "host")]
mod library;
#[cfg(feature = "host")]
mod memory_file;
#[cfg(feature = "host")]
mod plugin;
mod table;
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
