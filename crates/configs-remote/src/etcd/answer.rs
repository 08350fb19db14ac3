//! Answers of one endpoint: JSON, in which bytes are base64 and 64-bit numbers are texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

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

/// The JSON of an answer, or the failure that it tells of. `scheme` is that of the address, for a help.
pub(crate) fn json(status: StatusCode, bytes: &[u8], scheme: &str) -> Result<Value, Failure> {
    if status == StatusCode::NOT_FOUND {
        return Err(Failure::new("status 404: this is no etcd 3.4 or newer"));
    }
    let answer: Value = serde_json::from_slice(bytes).map_err(|_| not_etcd())?;
    // A failure may come with status 200.
    let failed = answer.get("error").is_some_and(|error| !error.is_null());
    if status.is_success() && !failed {
        return Ok(answer);
    }
    if ["user name is empty", "invalid auth token"].iter().any(|text| contains(bytes, text)) {
        return Err(wrong_password(scheme));
    }
    if contains(bytes, "permission denied") {
        return Err(Failure::new("the user may not read these keys"));
    }
    let code = answer["code"].as_u64().map_or(String::new(), |code| format!(", code {code}"));
    Err(Failure::new(format!("etcd cannot answer: status {}{code}", status.as_u16())))
}

/// The token for the credentials that were sent; `None` if this etcd asks for none. `scheme` is that of the address.
pub(crate) fn token(status: StatusCode, bytes: &[u8], scheme: &str) -> Result<Option<String>, Failure> {
    if !status.is_success() && contains(bytes, "authentication is not enabled") {
        return Ok(None);
    }
    let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
    answer["token"].as_str().map(|token| Some(token.to_owned())).ok_or_else(|| wrong_password(scheme))
}

/// The keys and values of an answer.
pub(crate) fn range(answer: &Value) -> Result<Range, Failure> {
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

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

fn wrong_password(scheme: &str) -> Failure {
    Failure::new("the user or the password is wrong")
        .help(format!("write `{scheme}://USER:PASSWORD@HOST:PORT/KEY`"))
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
