//! The answers of the operational routes: a status, a content type and bytes.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::Serialize;

use crate::{fault, history, request::RequestContext, site::Site};

/// An operational answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// A method of [`Site`] that answers an operational route.
pub type Operation = fn(&Site, &RequestContext) -> Answer;

impl Site {
    /// `GET /page.js`: the script that follows `/events`.
    pub fn page_script(&self, _: &RequestContext) -> Answer {
        Answer { status: 200, content_type: "text/javascript", body: livepage::SCRIPT.into() }
    }

    /// `GET /config/history`: the configuration's attempts.
    pub fn history(&self, _: &RequestContext) -> Answer {
        json(200, history::json(&self.configs().history()))
    }

    /// `GET /healthz`: the process can answer.
    pub fn healthz(&self, _: &RequestContext) -> Answer {
        fault::strike("/healthz");
        json(200, r#"{"status":"ok"}"#)
    }

    /// `GET /readyz`: the process wants new requests.
    pub fn readyz(&self, config: &RequestContext) -> Answer {
        #[derive(Serialize)]
        struct Ready<'a> {
            status: &'static str,
            generation: u64,
            digest: &'a str,
            revision: Option<u64>,
            address: Option<SocketAddr>,
            #[serde(skip_serializing_if = "Option::is_none")]
            environment: Option<&'a str>,
        }
        let draining = self.is_draining();
        let body = Ready {
            status: if draining { "draining" } else { "ready" },
            generation: config.generation(),
            digest: config.digest(),
            revision: config.revision(),
            address: self.address(),
            environment: self.state().environment(),
        };
        json_answer(if draining { 503 } else { 200 }, &body)
    }

    /// `GET /metrics`: the figures in the Prometheus text format.
    pub fn metrics(&self, _: &RequestContext) -> Answer {
        Answer {
            status: 200,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: self.metrics_text().into(),
        }
    }
}

/// A value as JSON.
pub(crate) fn json_answer(status: u16, value: &impl Serialize) -> Answer {
    json(status, serde_json::to_vec(value).expect("strings and numbers are always JSON"))
}

fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer { status, content_type: "application/json", body: body.into() }
}
