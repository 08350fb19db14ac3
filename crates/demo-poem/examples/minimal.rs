//! Live settings and live templates in poem: `cargo run -p demo-poem --example poem_minimal`, then edit `config.yaml`
//! or `templates/index.html`. `APP__PORT=8081` in the environment overrides the port.
#![allow(clippy::print_stderr)]

use configs::{AppConfig, Configs, RebuildLock, Settings, Snapshot};
use jiff::Zoned;
use poem::error::InternalServerError;
use poem::listener::TcpAcceptor;
use poem::middleware::SetHeader;
use poem::web::{Data, Html, Json};
use poem::{EndpointExt, Result, Route, Server, get, handler};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use views::Views;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configs = AppConfig::builder().file("config.yaml").environment("APP").open()?;
    let current = configs.reader();
    let views = Views::open("templates", &RebuildLock::new(), move |templates| {
        templates.render("index.html", &page(&current.load())).map(drop)
    })?;
    let address = (configs.load().host.clone(), configs.load().port);
    let routes = Route::new()
        .at("/", get(index))
        .at("/dynamic-config", get(dynamic_config))
        .data(configs)
        .data(views)
        .with(SetHeader::new().overriding("cache-control", "no-cache"));
    let listener = TcpListener::bind(address).await?;
    eprintln!("serves http://{}/", listener.local_addr()?);
    Ok(Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(routes).await?)
}

#[handler]
fn index(Data(configs): Data<&Configs<AppConfig>>, Data(views): Data<&Views>) -> Result<Html<String>> {
    let page = views.load().render("index.html", &page(&configs.load()));
    page.map(Html).map_err(InternalServerError)
}

#[handler]
fn dynamic_config(Data(configs): Data<&Configs<AppConfig>>) -> Json<Settings> {
    Json(configs.load().settings.clone())
}

/// The variables of the template.
fn page(config: &Snapshot<AppConfig>) -> Value {
    json!({
        "title": "Poem Hot Reload & Dynamic Config", "framework": "Poem", "page_script": "",
        "app_name": config.app_name, "port": config.port, "database": config.database, "settings": config.settings,
        "generation": config.generation(), "current_time": Zoned::now().strftime("%T").to_string(),
        "dynamic_message": format!("Config updated at {}", config.at().strftime("%T")),
    })
}
