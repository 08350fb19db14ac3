//! The requests that the page's server accepts.

/// The properties of a request that count for this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// The one `Host` header, if there is one.
    pub(crate) host: Option<&'a str>,
    pub(crate) origin: Option<&'a str>,
    /// True if the request changes something.
    pub(crate) edits: bool,
}

/// The reason to refuse a request, if any. Its host must be a loopback name with this port, which defeats DNS rebinding. An
/// edit must come from the page itself.
pub(crate) fn refusal(caller: Caller<'_>, port: u16) -> Option<&'static str> {
    let Some(host) = caller.host.filter(|host| is_ours(host, port)) else {
        return Some("`Host` is not a loopback name with this server's port");
    };
    match caller.origin {
        Some(origin) if origin.strip_prefix("http://") == Some(host) => None,
        Some(_) => Some("`Origin` is another page than this one"),
        None if caller.edits => Some("an edit needs an `Origin`, which a browser sends by itself"),
        None => None,
    }
}

fn is_ours(host: &str, port: u16) -> bool {
    let (name, said) = host.rsplit_once(':').unwrap_or((host, "80"));
    (name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")) && said.parse() == Ok(port)
}

#[cfg(test)]
mod tests {
    use super::{Caller, refusal};

    #[test]
    fn only_the_page_itself_is_answered() {
        let good = [
            (Some("127.0.0.1:8000"), None, false),
            (Some("localhost:8000"), None, false),
            (Some("LOCALHOST:8000"), None, false),
            (Some("127.0.0.1:8000"), Some("http://127.0.0.1:8000"), true),
            (Some("localhost:8000"), Some("http://localhost:8000"), true),
        ];
        let bad = [
            (None, None, false),
            (Some("127.0.0.1"), None, false),
            (Some("127.0.0.1:8001"), None, false),
            (Some("evil.example:8000"), None, false),
            (Some("127.0.0.1.evil.example:8000"), None, false),
            (Some("127.0.0.1:8000"), Some("http://evil.example"), false),
            (Some("127.0.0.1:8000"), Some("http://127.0.0.1:8001"), true),
            (Some("127.0.0.1:8000"), Some("https://127.0.0.1:8000"), true),
            (Some("127.0.0.1:8000"), Some("http://localhost:8000"), true),
            (Some("127.0.0.1:8000"), Some("null"), true),
            (Some("127.0.0.1:8000"), None, true),
        ];
        for (callers, refused) in [(&good[..], false), (&bad[..], true)] {
            for &(host, origin, edits) in callers {
                let caller = Caller { host, origin, edits };
                assert_eq!(refusal(caller, 8000).is_some(), refused, "{caller:?}");
            }
        }
        assert_eq!(refusal(Caller { host: Some("localhost"), origin: None, edits: false }, 80), None);
    }
}
