//! The routes of the site and their handlers.

use std::convert::Infallible;

use futures_util::StreamExt;
use site::{Database, DynamicConfig, Event, Page, Site, Visitor};
use warp::{Filter, Rejection, Reply, reply, sse};

use crate::config::{Config, config};
use crate::database::{Connection, connection};
use crate::failure::{Failure, recover};
use crate::middleware::{admitted, etag, page_policy};
use crate::operations::operations;

/// The routes of the site.
pub(crate) fn routes(
    site: Site,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone + Send + Sync + 'static {
    let operations = operations(&site);
    let database = read().and(connection(site.clone())).then(database);
    let state = warp::any().map(move || site.clone());
    let index = read().and(state.clone()).and(config()).then(index).with(page_policy());
    let dynamic_config = read().and(etag(config().then(dynamic_config)));
    let events = read().and(state).and(config()).then(events);
    let greet = read().and(config()).and(warp::query()).then(greet);
    let routes = (warp::path::end().and(index))
        .or(warp::path!("dynamic-config").and(dynamic_config))
        .or(warp::path!("events").and(events))
        .or(warp::path!("database").and(database))
        .or(warp::path!("greet").and(greet))
        .or(operations)
        .or(config().and_then(configured));
    admitted().and(routes).recover(recover)
}

/// Renders the page with the configuration of this request.
async fn index(site: Site, config: Config) -> Result<impl Reply, Failure> {
    Ok(reply::html(config.templates().render("index.html", &Page::new(&site, &config))?))
}

/// Answers the dynamic part of the configuration.
async fn dynamic_config(config: Config) -> impl Reply {
    reply::json(&DynamicConfig::new(&config))
}

/// Sends what happens to the site for as long as the client stays.
async fn events(site: Site, config: Config) -> impl Reply {
    sse::reply(site.events(&config).map(|event| Ok::<_, Infallible>(frame(event))))
}

/// Writes one event as the framework does.
fn frame(event: Event) -> sse::Event {
    match event {
        Event::Message(name, data) => sse::Event::default().event(name).data(&*data),
        Event::Retry(pause) => sse::Event::default().retry(pause),
        Event::Heartbeat => sse::Event::default().comment("still here"),
    }
}

/// Asks the database that the settings name.
async fn database(Connection(connection): Connection) -> Result<impl Reply, Failure> {
    Ok(reply::json(&Database::ask(&connection).await?))
}

/// Asks the plugin of the configuration.
async fn greet(config: Config, visitor: Visitor) -> Result<String, Failure> {
    Ok(config.greet(visitor).await?)
}

/// Answers a path that the configuration's `routes:` hold. On other paths the rejections of the other filters count.
async fn configured(config: Config) -> Result<impl Reply, Rejection> {
    config.configured_text().map_err(|error| match error {
        site::Error::NotFound { .. } => warp::reject::not_found(),
        error => Failure(error).into(),
    })
}

/// `warp::get` rejects `HEAD`.
pub(crate) fn read() -> impl Filter<Extract = (), Error = Rejection> + Copy + Send + Sync + 'static {
    warp::get().or(warp::head()).unify()
}
