//! `etcd://USER:PASSWORD@HOST:PORT,HOST:PORT/KEY`.

use percent_encoding::percent_decode_str;

use crate::endpoint::Endpoint;
use crate::failure::Failure;

/// The endpoints of one etcd, and the key or the prefix there.
pub(crate) struct Place {
    /// At least one.
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) credentials: Option<Credentials>,
    /// Without the slash behind the host.
    pub(crate) key: String,
    /// True if the key ends with a slash: all keys below it are meant.
    pub(crate) is_prefix: bool,
}

/// It has no `Debug`, since it holds a password.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

const PORT: u16 = 2379;

impl Place {
    /// `rest` is the address behind `etcd://`.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Place, String> {
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(Credentials::parse(credentials)), hosts),
            None => (None, authority),
        };
        let is_tls = scheme == "etcds";
        let endpoints = hosts.split(',').map(|host| endpoint(host, is_tls)).collect::<Result<_, _>>()?;
        let key = decoded(key);
        if key.is_empty() {
            return Err(format!(
                "expected a key or a prefix behind the host, such as `{scheme}://HOST:PORT/myapp/`"
            ));
        }
        let is_prefix = key.ends_with('/');
        Ok(Place { endpoints, credentials, key, is_prefix })
    }

    /// The address without credentials.
    pub(crate) fn name(&self) -> String {
        self.name_of(&self.key)
    }

    /// The address of one key.
    pub(crate) fn name_of(&self, key: &str) -> String {
        let endpoints: Vec<String> = self.endpoints.iter().map(ToString::to_string).collect();
        let masked = if self.credentials.is_some() { "***@" } else { "" };
        format!("{}://{masked}{}/{key}", self.scheme(), endpoints.join(","))
    }

    /// The failure of a place without a document.
    pub(crate) fn nothing_there(&self) -> Failure {
        let failure = if self.is_prefix {
            Failure::new(format!("no key below `{}` ends with `.yaml`, `.yml`, `.toml` or `.json`", self.key))
        } else {
            Failure::new(format!("there is no key `{}`", self.key))
        };
        let scheme = self.scheme();
        failure.help(format!(
            "a key that begins with a slash is written with two: `{scheme}://HOST:PORT//myapp/`"
        ))
    }

    fn scheme(&self) -> &'static str {
        scheme(self.endpoints[0].is_tls)
    }
}

impl Credentials {
    fn parse(text: &str) -> Credentials {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Credentials { user: decoded(user), password: decoded(password) }
    }
}

fn endpoint(text: &str, is_tls: bool) -> Result<Endpoint, String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port =
        port.map(str::parse).transpose().map_err(|_| format!("expected a port, {}", expected(is_tls)))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(expected(is_tls));
    }
    Ok(Endpoint { host, port: port.unwrap_or(PORT), is_tls })
}

/// The scheme of an address of etcd.
pub(crate) fn scheme(is_tls: bool) -> &'static str {
    if is_tls { "etcds" } else { "etcd" }
}

fn expected(is_tls: bool) -> String {
    let scheme = scheme(is_tls);
    format!("expected `{scheme}://HOST:PORT/KEY`, or `{scheme}://HOST:PORT/PREFIX/`")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn an_address_names_endpoints_credentials_and_a_key() {
        for (text, endpoints, user, key, is_prefix) in [
            ("a/b", "a:2379", None, "b", false),
            ("a:1,[::1]:2,b/c/", "a:1 [::1]:2 b:2379", None, "c/", true),
            ("[::1]/c/", "[::1]:2379", None, "c/", true),
            ("u:p%40%3A@a:1//c/d.toml", "a:1", Some(("u", "p@:")), "/c/d.toml", false),
            ("u@a/b%20c", "a:2379", Some(("u", "")), "b c", false),
        ] {
            let place = Place::parse("etcd", text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found: Vec<String> = place.endpoints.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), endpoints, "{text}");
            let credentials = place.credentials.as_ref();
            assert_eq!(credentials.map(|found| (&*found.user, &*found.password)), user, "{text}");
            assert_eq!((place.key.as_str(), place.is_prefix), (key, is_prefix), "{text}");
        }
    }
}
