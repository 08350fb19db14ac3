//! Questions to one endpoint: JSON over HTTP. Bytes are base64, and 64-bit numbers are texts.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, header};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::body;
use crate::connection;
use crate::endpoint::Endpoint;
use crate::etcd::answer::{self, Range};
use crate::etcd::place::{self, Credentials};
use crate::failure::Failure;
use crate::fetched::MAX_TEXT;

/// One endpoint. A token is kept until it is refused.
pub(crate) struct Gateway {
    endpoint: Endpoint,
    credentials: Option<Credentials>,
    token: Option<String>,
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
        let range = answer::range(&answer)?;
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
            let status = response.status();
            let bytes = body::read(response.into_body(), MAX_ANSWER).await?;
            answer::json(status, &bytes, self.scheme())
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
        let status = response.status();
        answer::token(status, &body::read(response.into_body(), MAX_ANSWER).await?, self.scheme())
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

    fn scheme(&self) -> &'static str {
        place::scheme(self.endpoint.is_tls)
    }

    fn silent(&self) -> Failure {
        Failure::new(format!("{}: no answer within {} s", self.endpoint, ANSWER.as_secs()))
    }
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
