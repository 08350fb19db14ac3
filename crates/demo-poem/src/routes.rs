//! The routes of the site and their handlers.

use std::time::Duration;

use futures_util::StreamExt;
use poem::web::sse::{self, SSE};
use poem::web::{Data, Html, Json, Query};
use poem::{EndpointExt, Route, get, handler};
use site::{Database, DynamicConfig, Event, Page, Site, Visitor};

use crate::config::Config;
use crate::database::Connection;
use crate::failure::Failure;
use crate::middleware::{etag, page_policy};
use crate::operations::operations;

/// The routes of the site.
pub(crate) fn routes() -> Route {
    operations(Route::new())
        .at("/", get(index.with(page_policy())))
        .at("/dynamic-config", get(dynamic_config.around(etag)))
        .at("/events", get(events))
        .at("/database", get(database))
        .at("/greet", get(greet))
        // `/*` would take `/` too.
        .at("/<.+>", configured)
}

/// Renders the page with the configuration of this request.
#[handler]
fn index(Data(site): Data<&Site>, Data(config): Config<'_>) -> Result<Html<String>, Failure> {
    Ok(Html(config.templates().render("index.html", &Page::new(site, config))?))
}

/// Answers the dynamic part of the configuration.
#[handler]
fn dynamic_config(Data(config): Config<'_>) -> Json<DynamicConfig> {
    Json(DynamicConfig::new(config))
}

/// Sends what happens to the site for as long as the client stays.
#[handler]
fn events(Data(site): Data<&Site>, Data(config): Config<'_>) -> SSE {
    SSE::new(site.events(config).map(frame)).keep_alive(Duration::from_secs(15))
}

/// Writes one event as the framework does. A `sse::Event` cannot be a comment, so a heartbeat is an empty message, which
/// clients ignore.
fn frame(event: Event) -> sse::Event {
    match event {
        Event::Message(name, data) => sse::Event::message(&*data).event_type(name),
        Event::Retry(pause) => sse::Event::retry(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        Event::Heartbeat => sse::Event::message(""),
    }
}

/// Asks the database that the settings name.
#[handler]
async fn database(Connection(connection): Connection) -> Result<Json<Database>, Failure> {
    Ok(Json(Database::ask(&connection).await?))
}

/// Asks the plugin of the configuration.
#[handler]
async fn greet(Data(config): Config<'_>, Query(visitor): Query<Visitor>) -> Result<String, Failure> {
    Ok(config.greet(visitor).await?)
}

/// Answers a path that the configuration's `routes:` hold.
#[handler]
fn configured(Data(config): Config<'_>) -> Result<String, Failure> {
    Ok(config.configured_text()?)
}
