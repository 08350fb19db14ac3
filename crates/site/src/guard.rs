//! The rule for the guarded routes.

use std::net::{IpAddr, SocketAddr};

use crate::request_head::RequestHead;

/// Headers that proxies add. With one of them the client is somewhere else, so the connection's ends prove nothing.
const FORWARDING: [&str; 15] = [
    "forwarded",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "fly-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "via",
];

/// True if a request is proved to be local. Both ends of its connection are loopback addresses. It has one `Host`, a loopback
/// name: a web page elsewhere whose name was made to point here has another. Its target has no other host, and it has no
/// forwarding header.
///
/// A proxy on the same machine may add no header and set `Host` to its upstream (nginx's bare `proxy_pass`). It cannot be told
/// from a local client. Behind a proxy an `admin_token` must be set.
pub(crate) fn is_local(head: &RequestHead<'_>) -> bool {
    let loopback = |end: SocketAddr| end.ip().to_canonical().is_loopback();
    head.ends.is_some_and(|(peer, local)| loopback(peer) && loopback(local))
        && head.hosts == 1
        && (head.header)("host").is_some_and(is_loopback_name)
        && head.target_host.is_none_or(|host| is_loopback_name(host.as_bytes()))
        && FORWARDING.iter().all(|name| (head.header)(name).is_none())
}

/// True if the header is `Bearer` with this token, compared in constant time.
pub(crate) fn bears(authorization: Option<&[u8]>, token: &str) -> bool {
    let Some((scheme, given)) = authorization.and_then(|header| header.split_at_checked(7)) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"bearer ") && same(given, token.as_bytes())
}

fn is_loopback_name(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Takes as long for the first differing byte as for the last; only the length shows.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && std::hint::black_box(left.iter().zip(right).fold(0, |seen, (l, r)| seen | (l ^ r))) == 0
}

#[cfg(test)]
mod tests {
    use super::{bears, is_local};
    use crate::request_head::RequestHead;

    fn local(peer: &str, own: &str, headers: &[(&str, &str)]) -> bool {
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_bytes());
        is_local(&RequestHead {
            method: "GET",
            path: "/metrics",
            query: None,
            target_host: None,
            ends: Some((peer.parse().unwrap(), own.parse().unwrap())),
            half_closed: None,
            hosts: headers.iter().filter(|(name, _)| *name == "host").count(),
            header: &header,
        })
    }

    #[test]
    fn only_a_request_that_is_local_beyond_doubt_is_local() {
        let here = "127.0.0.1:5000";
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("127.8.9.1", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("example.com", false),
            ("localhost.example.com", false),
            ("127.0.0.1.nip.io", false),
            ("localhost:", false),
            ("localhost:80x", false),
            ("", false),
        ] {
            assert_eq!(local(here, "127.0.0.1:8080", &[("host", host)]), expected, "{host}");
        }
        assert!(local("[::ffff:127.0.0.1]:1", "[::1]:1", &[("host", "localhost")]));
        assert!(!local("10.0.0.1:1", "127.0.0.1:1", &[("host", "localhost")]));
        assert!(!local(here, "10.0.0.1:1", &[("host", "localhost")]));
        assert!(!local(here, here, &[]));
        assert!(!local(here, here, &[("host", "localhost"), ("host", "example.com")]));
        for name in super::FORWARDING {
            assert!(!local(here, here, &[("host", "localhost"), (name, "")]), "{name}");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        for (header, expected) in [
            ("Bearer correct horse", true),
            ("bearer correct horse", true),
            ("Bearer correct hors", false),
            ("Bearer correct horse ", false),
            ("Bearer  correct horse", false),
            ("Basic correct horse", false),
            ("Bearer", false),
            ("", false),
        ] {
            assert_eq!(bears(Some(header.as_bytes()), "correct horse"), expected, "{header}");
        }
        assert!(!bears(None, "correct horse"));
    }
}
