//! Live settings and live templates in axum: `cargo run -p demo-axum --example axum_minimal`, then edit `config.yaml`
//! or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.
#![allow(clippy::print_stderr)]

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use axum::{Json, Router, response::Html, routing::get};
use configs::{AppConfig, Configs, RebuildLock, Settings, Snapshot};
use jiff::Zoned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_http::set_header::SetResponseHeaderLayer;
use views::Views;

type App = (Configs<AppConfig>, Views);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configs = AppConfig::builder().file("config.yaml").environment("APP").open()?;
    let current = configs.reader();
    let views = Views::open("templates", &RebuildLock::new(), move |templates| {
        templates.render("index.html", &page(&current.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let routes = Router::new()
        .route("/", get(index))
        .route("/dynamic-config", get(dynamic_config))
        .with_state((configs, views))
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    let listener = TcpListener::bind(address).await?;
    eprintln!("serves http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}

async fn index(State((configs, views)): State<App>) -> Result<Html<String>, StatusCode> {
    let page = views.load().render("index.html", &page(&configs.load()));
    page.map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn dynamic_config(State((configs, _)): State<App>) -> Json<Settings> {
    Json(configs.load().settings.clone())
}

/// The variables of the template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    json!({
        "title": "Axum Hot Reload & Dynamic Config", "framework": "Axum", "page_script": "",
        "app_name": config.app_name, "port": config.port, "database": config.database, "settings": config.settings,
        "generation": config.generation(), "current_time": Zoned::now().strftime("%T").to_string(),
        "dynamic_message": format!("Config updated at {}", config.at().strftime("%T")),
    })
}
