//! Questions to one endpoint: JSON over HTTP. Bytes are base64, and 64-bit numbers are texts.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::address::Endpoint;
use crate::body;
use crate::client::MAX_TEXT;
use crate::connection;
use crate::etcd::place::Credentials;
use crate::failure::Failure;

/// One endpoint. A token is kept until it is refused.
pub(crate) struct Gateway {
    endpoint: Endpoint,
    credentials: Option<Credentials>,
    token: Option<String>,
}

/// The keys of a range, all at one revision.
pub(crate) struct Range {
    pub(crate) revision: i64,
    pub(crate) values: Vec<KeyValue>,
}

pub(crate) struct KeyValue {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) mod_revision: i64,
}

/// Upper bound on the time for one question.
const ANSWER: Duration = Duration::from_secs(3);
/// Upper bound on an answer: base64 takes 4 bytes for 3.
const MAX_ANSWER: usize = 2 * MAX_TEXT;

impl Gateway {
    pub(crate) fn new(endpoint: Endpoint, credentials: Option<Credentials>) -> Gateway {
        Gateway { endpoint, credentials, token: None }
    }

    /// Reads a key, or all keys with a prefix. The answer is that of a majority of the members.
    pub(crate) async fn range(&mut self, key: &str, is_prefix: bool) -> Result<Range, Failure> {
        let question = keys(key, is_prefix);
        let had_token = self.token.is_some();
        let answer = match self.ask("/v3/kv/range", &question).await {
            // A token ends after some minutes, and with a restart of etcd.
            Err(_) if had_token => {
                self.token = None;
                self.ask("/v3/kv/range", &question).await?
            }
            answer => answer?,
        };
        let range = range(&answer)?;
        let size: usize = range.values.iter().map(|value| value.value.len()).sum();
        if size > MAX_TEXT { Err(body::too_large(MAX_TEXT)) } else { Ok(range) }
    }

    /// Begins to watch a key, or all keys with a prefix, from a revision on.
    pub(crate) async fn watch(
        &mut self,
        key: &str,
        is_prefix: bool,
        revision: i64,
    ) -> Result<Response<Incoming>, Failure> {
        let mut create = keys(key, is_prefix);
        create["start_revision"] = json!(revision.to_string());
        let question = json!({ "create_request": create });
        timeout(ANSWER, self.send("/v3/watch", &question)).await.unwrap_or_else(|_| Err(self.silent()))
    }

    async fn ask(&mut self, path: &str, question: &Value) -> Result<Value, Failure> {
        let exchange = async {
            if self.token.is_none() && self.credentials.is_some() {
                self.token = self.authenticate().await?;
            }
            let response = self.send(path, question).await?;
            answer(response).await
        };
        match timeout(ANSWER, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silent()),
        }
    }

    /// A token for the credentials; `None` if this etcd asks for none.
    async fn authenticate(&self) -> Result<Option<String>, Failure> {
        let Some(Credentials { user, password }) = &self.credentials else { return Ok(None) };
        let question = json!({ "name": user, "password": password });
        let response = self.send("/v3/auth/authenticate", &question).await?;
        let is_refused = !response.status().is_success();
        let bytes = body::read(response.into_body(), MAX_ANSWER).await?;
        if is_refused && contains(&bytes, "authentication is not enabled") {
            return Ok(None);
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        answer["token"].as_str().map(|token| Some(token.to_owned())).ok_or_else(wrong_password)
    }

    async fn send(&self, path: &str, question: &Value) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::post(path)
            .header(header::HOST, self.endpoint.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            // Without it, a member that has lost its leader keeps a watch open and silent.
            .header("grpc-metadata-hasleader", "true");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let body = Full::new(Bytes::from(question.to_string()));
        let request = request.body(body).map_err(|_| Failure::new("etcd has sent a token that is none"))?;
        connection::send(&self.endpoint, request).await
    }

    fn silent(&self) -> Failure {
        Failure::new(format!("{}: no answer within {} s", self.endpoint, ANSWER.as_secs()))
    }
}

/// The JSON of an answer, or the failure that it tells of.
async fn answer(response: Response<Incoming>) -> Result<Value, Failure> {
    let status = response.status();
    let bytes = body::read(response.into_body(), MAX_ANSWER).await?;
    if status == StatusCode::NOT_FOUND {
        return Err(Failure::new("status 404: this is no etcd 3.4 or newer"));
    }
    let answer: Value = serde_json::from_slice(&bytes).map_err(|_| not_etcd())?;
    // A failure may come with status 200.
    let failed = answer.get("error").is_some_and(|error| !error.is_null());
    if status.is_success() && !failed {
        return Ok(answer);
    }
    if ["user name is empty", "invalid auth token"].iter().any(|text| contains(&bytes, text)) {
        return Err(wrong_password());
    }
    if contains(&bytes, "permission denied") {
        return Err(Failure::new("the user may not read these keys"));
    }
    let code = answer["code"].as_u64().map_or(String::new(), |code| format!(", code {code}"));
    Err(Failure::new(format!("etcd cannot answer: status {}{code}", status.as_u16())))
}

fn range(answer: &Value) -> Result<Range, Failure> {
    #[derive(Deserialize)]
    struct Encoded {
        key: String,
        #[serde(default)]
        value: String,
        mod_revision: String,
    }
    let revision = answer["header"]["revision"].as_str().and_then(|revision| revision.parse().ok());
    let revision = revision.ok_or_else(not_etcd)?;
    let encoded = match answer.get("kvs") {
        Some(values) => Vec::<Encoded>::deserialize(values).map_err(|_| not_etcd())?,
        None => Vec::new(),
    };
    let decoded = |encoded: Encoded| {
        Some(KeyValue {
            key: STANDARD.decode(encoded.key).ok()?,
            value: STANDARD.decode(encoded.value).ok()?,
            mod_revision: encoded.mod_revision.parse().ok()?,
        })
    };
    let values = encoded.into_iter().map(decoded).collect::<Option<_>>().ok_or_else(not_etcd)?;
    Ok(Range { revision, values })
}

/// The question for a key, or for all keys with a prefix: up to the prefix whose last byte is one higher.
fn keys(key: &str, is_prefix: bool) -> Value {
    let mut question = json!({ "key": STANDARD.encode(key) });
    if is_prefix {
        // It ends with a slash.
        let mut end = key.as_bytes().to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        question["range_end"] = json!(STANDARD.encode(end));
    }
    question
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

fn wrong_password() -> Failure {
    Failure::new("the user or the password is wrong").help("write `etcd://USER:PASSWORD@HOST:PORT/KEY`")
}

fn not_etcd() -> Failure {
    Failure::new("the answer is none of etcd's")
}

#[cfg(test)]
mod tests {
    use super::range;
    use serde_json::json;

    #[test]
    fn an_answer_that_is_none_is_refused() {
        for (answer, is_good) in [
            (json!({"header": {"revision": "5"}}), true),
            (json!({"header": {"revision": "5"}, "kvs": [{"key": "YQ==", "mod_revision": "3"}]}), true),
            (json!({"header": {"revision": 5}}), false),
            (json!({}), false),
            (json!([]), false),
            (json!({"header": {"revision": "5"}, "kvs": 5}), false),
            (json!({"header": {"revision": "5"}, "kvs": [{"key": "YQ==", "mod_revision": "x"}]}), false),
            (json!({"header": {"revision": "5"}, "kvs": [{"key": "%", "mod_revision": "3"}]}), false),
        ] {
            assert_eq!(range(&answer).is_ok(), is_good, "{answer}");
        }
    }
}
