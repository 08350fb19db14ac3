//! The address of a source, as a user writes it.

use std::fmt::{Display, Formatter};

use url::Url;

/// The place of a source, and the protocol to speak there.
pub(crate) struct Address {
    /// The address without credentials, for messages.
    pub(crate) name: String,
    pub(crate) place: Place,
}

pub(crate) enum Place {
    Http(Url),
    #[cfg(feature = "etcd")]
    Etcd(crate::etcd::Place),
}

/// An address that this build cannot follow, and why. It repeats no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress(String);

const MASK: &str = "***";

impl Display for BadAddress {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

impl Address {
    /// Parses an address.
    pub(crate) fn parse(text: &str) -> Result<Address, BadAddress> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| BadAddress("expected a URL".to_owned()))?;
        match scheme {
            "http" | "https" => {
                need_tls(scheme == "https", scheme)?;
                Address::http(text)
            }
            "etcd" | "etcds" => {
                need_tls(scheme == "etcds", scheme)?;
                Address::etcd(scheme, rest)
            }
            _ => Err(BadAddress(format!(
                "unknown scheme `{scheme}`, expected a path, `http://`, `https://`, `etcd://` or `etcds://`"
            ))),
        }
    }

    fn http(text: &str) -> Result<Address, BadAddress> {
        let url = Url::parse(text).map_err(|error| BadAddress(format!("this is no URL: {error}")))?;
        Ok(Address { name: masked(&url), place: Place::Http(url) })
    }

    #[cfg(feature = "etcd")]
    fn etcd(scheme: &str, rest: &str) -> Result<Address, BadAddress> {
        let place = crate::etcd::Place::parse(scheme, rest).map_err(BadAddress)?;
        Ok(Address { name: place.name(), place: Place::Etcd(place) })
    }

    #[cfg(not(feature = "etcd"))]
    fn etcd(scheme: &str, _: &str) -> Result<Address, BadAddress> {
        Err(BadAddress(format!("`{scheme}://` needs the Cargo feature `etcd` of `configs-remote`")))
    }
}

/// A URL without user, password, query and fragment. A query may hold a token.
pub(crate) fn masked(url: &Url) -> String {
    let mut shown = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        // Both are refused only for a URL without a host.
        let _ = shown.set_username(MASK);
        let _ = shown.set_password(None);
    }
    if url.query().is_some() {
        shown.set_query(Some(MASK));
    }
    shown.set_fragment(None);
    shown.to_string()
}

#[cfg(feature = "tls")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it refuses")]
fn need_tls(_: bool, _: &str) -> Result<(), BadAddress> {
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn need_tls(is_needed: bool, scheme: &str) -> Result<(), BadAddress> {
    if is_needed {
        return Err(BadAddress(format!("`{scheme}://` needs the Cargo feature `tls` of `configs-remote`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_name_holds_no_credentials() {
        for (text, name) in [
            ("http://a/b.yaml", "http://a/b.yaml"),
            ("http://user:hunter2@a:81/b?token=hunter2#hunter2", "http://***@a:81/b?***"),
            ("http://hunter2@a", "http://***@a/"),
            #[cfg(feature = "etcd")]
            ("etcd://user:hunter2@a,b:1/c/", "etcd://***@a:2379,b:1/c/"),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.name), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_bad_address_is_refused_without_its_credentials() {
        for (text, said) in [
            ("consul://hunter2@a/b", "unknown scheme `consul`"),
            ("http://hunter2@", "this is no URL"),
            ("http://hunter2@a:99999/", "this is no URL"),
            #[cfg(feature = "etcd")]
            ("etcd://hunter2@/b", "expected `etcd://HOST:PORT/KEY`"),
            #[cfg(feature = "etcd")]
            ("etcd://hunter2@a:1", "expected a key or a prefix"),
            #[cfg(feature = "etcd")]
            ("etcd://u:hunter2@a:x/b", "expected a port"),
            #[cfg(all(feature = "etcd", feature = "tls"))]
            ("etcds://hunter2@/b", "expected `etcds://HOST:PORT/KEY`"),
            #[cfg(all(feature = "etcd", feature = "tls"))]
            ("etcds://hunter2@a:1", "such as `etcds://HOST:PORT/myapp/`"),
            #[cfg(not(feature = "etcd"))]
            ("etcd://hunter2@a/b", "needs the Cargo feature `etcd`"),
            #[cfg(not(feature = "tls"))]
            ("https://hunter2@a/b", "needs the Cargo feature `tls`"),
        ] {
            let refused = Address::parse(text).map(|address| address.name).expect_err(text).to_string();
            assert!(refused.contains(said) && !refused.contains("hunter2"), "{text}: {refused}");
        }
    }
}
