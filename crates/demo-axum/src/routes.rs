//! The routes of the site and their handlers.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Query, State};
use axum::middleware::from_fn;
use axum::response::{Html, Json, Sse, sse};
use axum::routing::get;
use futures_util::{Stream, StreamExt};
use site::{Database, DynamicConfig, Event, Page, Site, Visitor};

use crate::config::Config;
use crate::database::Connection;
use crate::failure::Failure;
use crate::middleware::{etag, page_policy};
use crate::operations::operations;

/// The routes of the site.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(index).route_layer(page_policy()))
        .route("/dynamic-config", get(dynamic_config).route_layer(from_fn(etag)))
        .route("/events", get(events))
        .route("/database", get(database))
        .route("/greet", get(greet))
        .merge(operations())
        .fallback(configured)
        .with_state(site)
}

/// Renders the page with the configuration of this request.
async fn index(State(site): State<Site>, config: Config) -> Result<Html<String>, Failure> {
    Ok(Html(config.templates().render("index.html", &Page::new(&site, &config))?))
}

/// Answers the dynamic part of the configuration.
async fn dynamic_config(config: Config) -> Json<DynamicConfig> {
    Json(DynamicConfig::new(&config))
}

/// Sends what happens to the site for as long as the client stays.
async fn events(
    State(site): State<Site>,
    config: Config,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    Sse::new(site.events(&config).map(|event| Ok(frame(event))))
}

/// Writes one event as the framework does.
fn frame(event: Event) -> sse::Event {
    match event {
        Event::Message(name, data) => sse::Event::default().event(name).data(data),
        Event::Retry(pause) => sse::Event::default().retry(pause),
        Event::Heartbeat => sse::Event::default().comment("still here"),
    }
}

/// Asks the database that the settings name.
async fn database(Connection(connection): Connection) -> Result<Json<Database>, Failure> {
    Ok(Json(Database::ask(&connection).await?))
}

/// Asks the plugin of the configuration.
async fn greet(config: Config, Query(visitor): Query<Visitor>) -> Result<String, Failure> {
    Ok(config.greet(visitor).await?)
}

/// Answers a path that the configuration's `routes:` hold.
async fn configured(config: Config) -> Result<String, Failure> {
    Ok(config.configured_text()?)
}
