//! Fuzzes the answers of remote sources: those of etcd's gateway, and the headers and redirects of HTTP servers.
//!
//! The first byte of the input chooses the reader. Nothing may panic. No failure repeats what the server sent. A watch tells
//! the same whichever parts its lines come in. A redirect takes no password to another host and does not leave `https://`.
#![no_main]

use configs_remote::fuzzing::{etcd_range, etcd_token, etcd_watch, headers, redirect};
use libfuzzer_sys::fuzz_target;

/// A text in the seeds that no failure may repeat.
const PLANTED: &str = "Xq7hunter2ZZ";

/// Statuses that etcd and proxies before it answer with.
const STATUSES: [u16; 6] = [200, 400, 401, 404, 500, 503];

fuzz_target!(|input: &[u8]| {
    let Some((&reader, input)) = input.split_first() else { return };
    let status = STATUSES[usize::from(reader / 5) % STATUSES.len()];
    match reader % 5 {
        0 => match etcd_range(status, input) {
            Ok(length) => assert!(length <= input.len(), "{length} bytes from {}", input.len()),
            Err(failure) => repeats_nothing(&failure),
        },
        1 => {
            if let Err(failure) = etcd_token(status, input) {
                repeats_nothing(&failure);
            }
        }
        2 => {
            let whole = etcd_watch([input]);
            let by_byte = etcd_watch(input.chunks(1));
            let halves = input.split_at(input.len() / 2);
            let by_halves = etcd_watch([halves.0, halves.1]);
            // A watch that is over tells nothing more: events before its end may be read with the end or before it.
            assert_eq!(whole.0, by_byte.0, "the end, byte by byte");
            assert_eq!(whole.0, by_halves.0, "the end, by halves");
            if !whole.0 {
                assert_eq!((whole.1, whole.1), (by_byte.1, by_halves.1), "the change");
            }
        }
        3 => redirected(input),
        _ => {
            let mut pieces = input.split(|byte| *byte == 0);
            let (content_type, applied) =
                (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
            for url in ["http://a/", "http://a/x.toml", "https://a/b.c/d"] {
                headers(url, content_type, applied);
            }
        }
    }
});

fn redirected(location: &[u8]) {
    let text = String::from_utf8_lossy(location);
    for from in ["http://user:Xq7hunter2ZZ@a/x", "https://user:Xq7hunter2ZZ@a:8443/x/y?z"] {
        match redirect(from, location) {
            Some(Ok(to)) => {
                assert!(from.starts_with("http:") || to.starts_with("https:"), "{from} to {to}");
                let is_same_host = to.contains("@a/") || to.contains("@a:8443/");
                let is_taken = to.contains(PLANTED) && !text.contains(PLANTED);
                assert!(!is_taken || is_same_host, "the password goes from {from} to {to}");
            }
            Some(Err(failure)) => repeats_nothing(&failure),
            None => {}
        }
    }
}

fn repeats_nothing(failure: &str) {
    assert!(!failure.contains(PLANTED), "{failure}");
}
