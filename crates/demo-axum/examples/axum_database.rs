//! The bare framework with a database: `/database` answers with the demo's query through the demo's pool, and nothing else.
//!
//! `axum_database 127.0.0.1:8080 config.yaml`. `bench live-parts` compares the demo with it.

use std::{env, io, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use configs::{AppConfig, ExposeSecret};
use livepool::{LivePool, Settings, tokio_postgres::Config};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const QUERY: &str = "SELECT current_setting('server_version'), current_user::text";

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let path = arguments.next().unwrap_or_else(|| "config.yaml".to_owned());
    let configs = AppConfig::builder().file(path).open().map_err(io::Error::other)?;
    let pool = LivePool::follow(&configs, "database", Duration::from_secs(10), settings);
    let routes = Router::new().route("/database", get(database)).with_state(pool);
    axum::serve(TcpListener::bind(address).await?, routes).await
}

async fn database(State(pool): State<LivePool>) -> Result<Json<Value>, StatusCode> {
    let connection = pool.get().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let row = connection.query_one(QUERY, &[]).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({ "server": row.get::<_, String>(0), "user": row.get::<_, String>(1) })))
}

fn settings(config: &AppConfig) -> Settings {
    let database = &config.database;
    let mut config = Config::new();
    config.host(&database.host).port(database.port).dbname(&database.name);
    config.user(&database.user).password(database.password.expose_secret());
    let leak_after = Duration::from_secs(database.leak_after.into());
    Settings { config, pool_size: database.pool_size.into(), leak_after }
}
