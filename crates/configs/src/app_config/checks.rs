//! Checks of single values. A message says what is expected; the value is added to it later.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "garde calls a check with references")]

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

pub(super) fn app_name(name: &str, (): &()) -> garde::Result {
    accept((1..=200).contains(&name.chars().count()), "expected 1 to 200 characters")
}

pub(super) fn host(host: &str, (): &()) -> garde::Result {
    accept(host == "localhost" || host.parse::<IpAddr>().is_ok(), "expected an IP address or `localhost`")
}

pub(super) fn open_port(port: &u16, (): &()) -> garde::Result {
    accept(*port > 0, "expected a port from 1 to 65535")
}

pub(super) fn seconds(seconds: &u32, (): &()) -> garde::Result {
    accept((1..=86_400).contains(seconds), "expected a whole number of seconds from 1 to 86400")
}

pub(super) fn pool_size(size: &u16, (): &()) -> garde::Result {
    accept((1..=1000).contains(size), "expected a whole number from 1 to 1000")
}

pub(super) fn admin_token(token: &SecretString, (): &()) -> garde::Result {
    accept(token.expose_secret().chars().count() >= 8, "expected at least 8 characters")
}

pub(super) fn sha256(digest: &str, (): &()) -> garde::Result {
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    accept(is_digest, "expected 64 hexadecimal digits")
}

/// A minisign key: base64 of 42 bytes, of which the first two are `Ed`.
pub(super) fn public_key(key: &str, (): &()) -> garde::Result {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let is_key = key.len() == 56
        && key.starts_with("RW")
        && matches!(key.as_bytes()[2], b'Q'..=b'T')
        && key.bytes().all(is_base64);
    accept(is_key, "expected a minisign public key: the 56 characters from `RW` on in the key's second line")
}

fn accept(is_good: bool, expected: &str) -> garde::Result {
    if is_good { Ok(()) } else { Err(garde::Error::new(expected)) }
}

#[cfg(test)]
mod tests {
    use super::public_key;

    #[test]
    fn a_public_key_has_minisigns_shape() {
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        for (text, expected) in [
            (key.to_owned(), true),
            (key[..55].to_owned(), false),
            (key.replace("RWQ", "RWU"), false),
            (key.replace('f', "="), false),
            ("ä".repeat(28), false),
        ] {
            assert_eq!(public_key(&text, &()).is_ok(), expected, "{text}");
        }
    }
}
