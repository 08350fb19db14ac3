//! The check of `routes:`.

use std::borrow::Cow;

use configs::{AppConfig, Provenance, Rejection};

use crate::route::Route;

/// Upper bound on the length of a route's path and of its text, in bytes.
const MAX_LENGTH: usize = 1024;

/// Checks every path and every text of `routes:`.
pub(crate) fn check(config: &AppConfig, _: &Provenance) -> Vec<Rejection> {
    let built_in: Vec<_> = Route::paths().map(|path| segments(path.as_bytes())).collect();
    config.routes.iter().filter_map(|(path, text)| check_one(path, text, &built_in)).collect()
}

/// `built_in` are the segments of the built-in routes.
fn check_one(path: &str, text: &str, built_in: &[Vec<&[u8]>]) -> Option<Rejection> {
    let reject = |message| Some(Rejection::new(format!("routes.{path}"), message));
    let decoded = percent_decoded(path);
    let segments = segments(&decoded);
    if !path.starts_with('/') {
        reject("a route begins with `/`")
    } else if segments.iter().any(|segment| matches!(*segment, b"." | b"..")) {
        reject("clients remove the segments `.` and `..` from a path, expected a path without them")
    } else if is_built_in(&segments, built_in) {
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

/// True if a router may take a path with these segments for a built-in one. It would be answered without its guard.
fn is_built_in(segments: &[&[u8]], built_in: &[Vec<&[u8]>]) -> bool {
    // Below this path, each value has a path of its own.
    let is_override = || segments.starts_with(&[b"config", b"overrides"]);
    built_in.iter().any(|route| route == segments) || is_override()
}

/// The segments of a decoded path as the most lenient router reads it: some routers drop empty segments.
fn segments(path: &[u8]) -> Vec<&[u8]> {
    path.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()).collect()
}

/// The bytes of a path without percent-encoding.
pub(crate) fn percent_decoded(path: &str) -> Cow<'_, [u8]> {
    if !path.contains('%') {
        return path.as_bytes().into();
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let escaped = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%');
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &others[2..] } else { others };
    }
    decoded.into()
}

#[cfg(test)]
mod tests {
    use super::{check_one, is_built_in, percent_decoded, segments};

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
            let decoded = percent_decoded(path);
            assert_eq!(is_built_in(&segments(&decoded), &[segments(b"/metrics")]), same, "{path}");
        }
        assert_eq!(segments(b"//"), segments(b"/"));
    }

    #[test]
    fn a_path_that_clients_change_is_rejected() {
        for (path, is_good) in [
            ("/./a", false),
            ("/a/..", false),
            ("/../a", false),
            ("/%2e/a", false),
            ("/a/.%2E/b", false),
            ("/...", true),
            ("/.well-known/a", true),
            ("/a..b", true),
        ] {
            assert_eq!(check_one(path, "text", &[]).is_none(), is_good, "{path}");
        }
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
            let rejection = check_one(path, "text", &[]);
            let found = rejection.as_ref().map(|rejection| rejection.help.as_deref().unwrap_or_default());
            assert_eq!(found, help, "{path}");
        }
    }
}
