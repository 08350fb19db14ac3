//! The answer to a request while no server takes it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// The reason why no server serves.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// A sentence.
    pub(crate) reason: String,
    /// The compiler's output; empty if no build has failed.
    pub(crate) output: String,
}

impl Page {
    /// Status 503, and the reason: as HTML for a browser, as text for others.
    pub(crate) fn response(&self, request: &HeaderMap) -> Response<Full<Bytes>> {
        let accepted = request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let is_browser = accepted.into_iter().any(|value| value.contains("text/html"));
        let (text, kind) = if is_browser {
            (self.html(), "text/html; charset=utf-8")
        } else {
            (self.text(), "text/plain; charset=utf-8")
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn text(&self) -> String {
        let gap = if self.output.is_empty() { "" } else { "\n" };
        format!("hotrun: {}\n{gap}{}", self.reason, self.output)
    }

    /// The page loads itself again. During a build that request waits, and then shows the new server's answer.
    fn html(&self) -> String {
        let output = match escaped(&self.output) {
            output if output.is_empty() => output,
            output => format!("<pre>{output}</pre>\n"),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"1\">\n\
             <title>hotrun: no server</title>\n<h1>No server</h1>\n<p>{}</p>\n{output}</html>\n",
            escaped(&self.reason)
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use hyper::header::{ACCEPT, HeaderMap, HeaderValue};

    use super::Page;

    #[test]
    fn a_browser_gets_html_in_which_nothing_of_the_output_is_markup() {
        let page = Page { reason: "the build failed".to_owned(), output: "<script> \"a\" & b".to_owned() };
        let mut browser = HeaderMap::new();
        browser.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"));
        for (headers, kind) in [(browser, "text/html"), (HeaderMap::new(), "text/plain")] {
            let response = page.response(&headers);
            assert_eq!(response.status(), 503);
            assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind));
        }
        assert!(page.html().contains("<pre>&lt;script&gt; &quot;a&quot; &amp; b</pre>"), "{}", page.html());
        assert_eq!(page.text(), "hotrun: the build failed\n\n<script> \"a\" & b");
        let died = Page { output: String::new(), ..page };
        assert!(!died.html().contains("<pre>") && died.text() == "hotrun: the build failed\n");
    }
}
