//! Forwards one request to the current server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Method, Request, Response, StatusCode, Uri, Version, upgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use crate::proxy::backend::{Backends, connect};

/// The longest wait for a server. A cold build can take that long.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Pause between two attempts to connect to the current server.
const AGAIN: Duration = Duration::from_millis(10);

/// The server's body, or a sentence of the proxy.
pub(super) type Body = Either<Incoming, Full<Bytes>>;

/// Headers of the connection and not of the message (RFC 9110, 7.6.1).
const OF_A_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Forwards the request and returns the answer.
pub(super) async fn run(mut request: Request<Incoming>, backends: &Arc<Backends>) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return words(StatusCode::NOT_IMPLEMENTED, "hotrun's proxy leads to one server only");
    }
    let upgrades = upgrade_of(request.headers());
    let ours = upgrades.is_some().then(|| upgrade::on(&mut request));
    prepare(&mut request, upgrades);
    let (head, body) = request.into_parts();
    let repeats = head.method.is_idempotent() && body.is_end_stream();
    let mut body = Some(if repeats { Either::Right(Empty::new()) } else { Either::Left(body) });
    let mut left = backends.unreached;
    loop {
        let choice = tokio::select! {
            biased;
            choice = backends.choose(LONGEST_WAIT) => choice,
            page = backends.refused() => return page.response(&head.headers).map(Either::Right),
        };
        let Some(choice) = choice else {
            return words(StatusCode::SERVICE_UNAVAILABLE, "no server has become ready");
        };
        let target = choice.target;
        let reused = backends.reuse();
        let fresh = reused.is_none();
        let mut connection = match reused {
            Some(connection) => connection,
            None => match connect(target).await {
                Ok(connection) => connection,
                // The server is gone, or does not listen yet.
                Err(_) if backends.has_gone(target, AGAIN).await => continue,
                Err(error) => {
                    left = left.saturating_sub(AGAIN);
                    if left.is_zero() {
                        return words(
                            StatusCode::BAD_GATEWAY,
                            &format!("the server cannot be reached: {error}"),
                        );
                    }
                    continue;
                }
            },
        };
        let sent = body.take().unwrap_or(Either::Right(Empty::new()));
        let mut request = Request::from_parts(head.clone(), sent);
        request.headers_mut().entry(HOST).or_insert_with(|| host(target));
        match connection.try_send_request(request).await {
            Ok(mut response) => {
                if let (Some(ours), StatusCode::SWITCHING_PROTOCOLS) = (ours, response.status()) {
                    join(ours, upgrade::on(&mut response));
                } else {
                    backends.keep(connection, target);
                    strip(response.headers_mut());
                }
                return response.map(Either::Left);
            }
            Err(mut error) => match error.take_message() {
                // Nothing of it was sent: the server had closed this kept connection.
                Some(unsent) if !fresh => body = Some(unsent.into_body()),
                // The server may have closed the kept connection while the request was on its way. This request can be repeated.
                None if !fresh && repeats => {}
                _ => {
                    let error = error.into_error();
                    return words(StatusCode::BAD_GATEWAY, &format!("the server broke off: {error}"));
                }
            },
        }
    }
}

/// The protocol that the client asks to upgrade to.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut words = connection.flat_map(|value| value.split(','));
    let asked = words.any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    asked.then(|| headers.get(UPGRADE).cloned()).flatten()
}

/// Changes the client's request into the proxy's request.
fn prepare(request: &mut Request<Incoming>, upgrades: Option<HeaderValue>) {
    *request.version_mut() = Version::HTTP_11;
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    strip(request.headers_mut());
    if let Some(protocol) = upgrades {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(UPGRADE, protocol);
    }
}

/// Removes the headers of the connection, and those that `Connection` names.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_A_CONNECTION.into_iter().chain(named) {
        headers.remove(name);
    }
}

/// Copies bytes between the client and the server until both have ended.
fn join(client: upgrade::OnUpgrade, server: upgrade::OnUpgrade) {
    tokio::spawn(async move {
        if let (Ok(client), Ok(server)) = (client.await, server.await) {
            let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(server)).await;
        }
    });
}

fn host(target: SocketAddr) -> HeaderValue {
    HeaderValue::try_from(target.to_string()).expect("an address is digits, dots and colons")
}

fn words(status: StatusCode, words: &str) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(format!("hotrun: {words}\n"))));
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};

    use super::{strip, upgrade_of};

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn headers_of_the_connection_are_not_forwarded() {
        let mut all = headers(&[
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("cookie", "a=b"),
        ]);
        strip(&mut all);
        assert_eq!(all, headers(&[("cookie", "a=b")]));
    }

    #[test]
    fn an_upgrade_needs_the_connection_header() {
        let mut all = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(upgrade_of(&all).unwrap(), "websocket");
        all.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        assert_eq!(upgrade_of(&all), None);
        all.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        all.remove(UPGRADE);
        assert_eq!(upgrade_of(&all), None);
    }
}
