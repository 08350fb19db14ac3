//! The server.

use std::{io, time::Duration};

use actix_web::{App, HttpServer, middleware::from_fn, rt::net::TcpStream, web::Data};
use futures_util::FutureExt;
use lifecycle::{Connection, Endpoint, Patience, door};
use site::Site;
use tokio::time::sleep;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::{admission::admission, routes::routes};

/// What the acceptor needs for those who are at the door, and the workers for those who were accepted.
const HANDOVER: Duration = Duration::from_millis(250);

/// Serves the site at the endpoint until it is drained.
///
/// actix-web is no service on hyper's types, so it keeps its own server, and the drain stops that through its handle:
/// `stop(true)` alone would drop every connection that waits for a worker, and close those whose request it has not read yet.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    let (listener, drain) = endpoint.into_parts();
    let entrance = listener.try_clone()?;
    let patience = Patience::default();
    // Made here, once: every worker makes an `App` of its own.
    let (site, order, guests) = (Data::new(site), Data::new(drain.clone()), drain.clone());
    let app = move || {
        let app = App::new().app_data(site.clone()).app_data(order.clone());
        app.wrap(from_fn(admission)).configure(routes)
    };
    let mut server = HttpServer::new(app)
        .on_connect(move |socket, data| {
            data.insert(guests.connection());
            let socket = socket.downcast_ref::<TcpStream>();
            if let Some(Ok(ends)) = socket.map(|socket| Connection::accepted(socket, patience)) {
                data.insert(ends);
            }
        })
        .client_request_timeout(patience.head)
        .keep_alive(patience.head)
        .h1_allow_half_closed(false)
        .disable_signals()
        .shutdown_timeout(drain.timeouts().deadline.as_secs() + 1)
        .listen(listener)?
        .run();
    // The first poll starts everything, and would announce what has been announced.
    if let Some(ended) = with_default(NoSubscriber::new(), || (&mut server).now_or_never()) {
        return ended;
    }
    let handle = server.handle();
    tokio::spawn(async move {
        drain.last_call().await;
        if !drain.is_shared() && door::shut(&entrance).is_ok() {
            sleep(HANDOVER).await;
            if drain.is_shared() {
                let _ = door::open(&entrance);
            }
        }
        handle.pause().await;
        drop(entrance);
        if drain.is_shared() {
            sleep(HANDOVER).await;
            drain.lingered().await;
        }
        // What was sent before the end of the linger is read first, also by workers that were kept from it.
        sleep(HANDOVER).await;
        handle.stop(true).await;
    });
    server.await
}
