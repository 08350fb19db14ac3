//! The routes of the site and their handlers.

use std::convert::Infallible;

use actix_web::body::{BoxBody, None};
use actix_web::http::{Method, Version};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data, Html, Json, Query, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use futures_util::StreamExt;
use site::{Database, DynamicConfig, Event, Page, Site, Visitor};

use crate::config::Config;
use crate::database::Connection;
use crate::failure::Failure;
use crate::middleware::{catch_panic, etag, page_policy};
use crate::operations::operations;

/// The routes of the site.
pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(read("/", index).wrap(page_policy()))
        .service(read("/dynamic-config", dynamic_config).wrap(from_fn(etag)))
        .service(read("/events", events))
        .service(read("/database", database))
        .service(read("/greet", greet))
        .configure(operations)
        .default_service(web::to(configured).wrap(from_fn(catch_panic)));
}

/// Renders the page with the configuration of this request.
async fn index(site: Data<Site>, config: Config) -> Result<Html, Failure> {
    Ok(Html::new(config.templates().render("index.html", &Page::new(&site, &config))?))
}

/// Answers the dynamic part of the configuration.
async fn dynamic_config(config: Config) -> Json<DynamicConfig> {
    Json(DynamicConfig::new(&config))
}

/// Sends what happens to the site for as long as the client stays.
async fn events(site: Data<Site>, config: Config, request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream");
    if request.method() == Method::HEAD {
        // actix-web would wait for the end of a stream.
        return response.finish().set_body(BoxBody::new(None::new()));
    }
    let frames = site.events(&config).map(|event| Ok::<_, Infallible>(frame(event)));
    let mut response = response.streaming(frames);
    // actix-web would send chunks to HTTP/1.0 too.
    response.head_mut().no_chunking(request.version() == Version::HTTP_10);
    response
}

/// Writes one event. actix-web has no type for server-sent events.
fn frame(event: Event) -> Bytes {
    Bytes::from(match event {
        Event::Message(name, data) => format!("event: {name}\ndata: {data}\n\n"),
        Event::Retry(pause) => format!("retry: {}\n\n", pause.as_millis()),
        Event::Heartbeat => ": still here\n\n".to_owned(),
    })
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

/// `web::get` does not answer `HEAD`.
pub(crate) fn read<T: FromRequest + 'static>(
    path: &str,
    handler: impl Handler<T, Output: Responder + 'static>,
) -> Resource {
    let (get, head) = (web::get().to(handler.clone()), web::head().to(handler));
    web::resource(path).route(get.wrap(from_fn(catch_panic))).route(head.wrap(from_fn(catch_panic)))
}
