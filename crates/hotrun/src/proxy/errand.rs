//! One request, on its way to a server and back.

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

/// How long a request waits for a server: a cold build takes that long.
const PATIENCE: Duration = Duration::from_mins(5);

/// Between two attempts at a server that is the current one and cannot be reached.
const AGAIN: Duration = Duration::from_millis(10);

/// A server that is the current one and does not let anybody in for so long is given up.
const UNREACHED: Duration = Duration::from_secs(10);

/// The server's body, or our own words.
pub(super) type Body = Either<Incoming, Full<Bytes>>;

/// Headers that concern one connection and not the message (RFC 9110, 7.6.1).
const OF_A_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Takes the request to the current server.
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
    let mut left = UNREACHED;
    loop {
        let Some(choice) = backends.choose(PATIENCE).await else {
            return words(StatusCode::SERVICE_UNAVAILABLE, "no server has become ready");
        };
        let target = choice.target;
        let reused = backends.reuse();
        let fresh = reused.is_none();
        let mut connection = match reused {
            Some(connection) => connection,
            None => match connect(target).await {
                Ok(connection) => connection,
                // It has gone, or is about to come.
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
                // Not a byte of it was sent: the server has closed a connection that we had kept.
                Some(unsent) if !fresh => body = Some(unsent.into_body()),
                // It may have been closed while the request was on its way: this one does no harm twice.
                None if !fresh && repeats => {}
                _ => {
                    let error = error.into_error();
                    return words(StatusCode::BAD_GATEWAY, &format!("the server broke off: {error}"));
                }
            },
        }
    }
}

/// The protocol that the client wants to go on with.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut words = connection.flat_map(|value| value.split(','));
    let asked = words.any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    asked.then(|| headers.get(UPGRADE).cloned()).flatten()
}

/// Makes a message of ours of the client's.
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

/// Takes out what concerns a connection only, and what the message itself says does.
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

/// A pipe between the client and the server, until both have ended.
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
    fn what_concerns_a_connection_stays_on_it() {
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
    fn an_upgrade_is_one_only_if_the_connection_says_so() {
        let mut all = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(upgrade_of(&all).unwrap(), "websocket");
        all.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        assert_eq!(upgrade_of(&all), None);
        all.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        all.remove(UPGRADE);
        assert_eq!(upgrade_of(&all), None);
    }
}
