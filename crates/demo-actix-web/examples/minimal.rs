//! Live settings and live templates with actix-web alone: `cargo run -p demo-actix-web --example actix_web_minimal`, then edit
//! `config.yaml` or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.

#![allow(clippy::print_stderr)]

use std::error::Error;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Data, Html, Json};
use actix_web::{App, HttpServer, rt::System};
use configs::{AppConfig, Configs, RebuildLock, Snapshot};
use jiff::Zoned;
use serde_json::{Value, json};
use views::Views;

/// The settings and the templates in force.
#[derive(Clone)]
struct AppState {
    configs: Configs<AppConfig>,
    views: Views,
}

fn main() -> Result<(), Box<dyn Error>> {
    let lock = RebuildLock::new();
    let configs = AppConfig::builder().file("config.yaml").environment("APP").rebuild_lock(&lock).open()?;
    let trial = configs.reader();
    let views = Views::open("templates", &lock, move |templates| {
        templates.render("index.html", &page(&trial.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let state = Data::new(AppState { configs, views });
    let app = move || {
        App::new()
            .app_data(state.clone())
            .route("/", web::get().to(index))
            .route("/dynamic-config", web::get().to(dynamic_config))
    };
    let server = HttpServer::new(app).bind(address)?;
    eprintln!("serves http://{}/", server.addrs()[0]);
    Ok(System::new().block_on(server.run())?)
}

async fn index(app: Data<AppState>) -> actix_web::Result<Html> {
    let page = app.views.load().render("index.html", &page(&app.configs.load()));
    page.map(Html::new).map_err(|_| ErrorInternalServerError("the page cannot be rendered"))
}

async fn dynamic_config(app: Data<AppState>) -> Json<Value> {
    Json(settings(&app.configs.load()))
}

/// The variables of the shipped template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    let database = &config.database;
    json!({
        "title": "Actix-web Hot Reload & Dynamic Config",
        "framework": "Actix-web",
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
