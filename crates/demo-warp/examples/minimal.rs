//! Live settings and live templates with warp alone: `cargo run -p demo-warp --example warp_minimal`, then edit
//! `config.yaml` or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.

#![allow(clippy::print_stderr)]

use std::error::Error;

use configs::{AppConfig, Configs, RebuildLock, Snapshot};
use jiff::Zoned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use views::Views;
use warp::reply::{self, Html, Json};
use warp::{Filter, http::StatusCode};

/// The settings and the templates in force.
#[derive(Clone)]
struct AppState {
    configs: Configs<AppConfig>,
    views: Views,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let lock = RebuildLock::new();
    let configs = AppConfig::builder().file("config.yaml").environment("APP").rebuild_lock(&lock).open()?;
    let trial = configs.reader();
    let views = Views::open("templates", &lock, move |templates| {
        templates.render("index.html", &page(&trial.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let state = AppState { configs, views };
    let app = warp::get().map(move || state.clone());
    let routes = (warp::path::end().and(app.clone()).then(index))
        .or(warp::path!("dynamic-config").and(app).then(dynamic_config));
    let listener = TcpListener::bind(address).await?;
    eprintln!("serves http://{}/", listener.local_addr()?);
    warp::serve(routes).incoming(listener).run().await;
    Ok(())
}

async fn index(app: AppState) -> Result<Html<String>, StatusCode> {
    let page = app.views.load().render("index.html", &page(&app.configs.load()));
    page.map(reply::html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn dynamic_config(app: AppState) -> Json {
    reply::json(&settings(&app.configs.load()))
}

/// The variables of the shipped template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    let database = &config.database;
    json!({
        "title": "Warp Hot Reload & Dynamic Config",
        "framework": "Warp",
        "app_name": config.app_name,
        "port": config.port,
        "database": {"host": database.host, "port": database.port, "user": database.user, "name": database.name},
        "settings": settings(config),
        "current_time": Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "dynamic_message": format!("Config updated at {}", config.at().strftime("%H:%M:%S")),
        "generation": config.generation(),
        "page_script": "/page.js",
    })
}

fn settings(config: &AppConfig) -> Value {
    let settings = &config.settings;
    json!({
        "log_level": settings.log_level,
        "feature_flag_a": settings.feature_flag_a,
        "refresh_interval_seconds": settings.refresh_interval_seconds,
    })
}
