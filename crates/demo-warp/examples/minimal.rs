//! Live settings and live templates in warp: `cargo run -p demo-warp --example warp_minimal`, then edit `config.yaml`
//! or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.
#![allow(clippy::print_stderr)]

use configs::{AppConfig, Configs, RebuildLock, Snapshot};
use jiff::Zoned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use views::Views;
use warp::reply::{self, Html, Json, with};
use warp::{Filter, http::StatusCode};

type App = (Configs<AppConfig>, Views);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configs = AppConfig::builder().file("config.yaml").environment("APP").open()?;
    let current = configs.reader();
    let views = Views::open("templates", &RebuildLock::new(), move |templates| {
        templates.render("index.html", &page(&current.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let state = (configs, views);
    let app = warp::get().map(move || state.clone());
    let routes = (warp::path::end().and(app.clone()).then(index))
        .or(warp::path!("dynamic-config").and(app).then(dynamic_config))
        .with(with::header("cache-control", "no-cache"));
    let listener = TcpListener::bind(address).await?;
    eprintln!("serves http://{}/", listener.local_addr()?);
    warp::serve(routes).incoming(listener).run().await;
    Ok(())
}

async fn index((configs, views): App) -> Result<Html<String>, StatusCode> {
    let page = views.load().render("index.html", &page(&configs.load()));
    page.map(reply::html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn dynamic_config((configs, _): App) -> Json {
    reply::json(&configs.load().settings)
}

/// The variables of the template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    json!({
        "title": "Warp Hot Reload & Dynamic Config", "framework": "Warp", "page_script": "",
        "app_name": config.app_name, "port": config.port, "database": config.database, "settings": config.settings,
        "generation": config.generation(), "current_time": Zoned::now().strftime("%T").to_string(),
        "dynamic_message": format!("Config updated at {}", config.at().strftime("%T")),
    })
}
