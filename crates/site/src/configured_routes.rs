//! The check of `routes:`.

use configs::{AppConfig, Provenance, Rejection};

use crate::route::{OVERRIDES, Route};

/// Upper bound on the length of a route's path and of its text, in bytes.
const MAX_LENGTH: usize = 1024;

/// Checks every path and every text of `routes:`.
pub(crate) fn check(config: &AppConfig, _: &Provenance) -> Vec<Rejection> {
    config.routes.iter().filter_map(|(path, text)| check_one(path, text)).collect()
}

fn check_one(path: &str, text: &str) -> Option<Rejection> {
    let reject = |message| Some(Rejection::new(format!("routes.{path}"), message));
    if !path.starts_with('/') {
        reject("a route begins with `/`")
    } else if Route::paths().any(|built_in| segments(built_in) == segments(path))
        || segments(path).starts_with(&segments(OVERRIDES))
    {
        reject("this route would shadow a built-in one, expected another path")
    } else if path.len() > MAX_LENGTH {
        reject("the path is too long, expected at most 1 KiB (1024 bytes)")
    } else if text.len() > MAX_LENGTH {
        reject("the text is too long, expected at most 1 KiB (1024 bytes)")
    } else if !path.bytes().all(can_be_sent) {
        let rejection = reject("no client can ask for this path, expected a percent-encoded one");
        rejection.map(|rejection| rejection.help(format!("write `{}`", percent_encoded(path))))
    } else {
        None
    }
}

/// True if a client can send this byte in a path. A request is one line of ASCII; `?` ends the path, `#` the address; clients
/// encode the other three, and servers refuse them.
fn can_be_sent(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'<' | b'>' | b'`')
}

fn percent_encoded(path: &str) -> String {
    let encode =
        |byte: u8| if can_be_sent(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encode).collect()
}

/// The segments of a path as the most lenient router reads it: some routers decode a path, some drop empty segments. A
/// route that a router takes for a built-in one would be answered without its guard.
fn segments(path: &str) -> Vec<Vec<u8>> {
    let decoded = percent_decoded(path);
    decoded.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The bytes of a path without percent-encoding.
pub(crate) fn percent_decoded(path: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let escaped = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%');
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &others[2..] } else { others };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::{check_one, segments};

    #[test]
    fn a_path_is_compared_as_the_most_lenient_router_reads_it() {
        for (path, same) in [
            ("/metrics", true),
            ("/metrics/", true),
            ("//metrics", true),
            ("/%6detrics", true),
            ("/%6Detrics%2f", true),
            ("/metric", false),
            ("/metrics/x", false),
            ("/%metrics", false),
            ("/metrics%2", false),
        ] {
            assert_eq!(segments(path) == segments("/metrics"), same, "{path}");
        }
        assert_eq!(segments("//"), segments("/"));
    }

    #[test]
    fn a_path_that_no_client_can_ask_for_is_rejected_with_the_one_to_write() {
        for (path, help) in [
            ("/\u{e9}", Some("write `/%C3%A9`")),
            ("/<", Some("write `/%3C`")),
            ("/a\r\nb", Some("write `/a%0D%0Ab`")),
            ("/a b", Some("write `/a%20b`")),
            ("/a?b#c", Some("write `/a%3Fb%23c`")),
            ("/%C3%A9", None),
            ("/a;b=c,d:e@f!$&'()*+~-_.", None),
        ] {
            let rejection = check_one(path, "text");
            let found = rejection.as_ref().map(|rejection| rejection.help.as_deref().unwrap_or_default());
            assert_eq!(found, help, "{path}");
        }
    }
}
