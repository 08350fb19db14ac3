//! Live settings and live templates in actix-web: `cargo run -p demo-actix-web --example actix_web_minimal`, then edit `config.yaml`
//! or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.
#![allow(clippy::print_stderr)]

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, Html, Json};
use actix_web::{App, HttpServer, Result, rt::System};
use configs::{AppConfig, Configs, RebuildLock, Settings, Snapshot};
use jiff::Zoned;
use serde_json::{Value, json};
use views::Views;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configs = AppConfig::builder().file("config.yaml").environment("APP").open()?;
    let current = configs.reader();
    let views = Views::open("templates", &RebuildLock::new(), move |templates| {
        templates.render("index.html", &page(&current.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let (configs, views) = (Data::new(configs), Data::new(views));
    let app = move || {
        App::new()
            .route("/", web::get().to(index))
            .route("/dynamic-config", web::get().to(dynamic_config))
            .app_data(configs.clone())
            .app_data(views.clone())
            .wrap(DefaultHeaders::new().add((CACHE_CONTROL, "no-cache")))
    };
    let server = HttpServer::new(app).bind(address)?;
    eprintln!("serves http://{}/", server.addrs()[0]);
    Ok(System::new().block_on(server.run())?)
}

async fn index(configs: Data<Configs<AppConfig>>, views: Data<Views>) -> Result<Html> {
    let page = views.load().render("index.html", &page(&configs.load()));
    page.map(Html::new).map_err(|_| ErrorInternalServerError("the page cannot be rendered"))
}

async fn dynamic_config(configs: Data<Configs<AppConfig>>) -> Json<Settings> {
    Json(configs.load().settings.clone())
}

/// The variables of the template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    json!({
        "title": "Actix-web Hot Reload & Dynamic Config", "framework": "Actix-web", "page_script": "",
        "app_name": config.app_name, "port": config.port, "database": config.database, "settings": config.settings,
        "generation": config.generation(), "current_time": Zoned::now().strftime("%T").to_string(),
        "dynamic_message": format!("Config updated at {}", config.at().strftime("%T")),
    })
}
