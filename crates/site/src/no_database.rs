//! Stands for `database.rs` in a build without the feature `database`.
#![expect(clippy::unused_self, reason = "the same methods as there")]

use std::{
    future::{Ready, ready},
    time::Duration,
};

use configs::{AppConfig, Configs};
use prometheus_client::registry::Registry;
use serde::Serialize;
use serde_json::Value;

use crate::{derived::Derived, error::Error};

/// There is none.
#[derive(Debug)]
pub enum Connection {}

/// There is none.
#[derive(Debug, Serialize)]
pub enum Database {}

/// No pool.
#[derive(Clone)]
pub(crate) struct Pool;

/// No metrics.
pub(crate) struct PoolMetrics;

impl Database {
    /// Cannot be called.
    pub fn ask(connection: &Connection) -> Ready<Result<Database, Error>> {
        match *connection {}
    }
}

impl Pool {
    pub(crate) fn follow(_: &Configs<AppConfig, Derived>, _: &str, _: Duration) -> Self {
        Self
    }

    pub(crate) fn get(&self, route: &str) -> Ready<Result<Connection, Error>> {
        ready(Err(Error::NotBuilt { path: route.to_owned(), feature: "database" }))
    }

    pub(crate) fn inspected(&self) -> Result<Value, Error> {
        Err(Error::NotBuilt { path: "/debug/pool".to_owned(), feature: "database" })
    }

    pub(crate) fn in_use_peak(&self) -> usize {
        0
    }
}

impl PoolMetrics {
    pub(crate) fn new(_: &mut Registry) -> Self {
        Self
    }

    pub(crate) fn read(&self, _: &Pool) {}
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn a_route_without_its_feature_names_it() {
        let error = Pool.get("/database").into_inner().unwrap_err();
        let answer = error.answer();
        assert_eq!(answer.status, 404);
        assert_eq!(answer.body, r#"{"error":"not found","feature":"database","path":"/database"}"#);
    }
}
