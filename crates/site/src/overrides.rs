//! `/config/overrides`: the values that are set at run time.

use std::time::Duration;

use configs::{RuntimeValue, SetError};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, json_answer},
    configured_routes::percent_decoded,
    error::Error,
    request::RequestContext,
    site::Site,
};

/// The path of the list. Below it, each value has a path of its own.
pub(crate) const PATH: &str = "/config/overrides";

/// Upper bound on the wait of a request for the decision.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Listed<'a> {
    key: &'a str,
    value: &'a Value,
    /// RFC 3339; null if the value stays until it is taken back.
    until: Option<String>,
}

impl Site {
    /// `GET /config/overrides`: the values that are set at run time.
    pub(crate) fn overrides(&self) -> Answer {
        let values = self.configs().overrides();
        json_answer(200, &values.iter().map(Listed::of).collect::<Vec<_>>())
    }

    /// `GET`, `PUT` and `DELETE` below `/config/overrides/`: shows, sets or takes back one value.
    pub async fn override_key(&self, request: &RequestContext, body: &[u8]) -> Result<Answer, Error> {
        let method = request.method();
        let key = key_of(request.path()).filter(|_| matches!(method, "GET" | "HEAD" | "PUT" | "DELETE"));
        if matches!(method, "PUT" | "DELETE") && self.is_handing_over() {
            let sentence = "this server is being upgraded or stopped: send the request again in a moment";
            return Err(Error::Unavailable { sentence });
        }
        Ok(match String::from_utf8(percent_decoded(key.ok_or(Error::OverrideMethod)?).into_owned()) {
            Ok(key) => self.answer(method, &key, request.query(), body).await,
            Err(_) => refused(400, &SetError::Malformed.to_string()),
        })
    }

    async fn answer(&self, method: &str, key: &str, query: Option<&str>, body: &[u8]) -> Answer {
        let changed = match method {
            "PUT" => match (parse(body), lasting(query)) {
                (Ok(value), Ok(lasting)) => self.decided(self.configs().set(key, value, lasting)).await,
                (Err(problem), _) | (_, Err(problem)) => return refused(400, &problem),
            },
            "DELETE" => {
                let before = self.override_of(key);
                return match (self.decided(self.configs().unset(key)).await, before) {
                    (Ok(()), Some(value)) => json_answer(200, &Listed::of(&value)),
                    (Ok(()), None) => json_answer(200, &Value::Null),
                    (Err(answer), _) => answer,
                };
            }
            _ => Ok(()),
        };
        match (changed, self.override_of(key)) {
            (Err(answer), _) => answer,
            (Ok(()), Some(value)) => json_answer(200, &Listed::of(&value)),
            (Ok(()), None) => refused(404, &SetError::NotSet.to_string()),
        }
    }

    /// Waits for the decision about a change.
    async fn decided(&self, decision: impl Future<Output = Result<(), SetError>>) -> Result<(), Answer> {
        let Ok(decided) = tokio::time::timeout(PATIENCE, decision).await else {
            return Err(refused(503, "the change is still under way"));
        };
        decided.map_err(|error| {
            let status = match &error {
                SetError::Malformed => 400,
                SetError::Secret => 403,
                SetError::NotSet => 404,
                SetError::HeldBy(_) => 409,
                SetError::Rejected(_) => 422,
                _ => 500,
            };
            refused(status, &error.to_string())
        })
    }

    fn override_of(&self, key: &str) -> Option<RuntimeValue> {
        self.configs().overrides().into_iter().find(|value| value.key == key)
    }
}

impl<'a> Listed<'a> {
    fn of(value: &'a RuntimeValue) -> Listed<'a> {
        let until = value.until.map(|until| until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        Listed { key: &value.key, value: &value.value, until }
    }
}

/// The key in a path below [`PATH`], as the client wrote it.
pub(crate) fn key_of(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)?.strip_prefix('/').filter(|key| !key.is_empty())
}

fn refused(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({ "error": message }))
}

/// The message does not repeat the body: it may hold a secret.
fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("expected a JSON value such as `\"debug\"`: line {line}, column {column} of the body is none")
    })
}

/// The time in `for=10m`; `None` without a query.
fn lasting(query: Option<&str>) -> Result<Option<Duration>, String> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let expected =
        "expected a length of time such as `?for=10m`, with `s`, `m`, `h` or `d`, and no other parameter";
    let text = query.strip_prefix("for=").ok_or(expected)?;
    let length: SignedDuration = match text.strip_suffix('d').map(str::parse::<u16>) {
        Some(Ok(days)) => SignedDuration::from_hours(24 * i64::from(days)),
        _ => text.parse().map_err(|_| expected)?,
    };
    let length = Duration::try_from(length).ok().filter(|length| !length.is_zero());
    length.map(Some).ok_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::lasting;

    #[test]
    fn a_time_has_a_unit_and_nothing_stands_beside_it() {
        for (query, expected) in [
            (None, Some(None)),
            (Some(""), Some(None)),
            (Some("for=90s"), Some(Some(90))),
            (Some("for=10m"), Some(Some(600))),
            (Some("for=1h30m"), Some(Some(5400))),
            (Some("for=2d"), Some(Some(172_800))),
            (Some("for=10"), None),
            (Some("for=0s"), None),
            (Some("for=-1s"), None),
            (Some("for=soon"), None),
            (Some("fro=10m"), None),
            (Some("for=10m&x=1"), None),
        ] {
            let expected = expected.map(|expected| expected.map(Duration::from_secs));
            assert_eq!(lasting(query).ok(), expected, "{query:?}");
        }
    }
}
