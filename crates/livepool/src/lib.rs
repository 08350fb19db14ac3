#![doc = include_str!("../README.md")]

mod backoff;
mod connection;
mod connector;
mod error;
mod generation;
mod live_pool;
mod runtime;
mod settings;
mod stats;
mod successor;

pub use crate::{
    connection::Connection,
    error::Error,
    live_pool::LivePool,
    settings::{Options, Settings},
    stats::{State, Stats},
};
pub use tokio_postgres;
