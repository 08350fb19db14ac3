//! The text at a URL.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configs::{Format, SourceDocument, SourceText};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::address::masked;
use crate::backoff::jittered;
use crate::body;
use crate::connection;
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::fetched::{Fetched, MAX_TEXT};
use crate::kept::sha256;

/// Asks one URL. It sends back the validators of the last answer (RFC 9110, section 13). It asks the server to wait for a
/// change (`Prefer: wait`, RFC 7240).
pub(crate) struct Http {
    url: Url,
    poll: Duration,
    /// `If-None-Match` or `If-Modified-Since`.
    validator: Option<(header::HeaderName, HeaderValue)>,
    /// True if the server waits for a change, or has not been asked to so far.
    asks_at_once: bool,
}

const MAX_REDIRECTS: usize = 5;
/// Time that the server is asked to wait for a change.
const WAIT: &str = "wait=20";
/// Upper bound on the time from a question to the end of the answer. A server that waits needs 20 s of it.
const ANSWER: Duration = Duration::from_secs(30);
/// The same for the first question, on which no server waits.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// An answer without news that came sooner is none that the server has waited for.
const SOON: Duration = Duration::from_secs(1);
/// The pause before a question on which the server waits. A server may have another text for each question.
const SHORTEST: Duration = Duration::from_millis(20);

impl Http {
    pub(crate) fn new(url: Url, poll: Duration) -> Http {
        Http { url, poll, validator: None, asks_at_once: false }
    }

    pub(crate) async fn fetch(&mut self) -> Result<Fetched, Failure> {
        let patience = if self.validator.is_some() { ANSWER } else { FIRST_ANSWER };
        let fetched = timeout(patience, self.exchange()).await.unwrap_or_else(|_| {
            Err(Failure::new(format!("no whole answer within {} s", patience.as_secs())))
        });
        if fetched.is_err() {
            self.validator = None;
        }
        fetched
    }

    pub(crate) async fn wait(&mut self) {
        sleep(if self.asks_at_once { SHORTEST } else { jittered(self.poll) }).await;
    }

