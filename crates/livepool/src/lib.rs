#![doc = include_str!("../README.md")]

mod connection;
mod connector;
mod error;
mod generation;
mod live_pool;
mod runtime;
mod settings;
mod stats;

pub use crate::{
    connection::Connection,
    error::Error,
    live_pool::LivePool,
    settings::Settings,
    stats::{State, Stats},
};
pub use tokio_postgres;