    async fn exchange(&mut self) -> Result<Fetched, Failure> {
        let asked = Instant::now();
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let endpoint = Endpoint::of(&url).ok_or_else(|| Failure::new("the URL has no host"))?;
            let response = connection::send(&endpoint, self.request(&url, &endpoint)?).await?;
            match response.status() {
                StatusCode::OK => return self.text(response).await,
                StatusCode::NOT_MODIFIED if self.validator.is_some() => {
                    self.asks_at_once = offers_to_wait(response.headers()) && asked.elapsed() > SOON;
                    return Ok(Fetched::Unchanged);
                }
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => url = target(&url, response.headers())?,
                status => return Err(refused(status, self.url.scheme())),
            }
        }
        Err(Failure::new(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn request(&self, url: &Url, endpoint: &Endpoint) -> Result<Request<Full<Bytes>>, Failure> {
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let mut request = Request::get(path)
            .header(header::HOST, endpoint.to_string())
            .header(
                header::ACCEPT,
                "application/yaml, application/toml, application/json, text/*;q=0.9, */*;q=0.1",
            )
            .header(header::USER_AGENT, concat!("configs-remote/", env!("CARGO_PKG_VERSION")));
        if let Some((name, value)) = &self.validator {
            request = request.header(name, value).header("prefer", WAIT);
        }
        if let Some(credentials) = credentials(url) {
            request = request.header(header::AUTHORIZATION, credentials);
        }
        request.body(Full::default()).map_err(|_| Failure::new("the URL cannot be asked for"))
    }

    async fn text(&mut self, response: Response<Incoming>) -> Result<Fetched, Failure> {
        let headers = response.headers();
        let was_asked_to_wait = self.validator.is_some();
        let has_waited = was_asked_to_wait && offers_to_wait(headers);
        let etag = headers.get(header::ETAG).cloned();
        let modified = headers.get(header::LAST_MODIFIED).cloned();
        let format = format(&self.url, headers);
        let text = body::read(response.into_body(), MAX_TEXT).await?;
        let version = etag.as_ref().and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        self.validator = etag
            .map(|etag| (header::IF_NONE_MATCH, etag))
            .or_else(|| modified.map(|modified| (header::IF_MODIFIED_SINCE, modified)));
        self.asks_at_once = has_waited || (!was_asked_to_wait && self.validator.is_some());
        let document = SourceDocument { name: masked(&self.url), format, text: text.into() };
        let version = version.unwrap_or_else(|| sha256(&document.text)[..16].to_owned());
        Ok(Fetched::Text(SourceText { version, documents: [document].into() }))
    }
}

/// True if the server has applied the wish to wait.
pub(crate) fn offers_to_wait(headers: &HeaderMap) -> bool {
    let applied = headers.get_all("preference-applied").iter().filter_map(|value| value.to_str().ok());
    applied.flat_map(|value| value.split(',')).any(|value| value.trim().starts_with("wait"))
}

/// The URL that a redirect names. Credentials are for the host that they were given for, and never sent without TLS if they were
/// given with it.
pub(crate) fn target(url: &Url, headers: &HeaderMap) -> Result<Url, Failure> {
    let location = headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| url.join(location).ok());
    let mut target = target.ok_or_else(|| Failure::new("a redirect that names no URL"))?;
    match (url.scheme(), target.scheme()) {
        ("http", "http") | ("https", "https") => {}
        ("http", "https") if cfg!(feature = "tls") => {}
        ("http", "https") => {
            return Err(Failure::new("a redirect to `https://`, which needs the Cargo feature `tls`"));
        }
        _ => return Err(Failure::new("a redirect away from `https://` or to another scheme")),
    }
    let is_same_host =
        target.host() == url.host() && target.port_or_known_default() == url.port_or_known_default();
    if target.username().is_empty() && is_same_host {
        // Both are refused only for a URL without a host.
        let _ = target.set_username(url.username());
        let _ = target.set_password(url.password());
    }
    Ok(target)
}

/// `scheme` is that of the given URL, for a help.
fn refused(status: StatusCode, scheme: &str) -> Failure {
    let code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Failure::new(format!("status {code}: the user or the password is wrong, or may not read this"))
                .help(format!("write `{scheme}://USER:PASSWORD@HOST/PATH`"))
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            Failure::new(format!("status {code}: nothing is at this address"))
        }
        _ => Failure::new(format!("status {code}, expected 200")),
    }
}

/// The value of `Authorization`: the user and the password of the URL.
fn credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The format by the ending of the path, else by `Content-Type`.
pub(crate) fn format(url: &Url, headers: &HeaderMap) -> Format {
    let by_path = Format::of(url.path().as_ref());
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let has_ending = url.path().rsplit('/').next().is_some_and(|name| name.contains('.'));
    match content_type.split(';').next().unwrap_or_default().trim() {
        _ if has_ending => by_path,
        "application/json" => Format::Json,
        "application/toml" | "text/x-toml" => Format::Toml,
        _ => by_path,
    }
}

#[cfg(test)]
mod tests {
    use super::{refused, target};
    use hyper::StatusCode;
    use hyper::header::{HeaderMap, LOCATION};
    use url::Url;

    #[test]
    fn a_redirect_keeps_credentials_on_the_same_host_alone() {
        for (location, expected) in [
            ("/b", Some("http://u:p@a/b")),
            ("http://a/c", Some("http://u:p@a/c")),
            ("http://a:81/c", Some("http://a:81/c")),
            ("http://b/c", Some("http://b/c")),
            ("ftp://a/c", None),
            ("file:///etc/passwd", None),
            ("http://", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            let url = Url::parse("http://u:p@a/x").unwrap();
            assert_eq!(target(&url, &headers).ok().as_ref().map(Url::as_str), expected, "{location}");
        }
    }

    #[test]
    fn the_help_for_a_password_keeps_the_scheme() {
        for scheme in ["http", "https"] {
            let help = refused(StatusCode::UNAUTHORIZED, scheme).help;
            assert_eq!(help, Some(format!("write `{scheme}://USER:PASSWORD@HOST/PATH`")));
        }
    }
}
